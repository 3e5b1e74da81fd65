"""Obtains a run's figures again, from what the store kept of it and from the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from appliance.data.records import judged_prompt, read
from appliance.errors import InputError, StropError
from appliance.evaluate.workbench import Entry, Workbench
from appliance.host.host import Host
from appliance.run.evaluate import Unrecorded, evaluator_of
from appliance.run.job import retrace, task_of
from appliance.run.journal import StoreJournal
from appliance.run.messages import Inputs, Replayed
from appliance.search.alike import Alike
from appliance.search.candidate import Candidate
from appliance.search.mapped import Mapped
from appliance.search.rungs import Rung
from appliance.statistics.proportions import Estimate
from appliance.verdict.controls import with_controls
from appliance.verdict.give import give_verdict
from appliance.verdict.verdict import Answer, Verdict
from models.engine import Reply, Request, Scores, States, decode_reply
from models.states import cosines, places
from store import runs, verdicts

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.prompts.prompt import Prompt
    from store.records import RunRecord

TOLERANCE = 1e-4
"""The most by which a score that is computed again may differ, in nats; a probability may differ by
it too. Every score is rounded to it."""

ALIKE = 1 - 1e-6
"""The least cosine between a hidden state and the same one computed again."""


class Kept:
    """A run's journal, for reading only. No model stands behind it.

    Once ``verdict`` is a dict, it collects the replies to the calls that follow, by their key.
    """

    def __init__(self, db: Database, run: RunRecord) -> None:
        self.journal = StoreJournal(db, run.id, run.task_id)
        self.verdict: dict[str, bytes] | None = None

    def entries(self) -> Iterator[Entry]:
        for entry in self.journal.entries():
            if self.verdict is not None:
                self.verdict[entry.key] = entry.reply
            yield entry

    def append(self, entry: Entry, spent: float) -> None:
        raise StropError("the journal lacks a call that the run makes")

    def recall(self, key: str) -> bytes | None:
        return None

    def call(self, name: str, request: Request) -> Reply:
        raise StropError("the journal ends before the run does")


class Figure(msgspec.Struct, frozen=True):
    """An evaluation as it was shown, rounded as it is stored."""

    stage: str
    prompt: str
    value: float
    low: float
    high: float
    n: int
    loss: float

    def __str__(self) -> str:
        interval = f"{self.value} [{self.low}, {self.high}]"
        return f"{interval} (n {self.n}, loss {self.loss}) of prompt {self.prompt}"


class Shown:
    """Collects every figure of a run as its ``tune.Watcher``."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []

    def stage(self, name: str) -> None: ...

    def led(self, candidate: Candidate) -> None: ...
    def raced(self, rungs: Sequence[Rung]) -> None: ...
    def mapped(self, mapped: Mapped, alike: tuple[Alike, ...]) -> None: ...
    def likened(self, alike: tuple[Alike, ...]) -> None: ...

    def fitted(self, candidate: Candidate, prompt: Prompt) -> None: ...

    def candidate(self, stage: str, candidate: Candidate, outcome: str) -> None:
        self._add(stage, candidate, candidate.estimate, candidate.loss)

    def selected(self, candidate: Candidate, found: Estimate, loss: float) -> None:
        self._add("selection", candidate, found, loss)

    def _add(self, stage: str, candidate: Candidate, found: Estimate, loss: float) -> None:
        value, low, high = (round(part, 4) for part in (found.value, found.low, found.high))
        figure = Figure(stage, candidate.final.id, value, low, high, found.n, round(loss, 4))
        self.figures.append(figure)


class Compared(Unrecorded):
    """Makes every call again and compares its scores with those ``kept`` under its key."""

    def __init__(self, kept: Mapping[str, bytes]) -> None:
        super().__init__()
        self.kept = kept
        self.scores = 0
        self.missing = 0
        self.largest = 0.0
        self.cosine = 1.0
        """The least cosine between a state and the one that the run had."""

    def append(self, entry: Entry, spent: float) -> None:
        new = decode_reply(entry.reply)
        old = decode_reply(self.kept[entry.key]) if entry.key in self.kept else None
        match new, old:
            case Scores(), Scores():
                pairs = zip(new.logprobs, old.logprobs, strict=True)
                differences = [abs(sum(a) - sum(b)) for a, b in pairs]
                self.scores += len(differences)
                self.largest = max([self.largest, *differences])
            case States(), States():
                found = cosines(new, old)
                self.scores += len(found)
                self.cosine = min([self.cosine, *found])
            case Scores(), _:
                self.missing += len(new.logprobs)
            case States(), _:
                self.missing += places(new)


