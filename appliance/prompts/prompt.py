"""A prompt: sections and one example template over slots, with the rules that render it."""

from __future__ import annotations

import hashlib
import re
from math import isfinite
from typing import Literal

import msgspec

from appliance.errors import PromptError
from appliance.prompts.canonical import canonical
from appliance.prompts.likeness import Likeness
from appliance.prompts.linear_map import LinearMap

SECTIONS = ("role", "task", "definitions", "guidance", "output")
SECTION_SLOTS = frozenset({"labels", "definitions"})
CONTENT_SLOTS = frozenset({"text", "head", "tail", "marked", "question", "choices"})
LABEL_SLOTS = frozenset({"label", "definition", "support"})
EXAMPLE_SLOTS = CONTENT_SLOTS | LABEL_SLOTS | {"reasoning", "answer"}
REVERSE_SLOTS = CONTENT_SLOTS - {"choices"} | {"label"}
Wording = Literal["plain", "lower", "title", "upper", "snake", "quoted"]
Order = Literal["given", "reversed", "label", "shortest", "longest"]
Marking = Literal["subject", "e1", "typed"]
Output = Literal["json", "tags"]
Readout = Literal["words", "hidden"]
Options = Literal["letters", "words"]
Form = Literal["choice", "yesno", "written"]
YES_NO = ("yes", "no")

_names = "|".join(sorted(SECTION_SLOTS | EXAMPLE_SLOTS))
SLOT = re.compile(rf"\{{(\{{(?!(?:{_names})\}})[a-z]+\}})\}}|\{{([a-z]+)\}}")
"""A slot, whose name is the second group, or a word that stands in two pairs of braces because it
is meant to be written in one, which is the first."""


class Section(msgspec.Struct, frozen=True):
    name: str
    text: str


