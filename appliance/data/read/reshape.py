"""Brings rows, as files have them, to the shape that a task's rows have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats import tags
from appliance.data.paths import at
from appliance.data.read.cells import WORDS
from appliance.data.read.classes import named
from appliance.data.read.columns import Defect, Row, as_text, kind_of, nearest
from appliance.kinds import KINDS
from appliance.text import printable, quoted

FLAGS = WORDS | {"1.0": True, "0.0": False}
"""What the cells of a column that stands for one label may say."""


def reshaped(
    rows: Iterable[tuple[str, Row]], problems: Problems, choices: Choices
) -> Iterator[tuple[str, Row]]:
    """Yields rows with their places, with the following changes. What is wrong becomes a problem.

    - ``label_columns`` of ``choices``, each with 1 where its label holds, become one label or a
      list.
    - A list of words with a list of tags becomes a text with its entities. Tags that are class
      numbers get their names from the ``class_names`` of ``choices``.
    """
    kind = KINDS[choices.kind]
    text, gold = (choices.columns.get(field, field) for field in ("text", kind.gold))
    for where, row in rows:
        try:
            if choices.label_columns:
                row = {**row, gold: _labels(row, gold, choices)}
            if kind.gold == "spans" and isinstance(at(row, text), list):
                row = {**row, **_tagged(row, text, gold, choices.class_names)}
        except Defect as defect:
            problems.add(f"{where}, {defect.column}", defect.what)
        else:
            yield where, row


def _labels(row: Row, column: str, choices: Choices) -> object:
    """The labels whose columns say 1. Raises Defect."""
    found = [name for name in choices.label_columns if _flag(row, name)]
    if choices.several:
        return found
    if len(found) != 1:
        listed = ", ".join(map(quoted, found)) or "none"
        what = f"the columns that say 1 are {listed}"
        raise Defect(column, f"{what}; for any number of labels a text give --several")
    return found[0]


def _flag(row: Row, name: str) -> bool:
    value = at(row, name)
    if value is None and name not in row:
        raise Defect(printable(name), f"is missing{nearest(name, row)}")
    word = str(value).strip().lower() if isinstance(value, str | int | float) else ""
    if word not in FLAGS:
        said = quoted(value) if isinstance(value, str) else word or kind_of(value)
        raise Defect(printable(name), f"is {said}; write 1 where the label holds, else 0")
    return FLAGS[word]


def _tagged(row: Row, text: str, gold: str, names: Sequence[str]) -> Row:
    """The text of words with tags, and its entities. Raises Defect."""
    words, marks = _strings(row, text), _strings(row, gold, names)
    if len(words) != len(marks):
        raise Defect(printable(gold), f"has {len(marks)} tags for {len(words)} words")
    try:
        found = tags.row(words, [tags.checked(tag) for tag in marks])
    except ValueError as error:
        raise Defect(printable(gold), str(error)) from None
    return {text: found["text"], gold: found["spans"]}


def _strings(row: Row, name: str, names: Sequence[str] = ()) -> list[str]:
    """The strings of a list, in which class numbers become their ``names``. Raises Defect."""
    values = at(row, name)
    if not isinstance(values, list):
        raise Defect(printable(name), f"is {kind_of(values)}; words need a list of tags")
    try:
        found = [named(as_text(value) or "", names) if names else value for value in values]
    except ValueError as error:
        raise Defect(printable(name), str(error)) from None
    wrong = [value for value in found if not isinstance(value, str)]
    if wrong and type(wrong[0]) is int:
        remedy = "give the names of the numbers, from 0: --class-names O,B-person,I-person"
        raise Defect(printable(name), f"{wrong[0]} is no tag; {remedy}")
    if wrong:
        raise Defect(printable(name), f"lists {kind_of(wrong[0])}; write a list of strings")
    return found
