"""Requests that a person waits for: score this prompt now, recompute that verdict."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.errors import InputError
from appliance.host import Host
from appliance.plan import tokeniser_of
from appliance.prompt import Prompt
from appliance.record import Inputs
from appliance.renderer import Renderer
from appliance.scoring.evaluator import Evaluator, accuracy, mean_loss
from appliance.task import FIELDS, Case, Task
from appliance.tasks import Loaded, load
from appliance.verdict import Verdict, give_verdict
from appliance.workbench import Body, Entry, Prices, Workbench
from models.engine import Scores, decode_reply
from store import memo, prompts, runs, verdicts

if TYPE_CHECKING:
    from sqlite_utils import Database

TOLERANCE = 1e-4
"""Nats by which a score that is computed again may differ: the rounding of every score."""


class Unrecorded:
    """A journal that keeps nothing and remembers nothing: every call is made."""

    def __init__(self) -> None:
        self.tokens = 0

    def entries(self) -> Iterator[Entry]:
        return iter(())

    def append(self, entry: Entry, spent: float) -> None:
        reply = decode_reply(entry.reply)
        if isinstance(reply, Scores):
            self.tokens += reply.decoded

    def recall(self, key: str) -> bytes | None:
        return None


class Compared(Unrecorded):
    """Makes every call again and compares its scores with what the memo kept of them."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.db = db
        self.scores = 0
        self.largest = 0.0

    def append(self, entry: Entry, spent: float) -> None:
        kept = memo.get(self.db, entry.key)
        if kept is None:
            return
        new, old = decode_reply(entry.reply), decode_reply(kept)
        if isinstance(new, Scores) and isinstance(old, Scores):
            pairs = zip(new.logprobs, old.logprobs, strict=True)
            differences = [abs(sum(a) - sum(b)) for a, b in pairs]
            self.scores += len(differences)
            self.largest = max(self.largest, *differences)


def evaluate(db: Database, host: Host, body: dict[str, Any]) -> dict[str, Any]:
    """Scores a prompt on a split by the serving body. The test split is for verdicts alone.

    Raises InputError for that split, for a prompt that shows a row of it or one to be scored, and
    for one that is calibrated to other labels.
    """
    loaded = load(db, body["task"])
    if body["split"] == "test":
        raise InputError("the test split is locked: only a run's verdict reads it")
    prompt = _prompt(db, body["prompt"])
    cases = loaded.cases[body["split"]][: body.get("limit")]
    _check_slots(prompt, loaded.task)
    _check_prior(prompt, loaded.task)
    _check_shots(prompt, loaded, cases)
    model = host.prepare(body["model"])
    serving = host.body(model, model.serving_body, Prices(0.0))
    journal = Unrecorded()
    evaluator = _evaluator(host, loaded, journal, {"serving": serving}, body["model"])
    start = time.perf_counter()
    scored = evaluator.score(prompt, cases, "serving")
    seconds = time.perf_counter() - start

    from appliance.scoring.statistics import wilson

    estimate = wilson(sum(s.correct(prompt) for s in scored), len(scored))
    return {
        "prompt": prompt.id,
        "task": loaded.task.name,
        "split": body["split"],
        "n": len(scored),
        "accuracy": round(accuracy(scored, prompt), 4),
        "interval": [estimate.low, estimate.high],
        "loss": round(mean_loss(scored, prompt), 4),
        "weight": prompt.weight,
        "prior": prompt.prior,
        "seconds": round(seconds, 2),
        "tokens": journal.tokens,
        "cases": [
            {
                "case": case.id,
                "gold": case.query.label,
                "chosen": case.labels[s.choice(prompt)],
                "correct": s.correct(prompt),
                "margin": _margin(s.scores(prompt), s.gold),
            }
            for case, s in zip(cases, scored, strict=True)
        ],
    }


