"""What is predicted: tasks, examples and episodes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from appliance.kinds import Kind, Metric
from appliance.text import key_with_digits

Split = Literal["tuning", "selection", "test"]
SPLITS: tuple[Split, ...] = ("tuning", "selection", "test")
Protocol = Literal["fixed", "episodes"]
Match = Literal["exact", "numeric", "choice"]
"""How a written answer is compared with the right one."""

MULTIPLE = "#multiple#"
"""The predicted answer of a case in which several yes/no questions get a yes."""

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
    a relation, [start, end) in characters of ``text``. ``label`` is the label of a relation or a
    text; ``labels`` are all labels of a text that may have several. ``answers`` are the right
    answers, the first as it is to be written; ``choices`` are what a question offers, and the first
    answer is one of them; ``reasoning`` leads to it. ``spans`` are the entities, in order.

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
    def kin(self) -> str:
        """Equal for rows of which one gives another away: those of one group or, without a group,
        those with the same two entities or, without entities, with the same text."""
        if self.group:
            return f"group {self.group}"
        parts = [self.text] if self.head is None else sorted((self.head_text, self.tail_text))
        return "\n".join(map(key_with_digits, parts))

    @property
    def strata(self) -> tuple[str, ...]:
        """The labels, types or answer whose proportions every split keeps."""
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
    demonstrations belong to the prompt). An episode brings its own N labels and K rows of each;
    where the query may have none of these, the task's none of the above is its last label. ``part``
    names the sampled file that an episode belongs to, where there are several.
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
        """The index of the right option. Where none is right it is the last: none of the above."""
        right = self.query.answers[0] if self.query.choices else self.query.label
        return self.options.index(right) if right in self.options else len(self.options) - 1

    @property
    def id(self) -> str:
        key: list[Any] = [self.query.id, self.labels, [e.id for e in self.support]]
        if self.part:
            key.append(self.part)
        return hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]


def shared_options(cases: Iterable[Case]) -> tuple[str, ...]:
    """The options that all cases choose among; empty where they differ or there are none."""
    found = {case.options for case in cases}
    return found.pop() if len(found) == 1 else ()


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
        """What prompts write for a label. One that the task does not have keeps its name."""
        return next((e.words for e in self.labels if e.name == label and e.words), label)
