"""``strop verdict`` over a store that holds a finished run."""

from __future__ import annotations

import json
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made_verdicts as made
import msgspec
import pytest
from click.testing import CliRunner, Result
from scripted_answers import emit, inputs_of

from appliance import locations
from appliance.cli import strop
from appliance.data import Imported, tasks
from appliance.prompts.likeness import Likeness
from appliance.prompts.linear_map import LinearMap
from appliance.prompts.prompt import Prompt
from appliance.run.messages import encode
from appliance.task import (
    Case,
    Example,
    Label,
    Task,
)
from appliance.verdict.judge import judge
from appliance.verdict.verdict import Answer, Noise
from store import database, prompts, runs, verdicts

RUN = "ab12cd34"
LABELS = ("employs", "owns")
HOSTILE = "\x1b]0;owned\x07\u202e<script>"
PLAN = {"search_body": "BF16", "agreement": {"spearman": 0.97, "n": 64}}


def row(i: int) -> Example:
    return Example(f"Firm{i} {HOSTILE} took over Unit{i} last spring.", (0, 5), None, LABELS[i % 2])


def case(i: int) -> Case:
    return Case(row(i), LABELS)


@pytest.fixture
def db(home: Path) -> Iterator[Any]:
    home.mkdir(parents=True)
    opened = database.open(locations.store_path())
    yield opened
    opened.conn.close()


def finish(db: Any, best: Prompt = made.BEST, plan: dict[str, Any] | None = PLAN) -> list[Answer]:
    """Stores a task, a run and its verdict: the seed prompt always says the first label, the best
    one is always right."""
    cases = [case(i) for i in range(20)]
    task = Task("firms", "relation", "fixed", tuple(map(Label, LABELS)))
    tuning = [case(i) for i in range(20, 24)]
    imported = Imported(
        task,
        [c.query for c in (*cases, *tuning)],
        {"tuning": tuning, "selection": [], "test": cases},
        seed=made.SEED,
    )
    task_id = tasks.save(db, imported)
    for prompt in (made.SEED, best):
        body = msgspec.json.encode(prompt).decode()
        prompts.add(db, id=prompt.id, task_id=task_id, content=body)
    runs.create(
        db,
        id=RUN,
        task_id=task_id,
        inputs=encode(inputs_of(task_id, plan or {})),
        seed_prompt=made.SEED.id,
        budget=1.0,
        status="finished",
        stage="verdict",
    )
    runs.update(db, RUN, best_prompt=best.id)
    answers = [
        made.answer(c.id, c.query.label, LABELS[0], c.query.label, confidence=0.9) for c in cases
    ]
    judged = judge(answers, "accuracy", made.SEED.id, best.id, "tiny", "Q4_1")
    kept = msgspec.structs.replace(
        judged, answers=tuple(answers), noise=Noise(20, 0), reading="words"
    )
    verdicts.record(db, run_id=RUN, task_id=task_id, content=msgspec.json.encode(kept).decode())
    return answers


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(strop, [str(a) for a in arguments])
    assert not any(c in result.output for c in "\x1b\x07\u202e")
    return result


def test_a_verdict_is_shown_by_label_and_answer_by_answer(db: Any) -> None:
    finish(db)
    shown = invoke("verdict", RUN[:4])
    assert shown.exit_code == 0
    for words in (
        "verdict: better",
        "how labels are read: by their words, as other tools can do too",
        "the body that searched: BF16 ranked labels as Q4_1 does, at 0.970 (Spearman, n 64 label",
        "accuracy   0.500 [0.299, 0.701] (n 20)  1.000 [0.839, 1.000] (n 20)",
        "employs  10  1.000",
        "10 won:",
        "and 5 more; see them with --all",
        "0 lost",
        r"Firm1 \x1b]0;owned\x07\u202e<script> took over Unit1 last spring.",
        "owns; seed said employs, best owns",
        "leak check: the best prompt and the labels repeat nothing of 24 rows that may not ship",
    ):
        assert words in shown.stdout
    assert invoke("verdict", RUN, "--all").stdout.count("seed said employs") == 10


def test_json_is_the_whole_report(db: Any) -> None:
    answers = finish(db)
    found = json.loads(invoke("verdict", RUN, "--json").stdout)
    assert found["schema"] == "strop/verdict/1" and found["run"] == RUN and found["look"] == 1
    assert [a[:4] for a in found["answers"]] == [[a.case, a.gold, a.seed, a.best] for a in answers]
    assert sum(r["n"] for r in found["labels"]) == len(answers) and found["confused"] == []
    assert found["ranked"] == {"search_body": "BF16", "spearman": 0.97, "n": 64}
    assert found["reliability"]["ece"]["value"] == pytest.approx(0.1)
    assert found["private_rows"] == 24 and found["leaks"] == []


def test_what_a_prompt_repeats_of_private_rows_is_listed(db: Any) -> None:
    private = row(3)
    finish(db, made.SEED.with_section("guidance", f"As in: {private.text}\n"))
    assert f"row {private.id}, text, in the prompt: firm3 " in invoke("verdict", RUN).stdout
    found = json.loads(invoke("verdict", RUN, "--json").stdout)
    assert private.id in [leak["row"] for leak in found["leaks"]]


def read_by_states(db: Any) -> Prompt:
    """Stores a run whose best prompt reads hidden states, and what it found out about its map."""
    fitted = LinearMap("0" * 64, 2, struct.pack("<6f", *range(6)))
    best = msgspec.structs.replace(made.SEED, readout="hidden", map=fitted)
    finish(db, best)
    emit(
        db,
        "readout",
        RUN,
        separation={
            "n": 50,
            "right": 40,
            "confused": [{"label": "owns", "predicted": "employs", "count": 10}],
        },
        alike=[
            {
                "name": "the bare text",
                "value": 0.4,
                "gain": 0.2,
                "interval": [0.05, 0.33],
                "n": 30,
            }
        ],
        doubts=[
            {
                "row": row(3).id,
                "label": "owns",
                "rather": "employs",
                "probability": 0.9,
                "of_label": 0.1,
            }
        ],
    )
    return best