def replay(db: Database, host: Host, run_id: str) -> dict[str, Any]:
    """Recomputes a run's verdict from the stored prompts and rows and compares score by score.

    Where the memo has none of its scores any more nothing can be said to be the same.
    """
    run = runs.get(db, run_id)
    record = verdicts.get(db, run.id) if run else None
    if run is None or record is None:
        raise InputError(f"run {run_id!r} has no verdict to replay; see `strop runs list`")
    shown = msgspec.json.decode(record.body, type=Verdict)
    inputs = msgspec.json.decode(run.inputs, type=Inputs)
    loaded = load(db, run.task_id)
    journal = Compared(db)
    serving = host.body(
        host.catalog.get(inputs.model), inputs.plan["serving_body"], inputs.bodies["serving"].prices
    )
    evaluator = _evaluator(host, loaded, journal, {"serving": serving}, inputs.model)
    again = give_verdict(
        evaluator,
        loaded.cases["test"],
        _prompt(db, shown.seed.prompt),
        _prompt(db, shown.best.prompt),
        model=shown.model,
        body=shown.body,
        alpha=shown.alpha,
        protocol=loaded.task.protocol,
    )
    before, after = (
        msgspec.to_builtins(msgspec.structs.replace(v, answers=())) for v in (shown, again)
    )
    changed = sum(a != b for a, b in zip(shown.answers, again.answers, strict=False))
    differences = [f"{changed} of {len(shown.answers)} answers"] if changed else []
    differences += [
        f"{key}: shown {before[key]}, now {after[key]}"
        for key in before
        if before[key] != after[key]
    ]
    return {
        "run": run.id,
        "same": journal.scores > 0 and not differences and journal.largest <= TOLERANCE,
        "scores": journal.scores,
        "largest_difference": round(journal.largest, 6),
        "differences": differences,
    }


def _evaluator(
    host: Host, loaded: Loaded, journal: Unrecorded, bodies: dict[str, Body], model: str
) -> Evaluator:
    bench = Workbench(host.pool, bodies, journal, lambda: None)
    tokeniser = tokeniser_of(host, host.catalog.get(model))
    return Evaluator(bench, Renderer(loaded.task, loaded.rows, tokeniser))


def _check_slots(prompt: Prompt, task: Task) -> None:
    if foreign := prompt.slots - {*FIELDS[task.kind], "label"}:
        raise InputError(
            f"prompt {prompt.id} has the slot {{{min(foreign)}}}, and rows of {task.name} have no "
            f"{min(foreign)}: it was written for another kind of task"
        )


def _check_prior(prompt: Prompt, task: Task) -> None:
    """A prior holds a number for each label of its task, and only a fixed task has such labels."""
    labels = len(task.labels) if task.protocol == "fixed" else 0
    if len(prompt.prior) not in (0, labels):
        raise InputError(
            f"prompt {prompt.id} has priors for {len(prompt.prior)} labels, {task.name} takes "
            f"{labels}: it was tuned on another task; set its prior to [] to score it without"
        )


def _check_shots(prompt: Prompt, loaded: Loaded, cases: Sequence[Case]) -> None:
    """A demonstration is a row of the task, and neither asked now nor kept for the verdict."""
    asked = {case.query.id for case in cases}
    locked = {case.query.id for case in loaded.cases["test"]}
    for row in prompt.shots:
        if row not in loaded.rows:
            what = f"which {loaded.task.name} lacks"
        elif row in locked:
            what = "a row of the test split, which is locked; show another one"
        elif row in asked:
            what = "which is one of the cases to be scored; show another one"
        else:
            continue
        raise InputError(f"prompt {prompt.id} shows row {row}, {what}")


def _prompt(db: Database, given: str | dict[str, Any]) -> Prompt:
    """A stored prompt by its id or the beginning of it, or one given whole."""
    if isinstance(given, dict):
        try:
            return msgspec.convert(given, Prompt)
        except msgspec.ValidationError as error:
            raise InputError(f"this is no prompt: {error}") from error
    record = prompts.get(db, given)
    if record is None:
        raise InputError(f"there is no prompt {given!r}; see `strop runs show RUN`")
    return msgspec.json.decode(record.body, type=Prompt)


def _margin(scores: tuple[float, ...], gold: int) -> float:
    """Score of the gold label minus the best other one, in nats."""
    others = [score for label, score in enumerate(scores) if label != gold]
    return round(scores[gold] - max(others), 4)