def replay(db: Database, host: Host, run_id: str) -> Replayed:
    """Obtains every figure of a run again: those of its search, its selection and its verdict from
    its journal, and the verdict from the model as well, score by score.

    The result is not ``same`` where the journal lacks some of the verdict's scores. Raises
    InputError for a run without a verdict.
    """
    run = runs.get(db, run_id)
    record = verdicts.get(db, run.id) if run else None
    if run is None or record is None:
        raise InputError(f"run {run_id!r} has no verdict to replay; see `strop runs list`")
    shown = read(record.content, Verdict, f"the verdict of run {run.id}")
    inputs = read(run.inputs, Inputs, f"run {run.id}")
    figures, kept, differences = _from_journal(db, host, run, inputs, shown)
    compared, again = _from_model(db, host, inputs, shown, kept)
    differences += _differences(shown, again, "the model", TOLERANCE)
    if compared.cosine < ALIKE:
        differences.append(
            f"the model: a hidden state has a cosine of {compared.cosine:.7f} with the run's, not "
            f"{ALIKE:g} or more"
        )
    same = compared.scores > 0 and not compared.missing and compared.largest <= TOLERANCE
    return Replayed(
        run=run.id,
        same=same and not differences,
        figures=figures,
        scores=compared.scores,
        missing=compared.missing,
        largest_difference=round(compared.largest, 6),
        differences=tuple(differences),
    )


def _from_journal(
    db: Database, host: Host, run: RunRecord, inputs: Inputs, shown: Verdict
) -> tuple[int, dict[str, bytes], list[str]]:
    """The number of figures, the replies to the verdict's calls, and the figures that differ."""
    kept, found, model = Kept(db, run), Shown(), host.catalog.get(inputs.model)
    loaded = task_of(db, inputs)
    bench = Workbench(kept, inputs.bodies, kept, lambda: None)
    evaluator, best = retrace(host, inputs, loaded, bench, found, model.serving_body)
    kept.verdict = {}
    again = with_controls(
        give_verdict(
            evaluator,
            loaded.cases["test"],
            loaded.seed,
            best,
            model=shown.model,
            body=shown.body,
            alpha=shown.alpha,
        ),
        loaded,
    )
    stored = [
        Figure(e.stage, e.prompt_id, e.value, e.low, e.high, e.n, e.loss)
        for e in runs.evaluations(db, run.id)
    ]
    differences = [
        f"{was.stage}: shown {was}, the journal says {now}"
        for was, now in zip(stored, found.figures, strict=False)
        if was != now
    ]
    if len(stored) != len(found.figures):
        differences.append(f"{len(stored)} figures shown, the journal has {len(found.figures)}")
    differences += _differences(shown, again, "the journal", 0.0)
    return len(found.figures) + 1, kept.verdict, differences


def _from_model(
    db: Database, host: Host, inputs: Inputs, shown: Verdict, kept: Mapping[str, bytes]
) -> tuple[Compared, Verdict]:
    """Gives the verdict again by the model. Its calls have the keys of the run's calls, whatever
    engine answers now."""
    loaded = task_of(db, inputs)
    compared = Compared(kept)
    was = inputs.bodies["serving"]
    model = host.catalog.get(inputs.model)
    now = host.body(model, model.serving_body, was.prices)
    serving = msgspec.structs.replace(now, identity=was.identity)
    evaluator = evaluator_of(host, loaded, compared, serving, model)
    again = with_controls(
        give_verdict(
            evaluator,
            loaded.cases["test"],
            judged_prompt(db, shown.seed.prompt),
            judged_prompt(db, shown.best.prompt),
            model=shown.model,
            body=shown.body,
            alpha=shown.alpha,
        ),
        loaded,
    )
    return compared, again


def _differences(shown: Verdict, again: Verdict, where: str, tolerance: float) -> list[str]:
    """The differences between two verdicts, in words. Probabilities and the engine's noise may
    differ by ``tolerance``."""
    pairs = list(zip_longest(shown.answers, again.answers)) if shown.answers else []
    changed = sum(not _alike(was, now, tolerance) for was, now in pairs)
    differences = [f"{changed} of {len(shown.answers)} answers, by {where}"] if changed else []
    if shown.noise and again.noise and _near(shown.noise.largest, again.noise.largest, tolerance):
        noise = msgspec.structs.replace(again.noise, largest=shown.noise.largest)
        again = msgspec.structs.replace(again, noise=noise)
    before, after = (
        msgspec.to_builtins(msgspec.structs.replace(v, answers=())) for v in (shown, again)
    )
    return differences + [
        f"{key}: shown {before[key]}, now {after[key]} by {where}"
        for key in before
        if before[key] != after[key]
    ]


def _alike(was: Answer | None, now: Answer | None, tolerance: float) -> bool:
    if was is None or now is None or not _near(was.confidence, now.confidence, tolerance):
        return False
    return msgspec.structs.replace(now, confidence=was.confidence) == was


def _near(was: float | None, now: float | None, tolerance: float) -> bool:
    """Whether two figures of four decimals differ by ``tolerance`` or less."""
    if was is None or now is None:
        return was is now
    return round(abs(was - now), 6) <= tolerance
