"""How many cases with something to find a micro-F1 needs before a gain in it can be claimed.

    python tests/bench/due.py --runs 2000

Synthetic answers: two prompts with the same true F1, one of which finds at least twice as many as
the other and is right less often in what it claims; 5 % of the cases have something to find. A row
is the worst of some such pairs: how often the test says "better" for p < 0.05, refused or not.
"""

from __future__ import annotations

import argparse

import numpy as np
from verdicts import DUE, counts, share

from appliance.scoring.paired import weigh

PAIRS = (
    (0.15, 0.9, 0.4),
    (0.15, 0.7, 0.3),
    (0.3, 0.9, 0.4),
    (0.3, 0.7, 0.3),
    (0.3, 0.3, 0.7),
    (0.3, 0.2, 0.9),
    (0.5, 0.9, 0.4),
)
"""F1 of both, and what each finds of what there is."""


def says_better(random: np.random.Generator, due: int, pair: tuple[float, float, float]) -> bool:
    n = round(due / DUE)
    there = np.arange(n) < due
    doubt = random.random(n)
    other = np.where(random.random(n) < 0.3, random.random(n), doubt)
    f1, *found = pair
    before, after = (
        counts(there, each < np.where(there, part, wrongly(f1, part)))
        for each, part in zip((doubt, other), found, strict=True)
    )
    weighed = weigh(before, after)
    return weighed.p < 0.05 and weighed.gain > 0


def wrongly(f1: float, found: float) -> float:
    """How often something is claimed where nothing is."""
    return (2 * found / f1 - 1 - found) * DUE / (1 - DUE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    random = np.random.default_rng(0)
    print("| cases with something to find | says better | F1, found by each |\n|---|---|---|")
    for due in (3, 5, 8, 10, 15, 20, 30):
        said = {pair: sum(says_better(random, due, pair) for _ in range(runs)) for pair in PAIRS}
        worst = max(said, key=lambda pair: said[pair])
        print(f"| {due} | {share(said[worst], runs)} | {worst} |", flush=True)


if __name__ == "__main__":
    main()
