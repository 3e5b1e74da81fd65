"""``strop task import`` from end to end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from appliance.cli import strop

REPOSITORY = Path(__file__).parents[2]
WORDS = [a + b + c for a in "bdfgklmn" for b in "aeiou" for c in "rstz"]
GROWTH = 250
"""Bytes of memory that a row may take while it is imported."""

Row = dict[str, Any]


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(strop, [str(a) for a in arguments])
    assert "Traceback" not in result.output
    return result


def imported(kind: str, path: Path, *options: object) -> dict[str, Any]:
    result = run("task", "import", kind, path, *options, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(kind: str, path: Path, *options: object) -> str:
    result = run("task", "import", kind, path, *options, "--json")
    assert result.exit_code == 2
    return str(json.loads(result.stdout)["error"])


def lines(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def tickets(count: int = 24) -> list[Row]:
    return [
        {"text": f"{word} wrote of it", "label": ("post", "bill")[i % 2]}
        for i, word in enumerate(WORDS[:count])
    ]


def tacred(word: str, i: int) -> Row:
    return {
        "token": [word, "left", f"{word}town", "."],
        "relation": ("per:residence", "no_relation")[i % 2],
        "subj_start": 0, "subj_end": 0, "obj_start": 2, "obj_end": 2,
        "subj_type": "PERSON", "obj_type": "CITY",
    }  # fmt: skip


PUBLISHED = {
    "tacred": json.dumps([tacred(word, i) for i, word in enumerate(WORDS[:16])]),
    "opennre": "".join(
        json.dumps(
            {
                "token": [word, "left", f"{word}town"],
                "h": {"name": word, "pos": [0, 1]},
                "t": {"name": f"{word}town", "pos": [2, 3]},
                "relation": ("lives in", "NA")[i % 2],
            }
        )
        + "\n"
        for i, word in enumerate(WORDS[:16])
    ),
    "semeval": "".join(
        f'{i}\t"The <e1>{word}</e1> made a <e2>{word}er</e2>."\n'
        f"{('Cause-Effect(e1,e2)', 'Other')[i % 2]}\nComment: none\n\n"
        for i, word in enumerate(WORDS[:16])
    ),
    "conll": "".join(f"{word} B-person\nleft O\n\n" for word in WORDS[:16]),
    "clue": "".join(
        json.dumps({"text": f"{w} left", "label": {"person": {w: [[0, 2]]}}}) + "\n"
        for w in WORDS[:16]
    ),
    "squad": json.dumps(
        {
            "data": [
                {
                    "title": word,
                    "paragraphs": [
                        {
                            "context": f"It was {word}.",
                            "qas": [{"id": word, "question": "Who?", "answers": [{"text": word}]}],
                        }
                    ],
                }
                for word in WORDS[:16]
            ]
        }
    ),
    "bbh": json.dumps(
        {
            "examples": [
                {"input": f"Is {word}?\nOptions:\n- Yes\n- No", "target": ("Yes", "No")[i % 2]}
                for i, word in enumerate(WORDS[:16])
            ]
        }
    ),
    "gsm8k": "".join(
        json.dumps({"question": f"How many {w}?", "answer": f"It is so.\n#### {i}"}) + "\n"
        for i, w in enumerate(WORDS[:16])
    ),
    "folio": "".join(
        json.dumps({"premises": f"{w} is.", "conclusion": "So?", "label": "True"}) + "\n"
        for w in WORDS[:16]
    ),
}
KINDS = {
    "tacred": ("relation", None),
    "opennre": ("relation", None),
    "semeval": ("relation", None),
    "conll": ("spans", None),
    "clue": ("spans", None),
    "squad": ("reading", None),
    "bbh": ("answer", "choice"),
    "gsm8k": ("answer", "numeric"),
    "folio": ("answer", "choice"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_format_is_imported_by_its_own_command(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.txt"
    path.write_text(PUBLISHED[name])
    found = imported(name, path)
    assert found["schema"] == f"strop/task-import-{name}/1"
    assert (found["kind"], found["match"]) == KINDS[name]
    assert (found["rows"], sum(found["cases"].values())) == (16, 16)
    shown = run("task", "show", name).stdout
    assert f"{found['kind']}, fixed" in shown


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_format_may_have_one_file_a_split(tmp_path: Path, name: str) -> None:
    train, test = tmp_path / f"{name}.txt", tmp_path / "test.txt"
    train.write_text(PUBLISHED[name])
    words = re.compile("|".join(WORDS[:16]))
    test.write_text(
        words.sub(lambda word: f"x{word[0]}", PUBLISHED[name]).replace("[0, 2]", "[0, 3]")
    )
    found = imported(name, train, "--test", test)
    assert found["cases"]["test"] == 16
    assert found["cases"]["tuning"] + found["cases"]["selection"] == 16
    assert found["cases"]["selection"] > 0


def test_the_files_of_a_table_s_splits_may_be_written_otherwise(tmp_path: Path) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.tsv"
    train.write_text("text,label\n" + "".join(f"{r['text']},{r['label']}\n" for r in tickets()))
    own = [row | {"text": f"x{row['text']}"} for row in tickets()]
    test.write_text("label\ttext\n" + "".join(f"{r['label']}\t{r['text']}\n" for r in own))
    found = imported("csv", train, "--kind", "classify", "--test", test)
    assert found["cases"] == {"tuning": 16, "selection": 8, "test": 24}
    assert found["notes"][:2] == [
        'train.csv: read as utf-8, divided by commas; columns: "text", "label"',
        'test.tsv: read as utf-8, divided by tabs; columns: "label", "text"',
    ]


def test_a_column_of_splits_is_named_and_its_values_mapped(tmp_path: Path) -> None:
    rows = [r | {"fold": ("train", "held out")[i % 3 == 0]} for i, r in enumerate(tickets())]
    path = lines(tmp_path / "tickets.jsonl", rows)
    options = ("--kind", "classify", "--split-column")
    assert 'line 1, fold: "held out" is none of train' in refused("jsonl", path, *options, "fold")
    found = imported("jsonl", path, *options, "fold", "--split-value", "test=Held Out")
    assert found["cases"] == {"tuning": 12, "selection": 4, "test": 8}
    said = refused("jsonl", path, *options, "Fold")
    assert 'no column "Fold" (did you mean "fold"?)' in said
    assert said.endswith("or map them: --split-column NAME")


def test_a_format_brings_its_none_and_its_licence(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text(PUBLISHED["tacred"])
    found = imported("tacred", path, "--metric", "micro_f1")
    assert (found["none"], found["metric"]) == ("no_relation", "micro_f1")
    assert "LDC" in found["licence"]


def test_the_column_of_tags_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "news.conll"
    path.write_text("".join(f"{word} B-person x\nleft O x\n\n" for word in WORDS[:16]))
    assert "is no tag" in refused("conll", path)
    assert imported("conll", path, "--tag-column", 2)["labels"][0]["name"] == "person"


def test_parquet_columns_are_mapped_and_its_wrong_rows_are_named(tmp_path: Path) -> None:
    path = tmp_path / "tickets.parquet"
    rows = [{"message": row["text"], "label": row["label"]} for row in tickets()]
    pq.write_table(pa.Table.from_pylist(rows), path)
    options = ("--kind", "classify", "--column", "text=message")
    assert imported("parquet", path, *options)["rows"] == 24
    rows[3]["message"] = " "
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert "row 4, message: is empty" in refused("parquet", path, *options)
    pq.write_table(pa.table({"message": [b"caf\xe9"] * 12, "label": list("ab" * 6)}), path)
    said = refused("parquet", path, *options)
    assert "row 1, message: is bytes that are not UTF-8; write a string" in said


def test_wrong_rows_are_skipped_where_that_is_asked_for_and_can_be_looked_at(
    tmp_path: Path,
) -> None:
    rows = [*tickets(), {"text": "\x1b[2J", "label": {}}, {"text": "a"}]
    path = lines(tmp_path / "tickets.jsonl", rows)
    assert "2 rows are wrong; nothing was imported" in refused("jsonl", path, "--kind", "classify")
    assert json.loads(run("task", "list", "--json").stdout)["tasks"] == []
    found = imported("jsonl", path, "--kind", "classify", "--on-error", "skip")
    assert (found["rows"], found["skipped"]) == (24, 2)
    assert "wrong rows skipped: 2" in found["notes"]
    shown = run("task", "show", "tickets").stdout
    assert "wrong rows skipped: 2; see them with: strop task show tickets --skipped" in shown
    listed = run("task", "show", "tickets", "--skipped").stdout
    assert "see them with" not in listed
    assert "  line 25, label: is an object; write a string" in listed
    document = json.loads(run("task", "show", "tickets", "--skipped", "--json").stdout)
    assert [row["place"] for row in document["skipped_rows"]] == [
        "line 25, label",
        "line 26, label",
    ]


def test_every_wrong_row_stands_in_the_document_and_ten_in_the_message(tmp_path: Path) -> None:
    rows = [*tickets(), *({"text": "a", "label": {}} for _ in range(12))]
    path = lines(tmp_path / "tickets.jsonl", rows)
    result = run("task", "import", "jsonl", path, "--kind", "classify", "--json")
    document = json.loads(result.stdout)
    assert document["error"].count("label: is an object") == 10
    assert [row["place"] for row in document["rows"]] == [f"line {n}, label" for n in range(25, 37)]
    assert document["rows"][0]["what"] == "is an object; write a string"
    assert "rows" not in json.loads(run("task", "import", "jsonl", "none", "--json").stdout)


def test_tacred_rows_cannot_be_said_to_ship(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text(PUBLISHED["tacred"])
    assert "No such option '--may-ship'" in refused("tacred", path, "--may-ship")
    told = " ".join(run("task", "import", "tacred", "--help").output.split())
    assert "No row may leave this machine." in told


def test_a_tacred_file_may_have_no_row_of_none_of_the_above(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(PUBLISHED["tacred"].replace("no_relation", "per:origin"))
    found = imported("tacred", path)
    assert (found["none"], len(found["labels"])) == (None, 2)
    said = refused("tacred", path, "--name", "other", "--none", "no_relation")
    assert 'no label "no_relation", given as none of the above' in said


def test_the_same_task_again_changes_nothing_and_says_so(tmp_path: Path) -> None:
    path = lines(tmp_path / "tickets.jsonl", tickets())
    arguments = ("task", "import", "jsonl", path, "--kind", "classify")
    again = "task tickets is there already with this content; nothing was changed"
    assert again not in run(*arguments).stderr
    assert again in run(*arguments).stderr


@pytest.mark.parametrize("other", [("--seed", 1), ("--sizes", "4,2,8")])
def test_another_split_of_the_same_rows_is_other_content(
    tmp_path: Path, other: tuple[str, object]
) -> None:
    path = lines(tmp_path / "tickets.jsonl", tickets())
    imported("jsonl", path, "--kind", "classify")
    said = refused("jsonl", path, "--kind", "classify", *other)
    assert "is there already with other content" in said
    imported("jsonl", path, "--kind", "classify", *other, "--name", "other")


def test_sizes_are_numbers_of_cases_or_shares(tmp_path: Path) -> None:
    path = lines(tmp_path / "tickets.jsonl", tickets())
    options = ("--kind", "classify", "--name")
    few = imported("jsonl", path, *options, "few", "--sizes", "4,2,8")
    assert few["cases"] == {"tuning": 4, "selection": 2, "test": 8}
    assert few["spare"] == 10
    assert "; rows in no split: 10" in run("task", "show", "few").stdout
    half = imported("jsonl", path, *options, "half", "--sizes", "0.25,0.25,0.5")
    assert half["cases"] == {"tuning": 6, "selection": 6, "test": 12}


@pytest.mark.parametrize(
    "sizes", ["5", "1,2", "a,b,c", "0.5,0.5,0.5", "0,1,1", "nan,1,1", "1,2,-3", f"1,{'9' * 310},1"]
)
def test_sizes_that_are_none_are_refused(tmp_path: Path, sizes: str) -> None:
    path = lines(tmp_path / "tickets.jsonl", tickets())
    assert "write three whole numbers, as in 96,48,100" in refused("jsonl", path, "--sizes", sizes)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--several",), "--several is for --kind classify, not for relation"),
        (("--kind", "spans", "--none", "x"), "--none is for --kind relation or classify, not"),
        (
            ("--kind", "classify", "--types", "x"),
            "--types is for --kind relation, not for classify",
        ),
        (
            ("--kind", "reading", "--match", "exact"),
            "--match is for --kind answer, not for reading",
        ),
        (("--kind", "answer", "--labels", "x"), "--labels is for --kind relation or classify or"),
        (
            ("--kind", "spans", "--metric", "accuracy"),
            "--kind spans is measured by span_f1, not by accuracy",
        ),
        (("--kind", "classify", "--labels", "none.json"), "none.json: does not exist"),
        (("--types", "none.json"), "none.json: does not exist"),
        (("--label-delimiter", ""), "'--label-delimiter': write one character or more"),
        (("--selection", "x"), "--selection has some of the rows beside a --test file; give both"),
        (
            ("--test", "x", "--split-column", "y"),
            "--split-column says nothing beside --test; leave one of them out",
        ),
        (("--split-value", "test=x"), "--split-value is for the column that --split-column names"),
        (
            ("--split-column", "y", "--split-value", "dev=x"),
            "write SPLIT=VALUE, with tuning, selection or test, as in test=dev",
        ),
        (("--column", "split=y"), "the column of splits is named by --split-column NAME"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, options: tuple[str, ...], what: str
) -> None:
    rows = [row | {"head": row["text"][:3], "tail": "wrote"} for row in tickets()]
    path = lines(tmp_path / "tickets.jsonl", rows)
    assert what in refused("jsonl", path, *options)


def test_labels_and_their_order_come_from_a_file(tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text('[{"name": "post", "description": "to be sent"}, {"name": "bill"}]')
    path = lines(tmp_path / "tickets.jsonl", tickets())
    found = imported("jsonl", path, "--kind", "classify", "--labels", labels)
    assert [label["name"] for label in found["labels"]] == ["post", "bill"]
    assert "  post: to be sent" in run("task", "show", "tickets").stdout


def test_a_text_with_several_labels_is_imported_from_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    cells = [("late;rude", "late", "", "rude")[i % 4] for i in range(24)]
    path.write_text(
        "".join(["text,label\n", *(f"{w} wrote,{c}\n" for w, c in zip(WORDS, cells, strict=False))])
    )
    found = imported("csv", path, "--kind", "classify", "--several", "--metric", "micro_f1")
    assert [label["name"] for label in found["labels"]] == ["late", "rude"]
    assert found["several"] and found["metric"] == "micro_f1"


@pytest.mark.parametrize("tab", ["TAB", "tab", "\\t", "\t"])
def test_a_tab_can_be_named_as_the_delimiter(tmp_path: Path, tab: str) -> None:
    path = tmp_path / "tickets.tsv"
    path.write_text("text\tlabel\n" + "".join(f"{r['text']}\t{r['label']}\n" for r in tickets()))
    found = imported("csv", path, "--kind", "classify", "--delimiter", tab)
    assert "divided by tabs" in found["notes"][0]


def test_quotation_marks_that_are_text_are_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "tickets.tsv"
    lines = [f"{row['text']}\t{row['label']}\n" for row in tickets()]
    path.write_text("".join(["text\tlabel\n", *lines[:3], f'"{lines[3]}', *lines[4:]]))
    arguments = ("csv", path, "--kind", "classify")
    assert "If they are text, give --no-quotes" in refused(*arguments)
    assert imported(*arguments, "--no-quotes")["rows"] == 24


def test_two_rows_are_shown_as_they_will_be_read(tmp_path: Path) -> None:
    path = lines(tmp_path / "tickets.jsonl", tickets())
    said = run("task", "import", "jsonl", path, "--kind", "classify").stderr
    assert said.count("a row as a demonstration shows it:") == 2
    assert said.count("  Text: ") == 2


def test_of_long_rows_the_beginnings_are_shown(tmp_path: Path) -> None:
    more = " and on" * 99_999 + "\nmore" * 99
    path = lines(tmp_path / "tickets.jsonl", [r | {"text": r["text"] + more} for r in tickets()])
    said = run("task", "import", "jsonl", path, "--kind", "classify").stderr
    assert len(said) < 4_000 and max(map(len, said.splitlines())) < 300
    assert "… and lines that are not shown here: 89" in said


def test_no_empty_reasoning_is_shown_as_that_of_a_demonstration(tmp_path: Path) -> None:
    rows = [{"text": f"What is {word}?", "answer": word} for word in WORDS[:12]]
    path = lines(tmp_path / "questions.jsonl", rows)
    said = run("task", "import", "jsonl", path, "--kind", "answer").stderr
    assert "note: 0 of 12 rows have reasoning" in said
    assert said.count("  Reasoning: [the row has none]") == 2
    reasoned = lines(path, [row | {"reasoning": "It is so."} for row in rows])
    said = run("task", "import", "jsonl", reasoned, "--kind", "answer", "--name", "other").stderr
    assert said.count("  Reasoning: It is so.") == 2


def test_what_the_test_rows_can_prove_is_said(tmp_path: Path) -> None:
    path = lines(tmp_path / "tickets.jsonl", tickets())
    classify = ("task", "import", "jsonl", path, "--kind", "classify")
    assert "10 test rows: if 20 % of answers change, even a gain" in run(*classify).stderr
    f1 = run(*classify, "--metric", "macro_f1", "--name", "other").stderr
    assert "15 rows of each label, in harmonic mean (there are " in f1


def test_counts_of_labels_and_the_majority_are_said_and_stand_in_the_document(
    tmp_path: Path,
) -> None:
    rows = [row | {"label": ("post", "post", "bill")[i % 3]} for i, row in enumerate(tickets())]
    path = lines(tmp_path / "tickets.jsonl", rows)
    said = run("task", "import", "jsonl", path, "--kind", "classify").stderr
    assert "label   tuning  selection  test\n" in said
    assert 'always answering "post" is right on 6 of 9 test rows (66.7 %)' in said
    found = imported("jsonl", path, "--kind", "classify", "--name", "other")
    assert found["counts"][0] == {"label": "post", "tuning": 7, "selection": 3, "test": 6}
    assert found["majority"] == {"answer": "post", "right": 6, "n": 9, "accuracy": 0.6667}
    assert found["provable"].startswith("9 test rows: ")


def test_without_a_terminal_nobody_is_asked_for_columns(tmp_path: Path) -> None:
    rows = [{"message": row["text"], "label": row["label"]} for row in tickets()]
    path = lines(tmp_path / "tickets.jsonl", rows)
    assert "--column text=NAME" in refused("jsonl", path, "--kind", "classify")


def test_at_a_terminal_the_columns_that_are_missing_are_asked_for(
    tmp_path: Path, home: Path
) -> None:
    rows = [{"message": row["text"], "desk": row["label"]} for row in tickets()]
    path = lines(tmp_path / "tickets.jsonl", rows)
    arguments = ["task", "import", "jsonl", str(path), "--kind", "classify"]
    screen, terminal = os.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", "from appliance.cli import main; main()", *arguments],
        stdin=terminal,
        stderr=terminal,
        stdout=subprocess.PIPE,
    )
    os.close(terminal)
    os.write(screen, b"subject\nmessage\n2\n")
    out, _ = child.communicate(timeout=60)
    said = _all(screen)
    assert child.returncode == 0, said
    assert "classify, fixed" in out.decode()
    assert '"bar wrote of it"' in said
    assert 'there is no column "subject"' in said
    assert "next time: --column text=message --column label=desk" in said


def _all(screen: int) -> str:
    said = b""
    while True:
        try:
            part = os.read(screen, 65536)
        except OSError:  # the other end is closed
            part = b""
        if not part:
            os.close(screen)
            return said.decode()
        said += part


def test_memory_grows_by_little_with_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(REPOSITORY / "tests/bench")
    import importing

    peaks = {}
    for count in (3_000, 30_000):
        file = importing.written(tmp_path, "jsonl", count)
        _, peaks[count] = importing.imported(file, tmp_path / str(count))
    assert (peaks[30_000] - peaks[3_000]) / 27_000 < GROWTH
