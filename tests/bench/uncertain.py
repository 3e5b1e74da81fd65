"""What a second hour of labelling is worth: 60 rows by ``--most-uncertain`` against 60 by chance.

    python tests/bench/uncertain.py --data DIR --results FILE

``DIR`` holds the folders fewrel, folio and bbh. Of each set 60 rows are labelled at first, and a
map of hidden states is fitted to them under the first format of the portfolio. It answers a pool of
at most 400 rows, of which 60 more are labelled: those that ``strop predict --most-uncertain`` would
write, or others by chance. A map is fitted to all 120, and its accuracy is measured on at most 200
other rows. A seed draws all of these anew.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import fmean

from fixed_tasks import NAMES, tasks
from reading import reading

from appliance.calibrate.objective import Objective
from appliance.calibrate.readout import predicted
from appliance.predict.uncertain import Uncertain
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import State, as_states
from appliance.scoring.predict import Answer
from appliance.search.portfolio import portfolio
from appliance.statistics.differences import Difference, compare
from appliance.task import Example

FIRST, MORE, POOL, TEST = 60, 60, 400, 200
PLAIN = Prompt((), "{text}{label}\n")

Labelled = Sequence[tuple[Example, State]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=NAMES[1:])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    results: dict[str, list[dict[str, float]]] = {}
    with reading(given.model) as read:
        for task, rows in tasks(given.data, FIRST + POOL + TEST, given.sets):
            prompt = portfolio(task, PLAIN)[0].prompt({})
            labelled = [*zip(rows, as_states(read(task, rows, prompt)), strict=True)]
            found = [compared(labelled, seed) for seed in range(1, given.seeds + 1)]
            results[f"{task.name}, {given.model}"] = found
            given.results.write_text(json.dumps(results, indent=1) + "\n")
            print(summary(task.name, found), flush=True)


def compared(labelled: Labelled, seed: int) -> dict[str, float]:
    """The accuracy on the test rows after the first labels, and after more by either way."""
    rows = Random(seed).sample(labelled, len(labelled))
    first, rest = rows[:FIRST], rows[FIRST:]
    test, pool = rest[: min(TEST, len(rest) // 2)], rest[-min(POOL, len(rest) // 2) :]
    by_id = {row.id: (row, state) for row, state in pool}
    chosen = [by_id[row] for row in least_clear(first, pool)]
    chance = Random(seed).sample(pool, MORE)
    return {
        "first": accuracy(first, test),
        "chance": accuracy([*first, *chance], test),
        "uncertain": accuracy([*first, *chosen], test),
        "n": len(test),
    }


def least_clear(first: Labelled, pool: Labelled) -> list[str]:
    """The ids of the rows of the pool that are most worth labelling."""
    outcomes = predicted(states(first), states(pool), Objective())
    uncertain = Uncertain(MORE, known=set())
    for (row, _), outcome in zip(pool, outcomes, strict=True):
        answer = Answer(outcome.predicted(PLAIN), None, False, margin=outcome.margin(PLAIN))
        uncertain.show({"id": row.id}, row, answer)
    return [str(original["id"]) for original, _ in uncertain.chosen()]


def accuracy(known: Labelled, test: Labelled) -> float:
    return fmean(o.credit(PLAIN) for o in predicted(states(known), states(test), Objective()))


def states(labelled: Labelled) -> list[State]:
    return [state for _, state in labelled]


def summary(name: str, found: Sequence[Mapping[str, float]]) -> str:
    """Mean accuracies and the paired difference of the two ways, with intervals over seeds."""
    nothing = [0.0] * len(found)
    ways = {way: [one[way] for one in found] for way in ("first", "chance", "uncertain")}
    said = [f"{way} {interval(compare(own, nothing), '')}" for way, own in ways.items()]
    gain = interval(compare(ways["uncertain"], ways["chance"]), "+")
    n = f"n {found[0]['n']:.0f}, {len(found)} seeds"
    return f"{name}: {', '.join(said)}; uncertain less chance {gain} ({n})"


def interval(found: Difference, sign: str) -> str:
    low, high = found.mean - 1.96 * found.error, found.mean + 1.96 * found.error
    return f"{found.mean:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


if __name__ == "__main__":
    main()
