"""Divides rows into tuning, selection and test, stratum by stratum."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.data.bad_rows import LEAST_ROWS
from appliance.data.choices import Sizes
from appliance.data.split.index import Index, Numbers, gather
from appliance.data.split.ties import clusters
from appliance.task import SPLITS, Split


class _Strata(msgspec.Struct, frozen=True):
    """The strata of row i are ``codes[ends[i]:ends[i + 1]]``. Codes are numbers below ``count``."""

    codes: Numbers
    ends: Numbers
    count: int


def split(index: Index, rows: Numbers, seed: int, sizes: Sizes) -> dict[Split, Numbers]:
    """The numbers of the rows of each split, shuffled.

    Rows that are tied (``ties``, ``Index.text``) are always on the same side. The largest clusters
    are placed first, each on the side where its strata are least filled with it, after iterative
    stratification (Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011). A side that is larger than
    asked for is thinned so that its strata stay in proportion, with at least one row of each where
    there is room. The result depends on the rows and the seed, never on the order of the rows.
    """
    ranked = shuffled(index, rows, seed)
    strata = _strata(index, ranked)
    parts = _parts(index, ranked, strata, sizes.shares)
    if sizes.most:
        parts = [_thinned(p, most, strata) for p, most in zip(parts, sizes.most, strict=True)]
    return {name: ranked[part] for name, part in zip(SPLITS, parts, strict=True)}


def shuffled(index: Index, rows: Numbers, seed: int) -> Numbers:
    """The rows in an order that depends on the seed and on each row by itself."""
    return rows[np.argsort(_digests(index.ids[rows], seed), kind="stable")]


def divided(index: Index, rows: Numbers, seed: int, shares: Sequence[float]) -> list[Numbers]:
    """The rows divided in proportion to ``shares``, as ``split`` divides them."""
    ranked = shuffled(index, rows, seed)
    return [ranked[part] for part in _parts(index, ranked, _strata(index, ranked), shares)]


def thinned(index: Index, rows: Numbers, most: int) -> Numbers:
    """At most ``most`` of the rows, which are in a shuffled order, with their strata in
    proportion. No other rows count."""
    return rows[_thinned(np.arange(len(rows)), most, _strata(index, rows))]


def _digests(ids: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    def digest(number: int) -> int:
        hashed = hashlib.sha256(f"{seed}:{number:016x}".encode()).digest()
        return int.from_bytes(hashed[:8])

    return np.fromiter(map(digest, map(int, ids)), np.uint64, len(ids))


def _strata(index: Index, rows: Numbers) -> _Strata:
    hashes, ends = index.strata(rows)
    _, codes, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    small = len(counts)
    return _Strata(np.where(counts[codes] < LEAST_ROWS, small, codes), ends, small + 1)


def _parts(
    index: Index, ranked: Numbers, strata: _Strata, shares: Sequence[float]
) -> list[Numbers]:
    side = _sides([index.aside[ranked], index.text(ranked)], strata, shares)
    return [np.flatnonzero(side == number) for number in range(len(shares))]


def _sides(
    tied: list[NDArray[np.uint64]], strata: _Strata, shares: Sequence[float]
) -> NDArray[np.int8]:
    totals = np.bincount(strata.codes, minlength=strata.count).tolist()
    placed = [[0] * strata.count for _ in shares]
    side = np.zeros(len(tied[0]), np.int8)
    codes, ends = strata.codes.tolist(), strata.ends.tolist()
    for cluster in _largest_first(clusters(tied)):
        counts = Counter(code for i in cluster for code in codes[ends[i] : ends[i + 1]])
        fullness = [
            sum(n * (filled[code] + n) / (share * totals[code]) for code, n in counts.items())
            for filled, share in zip(placed, shares, strict=True)
        ]
        chosen = fullness.index(min(fullness))
        for code, n in counts.items():
            placed[chosen][code] += n
        side[cluster] = chosen
    return side


def _largest_first(cluster: Numbers) -> Iterator[list[int]]:
    """Yields the rows of each cluster, the largest first, ties by the earliest row."""
    _, first, inverse, sizes = np.unique(
        cluster, return_index=True, return_inverse=True, return_counts=True
    )
    members, ends = np.argsort(inverse, kind="stable"), np.cumsum(sizes)
    for number in np.lexsort((first, -sizes)):
        yield members[ends[number] - sizes[number] : ends[number]].tolist()


def _thinned(part: Numbers, most: int, strata: _Strata) -> Numbers:
    """At most ``most`` rows of a part, in proportion. Each row counts under its rarest stratum."""
    if len(part) <= most:
        return part
    places, ends = gather(strata.ends, part)
    codes = strata.codes[places]
    counts = np.bincount(codes, minlength=strata.count)
    by_size = np.minimum.reduceat(counts[codes] * strata.count + codes, ends[:-1])
    rarest = by_size % strata.count
    by_stratum = np.argsort(rarest, kind="stable")
    size = np.bincount(rarest, minlength=strata.count)
    number = np.empty(len(part), np.int64)
    number[by_stratum] = np.arange(len(part)) - np.repeat(np.cumsum(size) - size, size)
    first = np.lexsort((np.arange(len(part)), number / size[rarest]))[:most]
    return part[np.sort(first)]
