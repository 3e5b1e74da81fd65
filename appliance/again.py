"""A run's figures obtained again: from what the store kept of it, and from the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.errors import InputError, StropError
from appliance.host import Host
from appliance.interactive import Unrecorded, evaluator_of, prompt_of
from appliance.job import retrace, task_of
from appliance.record import Inputs, StoreJournal
from appliance.scoring.statistics import Estimate
from appliance.search.contest import Candidate
from appliance.verdict import Verdict, give_verdict
from appliance.workbench import Entry, Workbench
from models.engine import Reply, Request, Scores, decode_reply
from store import memo, runs, verdicts

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.prompt import Prompt
    from store.records import RunRecord

TOLERANCE = 1e-4
"""Nats by which a score that is computed again may differ: the rounding of every score."""


class Kept:
    """A run's journal, to be read alone; there is no model behind it."""

    def __init__(self, db: Database, run: RunRecord) -> None:
        self.journal = StoreJournal(db, run.id, run.task_id)

    def entries(self) -> Iterator[Entry]:
        return self.journal.entries()

    def append(self, entry: Entry, spent: float) -> None:
        raise StropError("the journal lacks a call that the run makes")

    def recall(self, key: str) -> bytes | None:
        return None

    def call(self, name: str, request: Request) -> Reply:
        raise StropError("the journal ends before the run does")


class Shown:
    """Every figure that a run came to, as its follower is told of it: (stage, prompt, value, n)."""

    def __init__(self) -> None:
        self.figures: list[tuple[str, str, float, int]] = []

    def stage(self, name: str) -> None: ...

    def settled(self, candidate: Candidate, prompt: Prompt) -> None: ...

    def candidate(self, stage: str, candidate: Candidate, outcome: str) -> None:
        self._add(stage, candidate, candidate.estimate)

    def selected(self, candidate: Candidate, found: Estimate, loss: float) -> None:
        self._add("selection", candidate, found)

    def _add(self, stage: str, candidate: Candidate, found: Estimate) -> None:
        self.figures.append((stage, candidate.final.id, round(found.value, 4), found.n))


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


def replay(db: Database, host: Host, run_id: str) -> dict[str, Any]:
    """Every figure of a run again: those of its search, its selection and its verdict out of its
    journal, and the verdict out of the model as well, score by score.

    Where the memo has none of its scores any more nothing can be said to be the same.
    """
    run = runs.get(db, run_id)
    record = verdicts.get(db, run.id) if run else None
    if run is None or record is None:
        raise InputError(f"run {run_id!r} has no verdict to replay; see `strop runs list`")
    shown = msgspec.json.decode(record.body, type=Verdict)
    inputs = msgspec.json.decode(run.inputs, type=Inputs)
    figures, differences = _from_journal(db, host, run, inputs, shown)
    journal, again = _from_model(db, host, run, inputs, shown)
    differences += _differences(shown, again, "the model")
    return {
        "run": run.id,
        "same": journal.scores > 0 and not differences and journal.largest <= TOLERANCE,
        "figures": figures,
        "scores": journal.scores,
        "largest_difference": round(journal.largest, 6),
        "differences": differences,
    }


def _from_journal(
    db: Database, host: Host, run: RunRecord, inputs: Inputs, shown: Verdict
) -> tuple[int, list[str]]:
    """How many figures there are, and which differ."""
    kept, found = Kept(db, run), Shown()
    loaded = task_of(db, inputs)
    bench = Workbench(kept, inputs.bodies, kept, lambda: None)
    evaluator, best = retrace(host, inputs, loaded, bench, found)
    again = give_verdict(
        evaluator,
        loaded.cases["test"],
        loaded.seed,
        best,
        model=shown.model,
        body=shown.body,
        alpha=shown.alpha,
    )
    stored = [(e.stage, e.prompt_id, e.value, e.n) for e in runs.evaluations(db, run.id)]
    differences = [
        f"{was[0]}: shown {was[2]} (n {was[3]}) of prompt {was[1]}, "
        f"the journal says {now[2]} (n {now[3]}) of {now[1]}"
        for was, now in zip(stored, found.figures, strict=False)
        if was != now
    ]
    if len(stored) != len(found.figures):
        differences.append(f"{len(stored)} figures shown, the journal has {len(found.figures)}")
    return len(found.figures) + 1, differences + _differences(shown, again, "the journal")


def _from_model(
    db: Database, host: Host, run: RunRecord, inputs: Inputs, shown: Verdict
) -> tuple[Compared, Verdict]:
    loaded = task_of(db, inputs)
    journal = Compared(db)
    serving = host.body(
        host.catalog.get(inputs.model), inputs.plan["serving_body"], inputs.bodies["serving"].prices
    )
    evaluator = evaluator_of(host, loaded, journal, {"serving": serving}, inputs.model)
    again = give_verdict(
        evaluator,
        loaded.cases["test"],
        prompt_of(db, shown.seed.prompt),
        prompt_of(db, shown.best.prompt),
        model=shown.model,
        body=shown.body,
        alpha=shown.alpha,
    )
    return journal, again


def _differences(shown: Verdict, again: Verdict, where: str) -> list[str]:
    before, after = (
        msgspec.to_builtins(msgspec.structs.replace(v, answers=())) for v in (shown, again)
    )
    changed = sum(a != b for a, b in zip(shown.answers, again.answers, strict=False))
    differences = [f"{changed} of {len(shown.answers)} answers, by {where}"] if changed else []
    return differences + [
        f"{key}: shown {before[key]}, now {after[key]} by {where}"
        for key in before
        if before[key] != after[key]
    ]
