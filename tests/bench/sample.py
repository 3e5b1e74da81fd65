"""The sample task, tuned with several seeds: the verdicts, and the winner against random formats.

    python tests/bench/sample.py --seeds 1 2 3 --minutes 5

Uses the data folder that the environment names and the runner there, like any window. The control:
20 random points of the format space, the best of them by the selection rows, by the serving body,
then seed, winner and that best on the same test rows.
"""

from __future__ import annotations

import argparse
import json
from random import Random
from typing import Any

import msgspec
from common import MemoFirst, follow_to_verdict, open_evaluator

from appliance import client, locations
from appliance.prompt import Prompt
from appliance.scoring.evaluator import fit
from appliance.scoring.statistics import paired_gain
from appliance.search.formats import build, choose_point
from appliance.search.mutate import shot_sets
from appliance.tasks import load, sample, save
from appliance.verdict import correct
from store import database, prompts

FORMATS = 20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments.add_argument("--minutes", type=float, default=5.0)
    arguments.add_argument("--model", default="smollm2-135m")
    given = arguments.parse_args()
    db = database.open(locations.store_path())
    save(db, sample())
    verdicts = []
    for seed in given.seeds:
        request = {
            "task": "sample", "model": given.model, "minutes": given.minutes, "seed": seed,
        }  # fmt: skip
        run = client.ask(db, "tune", request)["run"]
        verdicts.append(follow_to_verdict(db, run))
        print(json.dumps({"tuning seed": seed, "run": run, **verdicts[-1]}), flush=True)
    control = _best_random_format(db, given.model, verdicts)
    print(json.dumps(control), flush=True)


def _best_random_format(db: Any, model: str, verdicts: list[dict[str, Any]]) -> dict[str, Any]:
    loaded = load(db, "sample")
    shots = shot_sets(loaded.pool, loaded.seed)
    random = Random(20)
    drawn = [
        build(choose_point(lambda _, options: random.choice(list(options)), tuple(shots)), shots)
        for _ in range(FORMATS)
    ]
    with open_evaluator(db, loaded, model, MemoFirst(db)) as evaluator:
        selection = loaded.cases["selection"]
        rated = []
        for prompt in drawn:
            scored = evaluator.score(prompt, selection, "serving")
            weight = fit(scored).weight
            rated.append((sum(correct(scored, weight)), prompt, weight))
        right, best, weight = max(rated, key=lambda entry: entry[0])
        test = loaded.cases["test"]
        theirs = correct(evaluator.score(best, test, "serving"), weight)
        compared = []
        for verdict in verdicts:
            record = prompts.get(db, verdict["best"]["prompt"])
            winner = msgspec.json.decode(record.body, type=Prompt)
            ours = correct(evaluator.score(winner, test, "serving"), winner.weight)
            compared.append(msgspec.to_builtins(paired_gain(theirs, ours)))
    return {
        "random formats": FORMATS,
        "best on selection": right / len(selection),
        "its test accuracy": sum(theirs) / len(theirs),
        "winner minus it": compared,
    }


if __name__ == "__main__":
    main()
