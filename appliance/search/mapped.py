"""The winner's own map of hidden states, fitted to the states of the body that will serve it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from appliance.calibrate.readout import cross_validated, fit_map
from appliance.evaluate.evaluator import Evaluator
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence, as_states
from appliance.scoring.outcomes import Outcome
from appliance.search.candidate import Candidate
from appliance.task import Case


def with_map(
    evaluator: Evaluator, loaded: Loaded, best: Candidate, selection: Sequence[Evidence]
) -> tuple[Prompt, list[Outcome]]:
    """The prompt with its map, and outcomes of the cases that the map was fitted to, each by a map
    that has not seen it.

    The map is fitted to the tuning rows, to rows that were kept for demonstrations and are not
    shown, and to the ``selection`` cases that were scored.
    """
    labels = loaded.cases["tuning"][0].labels
    kept = (row for rows in loaded.demonstrations.values() for row in rows)
    unused = [Case(loaded.rows[row], labels) for row in kept if row not in best.prompt.shots]
    cases = [*loaded.cases["tuning"], *unused]
    states = as_states([*evaluator.score(best.prompt, cases, "serving"), *selection])
    model = evaluator.bench.bodies["serving"].sha256
    prompt = replace(best.prompt, map=fit_map(states, best.objective, model))
    return prompt, [*cross_validated(states, best.objective)]
