"""The winner's own map of hidden states, fitted to the states of the body that will serve it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from appliance.calibrate.doubts import Doubt, doubts
from appliance.calibrate.readout import cross_validated, fit_map
from appliance.calibrate.separation import Separation, separation
from appliance.evaluate.evaluator import Evaluator
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence, as_states
from appliance.scoring.outcomes import Outcome
from appliance.search.candidate import Candidate
from appliance.task import Case


class Mapped(NamedTuple):
    """A prompt with its map, outcomes of the cases that the map was fitted to, each by a map that
    has not seen it, how well these tell the labels apart, and rows whose labels are doubtful."""

    prompt: Prompt
    outcomes: list[Outcome]
    separation: Separation
    doubts: tuple[Doubt, ...]


def with_map(
    evaluator: Evaluator,
    loaded: Loaded,
    best: Candidate,
    selected: Sequence[Case],
    evidence: Sequence[Evidence],
) -> Mapped:
    """Fits the map to the tuning rows, to rows that were kept for demonstrations and are not shown,
    and to the cases that the winner was ``selected`` on, of which the ``evidence`` is at hand."""
    labels = loaded.cases["tuning"][0].labels
    kept = (row for rows in loaded.demonstrations.values() for row in rows)
    unused = [Case(loaded.rows[row], labels) for row in kept if row not in best.prompt.shots]
    cases = [*loaded.cases["tuning"], *unused]
    states = as_states([*evaluator.score(best.prompt, cases, "serving"), *evidence])
    model = evaluator.bench.bodies["serving"].sha256
    prompt = replace(best.prompt, map=fit_map(states, best.objective, model))
    outcomes = cross_validated(states, best.objective)
    rows = [case.query.id for case in (*cases, *selected[: len(evidence)])]
    return Mapped(prompt, outcomes, separation(outcomes), doubts(rows, outcomes))
