"""Reads exports of annotation tools in tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats import TOOLS, annotated
from appliance.errors import InputError
from appliance.kinds import Kind

EXPORTS = Path(__file__).parent / "exports"
"""Made-up exports, as the tools write them."""


class Read:
    """The rows of an export by their places, what is told of it, and what is said of wrong rows."""

    def __init__(
        self, tool: str, path: Path, kind: Kind, *, several: bool = False, **columns: str
    ) -> None:
        problems = Problems(path)
        choices = Choices("export", kind=kind, several=several, columns=columns)
        found = TOOLS[tool].annotated(path, problems, choices)
        self.rows: dict[str, dict[str, Any]] = dict(annotated.rows(found, choices, problems))
        self.notes = problems.notes
        self.said = ""
        try:
            problems.raise_if_any()
        except InputError as error:
            self.said = str(error)

    @property
    def spans(self) -> list[list[tuple[str, str]]]:
        """The entities of each row as their words and types."""
        return [
            [(row["text"][start:end], kind) for start, end, kind in row["spans"]]
            for row in self.rows.values()
        ]

    @property
    def pairs(self) -> list[tuple[str, str, str]]:
        """Head, tail and label of each row."""
        return [
            (row["text"][slice(*row["head"])], row["text"][slice(*row["tail"])], row["label"])
            for row in self.rows.values()
        ]


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
