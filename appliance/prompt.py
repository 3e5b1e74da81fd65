"""A prompt: sections and one example template over slots, with the rules that render it."""

from __future__ import annotations

import hashlib
import re
from math import isfinite
from typing import Literal

import msgspec

from appliance.errors import PromptError

SECTIONS = ("role", "task", "definitions", "guidance", "output")
SECTION_SLOTS = frozenset({"labels", "definitions"})
EXAMPLE_SLOTS = frozenset({"text", "head", "tail", "label"})
Wording = Literal["plain", "lower", "title", "upper", "snake", "quoted"]
Order = Literal["given", "reversed", "label", "shortest", "longest"]

_slot = re.compile(r"\{([a-z]+)\}")


class Section(msgspec.Struct, frozen=True):
    name: str
    text: str


class Prompt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that decides how a case becomes text and how its labels are scored.

    A section's text is literal but for ``{labels}`` (the labels, joined by ``join``) and
    ``{definitions}`` (one line a label). ``example`` renders a demonstration whole and the query
    up to ``{label}``; what follows ``{label}`` is the separator that ends a label. ``wording`` is
    a rule any label can follow. ``shots`` are ids of the rows shown under the fixed protocol.
    ``weight`` is that of the content-free branch, from 0 (plain) to 1; ``prior``, where there is
    one, is taken from the labels' scores (a number for each, in the task's order, under the fixed
    protocol alone). Both are calibration, fitted to scores.
    """

    sections: tuple[Section, ...]
    example: str
    join: str = ", "
    wording: Wording = "plain"
    order: Order = "given"
    shots: tuple[str, ...] = ()
    weight: float = 0.0
    prior: tuple[float, ...] = ()
    mode: Literal["raw", "chat"] = "raw"

    def __post_init__(self) -> None:
        names = [section.name for section in self.sections]
        if unknown := [name for name in names if name not in SECTIONS]:
            raise PromptError(f"unknown section {unknown[0]!r}; known: {', '.join(SECTIONS)}")
        if len(set(names)) != len(names):
            raise PromptError("a section stands twice")
        for section in self.sections:
            _check_slots(section.text, SECTION_SLOTS, section.name)
        _check_slots(self.example, EXAMPLE_SLOTS, "example")
        if self.example.count("{label}") != 1 or "{text}" not in self.example:
            raise PromptError("the example template needs {text} and {label}, {label} once")
        if _slot.search(self.separator):
            raise PromptError("no slot can stand after {label}: the answer ends the example")
        if not self.separator:
            raise PromptError("nothing follows {label}: a separator has to end the label")
        if not 0.0 <= self.weight <= 1.0:
            raise PromptError(f"calibration weight {self.weight} is not between 0 and 1")
        if not all(map(isfinite, self.prior)):
            raise PromptError("the prior of a label is not finite")

    @property
    def separator(self) -> str:
        return self.example.partition("{label}")[2]

    @property
    def id(self) -> str:
        """Content address: SHA-256 of the canonical JSON."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]

    @property
    def slots(self) -> set[str]:
        """Of the example template."""
        return set(_slot.findall(self.example))

    def section(self, name: str) -> str:
        return next((s.text for s in self.sections if s.name == name), "")

    def with_section(self, name: str, text: str) -> Prompt:
        """The same prompt with one section replaced, added in its place, or dropped when empty."""
        texts = {s.name: s.text for s in self.sections} | {name: text}
        kept = tuple(Section(n, texts[n]) for n in SECTIONS if texts.get(n))
        return msgspec.structs.replace(self, sections=kept)


def split_slots(template: str) -> list[tuple[str, str]]:
    """``[(literal, slot), ...]``; the last slot is empty. Braces that name no slot are literal."""
    parts = _slot.split(template)
    return list(zip(parts[::2], [*parts[1::2], ""], strict=True))


def _check_slots(template: str, known: frozenset[str], where: str) -> None:
    for name in _slot.findall(template):
        if name not in known:
            slots = ", ".join("{" + slot + "}" for slot in sorted(known))
            raise PromptError(f"unknown slot {{{name}}} in {where}; known: {slots}")
