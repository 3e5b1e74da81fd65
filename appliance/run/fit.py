"""Fits a prompt's map of hidden states to a model's file, for a person who waits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from appliance.calibrate.fitted import Fit
from appliance.calibrate.probabilities import fit_probabilities
from appliance.data.tasks import load
from appliance.errors import InputError
from appliance.evaluate.lengths import check_lengths
from appliance.evaluate.workbench import Prices
from appliance.host.host import Host
from appliance.prompts.by_states import by_states
from appliance.prompts.canonical import canonical
from appliance.prompts.validate import check
from appliance.run.evaluate import Unrecorded, evaluator_of
from appliance.run.messages import FitMap, FittedMap
from appliance.scoring.hidden import as_states
from appliance.search.mapped import mapped, unshown
from appliance.search.objective import objective_of
from appliance.search.readouts import unsuited
from appliance.statistics.metrics import estimate, searched_by
from appliance.task import Case, Split
from store import prompts

if TYPE_CHECKING:
    from sqlite_utils import Database


def fit_to_model(db: Database, host: Host, asked: FitMap) -> FittedMap:
    """Adds the prompt to the task with a map of the states that the model's serving body has of
    the tuning and selection rows and of rows that were kept for demonstrations, but for those that
    the prompt shows.

    Its figures are of these rows, each read by a map that has not seen it. Raises InputError for a
    task or a prompt of which no state can be read, for a prompt that does not suit the task, and
    where a row is too long.
    """
    loaded = load(db, asked.task)
    if why := unsuited(loaded):
        raise InputError(f"{loaded.task.name} cannot be read off hidden states: {why}")
    prompt = by_states(asked.prompt)
    if prompt is None:
        raise InputError(
            f"no hidden state can be read of prompt {asked.prompt.id}: it asks yes or no, reasons, "
            "or leaves out the letters of options"
        )
    tuning = [*unshown(loaded, prompt), *loaded.cases["tuning"]]
    splits: dict[Split, list[Case]] = {"tuning": tuning, "selection": loaded.cases["selection"]}
    splits = {
        split: [case for case in cases if case.query.id not in prompt.shots]
        for split, cases in splits.items()
    }
    cases = [case for split in splits.values() for case in split]
    check(prompt, loaded, cases)
    model = host.catalog.get(asked.model)
    serving = host.body(model, model.serving_body, Prices(0.0))
    journal = Unrecorded()
    evaluator = evaluator_of(host, loaded, journal, serving, model)
    host.note_frame(model.name, evaluator.renderer.frame(prompt))
    check_lengths(evaluator.renderer, prompt, splits, model.name)
    host.note(f"reading {len(cases)} rows of {loaded.task.name} by {model.name}")
    start = time.perf_counter()
    states = as_states(evaluator.score(prompt, cases, "serving"))
    objective = objective_of(loaded)
    found = mapped(prompt, states, [c.query.id for c in cases], objective, serving.sha256)
    whole = fit_probabilities(
        found.prompt,
        found.outcomes,
        loaded.task.metric,
        fixed=True,
        positive_share=objective.positive_share,
    )
    is_known = loaded.id in prompts.tasks_of(db, asked.prompt.id)
    prompts.add(
        db,
        id=whole.id,
        task_id=loaded.id,
        content=canonical(whole).decode(),
        parent_id=asked.prompt.id if is_known else None,
        operator="fit",
        rows=whole.shots,
    )
    figures = estimate(found.outcomes, Fit(0.0), loaded.task.metric)
    return FittedMap(
        task=loaded.task.name,
        model=model.name,
        prompt=whole.id,
        metric=searched_by(loaded.task.metric),
        value=figures.value,
        low=figures.low,
        high=figures.high,
        n=figures.n,
        seconds=round(time.perf_counter() - start, 4),
        tokens=journal.tokens,
    )
