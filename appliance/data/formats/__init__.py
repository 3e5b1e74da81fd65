"""Published file formats: each is read into rows with the fields of their kind of task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from appliance.data.bad_rows import Problems
from appliance.data.formats import (
    bbh,
    clue,
    conll,
    folio,
    gsm8k,
    squad,
    tacred,
)
from appliance.data.formats.text import Placed
from appliance.kinds import Kind


class Format(Protocol):
    """A module that reads one format.

    ``NONE`` is the format's label for none of the above, where it occurs. ``ORIGIN`` and
    ``LICENCE`` are empty where many data sets use the format. ``LAYOUT`` describes the format for
    messages.
    """

    KIND: Kind
    NONE: str | None
    ORIGIN: str
    LICENCE: str
    LAYOUT: str

    def rows(self, path: Path, problems: Problems) -> Iterator[Placed]:
        """Yields rows with their places in the file. What is wrong with a row becomes a problem.

        Raises InputError where the file cannot be read further, maybe after some rows.
        """


FORMATS: Mapping[str, Format] = {
    "tacred": tacred,
    "conll": conll,
    "clue": clue,
    "squad": squad,
    "bbh": bbh,
    "gsm8k": gsm8k,
    "folio": folio,
}
