"""The one process a store has that owns the models: takes commands, works on runs, ends when idle.

Started on demand by ``appliance.client``. Killing it loses at most the request in flight: the runs
that it was working on are resumed by the next one.
"""

from __future__ import annotations

import fcntl
import math
import secrets
import time
import traceback
from typing import IO, TYPE_CHECKING, Any

import msgspec

from appliance import __version__, locations
from appliance.errors import InputError, StropError
from appliance.host import Host
from appliance.interactive import evaluate, replay
from appliance.plan import Gauge, tokeniser_of
from appliance.record import RESTING, Inputs, RunRecorder, StoreJournal
from appliance.renderer import Renderer
from appliance.scoring.evaluator import Evaluator
from appliance.tasks import Loaded, load
from appliance.tune import MINUTE, tune
from appliance.verdict import give_verdict
from appliance.workbench import Interrupted, Workbench
from models.catalog import Catalog, CatalogError
from models.egress import refuse_network
from models.headers import HeaderError
from models.pool import Pool, WorkerError
from store import commands, database, events, journal, prompts, runs, verdicts
from store.errors import StoreError
from store.records import CommandRecord, RunRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

IDLE_SECONDS = 30.0
POLL_SECONDS = 0.2
LOCK_TRIES = 20
OPEN = ("queued", "running")
CONTROLS = {"pause": OPEN, "stop": (*OPEN, "paused"), "finish": (*OPEN, "paused", "stopped")}
"""What a person may ask of a run, and the statuses in which it makes sense."""

AT_ONCE = (*CONTROLS, "resume", "eval", "replay")
"""Commands that need not wait until the run that is worked on has ended."""

SEEDS = 2**32
EXPECTED = (StropError, StoreError, CatalogError, HeaderError, WorkerError)


