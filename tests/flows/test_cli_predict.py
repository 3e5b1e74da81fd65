"""Rows of a file answered from the command line, by a random model in a real worker."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from families import FAMILIES, write

from appliance import locations
from appliance.cli import strop
from appliance.cli.predict import writing
from appliance.predict.lines import ADDED
from appliance.predict.rows import BLOCK
from appliance.run import client
from models.catalog import Catalog

pytest.importorskip("llama_cpp")

TOPICS = ("sport", "trade")
PROMPT = {"sections": [], "example": "{text}\n{label}\n"}
COMMAND = [sys.executable, "-c", "from appliance.cli import main; main()"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a model and a task of two topics, and a prompt beside it."""
    folder = tmp_path_factory.mktemp("predict")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STROP_HOME", str(folder / "home"))
        path = write(folder / "tiny.gguf", FAMILIES["llama"])
        Catalog(locations.models_folder()).add_gguf(path, "tiny", licence="", origin="test")
        labelled = [{"text": text, "label": TOPICS[at % 2]} for at, text in enumerate(texts(40))]
        (folder / "topics.jsonl").write_text("\n".join(map(json.dumps, labelled)))
        done = CliRunner().invoke(
            strop, ["task", "import", "jsonl", str(folder / "topics.jsonl"), "--kind", "classify"]
        )
        assert done.exit_code == 0, done.output
    (folder / "prompt.json").write_text(json.dumps(PROMPT))
    return folder


