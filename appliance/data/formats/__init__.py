"""File formats: published ones are read into rows with the fields of their kind of task, exports of
annotation tools into annotated texts, of which rows of several kinds can be made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats import (
    bbh,
    clue,
    conll,
    doccano,
    folio,
    gsm8k,
    label_studio,
    opennre,
    prodigy,
    semeval,
    squad,
    tacred,
)
from appliance.data.formats.annotated import Annotated
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


class Tool(Protocol):
    """A module that reads what an annotation tool exports.

    ``KINDS`` are the kinds of tasks that an export can be read for. ``LAYOUT`` describes it for
    messages.
    """

    KINDS: tuple[Kind, ...]
    LAYOUT: str

    def annotated(
        self, path: Path, problems: Problems, choices: Choices
    ) -> Iterator[tuple[str, Annotated]]:
        """Yields annotated texts with their places; ``annotated.rows`` makes rows of them.

        Raises InputError as ``Format.rows`` does.
        """


FORMATS: Mapping[str, Format] = {
    "tacred": tacred,
    "opennre": opennre,
    "semeval": semeval,
    "conll": conll,
    "clue": clue,
    "squad": squad,
    "bbh": bbh,
    "gsm8k": gsm8k,
    "folio": folio,
}

TOOLS: Mapping[str, Tool] = {
    "label-studio": label_studio,
    "doccano": doccano,
    "prodigy": prodigy,
}
