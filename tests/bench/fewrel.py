"""FewRel, 5-way 1-shot, fixed episodes: tuned with several seeds, reported once on the test ones.

    python tests/bench/fewrel.py --data DIR --seeds 1 2 3 --minutes 30

``DIR`` holds ``val_wiki.json``, ``pid2name.json`` and ``episodes-5way-1shot.json``. The seed prompt
is the file's, plain. The gain is the mean over the tuning seeds of the paired difference on each
test episode; its interval is a BCa bootstrap over episodes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import msgspec
from common import MemoFirst, follow_to_verdict, open_evaluator

from appliance import client, locations
from appliance.data.fewrel import read_fewrel
from appliance.prompt import Prompt
from appliance.scoring.statistics import bootstrap_interval
from appliance.tasks import load, save
from appliance.verdict import correct
from store import database, prompts


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments.add_argument("--minutes", type=float, default=30.0)
    arguments.add_argument("--model", default="smollm2-135m")
    given = arguments.parse_args()
    db = database.open(locations.store_path())
    imported = read_fewrel(
        given.data / "val_wiki.json",
        given.data / "pid2name.json",
        name="fewrel",
        episodes=given.data / "episodes-5way-1shot.json",
        seed=0,
    )
    task = save(db, imported)
    verdicts = []
    for seed in given.seeds:
        request = {
            "task": "fewrel", "model": given.model, "minutes": given.minutes, "seed": seed,
        }  # fmt: skip
        run = client.ask(db, "tune", request)["run"]
        verdicts.append(follow_to_verdict(db, run))
        print(json.dumps({"tuning seed": seed, "run": run, **verdicts[-1]}), flush=True)
    loaded = load(db, task)
    test = loaded.cases["test"]
    with open_evaluator(db, loaded, given.model, MemoFirst(db)) as evaluator:
        before = correct(evaluator.score(loaded.seed, test, "serving"), loaded.seed.weight)
        after = []
        for verdict in verdicts:
            body = prompts.get(db, verdict["best"]["prompt"]).body
            best = msgspec.json.decode(body, type=Prompt)
            after.append(correct(evaluator.score(best, test, "serving"), best.weight))
    gains = [
        sum(answers[i] for answers in after) / len(after) - old for i, old in enumerate(before)
    ]
    estimate = bootstrap_interval(gains, lambda values: sum(values) / len(values), seed=0)
    accuracy = [sum(answers) / len(answers) for answers in after]
    summary = {
        "episodes": len(test),
        "seed accuracy": sum(before) / len(before),
        "tuned accuracy": accuracy,
        "mean tuned accuracy": sum(accuracy) / len(accuracy),
        "mean gain": estimate.value,
        "interval": [estimate.low, estimate.high],
    }
    print(json.dumps(summary), flush=True)


if __name__ == "__main__":
    main()
