"""Reads the rows of one file or several: those that are right, and what is wrong with others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice

import msgspec

from appliance.data.bad_rows import Problems, Skipped, WrongRows
from appliance.data.choices import Choices
from appliance.data.formats.looks import recognised
from appliance.data.read.columns import LOOKED_AT, Defect, MissingColumns, required
from appliance.data.read.examples import Reader
from appliance.data.read.offsets import Unit
from appliance.data.read.reshape import reshaped
from appliance.data.read.source import Source
from appliance.data.split.gathered import Gathered
from appliance.data.spool import Spool
from appliance.files import refused
from appliance.text import printable


class Found(msgspec.Struct, frozen=True):
    """The rows of all files, those that are wrong, and notes on how the files were read.

    ``counted`` are the notes on what was left out without being wrong.
    """

    rows: Gathered
    skipped: Sequence[Skipped]
    notes: tuple[str, ...]
    counted: tuple[str, ...]


class _Reading(msgspec.Struct, frozen=True):
    source: Source
    reader: Reader
    problems: Problems


def gather(sources: Sequence[Source], choices: Choices) -> Found:
    """Reads all rows. If the offsets of a file count another unit, all are read once more.

    Raises WrongRows if any row is wrong, unless such rows are to be skipped, and MissingColumns.
    """
    rows, readings = _read(sources, choices, ["characters"] * len(sources))
    units = [reading.reader.offsets.better for reading in readings]
    if set(units) != {"characters"}:
        for source in sources:
            if not source.path.is_file() and not source.path.is_dir():
                raise refused(source.path, "can be read only once, as a pipe; save it as a file")
        rows, readings = _read(sources, choices, units)
    wrong = [reading.problems for reading in readings if reading.problems.found]
    skipped = _together(wrong, named=len(sources) > 1)
    if wrong and not (choices.skip and len(rows)):
        raise WrongRows("\n".join(str(problems.refusal()) for problems in wrong), skipped)
    notes, counted = [], []
    for reading in readings:
        before = f"{printable(reading.source.path.name)}: " if len(sources) > 1 else ""
        told = [before + note for note in reading.problems.notes]
        note = [before + reading.source.note] if reading.source.note else []
        notes += [*note, *told, *(before + note for note in reading.reader.notes)]
        counted += told
    return Found(rows, skipped, tuple(notes), tuple(counted))


def _read(
    sources: Sequence[Source], choices: Choices, units: Sequence[Unit]
) -> tuple[Gathered, list[_Reading]]:
    rows, readings = Gathered(), []
    for source, unit in zip(sources, units, strict=True):
        columns = choices.columns if source.columns is None else source.columns
        own = msgspec.structs.replace(choices, columns=columns)
        reading = _Reading(source, Reader(own, unit), Problems(source.path))
        try:
            _add(rows, reading, own, place=len(sources) > 1)
        except MissingColumns as error:
            if not source.hint or not set(error.fields) & set(required(choices.kind)):
                raise
            raise MissingColumns(f"{error}; {source.hint}", error.fields, error.seen) from None
        readings.append(reading)
    return rows, readings


def _add(rows: Gathered, reading: _Reading, choices: Choices, *, place: bool) -> None:
    """Adds the rows of one file. Their places have its name, if ``place`` says so."""
    source, reader, problems = reading.source, reading.reader, reading.problems
    before = f"{printable(source.path.name)}, " if place else ""
    found = recognised(source.path, source.rows(problems), choices)
    given = reshaped(found, problems, choices)
    first = list(islice(given, LOOKED_AT))
    reader.columns.check(source.path, [row for _, row in first])
    for where, row in chain(first, given):
        reader.columns.see(row)
        try:
            example, split = reader.example(row), source.split or reader.split(row)
        except Defect as defect:
            problems.add(f"{where}, {defect.column}", defect.what)
        else:
            rows.add(f"{before}{where}", example, labelled=choices.labelled, split=split)
    reader.columns.check_mapped(source.path)


def _together(wrong: Sequence[Problems], *, named: bool) -> Sequence[Skipped]:
    """The wrong rows of all files; their places have the files' names, if ``named``."""
    if not named and wrong:
        return wrong[0].found
    every = Spool(Skipped)
    for problems in wrong:
        for row in problems.found:
            every.append(row.of(problems.path))
    return every
