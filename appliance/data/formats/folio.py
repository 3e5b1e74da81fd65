"""FOLIO's JSON Lines (Han et al., 2022): does a conclusion follow from its premises?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.formats.stream import records
from appliance.data.formats.text import Placed
from appliance.kinds import Kind
from appliance.text import quoted

KIND: Kind = "answer"
NONE: str | None = None
ORIGIN = "FOLIO, github.com/Yale-LILY/FOLIO"
LICENCE = "CC BY-SA 4.0"
LAYOUT = "an object a line with premises, conclusion and label: True, False or Uncertain"
CHOICES = ["True", "False", "Uncertain"]
SPELLINGS = {"true": "True", "false": "False", "uncertain": "Uncertain", "unknown": "Uncertain"}
"""The training file says Unknown where the validation file says Uncertain."""


class _Row(msgspec.Struct, frozen=True):
    premises: list[str] | str
    conclusion: str
    label: str
    story_id: int | str | None = None


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Yields premises and conclusion with True, False or Uncertain, grouped by story.

    Rows without a ``story_id`` belong to one story where their premises are the same.
    """
    for where, row in records(path, problems, _Row, LAYOUT):
        answer = SPELLINGS.get(row.label.strip().lower())
        if answer is None:
            problems.add(where, f"label: {quoted(row.label)} is none of {', '.join(CHOICES)}")
            continue
        stated = row.premises.splitlines() if isinstance(row.premises, str) else row.premises
        premises = "\n".join(premise.strip() for premise in stated if premise.strip())
        story = row.story_id
        if story is None:
            story = hashlib.sha256(premises.encode()).hexdigest()[:12]
        yield (
            where,
            {
                "text": f"{premises}\nConclusion: {row.conclusion.strip()}",
                "answer": answer,
                "choices": list(CHOICES),
                "group": f"story {story}",
            },
        )
