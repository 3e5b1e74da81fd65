"""A row of a file as an example, or what is wrong with it."""

from __future__ import annotations

from appliance.data.check import find_span, is_blank, label_defect, quoted
from appliance.data.choices import Choices
from appliance.data.columns import Columns, Row, kind_of, nearest
from appliance.data.gold_answers import answers, checked, offered
from appliance.data.gold_spans import marks
from appliance.task import Example, Span


class Reader:
    """Raises InputError where ``choices`` map what is no field of their kind."""

    def __init__(self, choices: Choices) -> None:
        self.columns = Columns(choices.kind, choices.columns, choices.label_delimiter)
        self._choices = choices
        self._given = None if choices.labels is None else [label.name for label in choices.labels]
        self._fine: set[str] = set()

    def example(self, row: Row) -> Example:
        """Raises Defect."""
        columns = self.columns
        text = self._visible(row, "text", "write the sentence")
        ships = self._may_ship(row)
        group = columns.optional(row, "group")
        match self._choices.kind:
            case "relation":
                head, tail = self._pair(row, text)
                label = self._label("label", columns.string(row, "label"))
                types = [columns.optional(row, field) for field in ("head_type", "tail_type")]
                return Example(
                    text, head, tail, label, ships, group, head_type=types[0], tail_type=types[1]
                )
            case "classify" if self._choices.several:
                return Example(text, may_ship=ships, group=group, labels=self._labels(row))
            case "classify":
                label = self._label("label", columns.string(row, "label"))
                return Example(text, label=label, may_ship=ships, group=group)
            case "answer":
                right, choices = answers(columns, row), offered(columns, row)
                checked(columns, right, choices, self._choices.match)
                reasoning = columns.optional(row, "reasoning").strip()
                return Example(
                    text, may_ship=ships, group=group,
                    answers=right, choices=choices, reasoning=reasoning,
                )  # fmt: skip
            case "reading":
                question, right = self._visible(row, "question", "ask"), answers(columns, row)
                return Example(text, may_ship=ships, group=group, question=question, answers=right)
            case "spans":
                spans = marks(columns, row, text, self._label)
                return Example(text, may_ship=ships, group=group, spans=spans)

    def _visible(self, row: Row, field: str, remedy: str) -> str:
        value = self.columns.string(row, field)
        if is_blank(value):
            raise self.columns.defect(field, f"is empty; {remedy}, or remove the row")
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
        if head[0] < tail[1] and tail[0] < head[1]:
            what = f"{list(head)} overlaps {self.columns.of('tail')} {list(tail)}"
            raise self.columns.defect("head", f"{what}; mark two entities")
        return head, tail

    def _span(self, row: Row, field: str, text: str) -> Span:
        value = self.columns.value(row, field)
        try:
            return find_span(text, value)
        except ValueError as error:
            raise self.columns.defect(field, str(error)) from None

    def _labels(self, row: Row) -> tuple[str, ...]:
        labels = {self._label("label", label) for label in self.columns.listed(row, "label")}
        if self._choices.none in labels and len(labels) > 1:
            what = f"{quoted(self._choices.none or '')} stands beside other labels"
            raise self.columns.defect("label", f"{what}; it means that there is none")
        return tuple(sorted(labels))

    def _label(self, field: str, label: str) -> str:
        if label in self._fine:
            return label
        if defect := label_defect(label):
            raise self.columns.defect(field, defect)
        if self._given is not None and label not in self._given:
            what = f"{quoted(label)} is not one of the labels given"
            raise self.columns.defect(field, what + nearest(label, self._given))
        self._fine.add(label)
        return label