class Prompt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that decides how a case becomes text and how its answer is scored.

    ``{{word}}`` in a template is written ``{word}``, where that is not the name of a slot. A
    section's text is literal but for ``{labels}`` (the labels, joined by ``join``) and
    ``{definitions}`` (one line a label). ``example`` renders a demonstration whole and the query up
    to what is asked for, its last slot. That slot makes the ``form``:

    - ``choice``: ``{label}`` is one of the labels;
    - ``yesno``: ``{answer}`` is yes or no for each ``{label}`` in turn, which the example names
      before, with its ``{definition}`` and the rows that stand for it (``{support}``);
    - ``written``: ``{answer}`` is what the model writes; where ``{reasoning}`` stands before it,
      it writes that first, and the literal between the two is what draws the answer out of it.

    What follows the last slot is the separator that ends an answer. ``wording`` is a rule that any
    label can follow; ``words`` are written instead of the labels of a fixed task, or of yes and no.
    ``marking`` is how ``{marked}`` shows a relation's entities in the text, ``output`` how entities
    are written. ``shots`` are ids of the rows shown under the fixed protocol. Where a text lists
    its ``options`` by letter (``prompts/options.py``), either the letters are the answers, or each
    option's ``words`` are and the list is left out of the text.

    ``readout`` says how a label is read: ``words`` compares the probabilities of the labels as they
    are written after the query, ``hidden`` reads the state that the model has there with a linear
    ``map``, which is fitted when the prompt is tuned, and computes no label. A prompt for episodes
    that reads label words may add how like the query is to each label's support (``likeness``).

    The rest is calibration, fitted to scores. ``weight`` is that of the content-free branch, from 0
    (plain) to 1; ``bias``, where there is one, is taken from the labels' scores (a number each, in
    the task's order, under the fixed protocol alone). ``reverse`` renders a row given its label
    (the channel), whose score has the ``channel_weight``, from 0 to 1. Yes is said above
    ``threshold`` (nats). ``temperature`` makes probabilities of scores; a yes is as likely as a no
    where its score is ``intercept`` above the threshold (nats). An answer whose probability is
    below ``abstain`` is withheld on a device.

    Raises PromptError for templates or numbers that make no prompt.
    """

    sections: tuple[Section, ...]
    example: str
    join: str = ", "
    wording: Wording = "plain"
    order: Order = "given"
    shots: tuple[str, ...] = ()
    weight: float = 0.0
    bias: tuple[float, ...] = ()
    mode: Literal["raw", "chat"] = "raw"
    words: tuple[str, ...] = ()
    marking: Marking = "subject"
    output: Output = "json"
    options: Options = "letters"
    reverse: str = ""
    channel_weight: float = 0.0
    threshold: float = 0.0
    temperature: float = 1.0
    intercept: float = 0.0
    abstain: float = 0.0
    readout: Readout = "words"
    map: LinearMap | None = None
    likeness: Likeness | None = None

    def __post_init__(self) -> None:
        names = [section.name for section in self.sections]
        if unknown := [name for name in names if name not in SECTIONS]:
            raise PromptError(f"unknown section {unknown[0]!r}; known: {', '.join(SECTIONS)}")
        if len(set(names)) != len(names):
            raise PromptError("a section stands twice")
        for section in self.sections:
            _check_slots(section.text, SECTION_SLOTS, section.name)
        _check_example(self)
        if self.reverse:
            _check_slots(self.reverse, REVERSE_SLOTS, "reverse")
            if not re.match(r"[^{]*\{label\}[^{]*\{(text|marked)\}", self.reverse):
                raise PromptError("the reverse template has {label} first and {text} next")
            if self.form != "choice" or self.mode == "chat":
                raise PromptError("a channel belongs to raw prompts that ask for {label}")
        if self.channel_weight and not self.reverse:
            raise PromptError("a channel weight needs a reverse template")
        for name, value in (("weight", self.weight), ("channel weight", self.channel_weight)):
            if not 0.0 <= value <= 1.0:
                raise PromptError(f"calibration {name} {value} is not between 0 and 1")
        if not all(map(isfinite, self.bias)):
            raise PromptError("the bias of a label is not finite")
        if not isfinite(self.threshold):
            raise PromptError("the threshold is not finite")
        if not isfinite(self.intercept):
            raise PromptError("the intercept is not finite")
        if not (isfinite(self.temperature) and self.temperature > 0):
            raise PromptError(f"temperature {self.temperature} is not above 0")
        if not 0.0 <= self.abstain <= 1.0:
            raise PromptError(f"abstention threshold {self.abstain} is not between 0 and 1")
        if self.readout == "hidden" and (
            self.form == "yesno" or self.reverse or "reasoning" in self.slots
        ):
            raise PromptError(
                "a hidden state is read where one of the same labels or options is asked for at "
                "once, without a channel"
            )
        if self.options == "words" and (self.readout == "hidden" or self.form != "written"):
            raise PromptError(
                "options are written by their words in a prompt that asks for {answer} and reads "
                "label words: a state is read before any option stands there"
            )
        if self.map is not None and self.readout != "hidden":
            raise PromptError("a map of hidden states belongs to a prompt whose readout is hidden")
        if self.likeness is not None and (self.form == "written" or self.readout == "hidden"):
            raise PromptError("a likeness belongs to a prompt that reads labels by their words")
        if self.form == "yesno" and len(self.words) not in (0, 2):
            raise PromptError(f"{len(self.words)} words; yes and no are two")

    @property
    def target(self) -> str:
        """The slot that is asked for."""
        return "answer" if "{answer}" in self.example else "label"

    @property
    def form(self) -> Form:
        if self.target == "label":
            return "choice"
        return "yesno" if "{label}" in self.example else "written"

    @property
    def stem(self) -> str:
        """The example up to what is asked for."""
        return self.example.partition(f"{{{self.target}}}")[0]

    @property
    def separator(self) -> str:
        return self.example.partition(f"{{{self.target}}}")[2]

    @property
    def extractor(self) -> str:
        """The literal between reasoning and answer, where there is reasoning."""
        return self.stem.partition("{reasoning}")[2]

    @property
    def likeness_weight(self) -> float:
        return self.likeness.weight if self.likeness else 0.0

    @property
    def id(self) -> str:
        """Content address: SHA-256 of the canonical JSON."""
        return hashlib.sha256(canonical(self)).hexdigest()[:16]

    @property
    def slots(self) -> set[str]:
        """The names of all slots in the example template."""
        return set(_names_in(self.example))

    def section(self, name: str) -> str:
        return next((s.text for s in self.sections if s.name == name), "")

    def with_section(self, name: str, text: str) -> Prompt:
        """The same prompt with one section replaced, added in its place, or dropped when empty."""
        texts = {s.name: s.text for s in self.sections} | {name: text}
        kept = tuple(Section(n, texts[n]) for n in SECTIONS if texts.get(n))
        return msgspec.structs.replace(self, sections=kept)


def split_slots(template: str) -> list[tuple[str, str]]:
    """``[(literal, slot), ...]``; the last slot is empty. Braces that name no slot are literal.

    What stands for a word in braces is a slot that is called as it is to be written, as in
    ``"{word}"``.
    """
    parts, at = [], 0
    for found in SLOT.finditer(template):
        parts.append((template[at : found.start()], found[1] or found[2]))
        at = found.end()
    return [*parts, (template[at:], "")]


def _check_example(prompt: Prompt) -> None:
    example, target = prompt.example, prompt.target
    _check_slots(example, EXAMPLE_SLOTS, "example")
    if example.count(f"{{{target}}}") != 1 or not {"text", "marked"} & prompt.slots:
        raise PromptError(
            "the example template needs {text} or {marked}, and {label} or {answer} exactly once"
        )
    if SLOT.search(prompt.separator):
        raise PromptError(f"no slot can stand after {{{target}}}: the answer ends the example")
    if not prompt.separator:
        raise PromptError(f"nothing follows {{{target}}}: a separator has to end the {target}")
    if prompt.form == "choice" and (foreign := prompt.slots & {"definition", "support"}):
        raise PromptError(f"{{{min(foreign)}}} belongs to yes/no prompts, which ask for {{answer}}")
    if "reasoning" in prompt.slots:
        if prompt.form != "written" or example.count("{reasoning}") > 1:
            raise PromptError("{reasoning} stands once, before an {answer} that is written")
        if SLOT.search(prompt.extractor) or not prompt.extractor.strip():
            raise PromptError(
                "between {reasoning} and {answer} stands text that leads to the answer"
            )


def _check_slots(template: str, known: frozenset[str], where: str) -> None:
    for name in _names_in(template):
        if name not in known:
            slots = ", ".join("{" + slot + "}" for slot in sorted(known))
            what = f"unknown slot {{{name}}} in {where}; known: {slots}"
            if name not in SECTION_SLOTS | EXAMPLE_SLOTS:
                what += f"; to have {{{name}}} written, put it in two pairs of braces"
            raise PromptError(what)


def _names_in(template: str) -> list[str]:
    return [name for _, name in SLOT.findall(template) if name]
