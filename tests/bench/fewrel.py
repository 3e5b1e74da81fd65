"""FewRel, 5-way 1-shot, fixed episodes: tuned with several seeds, reported once on the test ones.

    python tests/bench/fewrel.py --data DIR --seeds 1 2 3 --minutes 30 --results fewrel.json

``DIR`` holds ``val_wiki.json``, ``pid2name.json`` and ``episodes-5way-1shot.json``. The seed prompt
is the file's, plain. The gain is the mean over the tuning seeds of the paired difference on each
test episode; its interval is a BCa bootstrap over episodes. Each seed's prompt and answers go into
the results file as soon as they are known; a seed that is in it is not run again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

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
    arguments.add_argument("--results", type=Path, required=True)
    given = arguments.parse_args()
    results: dict[str, Any] = (
        json.loads(given.results.read_text()) if given.results.exists() else {"tuned": {}}
    )
    db = database.open(locations.store_path())
    imported = read_fewrel(
        given.data / "val_wiki.json",
        given.data / "pid2name.json",
        name="fewrel",
        episodes=given.data / "episodes-5way-1shot.json",
        seed=0,
    )
    save(db, imported)
    for seed in given.seeds:
        if str(seed) in results["tuned"]:
            continue
        request = {
            "task": "fewrel", "model": given.model, "minutes": given.minutes, "seed": seed,
        }  # fmt: skip
        run = client.ask(db, "tune", request)["run"]
        verdict = follow_to_verdict(db, run)
        best = prompts.get(db, verdict["best"]["prompt"]).body
        seed_answers, answers = answer(db, given.model, best)
        results["seed answers"] = seed_answers
        results["tuned"][str(seed)] = {
            "minutes": given.minutes,
            "prompt": json.loads(best),
            "verdict": verdict,
            "answers": answers,
        }
        given.results.write_text(json.dumps(results, indent=1) + "\n")
        print(json.dumps({"tuning seed": seed, **verdict}), flush=True)
    print(json.dumps(summary(results)), flush=True)


def answer(db: Any, model: str, best: bytes) -> tuple[str, str]:
    """Of the seed prompt and the tuned one on each test episode, by the serving body: 1 is right.
    Both were scored for the verdict, so every reply is in the memo."""
    loaded = load(db, "fewrel")
    test = loaded.cases["test"]
    with open_evaluator(db, loaded, model, MemoFirst(db)) as evaluator:
        before, after = (
            "".join("01"[right] for right in correct(scored, prompt.weight))
            for prompt in (loaded.seed, msgspec.json.decode(best, type=Prompt))
            for scored in [evaluator.score(prompt, test, "serving")]
        )
    return before, after


def summary(results: dict[str, Any]) -> dict[str, Any]:
    before = [int(digit) for digit in results["seed answers"]]
    tuned = [[int(digit) for digit in one["answers"]] for one in results["tuned"].values()]
    gains = [fmean(answers) - old for old, *answers in zip(before, *tuned, strict=True)]
    estimate = bootstrap_interval(gains, fmean, seed=0)
    return {
        "episodes": len(before),
        "seed accuracy": fmean(before),
        "tuned accuracy": {s: fmean(a) for s, a in zip(results["tuned"], tuned, strict=True)},
        "mean tuned accuracy": fmean(map(fmean, tuned)),
        "mean gain": estimate.value,
        "interval": [estimate.low, estimate.high],
    }


if __name__ == "__main__":
    main()
