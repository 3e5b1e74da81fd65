"""Answered rows as JSON Lines or CSV: the row's own columns, then what was answered."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Literal

import msgspec

from appliance.errors import InputError
from appliance.predict.rows import Original
from appliance.scoring.predict import Answer
from appliance.text import quoted

Layout = Literal["jsonl", "csv"]
_ENDED = "\r\n"
"""With this line end the writer puts values in quotation marks that hold either character."""

ADDED = ("predicted", "probability", "runner_up", "runner_up_probability", "withheld")
"""What is added to a row. ``withheld`` is true where the answer's probability is below the prompt's
abstention threshold."""


class Lines:
    """Writes rows with the file's ``columns`` in their order, then those that are ``added``.

    Raises InputError where the two have a name in common.
    """

    def __init__(self, layout: Layout, columns: Sequence[str], added: Sequence[str]) -> None:
        if taken := [name for name in added if name in columns]:
            raise InputError(
                f"the file has a column {quoted(taken[0])}, and one of that name would be added; "
                "rename it"
            )
        self.layout = layout
        self.columns = (*columns, *added)

    @property
    def header(self) -> str:
        """What stands before the rows."""
        return _record(self.columns) if self.layout == "csv" else ""

    def row(self, original: Original, added: Mapping[str, object]) -> str:
        """One row, with the line break after it."""
        values = {**original, **added}
        if self.layout == "jsonl":
            return msgspec.json.encode(values).decode() + "\n"
        return _record([_cell(values.get(name)) for name in self.columns])


def fields(answer: Answer) -> dict[str, object]:
    """What is added to the row of an answer."""
    second = answer.runner_up or (None, None)
    values = (answer.text, answer.probability, *second, answer.withheld)
    return dict(zip(ADDED, values, strict=True))


def record_ends(file: BinaryIO, layout: Layout) -> Iterator[int]:
    """Yields the place in the file right after each complete record. In CSV a line break between
    quotation marks ends none."""
    at = quotes = 0
    for line in file:
        if not line.endswith(b"\n"):
            return
        at += len(line)
        quotes += line.count(b'"')
        if layout == "jsonl" or quotes % 2 == 0:
            yield at


def _record(values: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator=_ENDED).writerow(values)
    return out.getvalue().removesuffix(_ENDED) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
