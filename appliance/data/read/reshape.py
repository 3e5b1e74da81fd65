"""Brings rows, as files have them, to the shape that a task's rows have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from types import UnionType

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats import tags
from appliance.data.paths import at
from appliance.data.read.cells import WORDS, listed
from appliance.data.read.classes import named
from appliance.data.read.columns import LOOKED_AT, MANY, Defect, Row, as_text, kind_of, nearest
from appliance.files import refused
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
    - A list of words with a list of tags, which may both stand in cells as text, becomes a text
      with its entities. Tags that are class numbers get their names from the ``class_names`` of
      ``choices``.

    Raises InputError where such a column is in none of the first rows.
    """
    kind = KINDS[choices.kind]
    text, gold = (choices.columns.get(field, field) for field in ("text", kind.gold))
    given = iter(rows)
    first = list(islice(given, LOOKED_AT)) if choices.label_columns else []
    _check_columns(problems.path, [row for _, row in first], choices.label_columns)
    for where, row in chain(first, given):
        try:
            if choices.label_columns:
                row = {**row, gold: _labels(row, gold, choices)}
            words = _words(row, text) if kind.gold == "spans" else None
            if words is not None and (isinstance(at(row, text), list) or _has_tags(row, gold)):
                row = {**row, **_tagged(row, words, text, gold, choices.class_names)}
        except Defect as defect:
            problems.add(f"{where}, {defect.column}", defect.what)
        else:
            yield where, row


def _check_columns(path: Path, rows: Sequence[Row], names: Sequence[str]) -> None:
    """Raises InputError where a column that stands for a label is in none of the rows."""
    missing = [name for name in names if all(_is_missing(row, name) for row in rows)]
    if rows and missing:
        seen = sorted({name for row in rows for name in row})
        wanted = ", ".join(quoted(name) + nearest(name, seen) for name in missing)
        columns = ", ".join(map(quoted, seen[:MANY]))
        raise refused(path, f"no column {wanted}; columns found: {columns}; mend --label-columns")


def _is_missing(row: Row, name: str) -> bool:
    return name not in row and at(row, name) is None


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
    if _is_missing(row, name):
        raise Defect(printable(name), f"is missing{nearest(name, row)}")
    word = str(value).strip().lower() if isinstance(value, str | int | float) else ""
    if word not in FLAGS:
        said = quoted(value) if isinstance(value, str) else word or kind_of(value)
        raise Defect(printable(name), f"is {said}; write 1 where the label holds, else 0")
    return FLAGS[word]


def joined(row: Row, choices: Choices) -> Row:
    """The row with a text for a list of words, as ``reshaped`` makes it. Raises Defect."""
    text = choices.columns.get("text", "text")
    words = _words(row, text) if KINDS[choices.kind].gold == "spans" else None
    return row if words is None else {**row, text: tags.text_of(words)}


def _words(row: Row, name: str) -> list[str] | None:
    """The words of a list, or of a text that stands for one; None where it does not. Raises
    Defect."""
    value = at(row, name)
    if isinstance(value, list):
        return _strings(value, name)
    found = listed(value) if isinstance(value, str) else None
    return [str(word) for word in found] if found and _all(str, found) else None


def _has_tags(row: Row, gold: str) -> bool:
    """Whether the entities are given as tags, and not as spans."""
    found = _list(row, gold)
    return bool(found) and _all(str | int, found or ())


def _list(row: Row, name: str) -> list[object] | None:
    """The list at ``name``, or the one that its text stands for."""
    value = at(row, name)
    found = listed(value) if isinstance(value, str) else value
    return found if isinstance(found, list) else None


def _all(kind: type | UnionType, values: Sequence[object]) -> bool:
    return all(isinstance(value, kind) for value in values)


def _tagged(row: Row, words: Sequence[str], text: str, gold: str, names: Sequence[str]) -> Row:
    """The text of words with tags, and its entities. Raises Defect."""
    found = _list(row, gold)
    marks = _strings(at(row, gold) if found is None else found, gold, names)
    if len(words) != len(marks):
        raise Defect(printable(gold), f"has {len(marks)} tags for {len(words)} words")
    try:
        tagged = tags.row(words, [tags.checked(tag) for tag in marks])
    except ValueError as error:
        raise Defect(printable(gold), str(error)) from None
    return {text: tagged["text"], gold: tagged["spans"]}


def _strings(values: object, name: str, names: Sequence[str] = ()) -> list[str]:
    """The strings of a list, in which class numbers become their ``names``. Raises Defect."""
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
