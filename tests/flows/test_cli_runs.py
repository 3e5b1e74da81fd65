"""Tuning from the command line against a scripted runner: what is shown, printed and returned."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_tasks
from click.testing import CliRunner, Result
from scripted_answers import (
    BEST,
    MODEL,
    PLAN,
    RUN,
    SEED,
    VERDICT,
    Refusal,
    ScriptedRunner,
    add_model,
    create_run,
    emit,
    play,
    rows,
)

from appliance import locations
from appliance.cli import strop
from appliance.data import tasks
from appliance.data.tasks import save
from appliance.prompts.prompt import Prompt, Section
from appliance.run import client
from appliance.run.messages import Tune, encode
from appliance.verdict.verdict import Answer
from store import commands, database, runs
from store.records import CommandRecord

HOSTILE = "\x1b]0;owned\x07\x9b31m‮"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STROP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(client, "POLL", 0.01)
    path = tmp_path / "firms.jsonl"
    path.write_text(rows())
    assert invoke("task", "import", "jsonl", path).exit_code == 0
    add_model()
    return tmp_path / "home"


@pytest.fixture
def db(home: Path) -> Iterator[Any]:
    opened = database.open(locations.store_path())
    yield opened
    opened.conn.close()


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(strop, [str(a) for a in arguments])
    assert not any(c in result.output for c in "\x1b\x07\x9b‮")
    return result


def document(result: Result, schema: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["schema"] == schema
    return found


def tuning(status: str = "finished", task: str = "firms", **changes: Any) -> ScriptedRunner:
    """A runner that plans and plays one run."""

    def tune(db: Any, command: CommandRecord) -> dict[str, Any]:
        emit(db, "note", None, text="measuring tiny" + HOSTILE)
        create_run(db, task)
        play(db, status, **changes)
        return {"run": RUN}

    return ScriptedRunner({"tune": tune})


def test_tune_narrates_the_plan_and_the_verdict_and_prints_the_prompt() -> None:
    with tuning():
        result = invoke("tune", "firms", "--seed", "7")
    assert result.exit_code == 0
    assert "Name the relation between the two." in result.stdout
    for words in (
        "measuring tiny",
        PLAN["text"],
        "stage: search",
        "rewrite on task: leads, accuracy 0.500 [0.377, 0.623] (n 60)",
        "verdict: better",
        "accuracy 0.300, 95 % interval [0.220, 0.400], n 100",
        "gain: +0.200, 95 % interval +0.100 to +0.300; 25 cases won, 5 lost",
        "test: exact McNemar test, p = 0.0004; at this look at the test split, number 1, p counts",
    ):
        assert words in result.stderr
    assert result.stderr.index(PLAN["text"]) < result.stderr.index("stage: search")


def test_tune_json_is_one_document() -> None:
    with tuning():
        result = invoke("tune", "firms", "--json")
    found = document(result, "strop/tune/1")
    assert found["run"] == RUN
    assert found["status"] == "finished"
    assert found["plan"] == PLAN
    assert found["verdict"] == {**VERDICT, "controls": [], "paid": [], "reading": "", "look": 1}
    assert found["best_prompt"] == BEST.id
    assert "Name the relation" in found["prompt_text"]


@pytest.mark.parametrize("wrong", ["--minutes=1e9", "--minutes=0.0001", "--candidates=3"])
def test_an_amount_that_makes_no_run_is_refused_before_anybody_is_asked(
    db: Any, wrong: str
) -> None:
    result = invoke("tune", "firms", wrong, "--detach")
    assert result.exit_code == 2 and "; give a " in result.stderr
    assert commands.unsettled(db) == []


def test_what_was_asked_for_reaches_the_runner() -> None:
    asked: dict[str, Any] = {}

    def tune(db: Any, command: CommandRecord) -> dict[str, Any]:
        asked.update(json.loads(command.content))
        raise Refusal("enough", 2)

    with ScriptedRunner({"tune": tune}):
        invoke("tune", "firms", "--minutes", "2.5", "--seed", "3", "--reasoner", "tiny")
    expected = {"task": "firms", "model": "tiny", "minutes": 2.5, "seed": 3, "reasoner": "tiny"}
    assert asked == expected


@pytest.mark.parametrize("better", [True, False])
def test_a_required_gain_decides_the_exit_code(better: bool) -> None:
    words = "better" if better else "no proven gain"
    with tuning(better=better, words=words):
        result = invoke("tune", "firms", "--require-gain", "--json")
    assert result.exit_code == (0 if better else 4)
    assert document(result, "strop/tune/1")["verdict"]["words"] == words


def test_no_proven_gain_is_a_normal_result() -> None:
    with tuning(better=False, words="no proven gain"):
        result = invoke("tune", "firms")
    assert result.exit_code == 0
    assert "verdict: no proven gain" in result.stderr


def test_where_nothing_beat_the_seed_its_gain_over_itself_is_not_shown() -> None:
    with tuning(best=SEED, gain=0.0, interval=[0.0, 0.0], better=False, words="no proven gain"):
        text, found = invoke("tune", "firms"), invoke("runs", "show", RUN, "--json")
    assert "verdict: no proven gain: nothing better was found; the seed prompt stands" in (
        text.stderr
    )
    assert "accuracy 0.300, 95 % interval [0.220, 0.400], n 100" in text.stderr
    for words in ("best prompt  ", "gain +", "McNemar"):
        assert words not in text.stderr
    assert document(found, "strop/runs-show/1")["verdict"]["gain"] == 0.0


@pytest.mark.parametrize(("status", "code"), [("failed", 1), ("paused", 3), ("stopped", 3)])
def test_a_run_that_does_not_finish_says_why_and_how_to_go_on(status: str, code: int) -> None:
    with tuning(status):
        result = invoke("tune", "firms", "--json")
    assert result.exit_code == code
    assert document(result, "strop/tune/1")["status"] == status
    assert f"strop tune --resume {RUN}" in result.stderr
    assert ("the worker died" in result.stderr) == (status == "failed")


def test_a_budget_that_is_too_small_is_refused_with_what_would_fit() -> None:
    def tune(db: Any, command: CommandRecord) -> dict[str, Any]:
        raise Refusal("at least 20 need --minutes 3.1", 2)

    with ScriptedRunner({"tune": tune}):
        result = invoke("tune", "firms", "--minutes", "1", "--json")
    assert result.exit_code == 2
    assert "--minutes 3.1" in document(result, "strop/error/1")["error"]


def test_a_run_at_work_is_said_to_go_first(db: Any) -> None:
    create_run(db, "firms", "running")

    with ScriptedRunner({"tune": refuse}):
        assert f"run {RUN} is running and goes first" in invoke("tune", "firms").stderr


def test_detached_it_prints_the_run_and_leaves() -> None:
    def tune(db: Any, command: CommandRecord) -> dict[str, Any]:
        return {"run": create_run(db, "firms")}

    with ScriptedRunner({"tune": tune}):
        result = invoke("tune", "firms", "--detach")
    assert result.exit_code == 0
    assert result.stdout == f"{RUN}\n"
    assert PLAN["text"] in result.stderr
    assert f"strop runs watch {RUN}" in result.stderr


def test_resume_follows_from_where_the_run_rested(db: Any) -> None:
    create_run(db, "firms")
    play(db, "paused")

    def resume(db: Any, command: CommandRecord) -> dict[str, Any]:
        play(db)
        return {"run": command.run_id}

    with ScriptedRunner({"resume": resume}):
        result = invoke("tune", "--resume", RUN[:4], "--json")
    assert result.exit_code == 0
    assert document(result, "strop/tune/1")["verdict"]["better"]
    assert "paused" not in result.stderr
    assert "candidate 2:" in result.stderr


def test_a_dead_runner_is_said_with_the_command_that_goes_on(db: Any) -> None:
    create_run(db, "firms", "running")
    result = invoke("runs", "watch", RUN)
    assert result.exit_code == 3
    assert f"strop tune --resume {RUN}" in result.stderr


@pytest.mark.parametrize("command", [("list",), ("show", RUN), ("show", RUN, "--json")])
def test_a_run_that_nobody_works_on_is_listed_and_shown_as_such(
    db: Any, command: tuple[str, ...]
) -> None:
    create_run(db, "firms", "running")
    left = f"no runner is alive; go on with: strop tune --resume {RUN}"
    assert left in invoke("runs", *command).stderr
    with ScriptedRunner({}):
        assert left not in invoke("runs", *command).stderr
    play(db)
    assert left not in invoke("runs", *command).stderr


def test_watching_a_finished_run_shows_how_it_came_out(db: Any) -> None:
    create_run(db, "firms")
    play(db)
    result = invoke("runs", "watch", RUN, "--json")
    assert result.exit_code == 0
    assert document(result, "strop/runs-watch/1")["verdict"]["better"]


def test_ctrl_c_leaves_the_run_going_and_exits_with_130(db: Any) -> None:
    create_run(db, "firms", "running")
    program = "from appliance.cli import main; main()"
    with (
        ScriptedRunner({}),
        subprocess.Popen(
            [sys.executable, "-c", program, "runs", "watch", RUN, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as following,
    ):
        assert following.stderr is not None
        assert RUN in following.stderr.readline()
        emit(db, "stage", stage="refine")
        assert "refine" in following.stderr.readline()
        following.send_signal(signal.SIGINT)
        stdout, stderr = following.communicate(timeout=20)
    assert following.returncode == 130
    assert f"the run goes on; `strop runs watch {RUN}`" in stderr
    assert "Traceback" not in stderr
    assert json.loads(stdout)["exit_code"] == 130
    record = runs.get(db, RUN)
    assert record is not None
    assert record.status == "running"


def test_a_terminal_is_redrawn_and_left_in_order_after_ctrl_c(db: Any) -> None:
    create_run(db, "firms", "running")
    emit(db, "note", text="before" + HOSTILE)
    screen, terminal = os.openpty()
    program = "from appliance.cli import main; main()"
    with ScriptedRunner({}):
        following = subprocess.Popen(
            [sys.executable, "-c", program, "runs", "watch", RUN],
            stderr=terminal,
            env=os.environ | {"TERM": "xterm"},
        )
        os.close(terminal)
        shown = read_until(screen, "0 candidates tried")
        emit(db, "note", text="after" + HOSTILE)
        emit(db, "stage", stage="refine")
        shown += read_until(screen, "stage: refine")
        following.send_signal(signal.SIGINT)
        shown += read_until(screen, f"strop runs watch {RUN}")
        assert following.wait(timeout=20) == 130
    os.close(screen)
    assert "after\\x1b]0;owned" in shown
    assert "\x1b]0;" not in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back


def read_until(screen: int, wanted: str) -> str:
    shown = b""
    while wanted.encode() not in shown:
        shown += os.read(screen, 4096)
    return shown.decode()


def test_runs_are_listed_and_shown(db: Any) -> None:
    assert document(invoke("runs", "list", "--json"), "strop/runs-list/1")["runs"] == []
    create_run(db, "firms")
    play(db)
    listed = document(invoke("runs", "list", "--json"), "strop/runs-list/1")["runs"]
    assert [(run["run"], run["task"], run["model"]) for run in listed] == [(RUN, "firms", "tiny")]
    assert "better" in invoke("runs", "list").stdout
    shown = document(invoke("runs", "show", RUN, "--json"), "strop/runs-show/1")
    assert shown["evaluations"][0]["n"] == 60
    assert shown["rungs"] == [{"cases": 24, "candidates": 3, "tokens": 1500.5}]
    assert shown["inputs"]["seed"] == 1
    text = invoke("runs", "show", RUN).stdout
    assert "verdict: better" in text
    assert "0.500 [0.377, 0.623] (n 60)" in text
    assert "Name the relation" in text
    assert "what a candidate of the search took" in text and "1,500" in text


@pytest.mark.parametrize("kind", ["pause", "stop", "finish"])
def test_a_run_is_steered_through_the_runner(db: Any, kind: str) -> None:
    create_run(db, "firms", "running")
    seen: list[str | None] = []

    def obey(db: Any, command: CommandRecord) -> dict[str, Any]:
        seen.append(command.run_id)
        return {}

    with ScriptedRunner({kind: obey}):
        result = invoke("runs", kind, RUN[:4], "--json")
    assert document(result, f"strop/runs-{kind}/1")["run"] == RUN
    assert seen == [RUN]


@pytest.mark.parametrize("same", [True, False])
def test_replay_fails_where_a_score_differs(db: Any, same: bool) -> None:
    create_run(db, "firms")
    differences = [] if same else ["gain: shown 0.2, now 0.1"]
    answer = {"run": RUN, "same": same, "figures": 45, "scores": 200, "missing": 0 if same else 7}
    answer["largest_difference"] = 0.5

    def reply(db: Any, command: CommandRecord) -> dict[str, Any]:
        return {**answer, "differences": differences}

    with ScriptedRunner({"replay": reply}):
        text, found = invoke("replay", RUN), invoke("replay", RUN, "--json")
    assert text.exit_code == found.exit_code == (0 if same else 1)
    assert document(found, "strop/replay/1")["scores"] == 200
    for said in ("now 0.1", "200 scores by its model, 7 more could not be compared"):
        assert (said in text.stdout) != same


def test_demo_imports_the_sample_once_and_tunes_it() -> None:
    with tuning(task="sample"):
        result = invoke("demo", "--json")
    assert result.exit_code == 0
    found = document(result, "strop/demo/1")
    assert (found["task"], found["verdict"]["words"]) == ("sample", "better")
    assert f"strop prompt diff {SEED.id} {BEST.id}" in result.stderr
    listed = document(invoke("task", "list", "--json"), "strop/task-list/1")["tasks"]
    assert [task["task"] for task in listed] == ["firms", "sample"]


@pytest.mark.parametrize("command", [("task", "show"), ("tune",), ("eval", SEED.id, "--task")])
def test_the_shipped_sample_is_stored_when_it_is_first_asked_for(
    db: Any, command: tuple[str, ...]
) -> None:
    create_run(db, "firms")

    def names() -> list[str]:
        listed = document(invoke("task", "list", "--json"), "strop/task-list/1")["tasks"]
        return [task["task"] for task in listed]

    assert names() == ["firms"]
    split = ("--split", "tuning") if command[0] == "eval" else ()
    with ScriptedRunner({"tune": refuse, "eval": refuse}):
        result = invoke(*command, "sample", *split)
    assert "there is no task" not in result.stderr
    assert names() == ["firms", "sample"]


def refuse(db: Any, command: CommandRecord) -> dict[str, Any]:
    raise Refusal("enough", 2)


def test_a_misspelt_sample_is_answered_with_its_name() -> None:
    assert 'did you mean "sample"?' in invoke("task", "show", "sampel").stderr


def test_a_prompt_is_rendered_with_its_labels_and_rows_up_to_the_question(db: Any) -> None:
    create_run(db, "firms")
    row = next(r for r in tasks.load(db, "firms").rows.values() if r.label == "owns")
    shown = Prompt(SEED.sections, SEED.example, shots=(row.id,))
    play(db, best=shown)
    expected = (
        f"Which relation? employs, owns\n\n{row.text}\nRelation: owns\n\n{{text}}\nRelation: "
    )
    assert invoke("prompt", "show", shown.id, "--rendered").stdout == expected + "\n"
    found = document(invoke("prompt", "show", shown.id, "--json"), "strop/prompt-show/1")
    assert found["rendered"] == expected


@pytest.mark.parametrize("mode", ["raw", "chat"])
def test_a_rendered_chat_prompt_is_said_to_be_one_turn(db: Any, mode: Any) -> None:
    create_run(db, "firms")
    shown = Prompt(SEED.sections, SEED.example, mode=mode)
    play(db, best=shown)
    said = invoke("prompt", "show", shown.id, "--rendered").stderr
    assert ("user turn" in said) == (mode == "chat")


def test_prompts_are_shown_and_compared(db: Any) -> None:
    create_run(db, "firms")
    play(db)
    shown = document(invoke("prompt", "show", BEST.id[:8], "--json"), "strop/prompt-show/1")
    assert shown["lineage"] == [SEED.id, BEST.id]
    changes = invoke("prompt", "diff", SEED.id, BEST.id).stdout
    assert "-Which relation? {labels}" in changes
    assert "+Name the relation between the two. {labels}" in changes


def test_hostile_text_in_a_prompt_is_escaped_on_the_screen_and_exact_in_json(db: Any) -> None:
    hostile = Prompt((Section("task", f"Look {HOSTILE}\nhere"),), SEED.example)
    create_run(db, "firms")
    play(db, best=hostile)
    for command in (["prompt", "show", hostile.id], ["runs", "show", RUN], ["runs", "watch", RUN]):
        assert r"Look \x1b]0;owned\x07\x9b31m\u202e" in invoke(*command).stdout
    found = document(invoke("prompt", "show", hostile.id, "--json"), "strop/prompt-show/1")
    assert found["body"]["sections"][0]["text"] == f"Look {HOSTILE}\nhere"


def test_the_doctor_names_every_part() -> None:
    result = invoke("doctor", "--json")
    checks = {check["name"]: check for check in document(result, "strop/doctor/1")["checks"]}
    for name in ("Python", "click", "processor", "memory", "disk", "data folder", "store"):
        assert checks[name]["detail"]
    assert checks["model tiny"]["state"] == "ok"
    assert all(check["remedy"] for check in checks.values() if check["state"] != "ok")


def test_the_doctor_fails_on_a_model_of_another_size() -> None:
    (locations.models_folder() / "tiny" / "serving.gguf").write_bytes(b"GG")
    result = invoke("doctor", "--json")
    assert result.exit_code == 1
    found = document(result, "strop/doctor/1")
    model = next(check for check in found["checks"] if check["name"] == "model tiny")
    assert (model["state"], found["ok"]) == ("fail", False)
    assert "2 bytes, not 4" in model["detail"]


def test_models_are_listed_and_a_damaged_one_is_found() -> None:
    listed = document(invoke("models", "list", "--json"), "strop/models-list/1")["models"]
    assert [model["model"] for model in listed] == ["tiny"]
    result = invoke("models", "check", "--json")
    assert result.exit_code == 1
    assert not document(result, "strop/models-check/1")["models"][0]["ok"]


def test_a_task_is_shown_with_its_labels_and_seed_prompt() -> None:
    found = document(invoke("task", "show", "firms", "--json"), "strop/task-show/1")
    assert [label["name"] for label in found["labels"]] == ["employs", "owns"]
    assert sum(found["cases"].values()) == found["rows"] == 16
    assert "[example]" in invoke("task", "show", "firms").stdout


def test_a_run_shows_its_verdict_without_the_single_answers(db: Any) -> None:
    create_run(db, "firms")
    case = tasks.load(db, "firms").cases["test"][0]
    answer = Answer(case.id, "owns", "employs", "owns", 0.0, 1.0, (0, 1, 1), (1, 0, 0))
    play(db, "finished", answers=[answer])
    whole = document(invoke("runs", "show", RUN, "--json"), "strop/runs-show/1")
    assert whole["metric"] == "accuracy"
    assert whole["verdict"]["wins"] == 25 and "answers" not in whole["verdict"]


def test_figures_of_a_run_go_by_the_name_of_its_tasks_metric(db: Any) -> None:
    save(db, tiny_tasks.imported("several"))
    create_run(db, "tags")
    play(
        db, metric="micro_f1", scope="for these labels", refused="only 4 texts have a label",
        words="no proven gain", noise={"n": 64, "changed": 2}, test="sign flip", clusters=8,
        unit="query",
    )  # fmt: skip
    text = invoke("runs", "show", RUN).stdout
    for words in (
        "verdict: no proven gain, for these labels",
        "best prompt  " + BEST.id + "  micro-F1 0.500, 95 % interval [0.400, 0.600], n 100",
        "why nothing is claimed: only 4 texts have a label",
        "cases that belong together: 8 queries, each weighed as a whole",
        "sign-flip test, p = 0.0004",
        "of 64 cases scored twice, in another order, 2 got another answer",
        "split   micro-F1",
    ):
        assert words in text
    assert "accuracy" not in text


def test_a_run_that_is_being_planned_is_told_of_beside_the_list(db: Any) -> None:
    commands.enqueue(db, "tune", encode(Tune("firms", "tiny", 10.0, 1)))
    waits = 'a run of "firms" waits to be planned: no runner is alive'
    assert waits in invoke("runs", "list").stderr
    with locations.runner_lock().open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert 'a run of "firms" is being planned' in invoke("runs", "list").stderr


@pytest.mark.parametrize("status", ["queued", "running", "paused"])
def test_the_model_of_a_run_that_may_go_on_is_not_removed(db: Any, status: str) -> None:
    create_run(db, "firms", status)
    result = invoke("models", "remove", MODEL, "--yes")
    assert result.exit_code == 2
    end = f"run {RUN} is {status} and needs {MODEL}; end it first: strop runs stop {RUN}"
    assert end in result.stderr
    runs.set_status(db, RUN, "stopped")
    assert invoke("models", "remove", MODEL, "--yes").exit_code == 0


def test_the_model_of_a_command_that_is_at_work_is_not_removed(db: Any) -> None:
    other = commands.enqueue(db, "tune", encode(Tune("firms", "other", 10.0, 1, MODEL)))
    result = invoke("models", "remove", MODEL, "--yes")
    assert f"{MODEL} is at work for a tune; wait until it has ended" in result.stderr
    commands.settle(db, other, None)
    commands.enqueue(db, "eval", json.dumps({"model": MODEL}), asker=1)  # Nobody waits for it.
    commands.enqueue(db, "bench", "[1]")
    assert invoke("models", "remove", MODEL, "--yes").exit_code == 0
