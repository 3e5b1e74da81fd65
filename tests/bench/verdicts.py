"""How often the verdict says "better" where nothing is, and where a prompt is 10 points better.

    python tests/bench/verdicts.py --runs 2000

Synthetic answers. No true gain: 20 prompts that are as good as the seed and differ from it on some
cases; the best of them on the selection rows goes before the verdict, up to three times on one test
split, each time of another 20. The cases are

- independent rows, by accuracy;
- rows in 8 relations, by accuracy: a prompt is better or worse on a relation as a whole, and other
  relations are selected on than tested on;
- rows of which 95 % have no relation, by micro-F1;
- the same, where all 20 find half as many relations as the seed, or twice as many, and are right in
  what they claim as much more often, or less, as leaves the true F1 what it is;
- rows of four labels, two of which have 5 % of them each, by macro-F1.

True gain: one prompt, 10 points better by accuracy, n = 200.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from appliance.statistics.claims import refusal
from appliance.statistics.f1 import mean_f1
from appliance.statistics.paired import weigh
from appliance.statistics.power import power_paired
from appliance.statistics.proportions import wilson
from appliance.verdict.verdict import threshold

LOOKS = 3
PROMPTS = 20
RELATIONS = 8
SPREAD = 0.1
"""Standard deviation, over relations, of what a prompt is better or worse on one of them."""

POSITIVE_SHARE, F1 = 0.05, 0.4
"""The share of rows that have a relation, and the micro-F1 of all prompts."""

SHARES = (0.6, 0.3, 0.05, 0.05)
"""Of the rows, the labels'."""

Results = NDArray[np.float64]
Random = np.random.Generator


class Design(NamedTuple):
    """The seed's results [rows, ...], what draws those of other prompts [prompts, rows, ...], and
    the clusters of the n rows that are tested on, which come first."""

    seed: Results
    draw: Callable[[], Results]
    clusters: list[str]


def independent(random: Random, n: int) -> Design:
    shape = (PROMPTS, n + n // 2)
    seed = random.random(shape[1]) < 0.5

    def draw() -> Results:
        fresh = random.random(shape) < 0.5
        return np.where(random.random(shape) < 0.3, fresh, seed).astype(float)

    return Design(seed.astype(float), draw, [])


def clustered(random: Random, n: int) -> Design:
    shape = (PROMPTS, n + n // 2)
    seed = random.random(shape[1]) < 0.5
    relations = np.arange(shape[1]) % RELATIONS + np.where(np.arange(shape[1]) < n, 0, RELATIONS)

    def draw() -> Results:
        shift = random.normal(0.0, SPREAD, (PROMPTS, 2 * RELATIONS))[:, relations]
        fresh = random.random(shape) < np.clip(0.5 + shift / 0.3, 0.0, 1.0)
        return np.where(random.random(shape) < 0.3, fresh, seed).astype(float)

    return Design(seed.astype(float), draw, [str(name) for name in relations[:n]])


def mostly_none(found: float, others_find: float, random: Random, n: int) -> Design:
    """``found`` of the relations that there are are found by the seed."""
    shape = (PROMPTS, n + n // 2)
    positives = random.random(shape[1]) < POSITIVE_SHARE
    doubt = random.random(shape[1])

    def draw() -> Results:
        drawn = np.where(random.random(shape) < 0.3, random.random(shape), doubt)
        return counts(positives, drawn < claimed(positives, others_find))

    return Design(counts(positives, doubt < claimed(positives, found)), draw, [])


def unbalanced(random: Random, n: int) -> Design:
    shape = (PROMPTS, n + n // 2)
    gold = random.choice(len(SHARES), shape[1], p=SHARES)

    def said(*shape: int) -> NDArray[np.int64]:
        guessed = random.choice(len(SHARES), shape, p=SHARES)
        return np.where(random.random(shape) < 0.5, gold, guessed)

    seed = said(shape[1])

    def draw() -> Results:
        return by_label(gold, np.where(random.random(shape) < 0.3, said(*shape), seed))

    return Design(by_label(gold, seed), draw, [])


def by_label(gold: NDArray[np.int64], said: NDArray[np.int64]) -> Results:
    labels = np.arange(len(SHARES))
    return counts(gold[..., None] == labels, said[..., None] == labels)


def claimed(positives: NDArray[np.bool_], found: float) -> Results:
    """How likely a relation is claimed, so that the F1 is ``F1``."""
    wrongly = (2 * POSITIVE_SHARE * found / F1 - POSITIVE_SHARE - POSITIVE_SHARE * found) / (
        1 - POSITIVE_SHARE
    )
    return np.where(positives, found, wrongly)


def counts(positives: NDArray[np.bool_], said: NDArray[np.bool_]) -> Results:
    return np.stack([positives & said, ~positives & said, positives & ~said], axis=-1).astype(float)


DESIGNS: dict[str, Callable[[Random, int], Design]] = {
    "independent": independent,
    "8 relations": clustered,
    "95 % none, micro-F1": partial(mostly_none, 0.5, 0.5),
    "the same, half as many found": partial(mostly_none, 0.7, 0.35),
    "the same, twice as many found": partial(mostly_none, 0.35, 0.7),
    "two rare labels of four, macro-F1": unbalanced,
}


def looks(random: Random, design: Design, n: int) -> list[str]:
    """What each look says."""
    said = []
    for look in range(1, LOOKS + 1):
        prompts = design.draw()
        sums = prompts[:, n:].sum(1)
        worth = mean_f1(sums.reshape(PROMPTS, -1)) if sums.ndim > 1 else sums
        chosen = prompts[worth.argmax(), :n]
        found = weigh(design.seed[:n], chosen, design.clusters)
        unit = "relation" if design.clusters else "case"
        if refusal(found, threshold(look), unit):
            said.append("refused")
        else:
            proven = found.p < threshold(look) and found.gain > 0
            said.append("better" if proven else "no proven gain")
    return said


def finds(random: Random, n: int, discordance: float) -> bool:
    """Whether a gain of 10 points on that share of differing answers is proven."""
    drawn = random.random(n)
    wins, losses = (discordance + 0.1) / 2, (discordance - 0.1) / 2
    before = np.where(drawn < wins, False, np.where(drawn < wins + losses, True, drawn < 0.7))
    after = np.where(drawn < wins, True, np.where(drawn < wins + losses, False, drawn < 0.7))
    found = weigh(before, after)
    return found.p < threshold(1) and found.gain > 0 and not refusal(found, threshold(1))


def share(happened: int, runs: int) -> str:
    found = wilson(happened, runs)
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    random = np.random.default_rng(0)
    print("| no true gain | n | says better, one look | three looks | first look refused |")
    print("|---|---|---|---|---|")
    for name, make in DESIGNS.items():
        for n in (50, 200, 1000):
            said = [looks(random, make(random, n), n) for _ in range(runs)]
            first = share(sum(each[0] == "better" for each in said), runs)
            ever = share(sum("better" in each for each in said), runs)
            refused = sum(each[0] == "refused" for each in said) / runs
            print(f"| {name} | {n} | {first} | {ever} | {refused:.3f} |", flush=True)
    print("\n| 10 points true, n = 200, differing | found | power said |\n|---|---|---|")
    for discordance in (0.2, 0.4):
        found = share(sum(finds(random, 200, discordance) for _ in range(runs)), runs)
        print(f"| {discordance} | {found} | {power_paired(200, 0.1, discordance):.3f} |")


if __name__ == "__main__":
    main()