class Runner:
    def __init__(self, db: Database, pool: Pool) -> None:
        self.db = db
        self.pool = pool
        self.host = Host(Catalog(locations.models_folder()), pool, self.note)
        self.run_id: str | None = None

    def serve(self) -> None:
        """Commands first, then runs, oldest first; returns after ``IDLE_SECONDS`` of neither.

        In this order a run that ends the runner each time can still be stopped.
        """
        commands.requeue_taken(self.db)
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < IDLE_SECONDS:
            if command := commands.take(self.db):
                self.obey(command)
            elif run := runs.oldest(self.db, OPEN):
                self.work(run)
            else:
                time.sleep(POLL_SECONDS)
                continue
            idle_since = time.monotonic()

    def obey(self, command: CommandRecord) -> None:
        """Carries a command out and settles it, with an answer or with the error."""
        body = msgspec.json.decode(command.body)
        try:
            answer = self._answer(command, body)
        except EXPECTED as error:
            code = getattr(error, "exit_code", 1)
            self._settle(command, {"error": str(error), "exit_code": code}, failed=True)
        except Exception as error:
            traceback.print_exc()
            message = (
                f"internal error: {type(error).__name__}: {error}; see {locations.runner_log()}"
            )
            self._settle(command, {"error": message, "exit_code": 1}, failed=True)
        else:
            if answer is not None:
                self._settle(command, answer)

    def work(self, run: RunRecord) -> None:
        """Replays the run's journal and goes on until it is finished, interrupted or failed."""
        self.run_id = run.id
        if run.started_at is None:
            runs.update(self.db, run.id, started_at=database.now())
        runs.set_status(self.db, run.id, "running")
        try:
            self._tune(run)
            runs.set_status(self.db, run.id, "finished")
        except Interrupted:
            pass  # the status came with the journal's entry
        except EXPECTED as error:
            runs.set_status(self.db, run.id, "failed", str(error))
        except Exception as error:
            traceback.print_exc()
            message = (
                f"internal error: {type(error).__name__}: {error}; see {locations.runner_log()}"
            )
            runs.set_status(self.db, run.id, "failed", message)
        finally:
            self.run_id = None

    def note(self, text: str) -> None:
        events.append(self.db, "note", msgspec.json.encode({"text": text}).decode(), self.run_id)

    def _answer(self, command: CommandRecord, body: dict[str, Any]) -> dict[str, Any] | None:
        """None where the command was settled in one write with what it changed."""
        match command.kind:
            case "tune":
                self._create(command, body)
                return None
            case "prepare":
                return self._prepare(body["model"])
            case "eval":
                return evaluate(self.db, self.host, body)
            case "replay":
                return replay(self.db, self.host, body["run"])
            case "resume":
                return self._resume(self._run(command))
            case kind if kind in CONTROLS:
                return self._control(self._run(command), command)
            case kind:
                raise InputError(f"unknown command {kind!r}")

    def _prepare(self, name: str) -> dict[str, Any]:
        model = self.host.prepare(name)
        speeds = {body: entry.prefill_tokens_per_s for body, entry in model.bodies.items()}
        return {"model": name, "bodies": speeds, "search": model.search, "twin": model.twin}

    def _create(self, command: CommandRecord, body: dict[str, Any]) -> None:
        """Measures this host, freezes the inputs and queues the run. Raises InputError."""
        minutes, seed = _amounts(body)
        loaded = load(self.db, body["task"])
        model = self.host.prepare(body["model"])
        reasoner = self.host.prepare(body.get("reasoner") or body["model"])
        self.note(f"measuring {model.name} on {loaded.task.name}")
        gauge = Gauge(self.host, model, reasoner, loaded)
        bodies = gauge.bodies()
        plan = gauge.plan(bodies, minutes, stretch=bool(body.get("stretch")))
        inputs = Inputs(
            task=loaded.id,
            split_hash=loaded.split_hash,
            model=model.name,
            reasoner=reasoner.name,
            minutes=plan.minutes,
            seed=seed,
            budget=plan.minutes * MINUTE,
            verdict_cost=plan.verdict_minutes * MINUTE,
            bodies=bodies,
            plan=msgspec.to_builtins(plan),
            version=__version__,
        )
        prompts.add(
            self.db,
            id=loaded.seed.id,
            task_id=loaded.id,
            body=msgspec.json.encode(loaded.seed).decode(),
            operator="seed",
            rows=loaded.seed.shots,
        )
        runs.create(
            self.db,
            id=secrets.token_hex(4),
            task_id=loaded.id,
            inputs=msgspec.json.encode(inputs).decode(),
            seed_prompt=loaded.seed.id,
            budget=inputs.budget,
            status="queued",
            stage="prepare",
            plan=msgspec.json.encode(plan).decode(),
            command=command.id,
        )

    def _tune(self, run: RunRecord) -> None:
        inputs = msgspec.json.decode(run.inputs, type=Inputs)
        loaded = self._task_of(inputs)
        model = self.host.catalog.get(inputs.model)
        reasoner = self.host.catalog.get(inputs.reasoner)
        self._check_bodies(inputs)
        recorder: RunRecorder | None = None

        def poll() -> str | None:
            if recorder:
                recorder.progress()
            return self._poll(run.id)

        past = StoreJournal(self.db, run.id, run.task_id)
        bench = Workbench(self.pool, inputs.bodies, past, poll)
        recorder = RunRecorder(
            self.db,
            run.id,
            run.task_id,
            inputs,
            bench,
            lambda _: self.pool.rest(inputs.bodies["twin"].worker),
        )
        renderer = Renderer(loaded.task, loaded.rows, tokeniser_of(self.host, model))
        evaluator = Evaluator(bench, renderer)
        best = tune(
            loaded,
            evaluator,
            bench,
            tokeniser_of(self.host, reasoner) if "reasoner" in inputs.bodies else None,
            recorder,
            seed=inputs.seed,
            budget=inputs.budget,
        )
        recorder.stage("verdict")
        runs.update(self.db, run.id, best_prompt=best.id)
        verdict = give_verdict(
            evaluator,
            loaded.cases["test"],
            loaded.seed,
            best,
            model=model.name,
            body=inputs.plan["serving_body"],
        )
        look = verdicts.record(
            self.db,
            run_id=run.id,
            task_id=run.task_id,
            body=msgspec.json.encode(verdict).decode(),
        )
        runs.update(self.db, run.id, finished_at=database.now())
        recorder.emit("verdict", {**msgspec.to_builtins(verdict), "look": look})

    def _task_of(self, inputs: Inputs) -> Loaded:
        loaded = load(self.db, inputs.task)
        if loaded.split_hash != inputs.split_hash:
            raise StropError("the task's rows are not those that this run was started on")
        return loaded

    def _check_bodies(self, inputs: Inputs) -> None:
        """Opens every worker of the run; what answers must be what the run was started with."""
        for role, body in inputs.bodies.items():
            name, _, kind = body.worker.partition("/")
            now = self.host.body(self.host.catalog.get(name), kind, body.prices)
            if now.identity != body.identity:
                raise StropError(
                    f"the {role} model or its engine has changed since this run was started, so it "
                    "cannot go on as it was; start a new run"
                )

    def _poll(self, run_id: str) -> str | None:
        """Between two calls of a run: obeys what is not for this run and cannot wait; returns the
        first control that is. That one stays open until the journal has it."""
        for command in commands.waiting(self.db):
            if command.kind in CONTROLS and command.run_id == run_id:
                return command.kind
            if command.kind in AT_ONCE:
                self.obey(command)
        return None

    def _control(self, run: RunRecord, command: CommandRecord) -> dict[str, Any] | None:
        """A control of a run that is not worked on now."""
        status = RESTING.get(command.kind, "queued")
        if run.status == status != "queued":
            return {}
        if run.status not in CONTROLS[command.kind]:
            raise InputError(f"run {run.id} is {run.status}: there is nothing to {command.kind}")
        journal.obey(self.db, run.id, command.id, command.kind, status)
        return None

    def _resume(self, run: RunRecord) -> dict[str, Any]:
        if run.status not in (*OPEN, "finished"):
            runs.set_status(self.db, run.id, "queued")
        return {"run": run.id}

    def _run(self, command: CommandRecord) -> RunRecord:
        run = runs.get(self.db, command.run_id or "")
        if run is None:
            raise InputError(f"there is no run {command.run_id!r}; see `strop runs list`")
        return run

    def _settle(
        self, command: CommandRecord, answer: dict[str, Any], *, failed: bool = False
    ) -> None:
        commands.settle(self.db, command.id, msgspec.json.encode(answer).decode(), failed)


def _amounts(body: dict[str, Any]) -> tuple[float, int]:
    """The minutes and the seed of a ``tune`` command. Raises InputError."""
    minutes, seed = body["minutes"], body["seed"]
    # JSON has no infinity: what a window sent as one is null here.
    if minutes is None or not 0 < minutes * MINUTE < math.inf:
        raise InputError("the minutes must be a finite number above 0")
    if not 0 <= seed < SEEDS:
        raise InputError(f"the seed is {seed}; it must be a whole number from 0 to {SEEDS - 1}")
    return float(minutes), int(seed)


def _locked(lock: IO[str]) -> bool:
    """Takes the lock; for a moment it may be held by a window that asks whether anyone holds it."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def main() -> None:
    refuse_network()
    with locations.runner_lock().open("a") as lock:
        if not _locked(lock):
            return
        db = database.open(locations.store_path())
        with Pool() as pool:
            Runner(db, pool).serve()


if __name__ == "__main__":
    main()
