"""The rows of a file that are to be answered: read once to check them all, and then block by block.

A block is what one request holds. A row's answer may differ in its last digits with the rows beside
it, so blocks are cut by what is in the file alone, however often the work is taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TypeVar

import msgspec

from appliance.data.bad_rows import Problems, Skipped
from appliance.data.choices import Choices
from appliance.data.read.columns import Defect, Record, Row
from appliance.data.read.examples import Reader
from appliance.data.read.gather import LOOKED_AT
from appliance.data.read.offsets import Unit
from appliance.data.read.source import Source
from appliance.encode.renderer import Renderer
from appliance.evaluate.lengths import lengths
from appliance.prompts.prompt import Prompt
from appliance.scoring.predict import without_gold
from appliance.task import Case, Example

T = TypeVar("T")

BLOCK = 32
NOTHING = "nothing was predicted"

Original = Mapping[str, object]
"""A row as the file has it."""


class Checked(msgspec.Struct, frozen=True):
    """What a first reading of the file found: how many rows can be answered, its columns in their
    order, the rows that cannot, and in what unit offsets are given."""

    rows: int
    columns: tuple[str, ...]
    wrong: Sequence[Skipped]
    numbers: frozenset[int]
    unit: Unit
    notes: tuple[str, ...]


def check(source: Source, choices: Choices, renderer: Renderer, prompt: Prompt) -> Checked:
    """Reads all rows. Raises WrongRows if any row is wrong or too long for the model, unless such
    rows are to be skipped, and MissingColumns."""
    found = _check(source, choices, renderer, prompt, "characters")
    if found.unit != "characters":
        found = _check(source, choices, renderer, prompt, found.unit)
    return found


def _check(
    source: Source, choices: Choices, renderer: Renderer, prompt: Prompt, unit: Unit
) -> Checked:
    reading = _Reading(source, choices, unit)
    names = tuple(label.name for label in renderer.task.labels)
    limit = renderer.tokeniser.description.context
    columns: dict[str, None] = {}
    count = 0
    for block in _blocks(reading.rows()):
        cases = [Case(without_gold(example), names) for *_, example in block]
        each = zip(block, lengths(renderer, prompt, cases), strict=True)
        for (number, where, row, _), length in each:
            columns.update(dict.fromkeys(original(row)))
            if length > limit:
                what = f"takes {length} tokens with this prompt; the model's context holds {limit}"
                reading.refuse(number, where, what)
            else:
                count += 1
    reading.problems.raise_if_any()
    return Checked(
        rows=count,
        columns=tuple(columns),
        wrong=reading.problems.found,
        numbers=frozenset(reading.wrong),
        unit=reading.reader.offsets.better if unit == "characters" else unit,
        notes=tuple(filter(None, (source.note, *reading.reader.notes))),
    )


def blocks(
    source: Source, choices: Choices, checked: Checked, start: int = 0
) -> Iterator[list[tuple[str, Original, Example]]]:
    """Yields the place, the original and the query of the rows that can be answered, from the
    block with the number ``start`` on."""
    reading = _Reading(source, choices, checked.unit)
    good = (
        (where, original(row), example)
        for number, where, row, example in reading.rows()
        if number not in checked.numbers
    )
    yield from _blocks(islice(good, start * BLOCK, None))


def original(row: Row) -> Original:
    return row.written if isinstance(row, Record) else row


class _Reading:
    """One reading of the file; ``wrong`` has the numbers of wrong rows, counted from 0."""

    def __init__(self, source: Source, choices: Choices, unit: Unit) -> None:
        columns = choices.columns if source.columns is None else source.columns
        self.source = source
        self.reader = Reader(
            msgspec.structs.replace(choices, columns=columns), unit, labelled=False
        )
        self.problems = Problems(source.path, skip=choices.skip, nothing=NOTHING)
        self.wrong: list[int] = []

    def rows(self) -> Iterator[tuple[int, str, Row, Example]]:
        """Yields rows with their numbers and places; those that are wrong become problems."""
        columns = self.reader.columns
        given = iter(self.source.rows(self.problems))
        first = list(islice(given, LOOKED_AT))
        columns.check(self.source.path, [row for _, row in first])
        for number, (where, row) in enumerate(chain(first, given)):
            columns.see(row)
            try:
                example = self.reader.query(row)
            except Defect as defect:
                self.refuse(number, f"{where}, {defect.column}", defect.what)
            else:
                yield number, where, row, example
        columns.check_mapped(self.source.path)

    def refuse(self, number: int, where: str, what: str) -> None:
        self.wrong.append(number)
        self.problems.add(where, what)


def _blocks(rows: Iterable[T]) -> Iterator[list[T]]:
    given = iter(rows)
    while block := list(islice(given, BLOCK)):
        yield block
