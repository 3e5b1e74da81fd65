"""A file as the rows of a task are read from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.read.columns import Row
from appliance.task import Split


class Source(msgspec.Struct, frozen=True):
    """``rows(problems)`` reads the file from its beginning: it yields rows with their places, and
    adds those that are wrong to the problems.

    ``columns`` are the file's names for fields, where they are not those that a person gave.
    ``note`` says how the file was read, and ``hint`` what else to do where a column is missing.
    ``split`` is the split that all its rows belong to, if any.
    """

    path: Path
    rows: Callable[[Problems], Iterable[tuple[str, Row]]]
    columns: Mapping[str, str] | None = None
    note: str = ""
    hint: str = ""
    split: Split | None = None
