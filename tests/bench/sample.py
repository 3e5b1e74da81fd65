"""The sample task, tuned with several seeds: the verdicts, and the winners against random formats.

    python tests/bench/sample.py --results FILE

The controls: of 20 random points of the format space the best by the selection rows, once with each
as it is and once with each calibrated there, as a winner is on tuning rows. Then these two and each
winner on the same test rows, all by the serving body. A seed that is in the results file is not run
again.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgspec
from common import answers, arguments, digits, keep, open_evaluator, tune_with_seeds

from appliance import locations
from appliance.calibrate.calibration import calibrated, fit
from appliance.calibrate.objective import Objective, log_shares
from appliance.data.tasks import load, sample, save
from appliance.prompts.prompt import Prompt
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
        results["random formats"] = random_formats(db, given.model)
        keep(given.results, results)
    for name, control in results["random formats"].items():
        theirs = digits(control["answers"])
        compared = {
            seed: msgspec.to_builtins(paired(theirs, digits(one["answers"])))
            for seed, one in results["tuned"].items()
        }
        accuracy = sum(theirs) / len(theirs)
        print(json.dumps({"control": name, "test accuracy": accuracy, "winner minus it": compared}))


def random_formats(db: Any, model: str) -> dict[str, Any]:
    """The best of them by the selection rows, as they are and calibrated."""
    loaded = load(db, "sample")
    shots = shot_sets(loaded.demonstrations, loaded.seed)
    random = Random(20)
    selection = loaded.cases["selection"]
    objective = Objective(shares=log_shares(loaded.cases["tuning"]))
    rated: dict[str, list[tuple[int, Prompt]]] = {"as they are": [], "calibrated": []}
    with open_evaluator(db, loaded, model) as evaluator:
        for _ in range(FORMATS):
            point = choose_point(
                lambda _, options: random.choice(list(options)), tuple(shots), RELATION
            )
            drawn = build(point, shots, RELATION)
            scored = evaluator.score(drawn, selection, "serving")
            fitted = calibrated(drawn, fit(scored, objective))
            for name, prompt in zip(rated, (drawn, fitted), strict=True):
                rated[name].append((sum(outcome.correct(prompt) for outcome in scored), prompt))
        best = {name: max(each, key=lambda one: one[0]) for name, each in rated.items()}
        return {
            name: {
                "formats": FORMATS,
                "selection accuracy": right / len(selection),
                "prompt": msgspec.to_builtins(prompt),
                "answers": answers(evaluator, prompt, loaded.cases["test"]),
            }
            for name, (right, prompt) in best.items()
        }


if __name__ == "__main__":
    main()
