"""A runner for tests of the command line: it holds the lock and answers by script."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

from appliance import locations
from appliance.data import tasks
from appliance.prompts.prompt import Prompt, Section
from appliance.run.messages import Inputs, encode
from models.record import RECORD, Body, Model, write
from store import commands, database, events, prompts, runs, verdicts
from store.records import CommandRecord, EvaluationRecord

MODEL = "tiny"
RUN = "ab12cd34"
PLAN = {"text": "About 30 candidates in 10 minutes.", "candidates": 30, "minutes": 10.0}
SEED = Prompt((Section("task", "Which relation? {labels}\n\n"),), "{text}\nRelation: {label}\n\n")
BEST = SEED.with_section("task", "Name the relation between the two. {labels}\n\n")
VERDICT: dict[str, Any] = {
    "seed": {"prompt": SEED.id, "value": 0.3, "interval": [0.22, 0.4], "n": 100},
    "best": {"prompt": BEST.id, "value": 0.5, "interval": [0.4, 0.6], "n": 100},
    "metric": "accuracy",
    "n": 100,
    "gain": 0.2,
    "interval": [0.1, 0.3],
    "p": 0.0004,
    "test": "exact McNemar",
    "wins": 25,
    "losses": 5,
    "better": True,
    "words": "better",
    "model": MODEL,
    "body": "Q4_1",
    "split": "test",
    "unit": "case",
    "clusters": 0,
    "alpha": 0.05,
    "power": None,
    "refused": "",
    "scope": "",
    "noise": None,
}

Answer = Callable[[Any, CommandRecord], dict[str, Any]]


class Refusal(Exception):
    """Fails a command with a message and an exit code."""


class ScriptedRunner:
    """Settles commands in a thread of its own; ``answers`` maps a kind to what it does."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> ScriptedRunner:
        self._lock = locations.runner_lock().open("a")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._lock.close()

    def _serve(self) -> None:
        db = database.open(locations.store_path())
        while not self._over.wait(0.005):
            if command := commands.take(db):
                try:
                    answer, failed = self.answers[command.kind](db, command), False
                except Refusal as refusal:
                    message, code = refusal.args
                    answer, failed = {"error": message, "exit_code": code}, True
                except Exception as error:  # or whoever asked would wait for ever
                    answer, failed = {"error": repr(error), "exit_code": 1}, True
                commands.settle(db, command.id, msgspec.json.encode(answer).decode(), failed)
        db.conn.close()


def emit(db: Any, kind: str, run_id: str | None = RUN, **body: Any) -> None:
    events.append(db, kind, msgspec.json.encode(body).decode(), run_id)


def inputs_of(task_id: str, plan: dict[str, Any]) -> Inputs:
    return Inputs(
        task=task_id,
        split_hash="h",
        model=MODEL,
        reasoner=MODEL,
        minutes=10.0,
        seed=1,
        budget=600_000.0,
        verdict_cost=60_000.0,
        bodies={},
        plan=plan,
        version="0",
    )


def create_run(db: Any, task: str, status: str = "queued") -> str:
    """A planned run on a stored task, with its seed prompt."""
    task_id = tasks.load(db, task).id
    _keep(db, task_id, SEED)
    runs.create(
        db,
        id=RUN,
        task_id=task_id,
        inputs=encode(inputs_of(task_id, PLAN)),
        seed_prompt=SEED.id,
        budget=600_000.0,
        status=status,
        stage="prepare",
    )
    emit(db, "plan", **PLAN)
    return RUN


def play(db: Any, status: str = "finished", best: Prompt = BEST, **verdict: Any) -> None:
    """What a run does after its plan, up to ``status``; ``verdict`` changes the document."""
    run = runs.get(db, RUN)
    assert run is not None
    runs.set_status(db, RUN, "running")
    emit(db, "stage", stage="search")
    _keep(db, run.task_id, best)
    figures = {"prompt": best.id, "metric": "accuracy", "value": 0.5, "interval": [0.377, 0.623]}
    figures |= {"loss": 1.25, "n": 60}
    emit(db, "progress", spent=60_000, budget=600_000, left_s=540)
    emit(db, "candidate", operator="rewrite", section="task", outcome="leads", **figures)
    runs.add_evaluation(
        db,
        EvaluationRecord(
            RUN, 0, best.id, "search", "tuning", 60, 0.5, 0.377, 0.623, 1.25, 60_000.0
        ),
    )
    runs.update(db, RUN, best_prompt=best.id)
    emit(db, "best", **figures)
    emit(db, "rungs", rungs=[{"cases": 24, "candidates": 3, "tokens": 1500.5}])
    if status == "finished":
        body = {**VERDICT, "best": {**VERDICT["best"], "prompt": best.id}, **verdict}
        verdicts.record(
            db, run_id=RUN, task_id=run.task_id, content=msgspec.json.encode(body).decode()
        )
        emit(db, "verdict", look=1, **body)
    error = "the worker died" if status == "failed" else None
    runs.set_status(db, RUN, status, error)


def add_model(name: str = MODEL) -> None:
    """A record and a file of the right size; nothing can load it."""
    folder = locations.models_folder() / name
    folder.mkdir(parents=True)
    (folder / "serving.gguf").write_bytes(b"GGUF")
    body = Body("serving.gguf", "0" * 64, "Q4_1")
    model = Model(
        name=name,
        serving="serving.gguf",
        sha256=body.sha256,
        size=4,
        architecture="llama",
        context=2048,
        licence="Apache-2.0",
        origin="a test",
        added_at=datetime(2026, 1, 1, tzinfo=UTC),
        bodies={"Q4_1": body},
        search="Q4_1",
    )
    write(folder / RECORD, model)


def rows(labels: tuple[str, ...] = ("owns", "employs"), each: int = 8) -> str:
    """A JSONL file's text that imports."""
    lines = [
        {"text": f"Firm{k}{i} {label} Unit{k}{i} now.", "head": f"Firm{k}{i}"}
        | {"tail": f"Unit{k}{i}", "label": label}
        for k, label in enumerate(labels)
        for i in "abcdefghij"[:each]
    ]
    return "\n".join(msgspec.json.encode(line).decode() for line in lines)


def _keep(db: Any, task_id: str, prompt: Prompt) -> None:
    body = msgspec.json.encode(prompt).decode()
    parent = None if prompt == SEED else SEED.id
    prompts.add(db, id=prompt.id, task_id=task_id, content=body, parent_id=parent, operator="seed")