@pytest.fixture
def home(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STROP_HOME", str(shared / "home"))
    return shared


def texts(count: int, start: int = 0) -> list[str]:
    words = ("the head", "of the tail", "in the label", "to the sentence", "is the relation")
    return [
        f"{words[n % 5]} {words[n // 5 % 5]} {chr(97 + n % 23)}{chr(97 + n // 23 % 23)}"
        for n in range(start, start + count)
    ]


def table(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def arguments(home: Path, file: Path, *options: object) -> list[str]:
    prompt = str(home / "prompt.json")
    return ["predict", prompt, str(file), "--task", "topics", *map(str, options)]


def predict(home: Path, file: Path, *options: object) -> Result:
    done = CliRunner().invoke(strop, arguments(home, file, *options))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_table_keeps_its_columns_and_their_order_and_needs_no_labels(home, tmp_path):
    rows = [["7", "the head", "x, y"], ["007", "of the\ntail", 'a "b"'], ["", "in the label", ""]]
    file = table(tmp_path / "new.csv", [("nr", "Body", "note"), *rows])
    done = predict(home, file, "--column", "text=Body")
    assert done.exit_code == 0, done.stderr
    found = records(done.stdout)
    assert list(found[0]) == ["nr", "Body", "note", *ADDED]
    assert [[row["nr"], row["Body"], row["note"]] for row in found] == rows
    for row in found:
        assert {row["predicted"], row["runner_up"]} == set(TOPICS)
        assert float(row["probability"]) + float(row["runner_up_probability"]) == pytest.approx(1)
        assert row["withheld"] == "false"


def test_a_prompt_with_a_map_is_answered_by_the_model_that_it_was_fitted_to(
    shared, tmp_path, monkeypatch
):
    home = shutil.copytree(shared / "home", tmp_path / "home")
    monkeypatch.setenv("STROP_HOME", str(home))
    path = write(tmp_path / "first.gguf", FAMILIES["llama"], seed=1)
    Catalog(locations.models_folder()).add_gguf(path, "first", licence="", origin="test")
    fit = ["prompt", "fit", str(shared / "prompt.json"), "--task", "topics", "--model", "tiny"]
    monkeypatch.setattr(client, "wake_runner", lambda: None)
    with subprocess.Popen([sys.executable, "-m", "appliance.run.runner"]) as runner:
        fitted = CliRunner().invoke(strop, [*fit, "--json"])
        assert fitted.exit_code == 0, fitted.stderr
        prompt = json.loads(fitted.stdout)["prompt"]
        split = ["--task", "topics", "--split", "tuning"]
        scored = CliRunner().invoke(strop, ["eval", prompt, *split])
        runner.kill()
    assert scored.exit_code == 0, scored.stderr
    file = table(tmp_path / "new.csv", [("text",), *((text,) for text in texts(5))])
    done = CliRunner().invoke(strop, ["predict", prompt, str(file)])
    assert done.exit_code == 0, done.stderr
    answers = records(done.stdout)
    assert len(answers) == 5 and {row["predicted"] for row in answers} <= {*TOPICS}


def test_an_answer_below_the_prompts_threshold_is_marked_as_withheld(home, tmp_path):
    (tmp_path / "shy.json").write_text(json.dumps(PROMPT | {"abstain": 0.999}))
    file = table(tmp_path / "new.csv", [("text",), *((text,) for text in texts(5))])
    command = ["predict", str(tmp_path / "shy.json"), str(file), "--task", "topics"]
    done = CliRunner().invoke(strop, [*command, "--to", "jsonl"])
    assert [json.loads(line)["withheld"] for line in done.stdout.splitlines()] == [True] * 5


def test_json_lines_keep_whatever_they_hold_and_can_become_a_table(home, tmp_path):
    rows = [{"text": "the head", "meta": {"id": 1}}, {"text": "of é", "tags": ["a"], "none": None}]
    file = tmp_path / "new.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    told = [json.loads(line) for line in predict(home, file).stdout.splitlines()]
    assert [{k: v for k, v in row.items() if k not in ADDED} for row in told] == rows
    found = records(predict(home, file, "--to", "csv").stdout)
    assert list(found[0]) == ["text", "meta", "tags", "none", *ADDED]
    assert (found[0]["meta"], found[0]["tags"]) == ('{"id":1}', "")
    assert (found[1]["tags"], found[1]["none"]) == ('["a"]', "")


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Ten of forty rows cannot be answered, for four reasons."""
    rows: list[Any] = [json.dumps({"text": text}) for text in texts(40)]
    for at, bad in {
        1: '{"text": ""}', 5: "{", 9: '{"text": 7}', 13: '{"body": "x"}', 17: '{"text": " \\t"}',
        21: "[]", 25: '{"text": null}', 29: '{"text": ["a"]}', 33: "}",
        37: json.dumps({"text": "the " * 3000}),
    }.items():  # fmt: skip
        rows[at] = bad
    (tmp_path / "wrong.jsonl").write_text("\n".join(rows))
    return tmp_path / "wrong.jsonl"


def test_a_file_with_wrong_rows_is_refused_with_all_of_them_before_anything_is_answered(
    home, wrong, tmp_path
):
    done = predict(home, wrong, "--output", tmp_path / "out.jsonl")
    assert done.exit_code == 2 and "10 rows are wrong; nothing was predicted" in done.stderr
    for number in range(2, 40, 4):
        assert f"line {number}" in done.stderr
    assert "tokens with this prompt; the model's context holds 2048" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.jsonl"]


def test_wrong_rows_are_named_and_left_out_if_the_person_says_so(home, wrong, tmp_path):
    output = tmp_path / "out.jsonl"
    done = predict(home, wrong, "--on-error", "skip", "--output", output)
    assert done.exit_code == 0, done.stderr
    left = [line for line in done.stderr.splitlines() if line.startswith("left out: line ")]
    assert sorted(int(line.split()[3].strip(",:")) for line in left) == list(range(2, 40, 4))
    kept = [text for at, text in enumerate(texts(40)) if at % 4 != 1]
    assert [json.loads(line)["text"] for line in output.read_text().splitlines()] == kept


def start(home: Path, *command: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "STROP_HOME": str(home / "home")}
    return subprocess.Popen(
        [*COMMAND, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_how_far_it_is_and_how_long_it_takes_is_told(home, tmp_path, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(writing, "one_line", lambda out: nullcontext(said.append))
    rows = BLOCK + 3
    file = table(tmp_path / "new.csv", [("text",), *((text,) for text in texts(rows))])
    assert len(records(predict(home, file).stdout)) == rows
    assert re.fullmatch(rf"{BLOCK} of {rows} rows, [\d.]+ rows/s, \d+:\d\d left", said[-2])
    assert re.fullmatch(rf"{rows} of {rows} rows, [\d.]+ rows/s, 0:00 left", said[-1])


def test_a_prediction_that_is_killed_goes_on_and_writes_the_very_same(home, tmp_path):
    rows = [(text, 'a "line\n" or two') for text in texts(8 * BLOCK + 5)]
    file = table(tmp_path / "new.csv", [("text", "note"), *rows])
    whole, output = tmp_path / "whole.csv", tmp_path / "out.csv"
    assert predict(home, file, "--output", whole).exit_code == 0
    for least in (1, 4):
        process = start(home, *arguments(home, file, "--output", output))
        while process.poll() is None and _written(tmp_path) < least * BLOCK:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not output.exists() and process.returncode == -signal.SIGKILL
    [part] = tmp_path.glob(".out.csv.*.part")
    with part.open("ab") as broken:
        broken.write(b'half a "record\n')
    done = predict(home, file, "--output", output)
    assert done.exit_code == 0, done.stderr
    [(_, after)] = [
        line.split("going on after ") for line in done.stderr.splitlines() if "after" in line
    ]
    assert int(after.split()[0]) >= 4 * BLOCK
    assert output.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "out.csv", "whole.csv"]


def _written(folder: Path) -> int:
    """How many rows, of two lines each, are in the unfinished output."""
    return sum(path.read_text().count("\n") // 2 for path in folder.glob(".out.csv.*.part"))


def test_what_was_begun_with_other_inputs_is_not_gone_on_with(home, tmp_path):
    file = table(tmp_path / "new.csv", [("text",), *((text,) for text in texts(3))])
    (tmp_path / ".out.csv.0123456789ab.part").write_text("text,predicted\nanother,sport\n")
    assert predict(home, file, "--output", tmp_path / "out.csv").exit_code == 0
    assert [row["text"] for row in records((tmp_path / "out.csv").read_text())] == texts(3)


def test_json_is_one_document_about_the_rows(home, wrong, tmp_path):
    output = tmp_path / "out.jsonl"
    options = ("--on-error", "skip", "--json")
    assert "give them an --output" in predict(home, wrong, *options).stderr
    document = json.loads(predict(home, wrong, *options, "--output", output).stdout)
    assert (document["schema"], document["rows"]) == ("strop/predict/1", 30)
    assert (document["task"], document["model"], document["output"]) == (
        "topics", "tiny", str(output),
    )  # fmt: skip
    assert len(document["left_out"]) == 10


def test_an_output_that_is_there_is_never_written_over(home, tmp_path):
    file = table(tmp_path / "new.csv", [("text",), ("the head",)])
    (tmp_path / "out.csv").write_text("mine")
    done = predict(home, file, "--output", tmp_path / "out.csv")
    assert done.exit_code == 2 and "is there already; remove it, or give another" in done.stderr
    assert (tmp_path / "out.csv").read_text() == "mine"


def test_a_column_that_would_be_added_twice_is_refused(home, tmp_path):
    file = table(tmp_path / "new.csv", [("text", "predicted"), ("the head", "x")])
    done = predict(home, file)
    assert done.exit_code == 2 and 'has a column "predicted"' in done.stderr and not done.stdout


def test_a_pipe_that_closes_ends_it_without_a_traceback(home, tmp_path):
    file = table(tmp_path / "new.csv", [("text",), *((text,) for text in texts(6 * BLOCK))])
    process = start(home, *arguments(home, file))
    assert process.stdout and process.stderr
    process.stdout.readline()
    process.stdout.close()
    told = process.stderr.read().decode()
    assert process.wait() != 0 and "Traceback" not in told and "internal error" not in told


def test_a_full_disk_is_said_and_leaves_no_output_and_what_is_done_counts(home, tmp_path):
    file = table(tmp_path / "new.csv", [("text",), *((text,) for text in texts(6 * BLOCK))])
    whole, output = tmp_path / "whole.csv", tmp_path / "out.csv"
    assert predict(home, file, "--output", whole).exit_code == 0
    room = whole.stat().st_size // 2
    limited = f"""
import resource, signal
from appliance.cli import main
from appliance.predict import answer

def rows(*given, ask=answer.predict_rows):
    resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {resource.RLIM_INFINITY}))
    return ask(*given)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
