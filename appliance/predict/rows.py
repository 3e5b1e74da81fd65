"""The rows of a file that are to be answered: read once to check them all, and then block by block.

A block is what one request holds. A row's answer may differ in its last digits with the rows beside
it, so blocks are cut by what is in the file alone, however often the work is taken up again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import TypeVar

import msgspec

from appliance.data.bad_rows import Problems, Skipped
from appliance.data.choices import Choices
from appliance.data.read.columns import LOOKED_AT, Defect, MissingColumns, Record, Row
from appliance.data.read.examples import Reader
from appliance.data.read.offsets import Unit
from appliance.data.read.reshape import joined
from appliance.data.read.source import Source
from appliance.encode.renderer import Renderer
from appliance.evaluate.lengths import lengths
from appliance.files import refused
from appliance.prompts.options import LISTED_SO, listed
from appliance.prompts.prompt import Prompt
from appliance.scoring.predict import without_gold
from appliance.task import Case, Example
from appliance.text import quoted

T = TypeVar("T")

BLOCK = 32
NOTHING = "nothing was predicted"

Original = Mapping[str, object]
"""A row as the file has it."""


class Checked(msgspec.Struct, frozen=True):
    """What a first reading of the file found: how many rows can be answered, the tokens of the
    longest, its columns in their order, the rows that cannot, and in what unit offsets are given.
    """

    rows: int
    longest: int
    columns: tuple[str, ...]
    wrong: Sequence[Skipped]
    numbers: frozenset[int]
    unit: Unit
    notes: tuple[str, ...]


def check(
    source: Source,
    choices: Choices,
    renderer: Renderer,
    prompt: Prompt,
    options: tuple[str, ...],
    tell: Callable[[int], None],
) -> Checked:
    """Reads all rows. ``options`` are those that a label bias or a map was fitted for: a row with
    others cannot be answered with it. ``tell`` is told how many rows can be answered so far.

    Raises WrongRows if any row is wrong or too long for the model, unless such rows are to be
    skipped; InputError if no row can be answered or the file cannot be read twice, and
    MissingColumns.
    """
    if not source.path.is_file() and not source.path.is_dir():
        raise refused(source.path, "can be read only once, as a pipe; save it as a file")
    checked = partial(_check, source, choices, renderer, prompt, options, tell)
    found, problems = checked("characters")
    if found.unit != "characters":
        found, problems = checked(found.unit)
    problems.raise_if_any()
    if not found.rows:
        raise problems.refusal() if problems.found else refused(source.path, "has no row to answer")
    return found


def _check(
    source: Source,
    choices: Choices,
    renderer: Renderer,
    prompt: Prompt,
    options: tuple[str, ...],
    tell: Callable[[int], None],
    unit: Unit,
) -> tuple[Checked, Problems]:
    reading = _Reading(source, choices, unit)
    names = tuple(label.name for label in renderer.task.labels)
    limit = renderer.tokeniser.description.context
    columns: dict[str, None] = {}
    count = most = 0
    for block in _blocks(reading.rows()):
        cases = [Case(without_gold(example), names) for *_, example in block]
        each = zip(block, cases, lengths(renderer, prompt, cases), strict=True)
        for (number, where, row, _), case, length in each:
            columns.update(dict.fromkeys(original(row)))
            if length > limit:
                what = f"takes {length} tokens with this prompt; the model's context holds {limit}"
                reading.refuse(number, where, what)
            elif (prompt.bias or prompt.map) and case.options != options:
                offered = ", ".join(map(quoted, options))
                what = f"has other choices than those that the prompt was tuned for, {offered}"
                reading.refuse(number, where, what)
            elif prompt.options == "words" and listed(case.query) is None:
                what = f"does not end in its options, {LISTED_SO}; the prompt needs their words"
                reading.refuse(number, where, what)
            else:
                count, most = count + 1, max(most, length)
        tell(count)
    found = Checked(
        rows=count,
        longest=most,
        columns=tuple(columns),
        wrong=reading.problems.found,
        numbers=frozenset(reading.wrong),
        unit=reading.reader.offsets.better if unit == "characters" else unit,
        notes=tuple(filter(None, (source.note, *reading.reader.notes))),
    )
    return found, reading.problems


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
        self.choices = msgspec.structs.replace(choices, columns=columns)
        self.reader = Reader(self.choices, unit, labelled=False)
        self.problems = Problems(source.path, skip=choices.skip, nothing=NOTHING)
        self.wrong: list[int] = []

    def rows(self) -> Iterator[tuple[int, str, Row, Example]]:
        """Yields rows with their numbers and places; those that are wrong become problems."""
        columns = self.reader.columns
        given = iter(self.source.rows(self.problems))
        first = list(islice(given, LOOKED_AT))
        try:
            columns.check(self.source.path, [row for _, row in first])
        except MissingColumns as error:
            hint = f"; {self.source.hint}" if self.source.hint else ""
            raise MissingColumns(f"{error}{hint}", error.fields, error.seen) from None
        for number, (where, row) in enumerate(chain(first, given)):
            columns.see(row)
            try:
                example = self.reader.query(joined(row, self.choices))
                if self.choices.match == "choice" and not example.choices:
                    raise columns.defect(
                        "choices", "is missing; list what the answer is chosen from"
                    )
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
