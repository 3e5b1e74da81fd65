"""SQuAD's JSON (Rajpurkar et al., EMNLP 2016), also that of XQuAD and CMRC 2018."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.data.check import Problems, quoted
from appliance.data.formats.stream import decoded, elements
from appliance.data.formats.text import Placed
from appliance.task import Kind

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
    paragraphs: list[_Paragraph]
    title: str = ""


class _Answer(msgspec.Struct, frozen=True):
    text: str


class _Question(msgspec.Struct, frozen=True):
    question: str
    id: str = ""
    answers: list[_Answer] = []


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Questions with their passage and the different right answers, grouped by document."""
    number = 0
    for _, document in elements(path, problems, _Document, LAYOUT, "data"):
        for paragraph in document.paragraphs:
            for raw in paragraph.qas:
                number += 1
                where = f"question {number}"
                asked = decoded(where, raw, problems, _Question, LAYOUT)
                if asked is None:
                    continue
                if asked.id:
                    where += f" ({quoted(asked.id)})"
                answers = list(dict.fromkeys(answer.text for answer in asked.answers))
                if not answers:
                    what = "has no answer (SQuAD 2 has such questions)"
                    problems.add(where, f"{what}; leave it out: every question here needs one")
                    continue
                row: dict[str, object] = {
                    "text": paragraph.context,
                    "question": asked.question,
                    "answer": answers,
                }
                yield where, row | ({"group": document.title} if document.title else {})