answer.predict_rows = rows
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", limited, *arguments(home, file, "--output", output)],
        env={**os.environ, "STROP_HOME": str(home / "home")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert not output.exists() and "a file may not grow further" in done.stderr
    again = predict(home, file, "--output", output)
    assert "going on after" in again.stderr
    assert output.read_bytes() == whole.read_bytes()


def test_the_rows_most_worth_labelling_can_be_imported_once_they_are_labelled(home, tmp_path):
    known, pool = texts(3), texts(60, start=100)
    rows = [(text, n) for n, text in enumerate([*known, *pool, *(t.upper() for t in pool[:20])])]
    file = table(tmp_path / "pool.csv", [("text", "nr"), *rows])
    output = tmp_path / "next.csv"
    done = predict(home, file, "--most-uncertain", 12, "--output", output)
    assert done.exit_code == 0, done.stderr
    found = records(output.read_text())
    assert list(found[0]) == ["text", "nr", "label", *ADDED[:-1]] and len(found) == 12
    chosen = [row["text"].lower() for row in found]
    assert len(set(chosen)) == 12 and not set(chosen) & set(known)
    margins = [2 * float(row["probability"]) - 1 for row in found]
    assert margins == sorted(margins)
    every = records(predict(home, file).stdout)
    assert margins[0] == min(2 * float(row["probability"]) - 1 for row in every[3:])
    for at, row in enumerate(found):
        row["label"] = TOPICS[at % 2]
    table(output, [list(found[0]), *(list(row.values()) for row in found)])
    again = CliRunner().invoke(strop, ["task", "import", "csv", str(output), "--add-to", "topics"])
    assert again.exit_code == 0, again.output
    assert "rows added to tuning: 12" in again.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--task", "topics", "prompt.json", "gone.csv"], "gone.csv: does not exist"),
        (["topics", "new.csv"], 'no run of "topics" has a verdict yet'),
        (["new.csv"], "no run has a verdict yet; tune one with: strop tune TASK"),
        (["prompt.json", "new.csv"], "give --task NAME"),
        (["--task", "topics", "prompt.json", "new.txt"], "new.txt: give its --format"),
        (["--task", "topics", "prompt.json", "new.csv"], 'no column "text"'),
        (["--task", "topics", "--format", "squad", "prompt.json", "new.csv"], "of kind reading"),
        (["nothing", "new.csv"], 'there is no run, prompt or task "nothing"'),
    ],
)
def test_what_cannot_be_answered_is_said(home, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    Path("prompt.json").write_text(json.dumps(PROMPT))
    Path("new.csv").write_text("words\nthe head\n")
    Path("new.txt").write_text("the head\n")
    done = CliRunner().invoke(strop, ["predict", *options])
    assert done.exit_code == 2 and said in done.stderr, done.stderr


def test_a_nested_text_is_found_by_its_path_and_the_row_stays_as_it_was(home, tmp_path):
    row = {"data": {"text": "the head"}, "id": 7}
    (tmp_path / "new.jsonl").write_text(json.dumps(row))
    done = predict(home, tmp_path / "new.jsonl", "--column", "text=data.text")
    found = json.loads(done.stdout)
    assert {name: found[name] for name in row} == row
    assert set(found) == {*row, *ADDED}


def test_an_output_that_cannot_be_written_is_said_before_anything_is_read(home, tmp_path):
    file = table(tmp_path / "new.csv", [("text",), ("the head",)])
    for output, said in (
        (tmp_path / "gone" / "out.csv", "its folder does not exist; make it"),
        (file, "is there already"),
        (tmp_path / "out.parquet", "rows are written as JSON Lines or CSV"),
        (tmp_path / "out.tsv", "rows are written as JSON Lines or CSV"),
        (tmp_path / "out.json", "rows are written as JSON Lines or CSV"),
    ):
        for more in ((), ("--most-uncertain", 1)):
            done = predict(home, file, "--output", output, *more)
            assert done.exit_code == 2 and said in done.stderr
            assert "checking the rows" not in done.stderr


def test_a_part_of_another_task_is_not_gone_on_with(home, tmp_path):
    rows = [{"text": text, "label": ("alpha", "beta")[at % 2]} for at, text in enumerate(texts(40))]
    (tmp_path / "greek.jsonl").write_text("\n".join(map(json.dumps, rows)))
    command = ["task", "import", "jsonl", str(tmp_path / "greek.jsonl"), "--kind", "classify"]
    assert CliRunner().invoke(strop, command).exit_code == 0
    file = table(tmp_path / "new.csv", [("text",), *((text,) for text in texts(3 * BLOCK))])
    output = tmp_path / "out.csv"
    process = start(home, *arguments(home, file, "--output", output))
    while process.poll() is None and not list(tmp_path.glob(".out.csv.*.part")):
        time.sleep(0.001)
    process.kill()
    process.wait()
    other = ["predict", str(home / "prompt.json"), str(file), "--task", "greek"]
    done = CliRunner().invoke(strop, [*other, "--output", str(output)])
    assert done.exit_code == 0, done.stderr
    assert {row["predicted"] for row in records(output.read_text())} <= {"alpha", "beta"}


def test_a_file_without_a_row_that_can_be_answered_is_refused(home, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"text": ""}\n{"text": " "}')
    done = predict(home, tmp_path / "bad.jsonl", "--on-error", "skip")
    assert done.exit_code == 2 and "2 rows are wrong; nothing was predicted" in done.stderr


def test_a_pipe_is_refused_since_it_can_be_read_only_once(home, tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    done = predict(home, tmp_path / "pipe.jsonl")
    assert done.exit_code == 2 and "can be read only once, as a pipe" in done.stderr


def test_demonstrations_that_the_task_lacks_are_named(home, tmp_path):
    (tmp_path / "foreign.json").write_text(json.dumps(PROMPT | {"shots": ["0123456789abcdef"]}))
    file = table(tmp_path / "new.csv", [("text",), ("the head",)])
    command = ["predict", str(tmp_path / "foreign.json"), str(file), "--task", "topics"]
    done = CliRunner().invoke(strop, command)
    assert done.exit_code == 2 and "shows row 0123456789abcdef, which topics lacks" in done.stderr


def test_no_row_of_the_task_is_offered_for_labelling_not_even_a_demonstration(home, tmp_path):
    rows = [(text,) for text in [*texts(40), "a quite different text"]]
    file = table(tmp_path / "pool.csv", [("text",), *rows])
    done = predict(home, file, "--most-uncertain", 5)
    assert [row["text"] for row in records(done.stdout)] == ["a quite different text"]
    assert "note: 1 rows; the others are nearly alike, or in the task already" in done.stderr


def test_a_file_of_another_format_is_named_with_the_option_that_reads_it(home, tmp_path):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts(2))
    (wrong := tmp_path / "new.csv").write_text(lines)
    said = predict(home, wrong)
    assert said.exit_code == 2 and "looks like JSON; give --format jsonl" in said.stderr
    assert predict(home, wrong, "--format", "jsonl").exit_code == 0
    table(right := tmp_path / "new.jsonl", [["text", "n"], ["one", 1], ["two", 2]])
    said = predict(home, right)
    assert said.exit_code == 2 and "give --format csv" in said.stderr
    assert predict(home, right, "--format", "csv").exit_code == 0


def test_a_column_without_a_name_is_kept(home, tmp_path):
    file = table(tmp_path / "new.csv", [["3", "text", ""], ["a", "one", "x"], ["b", "two", "y"]])
    rows = list(csv.DictReader(io.StringIO(predict(home, file).stdout)))
    assert [(row["3"], row["column 3"]) for row in rows] == [("a", "x"), ("b", "y")]


def test_a_list_of_words_is_answered_as_the_text_that_it_stands_for(home, tmp_path):
    spans = [{"start": 0, "end": 3, "type": "person"}]
    labelled = [{"text": f"Ann is the {text}", "spans": spans} for text in texts(20)]
    (tmp_path / "people.jsonl").write_text("\n".join(map(json.dumps, labelled)))
    made = CliRunner().invoke(
        strop, ["task", "import", "jsonl", str(tmp_path / "people.jsonl"), "--kind", "spans"]
    )
    assert made.exit_code == 0, made.output
    prompt = tmp_path / "prompt.json"
    prompt.write_text(json.dumps({"sections": [], "example": "{text}\n{answer}\n"}))
    words = [["the", "head", "of"], ["in", "the", "label"]]
    answers = []
    for name, rows in (("words", words), ("text", [" ".join(row) for row in words])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps({"text": t}) for t in rows))
        done = CliRunner().invoke(
            strop, ["predict", str(prompt), str(tmp_path / f"{name}.jsonl"), "--task", "people"]
        )
        assert done.exit_code == 0, done.stderr
        answers.append([json.loads(line) for line in done.stdout.splitlines()])
    assert [row["text"] for row in answers[0]] == words
    assert [row["predicted"] for row in answers[0]] == [row["predicted"] for row in answers[1]]


