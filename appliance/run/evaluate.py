"""Scores prompts at once, for a person who waits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from appliance.data.tasks import load
from appliance.encode.renderer import Renderer
from appliance.errors import InputError
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.lengths import check_lengths
from appliance.evaluate.workbench import (
    Body,
    Entry,
    Prices,
    Workbench,
)
from appliance.host.host import Host, tokeniser_of
from appliance.kinds import KINDS
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.prompts.validate import check
from appliance.run.messages import Evaluate, Evaluated, EvaluatedCase, EvaluatedPrompt
from appliance.scoring.answers import prediction
from appliance.scoring.hidden import check_map, read
from appliance.search.ranking import Entered, rank
from appliance.statistics.metrics import mean_loss, searched_by, summarise
from appliance.task import Case, Task
from models.catalog import Model
from models.engine import Generated, Scores, States, decode_reply

if TYPE_CHECKING:
    from sqlite_utils import Database


class Unrecorded:
    """A journal that keeps nothing and remembers nothing: every call is made."""

    def __init__(self) -> None:
        self.tokens = 0

    def entries(self) -> Iterator[Entry]:
        return iter(())

    def append(self, entry: Entry, spent: float) -> None:
        reply = decode_reply(entry.reply)
        if isinstance(reply, Scores | States | Generated):
            self.tokens += reply.decoded

    def recall(self, key: str) -> bytes | None:
        return None


def evaluate(db: Database, host: Host, asked: Evaluate) -> Evaluated:
    """Scores prompts on a split by the serving body; several prompts race. Where the first yes
    counts there is no race: each sees every case, and they are ranked by the metric alone.

    Raises InputError for the test split, which is for verdicts alone, and for a prompt that shows a
    row of it or a row to be scored, that is calibrated to other labels, or under which a row is too
    long.
    """
    loaded = load(db, asked.task)
    if asked.split == "test":
        raise InputError("the test split is locked: only a run's verdict reads it")
    cases = loaded.cases[asked.split][: asked.limit]
    given = asked.prompts
    for name, prompt in given.items():
        with _named(name, prompt):
            check(prompt, loaded, cases)
    model = host.catalog.get(asked.model)
    serving = host.body(model, model.serving_body, Prices(0.0))
    journal = Unrecorded()
    for name, prompt in given.items():
        with _named(name, prompt):
            check_map(prompt, model.name, serving.sha256)
        if prompt.map or prompt.likeness:
            host.note(
                f"{name} was fitted to tuning and selection rows: on these it looks better than it "
                "is; a run's verdict says how good it is"
            )
    evaluator = evaluator_of(host, loaded, journal, serving, model)
    for frame in {evaluator.renderer.frame(prompt) for prompt in given.values()}:
        host.note_frame(asked.model, frame)
    for name, prompt in given.items():
        try:
            check_lengths(evaluator.renderer, prompt, {asked.split: cases}, model.name)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    start = time.perf_counter()
    each = list(given.values())
    if first := asked.first_yes:
        said = [read(prompt, evaluator.score(prompt, cases, "serving")) for prompt in each]
        entries = [Entered(*one) for one in zip(each, said, strict=True)]
    else:
        entries = rank(evaluator, each, cases)
    seconds = time.perf_counter() - start
    shown = [
        _evaluated(name, entry, loaded.task, cases, first=first)
        for name, entry in zip(given, entries, strict=True)
    ]
    return Evaluated(
        task=loaded.task.name,
        metric=searched_by(loaded.task.metric),
        split=asked.split,
        seconds=round(seconds, 4),
        tokens=journal.tokens,
        prompts=tuple(_ranked(shown) if first else shown),
    )


@contextmanager
def _named(name: str, prompt: Prompt) -> Iterator[None]:
    """Says which file an error is about: it names the prompt by its id."""
    try:
        yield
    except InputError as error:
        raise error if name == prompt.id else InputError(f"{name}: {error}") from None


def _ranked(shown: list[EvaluatedPrompt]) -> list[EvaluatedPrompt]:
    """Ranks prompts by the metric alone."""
    best_first = sorted(shown, key=lambda each: -each.value)
    ranks = {each.name: rank for rank, each in enumerate(best_first, 1)}
    return [msgspec.structs.replace(each, rank=ranks[each.name]) for each in shown]


def _evaluated(
    name: str, entry: Entered, task: Task, cases: Sequence[Case], *, first: bool
) -> EvaluatedPrompt:
    """A prompt's figures, and what it did with each case."""
    prompt = entry.prompt
    pairs = zip(cases, entry.outcomes, strict=False)
    predicted = [prediction(task, prompt, case, outcome, first=first) for case, outcome in pairs]
    counted = [(each.exact, each.credit, each.tally) for each in predicted]
    others = [
        m for m in KINDS[task.kind].metrics if m not in (searched_by(task.metric), "macro_f1")
    ]
    return EvaluatedPrompt(
        name=name,
        prompt=prompt.id,
        rank=entry.rank,
        behind=entry.behind,
        **msgspec.structs.asdict(summarise(counted, task.metric)),
        also={metric: summarise(counted, metric) for metric in others},
        loss=round(mean_loss(entry.outcomes, prompt, task.metric), 4),
        weight=prompt.weight,
        bias=prompt.bias,
        threshold=prompt.threshold,
        channel_weight=prompt.channel_weight,
        fitted_on=("tuning", "selection") if prompt.map or prompt.likeness else (),
        cases=tuple(
            EvaluatedCase(**msgspec.structs.asdict(each), loss=outcome.loss(prompt, task.metric))
            for each, outcome in zip(predicted, entry.outcomes, strict=True)
        ),
    )


def evaluator_of(
    host: Host, loaded: Loaded, journal: Unrecorded, serving: Body, model: Model
) -> Evaluator:
    """Asks the model's serving body and loads nothing else."""
    bench = Workbench(host.pool, {"serving": serving}, journal, lambda: None)
    tokeniser = tokeniser_of(host, model, model.serving_body)
    return Evaluator(bench, Renderer(loaded.task, loaded.rows, tokeniser))
