"""What a tuned prompt gives away of the rows that it was fitted to, to somebody who has the model.

    python tests/bench/guessing.py --data DIR

``DIR`` holds the folder fewrel, whose relations are the labels. The states of rows are those under
the line that likeness is read under, of a model of the data folder of ``STROP_HOME``. By a map, a
row that it was fitted to should have its label more surely than others do; by a likeness, more of
its state should lie in the directions that are kept. The table has the probability that of one row
of each kind the right one is told (the area under the curve, 0.5 for a guess), mean of 5 draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from fixed_tasks import tasks
from reading import reading

from appliance.calibrate.discriminant import discriminant_map, fit_discriminant
from appliance.calibrate.shrinkage import Labels, Rows, folds, table
from appliance.calibrate.whitening import whitening
from appliance.scoring.hidden import as_states
from appliance.search.portfolio import likeness_line

ROWS, NEW, DRAWS = 3200, 60, 5
EACH = (3, 10, 20, 60, 120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="smollm2-135m")
    given = parser.parse_args()
    [(task, rows)] = tasks(given.data, ROWS, ["fewrel"])
    line = likeness_line("relation")
    assert line is not None
    with reading(given.model) as read:
        states = as_states(read(task, rows, line.prompt({}), ()))
    every, gold = table(states), np.array([state.gold for state in states])
    print("| rows a label | rows | by a map | by a likeness |")
    for each in EACH:
        told = [guessed(every, gold, each, draw) for draw in range(DRAWS)]
        by_map, by_likeness = (fmean(column) for column in zip(*told, strict=True))
        print(f"| {each} | {each * (gold.max() + 1)} | {by_map:.2f} | {by_likeness:.2f} |")


def guessed(every: Rows, gold: Labels, each: int, draw: int) -> tuple[float, float]:
    """By a map and by a likeness that are fitted to ``each`` rows of every label."""
    random = np.random.default_rng(draw)
    own: list[int] = []
    new: list[int] = []
    for label in np.unique(gold):
        order = random.permutation(np.flatnonzero(gold == label)).tolist()
        own += order[:each]
        new += order[each : each + NEW]
    rows, labels = every[own], gold[own]
    shares = np.full(gold.max() + 1, -np.log(gold.max() + 1))
    found = fit_discriminant(rows, labels, folds(labels), lambda _: shares)
    scores = discriminant_map(rows, labels, lambda _: shares, found).scores(every)
    at = np.arange(len(gold))
    right = scores[at, gold].copy()
    scores[at, gold] = -np.inf
    surer = right - scores.max(1)
    by = whitening(rows, labels)
    axes = np.linalg.qr(by[1:].T)[0]
    centred = every - by[0]
    inside = np.linalg.norm(centred @ axes, axis=1) / np.linalg.norm(centred, axis=1)
    return told_apart(surer, own, new), told_apart(inside, own, new)


def told_apart(signs: Rows, own: Sequence[int], new: Sequence[int]) -> float:
    """The share of pairs of one of each in which that of the ``own`` rows has the greater sign."""
    order = np.sort(signs[new])
    below, up_to = (np.searchsorted(order, signs[own], side).mean() for side in ("left", "right"))
    return float(below + up_to) / 2 / len(new)


if __name__ == "__main__":
    main()