def test_a_question_is_answered_with_its_letter_by_a_prompt_that_writes_options_by_words(
    home, tmp_path
):
    def asked(at: int, listed: bool = True) -> dict[str, Any]:
        head, tail = texts(2, 2 * at)
        options = f"Options:\n(A) {head}\n(B) {tail}" if listed else f"{head} or {tail}"
        return {"text": f"Which?\n{options}", "choices": ["(A)", "(B)"]}

    def lines(name: str, rows: Sequence[dict[str, Any]]) -> str:
        (tmp_path / name).write_text("\n".join(map(json.dumps, rows)))
        return str(tmp_path / name)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(strop, list(arguments))

    labelled = lines("which.jsonl", [{**asked(at), "answer": "(A)"} for at in range(40)])
    importing = ("task", "import", "jsonl", labelled, "--kind", "answer", "--match", "choice")
    assert run(*importing).exit_code == 0
    words = {"sections": [], "example": "{text}\n{answer}\n", "options": "words"}
    prompt = lines("words.json", [words])
    new = lines("new.jsonl", [asked(50), asked(51)])
    done = run("predict", prompt, new, "--task", "which")
    assert done.exit_code == 0, done.output
    assert {json.loads(line)["predicted"] for line in done.stdout.splitlines()} <= {"(A)", "(B)"}
    other = lines("other.jsonl", [asked(50), asked(51, listed=False)])
    refused = run("predict", prompt, other, "--task", "which")
    assert refused.exit_code == 2 and "line 2: does not end in its options" in refused.stderr


@pytest.mark.parametrize("named", ["label=topic", "label=2"])
def test_the_file_s_own_column_for_the_label_is_kept_and_gets_no_other_beside_it(
    home, tmp_path, named
):
    rows = [(text, "") for text in texts(30, start=100)]
    file = table(tmp_path / "pool.csv", [("text", "topic"), *rows])
    done = predict(home, file, "--column", named, "--most-uncertain", 4)
    assert done.exit_code == 0, done.stderr
    assert list(records(done.stdout)[0]) == ["text", "topic", *ADDED[:-1]]
    bare = table(tmp_path / "bare.csv", [("text",), *((text,) for text, _ in rows)])
    done = predict(home, bare, "--column", "label=topic", "--most-uncertain", 4)
    assert list(records(done.stdout)[0]) == ["text", "topic", *ADDED[:-1]]
