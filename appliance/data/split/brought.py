"""Splits that a file brings: its test rows stay test rows, whatever else is added to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from appliance.data.bad_rows import LISTED
from appliance.data.choices import Sizes
from appliance.data.split.division import Division
from appliance.data.split.gathered import Gathered
from appliance.data.split.index import Numbers, hash64
from appliance.data.split.stratify import divided, shuffled, thinned
from appliance.data.split.ties import Tie, ties
from appliance.task import SPLITS
from appliance.text import quoted

NO_SPLIT, TUNING, SELECTION, TEST = range(-1, len(SPLITS))
STRADDLING: Mapping[Tie, str] = {"group": "groups", "entities": "pairs of entities"}


def brought(rows: Gathered, labels: Sequence[str], seed: int, sizes: Sizes) -> Division:
    """The splits that the rows say they belong to, shuffled, and thinned to their limits.

    A tuning or selection row whose text stands in a later split belongs to none. Where no row is of
    selection, its share is taken out of tuning. The test split depends on the seed and on its own
    rows alone. Notes name the ``labels`` that a split lacks.
    """
    side = rows.sides
    leaking = _leaking(rows, side)
    side[leaking] = NO_SPLIT
    whole = [rows.kept[side[rows.kept] == number] for number in (TUNING, SELECTION, TEST)]
    notes = [*_unused(rows, leaking), *_straddling(rows, whole)]
    if not (rows.sides == SELECTION).any():
        tuning, selection, _ = sizes.shares
        shares = (tuning / (tuning + selection), selection / (tuning + selection))
        whole[:TEST] = divided(rows.index, whole[TUNING], seed, shares)
        notes.append(f"rows taken out of tuning for the selection split: {len(whole[SELECTION])}")
    parts = [shuffled(rows.index, part, seed) for part in whole]
    if sizes.most:
        parts = [thinned(rows.index, part, n) for part, n in zip(parts, sizes.most, strict=True)]
    for name, part in zip(SPLITS, parts, strict=True):
        found = set(rows.index.strata(part)[0].tolist())
        if lacking := [quoted(label) for label in labels if hash64(label) not in found]:
            more = ", ..." if len(lacking) > LISTED else ""
            notes.append(f"labels without a {name} row: {', '.join(lacking[:LISTED])}{more}")
    spare = sum(map(len, whole)) - sum(map(len, parts))
    return Division(dict(zip(SPLITS, parts, strict=True)), spare, tuple(notes))


def _leaking(rows: Gathered, side: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which rows have a text that stands in a later split too."""
    text = rows.index.text(np.arange(len(rows)))
    leaking = np.zeros(len(rows), np.bool_)
    for number in (TUNING, SELECTION):
        later = np.unique(text[side > number])
        leaking |= (side == number) & np.isin(text, later)
    return leaking


def _unused(rows: Gathered, leaking: NDArray[np.bool_]) -> Iterator[str]:
    if count := int(np.count_nonzero(leaking[rows.kept])):
        yield (
            "rows left out of tuning and selection, because their text stands in a later split: "
            f"{count}"
        )
    if count := int(np.count_nonzero(rows.sides[rows.kept] == NO_SPLIT)):
        yield f"rows that the file puts in no split: {count}"


def _straddling(rows: Gathered, parts: Sequence[Numbers]) -> Iterator[str]:
    shared = [np.unique(rows.index.aside[part]) for part in parts]
    values, splits = np.unique(np.concatenate(shared), return_counts=True)
    if len(torn := values[(values != 0) & (splits > 1)]):
        first = int(np.flatnonzero(rows.index.aside == torn[0])[0])
        tie = next(iter(ties(rows.example(first))))
        yield f"{STRADDLING[tie]} with rows in several splits, as the file has it: {len(torn)}"
