"""Models that answer in the test's own process, and a task small enough to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Protocol

from msgspec.structs import replace

from appliance.encode.renderer import Renderer
from appliance.encode.tokens import Tokeniser
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Body, Entry, Prices, Workbench
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt, Section
from appliance.scoring.outcomes import Scored
from appliance.task import (
    Case,
    Example,
    Label,
    Task,
)
from models.engine import (
    Describe,
    Description,
    Detokenise,
    Reply,
    Request,
    Texts,
    Tokenise,
    Tokens,
)

LABELS = ("founder", "supplier of", "author")
TASK = Task(
    name="firm",
    kind="relation",
    protocol="fixed",
    labels=tuple(Label(name, f"what a {name} is") for name in LABELS),
)
PROMPT = Prompt(
    sections=(Section("task", "Name the relation: {labels}\n\n"),),
    example="Sentence: {text}\nHead: {head}\nTail: {tail}\nRelation: {label}\n\n",
)


def row(head: str, tail: str, label: str = "founder", *, before: str = "", **more: Any) -> Example:
    """``before`` + head + " set up " + tail + "."."""
    text = f"{before}{head} set up {tail}."
    start = len(before)
    at = start + len(head) + len(" set up ")
    return Example(text, (start, start + len(head)), (at, at + len(tail)), label, **more)


def case(query: Example, *support: Example) -> Case:
    return Case(query, LABELS, support)


class Engine(Protocol):
    def handle(self, request: Request) -> Reply: ...


class InProcess:
    """``models.protocol.Models`` over one engine; ``calls`` has all requests that are not about
    text."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.calls: list[Request] = []

    def call(self, name: str, request: Request) -> Reply:
        if not isinstance(request, Tokenise | Detokenise | Describe):
            self.calls.append(request)
        return self.engine.handle(request)

    def tokeniser(self) -> Tokeniser:
        description = self.engine.handle(Describe())
        assert isinstance(description, Description)
        return Tokeniser(self, "model", description)


class WordModel:
    """A tokeniser whose tokens are words with the space before them, runs of line breaks, and
    single characters: tokens straddle slots as those of real models do."""

    TEMPLATE = (
        "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
        "{{ '<|start|>assistant\n' }}"
    )
    SPECIALS = ("<|start|>", "<|end|>")

    def __init__(self, template: str = TEMPLATE, *, bos: bool = False) -> None:
        self.template = template
        self.bos = bos
        self.vocabulary = [*self.SPECIALS, "<s>"]
        self.named = len(self.vocabulary)

    def handle(self, request: Request) -> Reply:
        match request:
            case Describe():
                specials = {text: i for i, text in enumerate(self.vocabulary[: self.named])}
                bos = 2 if self.bos else None
                names = ("<s>", "<|end|>")
                return Description(4096, 10_000, specials, bos, 1, self.template, {}, *names)
            case Tokenise(texts):
                pieces = [re.findall(r" ?[^\W\d_]+|\n+|.", text, re.DOTALL) for text in texts]
                ends = (_ends(found) for found in pieces)
                return Tokens(tuple(tuple(map(self._id, found)) for found in pieces), tuple(ends))
            case Detokenise(ids):
                return Texts(tuple("".join(self.vocabulary[i] for i in some) for some in ids))
        raise AssertionError(request)

    def _id(self, piece: str) -> int:
        if piece not in self.vocabulary[self.named :]:
            self.vocabulary.append(piece)
        return self.vocabulary.index(piece, self.named)


def _ends(pieces: list[str]) -> tuple[int, ...]:
    at = 0
    return tuple(at := at + len(piece.encode()) for piece in pieces)


class MemoryJournal:
    """A journal in a list; ``lines`` are what it held before and what is appended."""

    def __init__(self, lines: list[Entry] | None = None, memo: dict[str, bytes] | None = None):
        self.lines = list(lines or [])
        self.spent: list[float] = []
        self.memo = memo or {}

    def entries(self) -> Iterator[Entry]:
        yield from list(self.lines)

    def append(self, entry: Entry, spent: float) -> None:
        self.lines.append(entry)
        self.spent.append(spent)

    def recall(self, key: str) -> bytes | None:
        return self.memo.get(key)


HASH = "5" * 64
"""That of the file of the body that serves, in ``two_bodies``."""


def two_bodies(loaded: Loaded, models: InProcess) -> Evaluator:
    """Asks one model as the body that searches and as the one that serves."""
    bodies = {
        role: Body("m", role, Prices(0.01, 0.01), HASH if role == "serving" else "")
        for role in ("search", "serving")
    }
    bench = Workbench(models, bodies, MemoryJournal(), lambda: None)
    return Evaluator(bench, Renderer(loaded.task, loaded.rows, models.tokeniser()))


class Judge:
    """An evaluator that knows how good a prompt is: the gold label of every case gets that many
    nats more than the others, with noise that belongs to the prompt and the case."""

    task = TASK

    def __init__(self, quality: Callable[[Prompt], float], noise: float = 1.0) -> None:
        self.quality = quality
        self.noise = noise
        self.spent = 0.0
        self.tokens = 0
        self.scored: dict[str, list[str]] = {}

    def asked(self, prompt: Prompt, cases: Sequence[Case]) -> str:
        return replace(prompt, weight=0.0).id

    def score(self, prompt: Prompt, cases: Sequence[Case], role: str = "search") -> list[Scored]:
        self.scored.setdefault(prompt.id, []).extend(case.id for case in cases)
        self.spent += len(cases)
        return [self._score(prompt, case) for case in cases]

    def writes(self, prompt: Prompt) -> bool:
        return False

    def score_together(self, prompts: Sequence[Prompt], cases: Sequence[Case]):
        return [self.score(prompt, cases) for prompt in prompts]

    def _score(self, prompt: Prompt, case: Case) -> Scored:
        random = Random(f"{prompt.example} {prompt.sections} {case.id}")
        lead = self.quality(prompt) + self.noise * random.uniform(-1, 1)
        plain = tuple(round(lead, 4) if y == case.gold else 0.0 for y in range(len(case.labels)))
        return Scored(case.id, case.gold, plain, (0.0,) * len(plain), case.labels)


def many(count: int, **more: Any) -> list[Case]:
    """Cases of all labels in turn; ``more`` is what else their rows say."""
    return [case(row(f"Person {i}", f"Firm {i}", LABELS[i % 3], **more)) for i in range(count)]
