"""SQuAD's JSON (Rajpurkar et al., EMNLP 2016), also that of XQuAD and CMRC 2018."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.formats.stream import decoded, elements
from appliance.data.formats.text import Placed
from appliance.kinds import Kind
from appliance.text import quoted

KIND: Kind = "reading"
NONE: str | None = None
ORIGIN = ""
LICENCE = ""
LAYOUT = (
    'an object with data, a list of documents with title and paragraphs, each {"context", "qas": '
    '[{"question", "id", "answers": [{"text"}]}]}'
)


class _Paragraph(msgspec.Struct, frozen=True):
    context: str
    qas: list[msgspec.Raw]


class _Document(msgspec.Struct, frozen=True):
    paragraphs: list[msgspec.Raw]
    title: str | int | None = None


class _Answer(msgspec.Struct, frozen=True):
    text: str


class _Question(msgspec.Struct, frozen=True):
    question: str
    id: str | int | None = None
    answers: list[_Answer] = []


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Yields questions with their passage and their distinct right answers, grouped by document.

    A question or paragraph that is wrong becomes a problem; the rest of its document is still read.
    """
    number = 0
    for group, paragraph in _paragraphs(path, problems):
        for raw in paragraph.qas:
            number += 1
            where = f"question {number}"
            asked = decoded(where, raw, problems, _Question, LAYOUT)
            if asked is None:
                continue
            if asked.id:
                where += f" ({quoted(str(asked.id))})"
            answers = list(dict.fromkeys(answer.text for answer in asked.answers))
            if not answers:
                what = "has no answer (SQuAD 2 has such questions)"
                problems.add(where, f"{what}; leave it out: every question here needs one")
                continue
            row = {"text": paragraph.context, "question": asked.question, "answer": answers}
            yield where, row | group


def _paragraphs(path: Path, problems: Problems) -> Iterator[tuple[dict[str, object], _Paragraph]]:
    """Yields each paragraph after the ``group`` field for its rows: its document's title, if
    any."""
    for where, document in elements(path, problems, _Document, LAYOUT, "data"):
        group: dict[str, object] = {"group": document.title} if document.title else {}
        for number, raw in enumerate(document.paragraphs, 1):
            place = f"{where}, paragraph {number}"
            paragraph = decoded(place, raw, problems, _Paragraph, LAYOUT)
            if paragraph is not None:
                yield group, paragraph
