"""The sample task, tuned with several seeds: the verdicts, and the winners against random formats.

    python tests/bench/sample.py --results FILE

The control: 20 random points of the format space, the best of them by the selection rows, its
calibration weight fitted there, then that best and each winner on the same test rows, all by the
serving body. A seed that is in the results file is not run again.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgspec
from common import answers, arguments, digits, keep, open_evaluator, tune_with_seeds

from appliance import locations
from appliance.scoring.evaluator import fit
from appliance.scoring.statistics import paired_gain
from appliance.search.formats import build, choose_point
from appliance.search.mutate import shot_sets
from appliance.tasks import load, sample, save
from appliance.verdict import correct
from store import database

FORMATS = 20


def main() -> None:
    given = arguments(__doc__.splitlines()[0], minutes=10.0).parse_args()
    db = database.open(locations.store_path())
    save(db, sample())
    results = tune_with_seeds(db, "sample", given)
    if "best random format" not in results:
        results["best random format"] = best_random_format(db, given.model)
        keep(given.results, results)
    control = results["best random format"]
    theirs = digits(control["answers"])
    compared = {
        seed: msgspec.to_builtins(paired_gain(theirs, digits(one["answers"])))
        for seed, one in results["tuned"].items()
    }
    print(json.dumps({"test accuracy": sum(theirs) / len(theirs), "winner minus it": compared}))


def best_random_format(db: Any, model: str) -> dict[str, Any]:
    loaded = load(db, "sample")
    shots = shot_sets(loaded.pool, loaded.seed)
    random = Random(20)
    selection = loaded.cases["selection"]
    rated = []
    with open_evaluator(db, loaded, model) as evaluator:
        for _ in range(FORMATS):
            point = choose_point(lambda _, options: random.choice(list(options)), tuple(shots))
            drawn = build(point, shots)
            scored = evaluator.score(drawn, selection, "serving")
            prompt = msgspec.structs.replace(drawn, weight=fit(scored).weight)
            rated.append((sum(correct(scored, prompt.weight)), prompt))
        right, best = max(rated, key=lambda entry: entry[0])
        return {
            "formats": FORMATS,
            "selection accuracy": right / len(selection),
            "prompt": msgspec.to_builtins(best),
            "answers": answers(evaluator, best, loaded.cases["test"]),
        }


if __name__ == "__main__":
    main()
