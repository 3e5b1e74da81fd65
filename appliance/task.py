"""What is predicted: tasks, examples and episodes."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

Split = Literal["tuning", "selection", "test"]
SPLITS: tuple[Split, ...] = ("tuning", "selection", "test")
Protocol = Literal["fixed", "episodes"]
Kind = Literal["relation", "classify"]
FIELDS: dict[Kind, tuple[str, ...]] = {"relation": ("text", "head", "tail"), "classify": ("text",)}
"""What a row of each kind of task has beside its label; an example template has a slot for each."""

Span = tuple[int, int]


class Label(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    description: str = ""


class Example(msgspec.Struct, frozen=True, omit_defaults=True):
    """One labelled text. ``head`` and ``tail`` are the entities of a relation, [start, end) in
    characters of ``text``; a text that is classified has none.

    Only a row whose ``may_ship`` is true may stand in a prompt that leaves the machine.
    """

    text: str
    head: Span | None
    tail: Span | None
    label: str
    may_ship: bool = False
    group: str = ""

    @property
    def head_text(self) -> str:
        return self._part(self.head)

    @property
    def tail_text(self) -> str:
        return self._part(self.tail)

    @property
    def id(self) -> str:
        """Content hash: the same row has the same id in every task and on every machine."""
        key = [self.text, self.head, self.tail, self.label]
        return hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]

    def _part(self, span: Span | None) -> str:
        return "" if span is None else self.text[span[0] : span[1]]


class Case(msgspec.Struct, frozen=True):
    """One question put to a prompt: a query, the labels it may have, and its support.

    Under the ``fixed`` protocol every case has all labels of the task and an empty support (the
    demonstrations belong to the prompt); an episode brings its own N labels and K rows of each.
    """

    query: Example
    labels: tuple[str, ...]
    support: tuple[Example, ...] = ()

    @property
    def gold(self) -> int:
        return self.labels.index(self.query.label)

    @property
    def id(self) -> str:
        key = [self.query.id, self.labels, [e.id for e in self.support]]
        return hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """``none`` is the label that means none of the above, where the task has one."""

    name: str
    kind: Kind
    protocol: Protocol
    labels: tuple[Label, ...]
    none: str | None = None
    metric: Literal["accuracy"] = "accuracy"
    licence: str = ""
    origin: str = ""

    def description_of(self, label: str) -> str:
        return next(entry.description for entry in self.labels if entry.name == label)
