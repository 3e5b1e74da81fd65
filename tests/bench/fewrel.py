"""FewRel, 5-way 1-shot, fixed episodes: tuned with several seeds, reported once on the test ones.

    python tests/bench/fewrel.py --data DIR --results FILE

``DIR`` holds ``val_wiki.json``, ``pid2name.json`` and ``episodes-5way-1shot.json``. The seed prompt
is the file's, plain. The gain is the mean over the tuning seeds of the paired difference on each
test episode; its intervals are bootstraps over relations, as a verdict's, and over queries, since
some are asked in several episodes, for these relations. A seed that is in the results file is not
run again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from common import arguments, digits, tune_with_seeds

from appliance import locations
from appliance.data.protocols.fewrel import read_fewrel
from appliance.data.tasks import save
from appliance.statistics.bootstrap import estimates
from appliance.task import Example
from store import database


def main() -> None:
    parser = arguments(__doc__.splitlines()[0], minutes=30.0)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    db = database.open(locations.store_path())
    imported = read_fewrel(
        given.data / "val_wiki.json",
        given.data / "pid2name.json",
        name="fewrel",
        episodes=given.data / "episodes-5way-1shot.json",
        seed=0,
    )
    save(db, imported)
    asked = [case.query for case in imported.cases["test"]]
    print(json.dumps(summary(tune_with_seeds(db, "fewrel", given), asked)))


def summary(results: dict[str, Any], asked: Sequence[Example]) -> dict[str, Any]:
    before = digits(results["seed answers"])
    tuned = [digits(one["answers"]) for one in results["tuned"].values()]
    gains = [fmean(answers) - old for old, *answers in zip(before, *tuned, strict=True)]
    rows = np.column_stack([gains, np.ones(len(gains))])
    relations, queries = [row.label for row in asked], [row.id for row in asked]
    by_relation, by_query = (
        estimates(rows, lambda sums: sums[..., :1] / sums[..., 1:], clusters)[0]
        for clusters in (relations, queries)
    )
    return {
        "episodes": len(before),
        "relations": len(set(relations)),
        "queries": len(set(queries)),
        "seed accuracy": fmean(before),
        "tuned accuracy": {s: fmean(a) for s, a in zip(results["tuned"], tuned, strict=True)},
        "mean tuned accuracy": fmean(map(fmean, tuned)),
        "mean gain": by_relation.value,
        "interval": [by_relation.low, by_relation.high],
        "for these relations": [by_query.low, by_query.high],
    }


if __name__ == "__main__":
    main()