def test_a_prompt_that_reads_states_shows_how_they_tell_labels_apart(db: Any, tmp_path: Path):
    read_by_states(db)
    text = " ".join(invoke("verdict", RUN).stdout.split())
    assert "Of 50 tuning and selection rows" in text and "0.800 [0.670, 0.888]" in text
    assert "10 x owns taken for employs" in text
    assert "of 30 selection rows right" in text
    assert "the bare text 0.400, the best prompt +0.200 [+0.050" in text
    assert "was among these rows: with some success where a label has a few" in text
    file = tmp_path / "verdict.html"
    invoke("verdict", RUN, "--html", file)
    page = file.read_text()
    assert "How well its states tell the labels apart" in page and "the bare text 0.400" in page


def test_a_prompt_with_a_likeness_shows_what_the_seed_prompt_does_with_it(db: Any, tmp_path: Path):
    like = Likeness("0" * 64, 2, struct.pack("<4e", *range(4)), "{text}: {label}\n", weight=16.0)
    finish(db, msgspec.structs.replace(made.BEST, likeness=like))
    other = {
        "name": "the likeness alone",
        "value": 0.8,
        "gain": 0.1,
        "interval": [0.0, 0.2],
        "n": 84,
    }
    emit(db, "readout", RUN, alike=[other])
    file = tmp_path / "verdict.html"
    text = " ".join(invoke("verdict", RUN, "--html", file).stdout.split())
    page = " ".join(file.read_text().split())
    for shown in (text, page):
        assert "With the likeness of queries to their support" in shown
        assert "this share of 84 selection rows right" in shown
        assert "the likeness alone 0.800, the best prompt +0.100" in shown
        assert "was among these rows: well even where there are a thousand" in shown
    assert "16 times the likeness to the support" in page
    assert "doubts no label" not in invoke("task", "doubts", "firms").stdout


def test_labels_that_the_map_contradicts_are_listed_with_their_texts(db: Any) -> None:
    read_by_states(db)
    found = json.loads(invoke("task", "doubts", "firms", "--json").stdout)
    [doubt] = found["rows"]
    assert (found["run"], found["doubtful"], doubt["row"]) == (RUN, 1, row(3).id)
    assert doubt["text"].startswith("Firm3 ") and doubt["about"].startswith("Firm3; ")
    text = invoke("task", "doubts", "firms").stdout
    assert f"run {RUN} looked at 50 of {found['of']} rows" in text and "doubtful labels: 1" in text
    assert " ".join(text.split()).count("owns 0.10 employs 0.90 Firm3; ") == 1


def test_without_a_run_that_read_states_no_label_is_doubted(db: Any) -> None:
    finish(db)
    refused = invoke("task", "doubts", "firms")
    assert refused.exit_code == 2
    assert "tune it with: strop tune firms --readout hidden" in refused.stderr


def test_a_run_whose_plan_ranked_nothing_has_a_verdict(db: Any) -> None:
    finish(db, plan={"search_body": "BF16", "agreement": {"spearman": None, "n": 64}})
    assert json.loads(invoke("verdict", RUN, "--json").stdout)["ranked"] is None


def test_a_verdict_becomes_a_page(db: Any, tmp_path: Path) -> None:
    finish(db)
    file = tmp_path / "verdict.html"
    done = invoke("verdict", RUN, "--html", file)
    assert done.exit_code == 0 and f"the page is in {file}" in done.stderr
    assert done.stdout == invoke("verdict", RUN).stdout
    text = file.read_text(encoding="utf-8")
    assert "The best prompt is better" in text and r"Firm1 \x1b]0;owned" in text
    assert "<script" not in text and stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_page_replaces_a_file_only_where_that_is_asked_for(db: Any, tmp_path: Path) -> None:
    finish(db)
    file = tmp_path / "verdict.html"
    file.write_text("mine")
    refused = invoke("verdict", RUN, "--html", file)
    assert (
        refused.exit_code == 2 and "is there already; write over it with --force" in refused.stderr
    )
    assert file.read_text() == "mine" and refused.stdout == ""
    assert invoke("verdict", RUN, "--html", file, "--force").exit_code == 0
    assert file.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/verdict.html", "its folder does not exist; make it, or name another file"),
        (".", "is a folder; name the file in it"),
    ],
)
def test_a_place_for_a_page_that_is_none_is_named(
    db: Any, tmp_path: Path, name: str, message: str
) -> None:
    finish(db)
    result = invoke("verdict", RUN, "--html", tmp_path / name)
    assert result.exit_code == 2 and message in result.stderr and str(tmp_path) in result.stderr


def test_force_without_a_page_is_refused(db: Any) -> None:
    finish(db)
    result = invoke("verdict", RUN, "--force")
    assert result.exit_code == 2 and "--force goes with --html FILE" in result.stderr


def test_a_run_without_a_verdict_says_so_and_writes_no_page(db: Any, tmp_path: Path) -> None:
    finish(db)
    with database.write(db):
        db.conn.execute("DELETE FROM verdicts")
    result = invoke("verdict", RUN, "--html", tmp_path / "verdict.html")
    assert result.exit_code == 2 and f"run {RUN} has no verdict yet" in result.stderr
    assert not (tmp_path / "verdict.html").exists()
