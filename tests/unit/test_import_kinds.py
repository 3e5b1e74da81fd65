"""Rows of each kind of task: what is taken, what is said of it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data import Imported
from appliance.data.choices import Choices, Sizes
from appliance.data.read import jsonl
from appliance.data.read.rows import fixed_task
from appliance.data.read.source import Source
from appliance.errors import InputError
from appliance.kinds import KINDS, Kind
from appliance.task import SPLITS

WORDS = [a + b + c for a in "bdfgklmn" for b in "aeiou" for c in "rstz"]

Rows = list[dict[str, Any]]


def several() -> Rows:
    names = ("late", "rude", "broken")
    return [
        {"text": f"{word} wrote", "label": [x for i, x in enumerate(names) if n >> i & 1]}
        for n, word in enumerate(WORDS[:40])
    ]


def answer(**more: Any) -> Rows:
    return [{"text": f"what is {word}?", "answer": word} | more for word in WORDS[:12]]


def choice() -> Rows:
    return [
        {"text": f"is {word} so?", "answer": ("Yes", "No")[n % 2], "choices": ["Yes", "No"]}
        for n, word in enumerate(WORDS[:24])
    ]


def spans() -> Rows:
    return [
        {"text": f"{word} lives in {word}town.", "spans": [[0, 3, "person"], [13, 20, "place"]]}
        for word in WORDS[:12]
    ]


def reading() -> Rows:
    return [
        {"text": f"{word} is  the\nname.", "question": "Which is the name?", "answer": [word, "It"]}
        for word in WORDS[:12]
    ]


EVERY: dict[Kind, Rows] = {
    "classify": several(),
    "answer": answer(),
    "spans": spans(),
    "reading": reading(),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def read(path: Path, rows: Rows, kind: Kind, **choices: Any) -> Imported:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    if kind == "classify":
        choices = {"several": True} | choices
    return jsonl.read_jsonl(path, Choices("mine", kind=kind, **choices))


def refusal(path: Path, rows: Rows, kind: Kind, **choices: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(path, rows, kind, **choices)
    return str(caught.value)


@pytest.mark.parametrize("kind", EVERY)
def test_rows_of_every_kind_become_cases_in_every_split(file: Path, kind: Kind) -> None:
    imported = read(file, EVERY[kind], kind)
    assert (imported.task.kind, imported.task.protocol) == (kind, "fixed")
    assert imported.task.match == "exact"
    assert len(imported.examples) == len(EVERY[kind])
    names = tuple(label.name for label in imported.task.labels)
    for split in SPLITS:
        assert len(imported.cases[split]) > 0
        assert all(case.labels == names for case in imported.cases[split])


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ("classify", "accuracy"),
        ("answer", "accuracy"),
        ("spans", "span_f1"),
        ("reading", "token_f1"),
    ],
)
def test_a_task_is_measured_by_its_kind_s_metric_or_the_one_given(
    file: Path, kind: Kind, metric: str
) -> None:
    assert read(file, EVERY[kind], kind).task.metric == metric
    assert read(file, several(), "classify", metric="macro_f1").task.metric == "macro_f1"


@pytest.mark.parametrize("kind", EVERY)
def test_what_is_to_be_predicted_has_to_be_there(file: Path, kind: Kind) -> None:
    rows = [dict(row) for row in EVERY[kind]]
    del rows[2][KINDS[kind].gold]
    assert f"line 3, {KINDS[kind].gold}: is missing" in refusal(file, rows, kind)


def test_labels_of_a_row_are_sorted_and_said_once(file: Path) -> None:
    rows = several()
    rows[0]["label"] = ["rude", "late", "rude"]
    assert read(file, rows, "classify").examples[0].labels == ("late", "rude")


def test_labels_are_divided_at_semicolons_and_bars_or_as_is_said(file: Path) -> None:
    rows = [row | {"label": " ; ".join(row["label"])} for row in several()]
    assert read(file, rows, "classify").examples[3].labels == ("late", "rude")
    rows = [row | {"label": row["label"].replace(" ; ", "|")} for row in rows]
    assert read(file, rows, "classify").examples[3].labels == ("late", "rude")
    rows = [row | {"label": row["label"].replace("|", ", ")} for row in rows]
    divided = read(file, rows, "classify", label_delimiter=",")
    assert divided.examples[3].labels == ("late", "rude")
    assert divided.examples[0].labels == ()
    assert "late, rude" in {label.name for label in read(file, rows, "classify").task.labels}


def test_a_label_in_few_rows_is_told_where_rows_have_several(file: Path) -> None:
    rows = several()
    rows[0]["label"] = ["odd"]
    imported = read(file, rows, "classify")
    assert imported.notes == ('too few rows to be in every split: "odd" 1',)


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ({}, "line 1, label: is an object; write a list of strings"),
        (None, "line 1, label: is null; write a list of strings"),
        (["late", []], "line 1, label: lists a list; write a list of strings"),
        ([" late"], 'line 1, label: " late" begins or ends with white space'),
        (["Late"], 'labels that read the same: "Late" and "late"'),
        (["late", "none"], 'line 1, label: "none" stands beside other labels; it means that there'),
    ],
)
def test_wrong_labels_of_several_are_refused(file: Path, label: object, what: str) -> None:
    rows = several()
    rows[0]["label"], rows[1]["label"] = label, ["none"]
    assert what in refusal(file, rows, "classify", none="none")


def test_whole_numbers_are_labels_where_a_text_may_have_several(file: Path) -> None:
    rows = [row | {"label": [n % 2, 7]} for n, row in enumerate(several())]
    rows[0]["label"] = 7
    examples = read(file, rows, "classify").examples
    assert [row.labels for row in examples[:2]] == [("7",), ("1", "7")]


def test_what_looks_like_several_labels_is_told_how_to_have_them(file: Path) -> None:
    hint = "; for several labels a text give --several"
    lists = refusal(file, several(), "classify", several=False)
    assert f"line 4, label: lists 2 labels{hint}" in lists
    for mark, quoted in ((";", "';'"), ("|", "'|'"), ("#", "'#'"), (", ", ",")):
        rows = [row | {"label": mark.join(row["label"]) or "none"} for row in several()]
        assert f"with --on-error skip){hint} --label-delimiter {quoted}" in refusal(
            file, rows, "classify", several=False
        )
    rows = [row | {"label": "late"} for row in several()]
    rows[0] |= {"label": "odd"}
    assert hint not in refusal(file, rows, "classify", several=False)


def test_rows_of_rare_labels_are_left_out_where_that_is_asked_for(file: Path) -> None:
    rows = [{"text": word, "label": ("late", "lost")[n % 2]} for n, word in enumerate(WORDS[:24])]
    rare = [{"text": f"rare {word}", "label": "odd"} for word in WORDS[:3]]
    said = refusal(file, [*rows, *rare], "classify", several=False)
    assert 'too few different rows to split: "odd" 3; each label needs 6: add rows or' in said
    assert "remove the label (or leave its rows out with --on-error skip)" in said
    found = read(file, [*rows, *rare, rows[0]], "classify", several=False, skip=True)
    assert [label.name for label in found.task.labels] == ["late", "lost"]
    assert len(found.examples) == 24
    assert 'rows left out: 3; fewer than 6 rows have their label: "odd" 3' in found.notes
    assert "exact duplicate rows dropped: 1" in found.notes


def test_rows_without_any_label_are_refused(file: Path) -> None:
    rows = [row | {"label": []} for row in several()]
    assert "has no label in any row; there is nothing to find" in refusal(file, rows, "classify")


def test_answers_are_compared_as_choices_numbers_or_text_as_they_look(file: Path) -> None:
    assert read(file, choice(), "answer").task.match == "choice"
    assert read(file, answer(), "answer").task.match == "exact"
    numbers = [row | {"answer": f"1,{n:03}.5"} for n, row in enumerate(answer())]
    assert read(file, numbers, "answer").task.match == "numeric"
    assert read(file, numbers, "answer", match="exact").task.match == "exact"
    for odd in ("1,2,3", "12,34", "0,123", "1,2345"):
        assert read(file, [*numbers, answer(answer=odd)[0]], "answer").task.match == "exact"
    dates = [row | {"answer": f"2001-02-{n + 10}"} for n, row in enumerate(answer())]
    assert read(file, dates, "answer").task.match == "exact"


def test_where_only_some_rows_have_choices_answers_are_written_and_that_is_told(
    file: Path,
) -> None:
    imported = read(file, [*choice(), *answer()], "answer")
    assert imported.task.match == "exact"
    assert imported.notes[1:] == (
        "24 of 36 rows have choices: all answers are written; to have them chosen, give --match "
        "choice --on-error skip",
    )


def test_an_answer_is_one_line_or_several_of_which_the_first_is_written(file: Path) -> None:
    rows = answer(reasoning=" First this.\nThen that. ")
    rows[0]["answer"] = ["two\n words ", "2 words", "two words"]
    rows[1]["answer"] = 24
    first, second, *_ = read(file, rows, "answer").examples
    assert first.answers == ("two words", "2 words")
    assert first.reasoning == "First this.\nThen that."
    assert second.answers == ("24",)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"answer": []}, "line 1, answer: is empty; write the answer"),
        ({"answer": " "}, "line 1, answer: is empty; write the answer"),
        ({"answer": {}}, "line 1, answer: is an object; write a string"),
        ({"answer": [None]}, "line 1, answer: is null; write a string"),
        ({"choices": ["Yes", []]}, "line 1, choices: lists a list; write a list of strings"),
        ({"choices": ["Yes"]}, "line 1, choices: are only one; list all that the answer is"),
        ({"answer": "Yess"}, 'line 1, answer: "Yess" is not one of the choices (did you mean "Yes'),
        ({"answer": ["Yes", "No"]}, "line 1, answer: lists 2 answers; of choices one is right"),
        ({"reasoning": 3}, "line 1, reasoning: is a number; write a string"),
    ],
)
def test_a_wrong_answer_is_refused(file: Path, changes: dict[str, Any], what: str) -> None:
    assert what in refusal(file, [choice()[0] | changes, *choice()[1:]], "answer")


def test_answers_have_to_be_such_as_can_be_compared_as_is_asked(file: Path) -> None:
    some = refusal(file, [*choice(), answer()[0]], "answer", match="choice")
    assert "line 25, choices: is missing; list what the answer is chosen from" in some
    word = refusal(file, answer(), "answer", match="numeric")
    assert 'line 1, answer: "bar" is not one plain number; write it in digits, as in' in word
    for odd in ("1_000", "0x10", "1/0", "1e999999999", "12/05/2020"):
        said = refusal(file, answer(answer=odd), "answer", match="numeric")
        assert f'line 1, answer: "{odd}" is not one plain number' in said


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_an_answer_that_is_no_finite_number_is_refused(tmp_path: Path, number: float) -> None:
    rows = [("row 1", {"text": "what?", "answer": number})]
    source = Source(tmp_path, lambda problems: rows)
    with pytest.raises(InputError, match=f"row 1, answer: is {number}, no number; write a string"):
        fixed_task([source], Choices("mine", kind="answer"))


def test_rows_without_reasoning_are_counted(file: Path) -> None:
    assert read(file, answer(), "answer").notes == ("0 of 12 rows have reasoning",)
    some = [*answer(reasoning="so")[:5], *answer()[5:]]
    assert read(file, some, "answer").notes == ("5 of 12 rows have reasoning",)
    assert read(file, answer(reasoning="so"), "answer").notes == ()
    assert read(file, choice(), "answer").notes == ()


def test_questions_that_differ_only_in_digits_are_split_and_that_is_told(file: Path) -> None:
    rows = [{"text": f"what is {n} plus {n}?", "answer": 2 * n} for n in range(30)]
    imported = read(file, rows, "answer")
    assert [len(imported.cases[split]) for split in SPLITS] == [12, 6, 12]
    assert imported.notes[:1] == (
        "30 of 30 texts differ from others only in digits, which therefore count when rows are "
        "split: else so many texts would stay on one side",
    )


def test_choices_may_be_whole_numbers(file: Path) -> None:
    rows = [row | {"answer": 1 + n % 2, "choices": [1, 2]} for n, row in enumerate(choice())]
    assert read(file, rows, "answer").examples[1].choices == ("1", "2")


def test_where_the_question_is_another_column_it_is_said_how_to_map_it(file: Path) -> None:
    rows = [{"question": row["text"], "answer": row["answer"]} for row in answer()]
    said = refusal(file, rows, "answer")
    assert said.endswith("; the question goes into text: --column text=question")


def test_choices_may_be_one_string(file: Path) -> None:
    rows = [row | {"choices": "Yes | No"} for row in choice()]
    assert read(file, rows, "answer").examples[0].choices == ("Yes", "No")


def test_entities_are_given_in_three_ways_and_kept_in_the_order_of_the_text(file: Path) -> None:
    rows = spans()
    rows[0]["spans"] = rows[0]["spans"][::-1]
    rows[1]["spans"] = [{"text": "bastown", "type": "place"}, {"text": "bas ", "type": "person"}]
    rows[2]["spans"] = [{"start": 0, "end": 3, "type": "person"}]
    rows[3]["spans"] = []
    rows[4]["spans"] = [{"start": 13, "end": 16, "text": "ber", "type": "person"}]
    rows[5]["spans"] = [{"start": None, "end": None, "text": "best", "type": "person"}]
    found = [row.spans for row in read(file, rows, "spans").examples]
    assert found[0] == ((0, 3, "person"), (13, 20, "place"))
    assert found[1] == ((0, 4, "person"), (13, 20, "place"))
    assert found[2] == ((0, 3, "person"),)
    assert found[3] == ()
    assert found[4] == ((13, 16, "person"),)
    assert found[5] == ((13, 17, "person"),)


@pytest.mark.parametrize(
    ("entities", "what"),
    [
        ("bar", "line 1, spans: is a string; write a list of [start, end, type], {"),
        ([[0, 3]], "line 1, spans: entity 1 is not [start, end, type], {"),
        ([[0, 3, "x"], [4, 9, 7]], "line 1, spans: entity 2 is not [start, end, type], {"),
        ([{"text": "bar"}], "line 1, spans: entity 1 is not [start, end, type], {"),
        ([[0, 99, "person"]], "line 1, spans: entity 1: [0, 99] lies outside the sentence"),
        ([[3, 4, "person"]], "line 1, spans: entity 1: [3, 4] is empty"),
        (
            [{"text": "b", "start": 0, "end": 3, "type": "x"}],
            '[0, 3] is "bar" in the text, not "b"',
        ),
        (
            [{"text": "bar", "start": 0, "end": 2, "type": "x"}],
            '1: [0, 2] is "ba" in the text, not "bar"; end is exclusive: write [0, 3]',
        ),
        ([{"text": 3, "start": 0, "end": 3, "type": "x"}], "entity 1 is not [start, end, type], {"),
        ([{"text": "bar", "type": "person"}], 'entity 1: "bar" occurs more than once in the text'),
        ([[0, 5, "person"], [4, 9, "place"]], "[0, 5] overlaps [4, 9]; keep one of the two"),
        ([[0, 3, "person "]], 'line 1, spans: "person " begins or ends with white space'),
    ],
)
def test_a_wrong_entity_is_refused(file: Path, entities: object, what: str) -> None:
    assert what in refusal(file, [spans()[0] | {"spans": entities}, *spans()[1:]], "spans")


def test_texts_without_any_entity_are_refused(file: Path) -> None:
    rows = [row | {"spans": []} for row in spans()]
    assert "has no entity in any row; there is nothing to find" in refusal(file, rows, "spans")


def test_answers_that_do_not_stand_in_their_passage_are_counted(file: Path) -> None:
    assert read(file, reading(), "reading").notes == ()
    rows = reading()
    rows[0]["answer"] = "nothing of it"
    rows[1]["answer"] = "IS THE NAME"
    told = read(file, rows, "reading").notes
    assert told == ("1 of 12 rows have no answer that stands in their passage",)


@pytest.mark.parametrize("question", ["", None, 3])
def test_a_reading_row_asks_something(file: Path, question: object) -> None:
    rows = [reading()[0] | {"question": question}, *reading()[1:]]
    assert "line 1, question: is" in refusal(file, rows, "reading")


def test_questions_about_one_passage_stay_together(file: Path) -> None:
    rows = [
        row | {"question": f"Question {n} of {word}?"}
        for row in reading()
        for n, word in enumerate(WORDS[:3])
    ]
    imported = read(file, rows, "reading")
    sides = [{case.query.text for case in imported.cases[split]} for split in SPLITS]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 12


def test_one_question_with_two_answers_is_told(file: Path) -> None:
    imported = read(file, [*answer(), answer()[0] | {"answer": "other"}], "answer")
    assert imported.notes[0] == "questions with different answers: 1"


def test_too_few_rows_and_rows_that_all_stay_together_are_refused(file: Path) -> None:
    few = refusal(file, answer()[:5], "answer")
    assert "too few different rows to split: 5; a task needs 6: add rows" in few
    tied = refusal(file, answer(group="one"), "answer")
    assert "the selection split gets no row: 12 rows stay together; line 1 and line 2, for" in tied


def test_numbers_as_sizes_hold_for_any_kind(file: Path) -> None:
    sizes = Sizes((0.25, 0.25, 0.5), (2, 2, 4))
    imported = read(file, answer(), "answer", sizes=sizes)
    assert [len(imported.cases[split]) for split in SPLITS] == [2, 2, 4]
    assert len(imported.examples) == 12


def test_rows_are_read_one_after_the_other_and_once(tmp_path: Path) -> None:
    asked = iter(enumerate(answer()))
    rows = ((f"row {number}", row) for number, row in asked)
    path = tmp_path / "gone"
    imported = fixed_task([Source(path, lambda problems: rows)], Choices("mine", kind="answer"))
    assert len(imported.examples) == 12


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["", "a", "ab", "b c"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "type", "start", "end"]), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = ("text", "label", "answer", "choices", "spans", "question", "reasoning", "group")


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(EVERY)), st.dictionaries(st.sampled_from(FIELDS), values))
def test_a_row_of_anything_is_imported_or_refused_by_its_place(
    tmp_path_factory: pytest.TempPathFactory, kind: Kind, changes: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.jsonl"
    try:
        read(path, [EVERY[kind][0] | changes, *EVERY[kind][1:]], kind)
    except InputError as error:
        assert "line 1" in str(error) or "labels that read the same" in str(error)
