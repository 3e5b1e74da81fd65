"""Turns a row of a file into an example, or says what is wrong with it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from appliance.data.choices import Choices, several
from appliance.data.labels.names import label_defect
from appliance.data.read.classes import named
from appliance.data.read.columns import (
    SPLIT,
    Columns,
    Row,
    kind_of,
    nearest,
)
from appliance.data.read.gold_answers import answers, checked, offered
from appliance.data.read.gold_spans import marks
from appliance.data.read.offsets import Offsets, Unit
from appliance.data.read.unused_splits import UnusedSplits
from appliance.data.spans import overlap
from appliance.kinds import KINDS
from appliance.task import Example, Span, Split
from appliance.text import is_blank, quoted

NAMES_OF_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "tuning"), "tuning"),
    **dict.fromkeys(("dev", "val", "valid", "validation", "selection"), "selection"),
    **dict.fromkeys(("test",), "test"),
}
"""What a column can call the splits, in whatever case."""


class Reader:
    """Reads rows as examples.

    ``unit`` is what offsets count; rows that are not ``labelled`` are read by ``query`` alone.
    Raises InputError where ``choices`` map a field that their kind
    lacks.
    """

    def __init__(
        self, choices: Choices, unit: Unit = "characters", *, labelled: bool = True
    ) -> None:
        kind, columns = choices.kind, choices.columns
        self.columns = Columns(kind, columns, choices.label_delimiter, labelled=labelled)
        self._choices = choices
        self._given = None if choices.labels is None else [label.name for label in choices.labels]
        own = {value.casefold(): split for value, split in choices.split_values.items()}
        self._splits = {**NAMES_OF_SPLITS, **own}
        self._labels_seen: dict[str, str | None] = {}
        self.offsets = Offsets(unit)
        self._unused_splits = UnusedSplits(NAMES_OF_SPLITS, columns.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on all the rows read so far."""
        written = self.columns.written
        lists = [f"lists written as text are read as lists: {written}"] if written else []
        return (*lists, *self.offsets.notes, *self._unused_splits.notes)

    def example(self, row: Row) -> Example:
        """Returns the row as an example. Raises Defect."""
        query, kind = self.query(row), KINDS[self._choices.kind]
        columns, ships = self.columns, self._may_ship(row)
        group = columns.name(row, "group") if columns.has(row, "group") else ""
        found: dict[str, Any] = {"may_ship": ships, "group": group}
        match kind.gold:
            case "label" if self._choices.several:
                found["labels"] = self._labels(row)
            case "label":
                found["label"] = self._one_label(row, may_have_several=kind.may_have_several)
            case "answer":
                found |= self._answers(row, query.choices, may_reason="reasoning" in kind.optional)
            case "spans":
                found["spans"] = marks(columns, row, query.text, self._label, self.offsets)
        return replace(query, **found)

    def query(self, row: Row) -> Example:
        """Returns what is asked of the row, without what is to be predicted. Raises Defect."""
        columns, kind = self.columns, KINDS[self._choices.kind]
        text = self._visible(row, "text", "is empty; write the sentence, or remove the row")
        found: dict[str, Any] = {"text": text}
        if "head" in kind.fields:
            found["head"], found["tail"] = self._pair(row, text)
        if "question" in kind.fields:
            empty = "is empty; write the question, or remove the row"
            found["question"] = self._visible(row, "question", empty)
        if "choices" in kind.optional:
            found["choices"] = offered(columns, row)
        if "head_type" in kind.optional:
            found |= {field: columns.optional(row, field) for field in ("head_type", "tail_type")}
        return Example(**found)

    def split(self, row: Row) -> Split | None:
        """The split that a row says it belongs to; None where it says none, or is not asked.

        Raises Defect.
        """
        if SPLIT not in self._choices.columns:
            if not self._choices.adding:
                self._unused_splits.see(row)
            return None
        if not self.columns.has(row, SPLIT):
            return None
        value = self.columns.name(row, SPLIT).strip()
        split = self._splits.get(value.casefold())
        if value and split is None:
            known = ", ".join(NAMES_OF_SPLITS)
            remedy = "say which split it is, as in --split-value test=VALUE"
            raise self.columns.defect(SPLIT, f"{quoted(value)} is none of {known}; {remedy}")
        return split

    def _one_label(self, row: Row, *, may_have_several: bool) -> str:
        labels = self.columns.as_list(row, "label")
        if labels is None:
            return self._label("label", self._named(self.columns.name(row, "label")))
        different = list(dict.fromkeys(map(self._named, labels)))
        if len(different) > 1:
            remedy = several() if may_have_several else "keep one"
            raise self.columns.defect("label", f"lists {len(different)} labels; {remedy}")
        return self._label("label", "".join(different))

    def _answers(self, row: Row, choices: tuple[str, ...], *, may_reason: bool) -> dict[str, Any]:
        right = answers(self.columns, row)
        if not may_reason:
            return {"answers": right}
        checked(self.columns, right, choices, self._choices.match)
        return {"answers": right, "reasoning": self.columns.optional(row, "reasoning").strip()}

    def _visible(self, row: Row, field: str, otherwise: str) -> str:
        value = self.columns.string(row, field)
        if is_blank(value):
            raise self.columns.defect(field, otherwise)
        return value

    def _may_ship(self, row: Row) -> bool:
        if not self.columns.has(row, "may_ship"):
            return self._choices.may_ship
        value = self.columns.value(row, "may_ship")
        if not isinstance(value, bool):
            raise self.columns.defect("may_ship", f"is {kind_of(value)}; write true or false")
        return value

    def _pair(self, row: Row, text: str) -> tuple[Span, Span]:
        head, tail = (self._span(row, field, text) for field in ("head", "tail"))
        if overlap(head, tail):
            what = f"{list(head)} overlaps {self.columns.of('tail')} {list(tail)}"
            raise self.columns.defect("head", f"{what}; mark two entities")
        return head, tail

    def _span(self, row: Row, field: str, text: str) -> Span:
        try:
            return self.offsets.span(text, self.columns.value(row, field))
        except ValueError as error:
            raise self.columns.defect(field, str(error)) from None

    def _labels(self, row: Row) -> tuple[str, ...]:
        labels = {
            self._label("label", self._named(label)) for label in self.columns.listed(row, "label")
        }
        if self._choices.none in labels and len(labels) > 1:
            none = quoted(self._choices.none or "")
            what = f"{none} stands beside other labels; it means that there is none"
            raise self.columns.defect("label", what)
        return tuple(sorted(labels))

    def _named(self, label: str) -> str:
        """The label, or its name where it is a class number. Raises Defect."""
        if not self._choices.class_names:
            return label
        try:
            return named(label, self._choices.class_names)
        except ValueError as error:
            raise self.columns.defect("label", str(error)) from None

    def _label(self, field: str, label: str) -> str:
        if label not in self._labels_seen:
            self._labels_seen[label] = self._wrong(label)
        if what := self._labels_seen[label]:
            raise self.columns.defect(field, what)
        return label

    def _wrong(self, label: str) -> str | None:
        if self._given is None or label in self._given:
            return label_defect(label)
        near = nearest(label, self._given)
        what = f"{quoted(label)} is not one of the labels given{near}"
        if self._choices.adding:
            remedy = "to have another label, import all rows as a new task"
            what = f"{quoted(label)} is not one of the labels of the task{near}; {remedy}"
        return label_defect(label) or what
