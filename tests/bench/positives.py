"""How many cases with something to find an F1 needs before a gain in it can be claimed.

    python tests/bench/positives.py --runs 2000

Synthetic answers: two prompts with the same true F1, one of which finds at least twice as many as
the other and is right less often in what it claims; 5 % of the cases have something to find. A row
is the worst of some such pairs: how often the test says "better" for p < 0.05, refused or not. For
macro-F1 that is one of two labels; of the other both prompts find 0.97 at an F1 of 0.97.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from verdicts import POSITIVE_SHARE, Results, counts, share

from appliance.statistics.paired import weigh

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


Pair = tuple[float, float, float]
OTHER: Pair = (0.97, 0.97, 0.97)


def says_better(random: np.random.Generator, positives: int, pair: Pair, *, macro: bool) -> bool:
    n = round(positives / POSITIVE_SHARE)
    rare = np.arange(n) < positives
    labels = [(rare, pair), (~rare, OTHER)] if macro else [(rare, pair)]
    each = [both(random, there, found) for there, found in labels]
    before, after = (np.stack([found[side] for found in each], axis=1) for side in (0, 1))
    weighed = weigh(before, after) if macro else weigh(before[:, 0], after[:, 0])
    return weighed.p < 0.05 and weighed.gain > 0


def both(random: np.random.Generator, there: NDArray[np.bool_], pair: Pair) -> list[Results]:
    """The counts of the two prompts, for one label."""
    f1, *found = pair
    doubt = random.random(len(there))
    other = np.where(random.random(len(there)) < 0.3, random.random(len(there)), doubt)
    return [
        counts(there, each < np.where(there, part, wrongly(f1, part, there.mean())))
        for each, part in zip((doubt, other), found, strict=True)
    ]


def wrongly(f1: float, found: float, positives: float) -> float:
    """How often something is claimed where nothing is."""
    share = (2 * found / f1 - 1 - found) * positives / (1 - positives)
    assert 0 <= share <= 1, f"nothing finds {found} at an F1 of {f1}"
    return share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    random = np.random.default_rng(0)
    for macro in (False, True):
        what = "of the rarer of two labels, macro-F1" if macro else "with something to find"
        print(f"\n| cases {what} | says better | F1, found by each |\n|---|---|---|")
        for positives in (3, 5, 8, 10, 15, 20, 30):
            said = {
                pair: sum(says_better(random, positives, pair, macro=macro) for _ in range(runs))
                for pair in PAIRS
            }
            worst = max(said, key=lambda pair: said[pair])
            print(f"| {positives} | {share(said[worst], runs)} | {worst} |", flush=True)


if __name__ == "__main__":
    main()
