"""The sample task, tuned with several seeds: the verdicts, and the winners against random formats.

    python tests/bench/sample.py --results FILE

The controls: of 20 random points of the format space the best by the selection rows, with each as
it is, with each calibrated there, as a winner is on tuning rows, and with each read by its states,
by a map that is fitted to the tuning rows. Then these and each winner on the same test rows, all by
the serving body. A seed that is in the results file is not run again.
"""

from __future__ import annotations

import json
from random import Random
from statistics import fmean
from typing import Any

import msgspec
from common import answers, arguments, digits, keep, open_evaluator, tune_with_seeds

from appliance import locations
from appliance.calibrate.calibration import calibrated, fit
from appliance.calibrate.objective import Objective, log_shares
from appliance.calibrate.readout import fit_map
from appliance.data.tasks import load, sample, save
from appliance.evaluate.evaluator import Evaluator
from appliance.prompts.by_states import by_states as with_states_read
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import as_states, read
from appliance.search.candidate import Candidate
from appliance.search.objective import objective_of
from appliance.search.shots import shot_sets
from appliance.search.spaces.labels import RELATION
from appliance.search.spaces.space import build, choose_point
from appliance.statistics.paired import paired
from store import database

FORMATS = 20


def main() -> None:
    given = arguments(__doc__.splitlines()[0], minutes=10.0).parse_args()
    db = database.open(locations.store_path())
    save(db, sample())
    results = tune_with_seeds(db, "sample", given)
    if "random formats" not in results:
        results["random formats"] = {}
    for name, controls in (("calibrated", by_words), ("read by their states", by_states)):
        if name not in results["random formats"]:
            results["random formats"] |= controls(db, given.model)
            keep(given.results, results)
    for name, control in results["random formats"].items():
        theirs = digits(control["answers"])
        compared = {
            seed: msgspec.to_builtins(paired(theirs, digits(one["answers"])))
            for seed, one in results["tuned"].items()
        }
        accuracy = sum(theirs) / len(theirs)
        print(json.dumps({"control": name, "test accuracy": accuracy, "winner minus it": compared}))


def drawn(loaded: Loaded) -> list[Prompt]:
    """The random formats."""
    shots = shot_sets(loaded.demonstrations, loaded.seed)
    random = Random(20)
    points = (
        choose_point(lambda _, options: random.choice(list(options)), tuple(shots), RELATION)
        for _ in range(FORMATS)
    )
    return [build(point, shots, RELATION) for point in points]


def by_words(db: Any, model: str) -> dict[str, Any]:
    """The best of them by the selection rows, as they are and calibrated."""
    loaded = load(db, "sample")
    selection = loaded.cases["selection"]
    objective = Objective(shares=log_shares(loaded.cases["tuning"]))
    rated: dict[str, list[tuple[float, Prompt]]] = {"as they are": [], "calibrated": []}
    with open_evaluator(db, loaded, model) as evaluator:
        for prompt in drawn(loaded):
            scored = read(prompt, evaluator.score(prompt, selection, "serving"))
            fitted = calibrated(prompt, fit(scored, objective))
            for name, each in zip(rated, (prompt, fitted), strict=True):
                rated[name].append((fmean(outcome.correct(each) for outcome in scored), each))
        return {
            name: control(evaluator, *max(each, key=lambda one: one[0]))
            for name, each in rated.items()
        }


def by_states(db: Any, model: str) -> dict[str, Any]:
    """The best of them by the selection rows, read by their states. The search body's choose, and
    the winner's map is fitted to the serving body's, of tuning and selection rows."""
    loaded = load(db, "sample")
    tuning, selection = loaded.cases["tuning"], loaded.cases["selection"]
    objective = objective_of(loaded)
    rated: list[tuple[float, Prompt]] = []
    with open_evaluator(db, loaded, model) as evaluator:
        for prompt in drawn(loaded):
            hidden = with_states_read(prompt)
            if hidden is None:
                continue
            candidate = Candidate(hidden, "random", objective=objective)
            candidate.scored = evaluator.score(hidden, tuning)
            outcomes = candidate.unseen(evaluator.score(hidden, selection))
            rated.append((fmean(one.correct(candidate.fit) for one in outcomes), hidden))
        right, best = max(rated, key=lambda one: one[0])
        states = as_states(evaluator.score(best, [*tuning, *selection], "serving"))
        sha256 = evaluator.bench.bodies["serving"].sha256
        fitted = msgspec.structs.replace(best, map=fit_map(states, objective, sha256))
        return {"read by their states": control(evaluator, right, fitted)}


def control(evaluator: Evaluator, right: float, prompt: Prompt) -> dict[str, Any]:
    test = load(database.open(locations.store_path()), "sample").cases["test"]
    return {
        "formats": FORMATS,
        "selection accuracy": right,
        "prompt": msgspec.to_builtins(msgspec.structs.replace(prompt, map=None)),
        "answers": answers(evaluator, prompt, test),
    }


if __name__ == "__main__":
    main()
