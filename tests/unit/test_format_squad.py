"""SQuAD's documents, paragraphs and questions become rows, one for each question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, squad
from appliance.errors import InputError

REAL = Path(__file__).parents[3] / "shared" / "data" / "xquad" / "xquad.en.json"
QUESTION: dict[str, Any] = {
    "id": "q1",
    "question": "Who?",
    "answers": [
        {"text": "Ida", "answer_start": 0},
        {"text": "Ida Moe", "answer_start": 0},
        {"text": "Ida", "answer_start": 0},
    ],
}


def document(*questions: Any, **more: Any) -> dict[str, Any]:
    paragraph = {"context": "Ida Moe sat.", "qas": list(questions), "document_id": 3}
    return {"title": "Ida", "paragraphs": [paragraph]} | more


def read(path: Path, *documents: Any) -> tuple[list[tuple[str, dict[str, Any]]], str]:
    """Rows with their places, and what is said of the others."""
    path.write_text(json.dumps({"version": "1.1", "data": documents}))
    problems = Problems(path)
    rows = list(squad.rows(path, problems))
    try:
        problems.raise_if_any()
    except InputError as error:
        return rows, str(error)
    return rows, ""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "squad.json"


def test_a_question_has_its_passage_its_different_answers_and_its_document(file):
    assert read(file, document(QUESTION)) == (
        [
            (
                'question 1 ("q1")',
                {
                    "text": "Ida Moe sat.",
                    "question": "Who?",
                    "answer": ["Ida", "Ida Moe"],
                    "group": "Ida",
                },
            )
        ],
        "",
    )


def test_title_and_id_may_be_missing(file):
    untitled = {
        "paragraphs": [{"context": "c", "qas": [{"question": "?", "answers": [{"text": "c"}]}]}]
    }
    rows, said = read(file, untitled, untitled)
    assert [place for place, _ in rows] == ["question 1", "question 2"]
    assert rows[0][1] == {"text": "c", "question": "?", "answer": ["c"]}
    assert not said


def test_unanswerable_questions_are_named_and_the_others_read(file):
    impossible = QUESTION | {"id": "q2", "is_impossible": True, "answers": []}
    rows, said = read(file, document(impossible, QUESTION, impossible))
    assert [place for place, _ in rows] == ['question 2 ("q1")']
    assert "2 rows are wrong" in said
    assert (
        'question 1 ("q2"): has no answer (SQuAD 2 has such questions); leave it out: every '
        "question here needs one"
    ) in said


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"question": "?", "answers": "Ida"}, "answers is a string, not a list\n  it needs"),
        ({"answers": []}, 'has no "question"\n  it needs an object with data'),
        (
            {"question": "?", "answers": [{"text": 3}]},
            "answers[0].text is a whole number, not a string",
        ),
    ],
)
def test_a_wrong_question_does_not_take_its_document_with_it(file, wrong, message):
    rows, said = read(file, document(QUESTION, wrong, QUESTION))
    assert [place for place, _ in rows] == ['question 1 ("q1")', 'question 3 ("q1")']
    assert f"question 2: {message}" in said


def test_a_wrong_document_is_named(file):
    rows, said = read(file, document(QUESTION), {"title": "none"})
    assert len(rows) == 1
    assert 'row 2: has no "paragraphs"\n  it needs an object with data' in said


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"qas": []}, 'has no "context"'),
        ({"context": 3, "qas": []}, "context is a whole number, not a string"),
        ("Ida", "is a string, not an object"),
    ],
)
def test_a_wrong_paragraph_does_not_take_its_document_with_it(file, wrong, message):
    given = document(QUESTION)
    given["paragraphs"] += [wrong, *given["paragraphs"]]
    rows, said = read(file, document(QUESTION), given)
    assert [place for place, _ in rows] == [f'question {n} ("q1")' for n in (1, 2, 3)]
    assert f"row 2, paragraph 2: {message}" in said


def test_title_and_id_may_be_numbers_or_null(file):
    rows, said = read(
        file,
        document(QUESTION | {"id": 7}, title=12),
        document(QUESTION | {"id": None}, title=None),
    )
    assert [(place, row.get("group")) for place, row in rows] == [
        ('question 1 ("7")', 12),
        ("question 2", None),
    ]
    assert not said


def test_data_that_is_no_list_is_refused(file):
    file.write_text('{"data": {}}')
    with pytest.raises(InputError, match="has no list where its rows should be; it needs an obj"):
        list(squad.rows(file, Problems(file)))


def test_a_file_without_data_is_refused(file):
    file.write_text('{"examples": []}')
    with pytest.raises(InputError, match='has no "data"; it needs an object with data, a list of'):
        list(squad.rows(file, Problems(file)))


def test_the_format_says_what_it_is():
    assert FORMATS["squad"] is squad
    assert squad.KIND == "reading"


@pytest.mark.skipif(not REAL.exists(), reason="no XQuAD in ../shared/data/xquad")
def test_xquad_is_read_whole():
    problems = Problems(REAL)
    rows = list(squad.rows(REAL, problems))
    problems.raise_if_any()
    assert len(rows) == 1190
    assert len({row["group"] for _, row in rows}) == 48
    read: list[Any] = [row for _, row in rows]
    assert all(answer in row["text"] for row in read for answer in row["answer"])
