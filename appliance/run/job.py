"""One run: from a ``tune`` command to frozen inputs, and from these to a verdict."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from appliance import __version__
from appliance.data.records import read
from appliance.data.tasks import load
from appliance.encode.renderer import Renderer
from appliance.errors import InputError, StropError
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.lengths import fits
from appliance.evaluate.workbench import Workbench
from appliance.host.host import Host, tokeniser_of
from appliance.host.plan import measure_and_plan
from appliance.host.prepare import prepare
from appliance.prompts.canonical import canonical
from appliance.prompts.loaded import Loaded
from appliance.prompts.options import all_listed
from appliance.prompts.prompt import Prompt, Readout
from appliance.prompts.unfitted import unfitted
from appliance.prompts.validate import check
from appliance.run.amounts import check_amounts
from appliance.run.events import GivenVerdict
from appliance.run.journal import StoreJournal
from appliance.run.learnt import learnt
from appliance.run.messages import Inputs, Tune, encode
from appliance.run.recorder import RunRecorder
from appliance.run.unchanged import Unchanged
from appliance.scoring.hidden import check_map
from appliance.search.experience import Experience
from appliance.search.methods import check_methods
from appliance.search.readouts import may_be_likened, readouts
from appliance.task import SPLITS
from appliance.tune import MINUTE, Watcher, tune
from appliance.verdict.controls import with_controls
from appliance.verdict.give import give_verdict
from appliance.verdict.verdict import threshold
from store import database, experience, prompts, runs, verdicts

if TYPE_CHECKING:
    from sqlite_utils import Database

    from store.records import RunRecord


def create(db: Database, host: Host, command: int, asked: Tune) -> None:
    """Measures this host, freezes the inputs and queues the run, which settles the command. Raises
    InputError, and BudgetError where the minutes are too few."""
    minutes = check_amounts(asked)
    check_methods(asked.methods)
    loaded = load(db, asked.task)
    start = asked.prompt
    if start is not None:
        start = _readable(host, loaded, start, asked.model, asked.readout)
        check(start, loaded, [case for split in SPLITS for case in loaded.cases[split]])
        loaded = msgspec.structs.replace(loaded, seed=start)
    may_read = readouts(loaded, asked.readout)
    likeness = may_be_likened(loaded, asked.readout)
    model = prepare(host, asked.model)
    reasoner = prepare(host, asked.reasoner or asked.model)
    host.note(f"measuring {model.name} on {loaded.task.name}")
    bodies, plan = measure_and_plan(
        host,
        model,
        reasoner,
        loaded,
        minutes,
        most=asked.candidates,
        stretch=asked.stretch,
        readouts=may_read,
        likeness=likeness,
    )
    check_methods(asked.methods, can_ask="reasoner" in bodies)
    inputs = Inputs(
        task=loaded.id,
        split_hash=loaded.split_hash,
        model=model.name,
        reasoner=reasoner.name,
        minutes=plan.minutes,
        seed=asked.seed,
        budget=plan.minutes * MINUTE,
        verdict_cost=plan.verdict_minutes * MINUTE,
        bodies=bodies,
        plan=msgspec.to_builtins(plan),
        version=__version__,
        start=start,
        methods=asked.methods,
        experience=tuple(
            msgspec.convert(done, Experience, from_attributes=True)
            for done in experience.summary(db, loaded.task.kind, model.name)
        ),
        learnt=learnt(db, loaded, model.name, may_read),
        candidates=asked.candidates,
        readouts=may_read,
        likeness=likeness,
    )
    prompts.add(
        db,
        id=loaded.seed.id,
        task_id=loaded.id,
        content=canonical(loaded.seed).decode(),
        operator="seed",
        rows=loaded.seed.shots,
    )
    runs.create(
        db,
        id=secrets.token_hex(4),
        task_id=loaded.id,
        inputs=encode(inputs),
        seed_prompt=loaded.seed.id,
        budget=inputs.budget,
        status="queued",
        stage="prepare",
        plan=encode(plan),
        command=command,
    )


def _readable(
    host: Host, loaded: Loaded, start: Prompt, model: str, asked: Readout | None
) -> Prompt:
    """What a run that is given a prompt begins with: the prompt itself; its label words, where it
    was not fitted to this model's states or words alone are asked for; or the task's own seed
    prompt, where labels can then not be read, since a row may have several."""
    if start.readout == "words" and start.likeness is None:
        return start
    try:
        check_map(start, model, host.catalog.get(model).sha256)
        if asked != "words":
            return start
        why = "reads hidden states, and words are asked for"
    except InputError:
        why = f"was not fitted to the hidden states of {model}"
    if loaded.task.several:
        host.note(f"prompt {start.id} {why}: the run begins with the task's own prompt")
        return loaded.seed
    host.note(f"prompt {start.id} {why}: the run begins with its label words")
    return msgspec.structs.replace(unfitted(start), readout="words")


def work(db: Database, host: Host, run: RunRecord, poll: Callable[[], str | None]) -> None:
    """Replays the run's journal and goes on from there to its verdict.

    ``poll`` is called between calls and returns what the user wants. Raises Interrupted where that
    is to pause or to stop.
    """
    inputs = read(run.inputs, Inputs, f"run {run.id}")
    loaded = task_of(db, inputs)
    check_methods(inputs.methods)
    models = Unchanged(host, inputs.bodies)
    recorder: RunRecorder | None = None

    def tell_and_poll() -> str | None:
        if recorder:
            recorder.progress()
        return poll()

    past = StoreJournal(db, run.id, run.task_id)
    bench = Workbench(models, inputs.bodies, past, tell_and_poll)

    def rest_twin() -> None:
        if twin := inputs.bodies.get("twin"):
            host.pool.rest(twin.worker)

    recorder = RunRecorder(
        db,
        run.id,
        run.task_id,
        inputs,
        bench,
        rest_twin,
        loaded.task.kind,
    )
    search = host.catalog.get(inputs.model).search
    _, best = retrace(host, inputs, loaded, bench, recorder, search)
    recorder.stage("verdict")
    _rest_all_but_serving(host, inputs)
    serving = tokeniser_of(host, host.catalog.get(inputs.model), inputs.plan["serving_body"])
    evaluator = Evaluator(bench, Renderer(loaded.task, loaded.rows, serving))
    runs.update(db, run.id, best_prompt=best.id)
    # The look is recorded before anything is read: an interrupted verdict has looked too.
    look = verdicts.look(db, run_id=run.id, task_id=run.task_id)
    verdict = with_controls(
        give_verdict(
            evaluator,
            loaded.cases["test"],
            loaded.seed,
            best,
            model=inputs.model,
            body=inputs.plan["serving_body"],
            alpha=threshold(look),
        ),
        loaded,
    )
    verdicts.record(db, run_id=run.id, task_id=run.task_id, content=encode(verdict))
    runs.update(db, run.id, finished_at=database.now())
    told = msgspec.structs.replace(verdict, answers=())
    recorder.emit(GivenVerdict(**msgspec.structs.asdict(told), look=look))


def retrace(
    host: Host, inputs: Inputs, loaded: Loaded, bench: Workbench, watcher: Watcher, body: str
) -> tuple[Evaluator, Prompt]:
    """Goes through both stages and the selection, first from the bench's journal and then live; the
    model's ``body`` makes tokens of text. Returns the evaluator and the best prompt."""
    tokeniser = tokeniser_of(host, host.catalog.get(inputs.model), body)
    evaluator = Evaluator(bench, Renderer(loaded.task, loaded.rows, tokeniser))
    reasoner = None
    if "reasoner" in inputs.bodies:
        model = host.catalog.get(inputs.reasoner)
        reasoner = tokeniser_of(host, model, model.search)

    def has_verdict(prompt: Prompt) -> bool:
        test = loaded.cases["test"]
        if prompt.options == "words" and not all_listed(case.query for case in test):
            return False
        return fits(evaluator.renderer, prompt, test)

    best = tune(
        loaded,
        evaluator,
        bench,
        reasoner,
        watcher,
        seed=inputs.seed,
        budget=inputs.budget,
        fits=has_verdict,
        methods=inputs.methods,
        experience=inputs.experience,
        learnt=inputs.learnt,
        candidates=inputs.candidates,
        readouts=inputs.readouts,
        likeness=inputs.likeness,
    )
    return evaluator, best


def _rest_all_but_serving(host: Host, inputs: Inputs) -> None:
    serving = inputs.bodies["serving"].worker
    for worker in {body.worker for body in inputs.bodies.values()} - {serving}:
        host.pool.rest(worker)


def task_of(db: Database, inputs: Inputs) -> Loaded:
    """A run's task, with the prompt that the run began from."""
    loaded = load(db, inputs.task)
    if loaded.split_hash != inputs.split_hash:
        raise StropError("the task's rows are not those that this run was started on")
    return msgspec.structs.replace(loaded, seed=inputs.start or loaded.seed)
