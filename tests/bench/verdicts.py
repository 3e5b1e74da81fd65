"""How often the verdict says "better" where nothing is, and where a prompt is 10 points better.

    python tests/bench/verdicts.py --runs 2000

Synthetic answers. No true gain: 20 prompts that are as good as the seed and differ from it on some
cases; the best of them on the selection rows goes before the verdict, up to three times on one test
split, each time another 20. Independent rows; and rows in 8 relations, on each of which a prompt is
better or worse on the whole, other relations being selected on than tested on. True gain: one
prompt, 10 points better, n = 200.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from appliance.scoring.statistics import power_paired, wilson
from appliance.verdict import compare, threshold

PROMPTS = 20
RELATIONS = 8
SPREAD = 0.1
"""Standard deviation, over relations, of what a prompt is better or worse on one of them."""

Answers = NDArray[np.bool_]
Draw = Callable[[np.random.Generator, int], tuple[Answers, Answers]]


def independent(random: np.random.Generator, n: int) -> tuple[Answers, Answers]:
    """A seed's answers [n] and those of ``PROMPTS`` as good ones [prompts, n]."""
    seed = random.random(n) < 0.5
    differ = random.random((PROMPTS, n)) < 0.3
    return seed, np.where(differ, random.random((PROMPTS, n)) < 0.5, seed)


def clustered(random: np.random.Generator, n: int) -> tuple[Answers, Answers]:
    """The same in ``RELATIONS``, and as many others to select on: a prompt's effect on a relation
    is drawn once for it."""
    seed = random.random(n) < 0.5
    shift = random.normal(0.0, SPREAD, (PROMPTS, 2 * RELATIONS))[:, relations(n)]
    differ = random.random((PROMPTS, n)) < 0.3
    right = random.random((PROMPTS, n)) < np.clip(0.5 + shift / 0.3, 0.0, 1.0)
    return seed, np.where(differ, right, seed)


def relations(n: int) -> NDArray[np.int_]:
    """Of n cases, the first two thirds of which are tested on; the others have their own."""
    return np.arange(n) % RELATIONS + np.where(np.arange(n) < 2 * n // 3, 0, RELATIONS)


def says_better(random: np.random.Generator, draw: Draw, n: int, looks: int) -> bool:
    """Whether one of the looks does; half as many selection rows as test rows."""
    for look in range(1, looks + 1):
        seed, prompts = draw(random, n + n // 2)
        chosen = prompts[prompts[:, n:].sum(1).argmax(), :n]
        verdict = compare(
            seed[:n].tolist(),
            chosen.tolist(),
            "s",
            "b",
            "m",
            "b",
            alpha=threshold(look),
            clusters=[str(name) for name in relations(n + n // 2)[:n]] if draw is clustered else (),
        )
        if verdict.better:
            return True
    return False


def finds(random: np.random.Generator, n: int, discordance: float) -> bool:
    """Whether a gain of 10 points on that share of differing answers is proven."""
    drawn = random.random(n)
    wins, losses = (discordance + 0.1) / 2, (discordance - 0.1) / 2
    before = np.where(drawn < wins, False, np.where(drawn < wins + losses, True, drawn < 0.7))
    after = np.where(drawn < wins, True, np.where(drawn < wins + losses, False, drawn < 0.7))
    return compare(before.tolist(), after.tolist(), "s", "b", "m", "b").better


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    random = np.random.default_rng(0)
    print("| no true gain | n | looks | says better |\n|---|---|---|---|")
    for name, draw in (("independent", independent), ("8 relations", clustered)):
        for n in (50, 200, 1000):
            for looks in (1, 3):
                found = wilson(sum(says_better(random, draw, n, looks) for _ in range(runs)), runs)
                shown = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
                print(f"| {name} | {n} | {looks} | {shown} |", flush=True)
    print("\n| 10 points true, n = 200, differing | found | power said |\n|---|---|---|")
    for discordance in (0.2, 0.4):
        found = wilson(sum(finds(random, 200, discordance) for _ in range(runs)), runs)
        said = power_paired(200, 0.1, discordance)
        shown = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
        print(f"| {discordance} | {shown} | {said:.3f} |")


if __name__ == "__main__":
    main()
