"""What a person waits for: prompts scored now."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.data.tasks import Loaded, load
from appliance.encode.renderer import Renderer
from appliance.errors import InputError
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.lengths import too_long
from appliance.evaluate.workbench import (
    Body,
    Entry,
    Prices,
    Workbench,
)
from appliance.host.host import Host
from appliance.host.plan import tokeniser_of
from appliance.prompts.prompt import Prompt
from appliance.prompts.validate import check
from appliance.scoring.answers import prediction
from appliance.search.ranking import Entered, race
from appliance.statistics.metrics import mean_loss, searched_by, summarise
from appliance.task import METRICS, Case, Task
from models.engine import Generated, Scores, decode_reply
from store import prompts

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
        if isinstance(reply, Scores | Generated):
            self.tokens += reply.decoded

    def recall(self, key: str) -> bytes | None:
        return None


def evaluate(db: Database, host: Host, body: dict[str, Any]) -> dict[str, Any]:
    """Scores prompts on a split by the serving body; several race. Where the first yes counts each
    sees every case, and the figures alone rank them. The test split is for verdicts alone.

    Raises InputError for that split, for a prompt that shows a row of it or one to be scored, for
    one that is calibrated to other labels, and for one under which a row is too long.
    """
    loaded = load(db, body["task"])
    if body["split"] == "test":
        raise InputError("the test split is locked: only a run's verdict reads it")
    cases = loaded.cases[body["split"]][: body.get("limit")]
    given = {name: prompt_of(db, prompt) for name, prompt in body["prompts"].items()}
    for name, prompt in given.items():
        try:
            check(prompt, loaded, cases)
        except InputError as error:
            raise error if name == prompt.id else InputError(f"{name}: {error}") from None
    model = host.prepare(body["model"])
    serving = host.body(model, model.serving_body, Prices(0.0))
    journal = Unrecorded()
    evaluator = evaluator_of(host, loaded, journal, {"serving": serving}, body["model"])
    for name, prompt in given.items():
        _check_lengths(name, prompt, evaluator, cases)
    start = time.perf_counter()
    asked = list(given.values())
    if first := bool(body.get("first_yes")):
        entries = [Entered(prompt, evaluator.score(prompt, cases, "serving")) for prompt in asked]
    else:
        entries = race(evaluator, asked, cases)
    seconds = time.perf_counter() - start
    shown = [
        {"name": name, **_entered(entry, loaded.task, cases, first=first)}
        for name, entry in zip(given, entries, strict=True)
    ]
    if first:
        for rank, entry in enumerate(sorted(shown, key=lambda each: -each["value"]), 1):
            entry["rank"] = rank
    return {
        "task": loaded.task.name,
        "metric": searched_by(loaded.task.metric),
        "split": body["split"],
        "seconds": round(seconds, 2),
        "tokens": journal.tokens,
        "prompts": shown,
    }


def _check_lengths(name: str, prompt: Prompt, evaluator: Evaluator, cases: Sequence[Case]) -> None:
    """Raises InputError: of many prompts the model would not say which it cannot take."""
    limit = evaluator.renderer.tokeniser.description.context
    if found := next(too_long(evaluator.renderer, prompt, cases), None):
        raise InputError(
            f"{name}: with this prompt a row takes {found[1]} tokens, and the model takes {limit}; "
            "show fewer demonstrations"
        )


def _entered(entry: Entered, task: Task, cases: Sequence[Case], *, first: bool) -> dict[str, Any]:
    """A prompt's figures, and what it did with each case."""
    prompt = entry.prompt
    pairs = zip(cases, entry.outcomes, strict=False)
    predicted = [prediction(task, prompt, case, outcome, first=first) for case, outcome in pairs]
    counted = [(each.exact, each.credit, each.tally) for each in predicted]
    others = [m for m in METRICS[task.kind] if m not in (searched_by(task.metric), "macro_f1")]
    return {
        "prompt": prompt.id,
        "rank": entry.rank,
        "behind": entry.behind,
        **msgspec.to_builtins(summarise(counted, task.metric)),
        "also": {metric: summarise(counted, metric) for metric in others},
        "loss": round(mean_loss(entry.outcomes, prompt, task.metric), 4),
        "weight": prompt.weight,
        "bias": prompt.bias,
        "threshold": prompt.threshold,
        "channel_weight": prompt.channel_weight,
        "cases": [
            {**msgspec.structs.asdict(each), "loss": outcome.loss(prompt, task.metric)}
            for each, outcome in zip(predicted, entry.outcomes, strict=True)
        ],
    }


def evaluator_of(
    host: Host, loaded: Loaded, journal: Unrecorded, bodies: dict[str, Body], model: str
) -> Evaluator:
    bench = Workbench(host.pool, bodies, journal, lambda: None)
    tokeniser = tokeniser_of(host, host.catalog.get(model))
    return Evaluator(bench, Renderer(loaded.task, loaded.rows, tokeniser))


def prompt_of(db: Database, given: str | dict[str, Any]) -> Prompt:
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
