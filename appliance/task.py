"""What is predicted: tasks, examples and episodes."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from appliance.kinds import Kind, Metric

Split = Literal["tuning", "selection", "test"]
SPLITS: tuple[Split, ...] = ("tuning", "selection", "test")
Protocol = Literal["fixed", "episodes"]
Match = Literal["exact", "numeric", "choice"]
"""How a written answer is held against the right one."""

MULTIPLE = "#multiple#"
"""What is said where several yes/no questions of one case are answered with yes."""

BETWEEN = " | "
"""Stands between several labels, or several right answers, where they are shown."""

Tally = tuple[int, int, int]
"""True positives, false positives, false negatives."""

Span = tuple[int, int]
Mark = tuple[int, int, str]
"""A named entity: [start, end) in characters of the text, and its type."""


class Label(msgspec.Struct, frozen=True, omit_defaults=True):
    """``pairs`` are the types that head and tail can have under a relation; none means any.
    ``words`` are what prompts write for the label, where that is not its name."""

    name: str
    description: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    words: str = ""


class Example(msgspec.Struct, frozen=True, omit_defaults=True):
    """One labelled row.

    ``text`` is the sentence, the question or the passage. ``head`` and ``tail`` are the entities of
    a relation, [start, end) in characters of ``text``. ``label`` is that of a relation or a text;
    ``labels`` all of a text that may have several. ``answers`` are the right ones, the first as it
    is to be written; ``choices`` what a question offers, of which the first answer is one;
    ``reasoning`` leads to it. ``spans`` are the entities of a text, in their order.

    Only a row whose ``may_ship`` is true may stand in a prompt that leaves the machine.
    """

    text: str
    head: Span | None = None
    tail: Span | None = None
    label: str = ""
    may_ship: bool = False
    group: str = ""
    labels: tuple[str, ...] = ()
    question: str = ""
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    reasoning: str = ""
    spans: tuple[Mark, ...] = ()
    head_type: str = ""
    tail_type: str = ""

    @property
    def head_text(self) -> str:
        return self._part(self.head)

    @property
    def tail_text(self) -> str:
        return self._part(self.tail)

    @property
    def strata(self) -> tuple[str, ...]:
        """What splits keep in proportion."""
        if self.spans:
            return tuple(sorted({kind for _, _, kind in self.spans}))
        if self.labels or self.label:
            return self.labels or (self.label,)
        return self.answers[:1] if self.choices else ()

    @property
    def id(self) -> str:
        """Content hash: the same row has the same id in every task and on every machine."""
        key: list[Any] = [self.text, self.head, self.tail, self.label]
        rest = (self.labels, self.question, self.answers, self.choices, self.spans)
        if any(rest):
            key += rest
        return hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]

    def _part(self, span: Span | None) -> str:
        return "" if span is None else self.text[span[0] : span[1]]


class Case(msgspec.Struct, frozen=True):
    """One question put to a prompt: a query, the labels it may have, and its support.

    Under the ``fixed`` protocol every case has all labels of the task and an empty support (the
    demonstrations belong to the prompt); an episode brings its own N labels and K rows of each, and
    ends its labels with the task's none of the above where the query may have another one.
    ``part`` names the one of several sampled files that an episode belongs to.
    """

    query: Example
    labels: tuple[str, ...] = ()
    support: tuple[Example, ...] = ()
    part: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """What an answer is chosen from; empty where it is written."""
        return self.query.choices or self.labels

    @property
    def gold(self) -> int:
        """The index of the right option; the last, none of the above, where it is none of them."""
        right = self.query.answers[0] if self.query.choices else self.query.label
        return self.options.index(right) if right in self.options else len(self.options) - 1

    @property
    def id(self) -> str:
        key: list[Any] = [self.query.id, self.labels, [e.id for e in self.support]]
        if self.part:
            key.append(self.part)
        return hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """``none`` is the label that means none of the above, where the task has one. Rows of a task
    that is ``several`` have any number of the labels. ``match`` is how answers are compared.
    ``benchmark`` names the published protocol that the cases were drawn by, if any."""

    name: str
    kind: Kind
    protocol: Protocol
    labels: tuple[Label, ...]
    none: str | None = None
    metric: Metric = "accuracy"
    licence: str = ""
    origin: str = ""
    several: bool = False
    match: Match = "exact"
    benchmark: str = ""

    def description_of(self, label: str) -> str:
        return next(entry.description for entry in self.labels if entry.name == label)

    def words_of(self, label: str) -> str:
        """What prompts write for a label; its name, too, if it is none of the task's."""
        return next((e.words for e in self.labels if e.name == label and e.words), label)
