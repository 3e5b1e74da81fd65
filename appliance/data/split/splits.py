"""Splits episodes so that none share a sentence, and computes what identifies a split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from appliance.task import SPLITS, Case, Split
from appliance.text import near_duplicate_key
from store.records import CaseRecord

TUNING_PER_SELECTION = 3
"""The tuning episodes kept for each one held out for selection: a quarter is held out."""


def split_episodes(
    tuning: Sequence[Case], test: Iterable[Case], seed: int
) -> tuple[list[Case], list[Case]]:
    """Divides tuning episodes into those kept for tuning and those held out for selection.

    No sentence of a query or support, near-duplicates included, stands in episodes of both lists,
    or in one of them and a test episode; episodes that would break this are dropped. The episodes
    that share sentences with the fewest others are held out first, ties broken by the seed, up to a
    quarter of what is left. Either list may be empty.
    """
    seen = {sentence for case in test for sentence in _sentences(case)}
    free = {i for i, case in enumerate(tuning) if seen.isdisjoint(_sentences(case))}
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for i in free:
        for sentence in _sentences(tuning[i]):
            holders[sentence].add(i)
    near = {i: set[int]().union(*(holders[s] for s in _sentences(tuning[i]))) for i in free}
    kept, held = set(free), set[int]()
    for i in sorted(free, key=lambda i: (len(near[i]), _digest(seed, str(i)))):
        if TUNING_PER_SELECTION * len(held) >= len(kept):
            break
        held.add(i)
        kept -= near[i]
    return [tuning[i] for i in sorted(kept)], [tuning[i] for i in sorted(held)]


def split_hash(cases: Mapping[Split, Iterable[Case | CaseRecord]]) -> str:
    """SHA-256 over the cases' ids with their splits. The order of the cases does not count."""
    ids = sorted(f"{split} {case.id}" for split in SPLITS for case in cases[split])
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def _sentences(case: Case) -> set[str]:
    return {near_duplicate_key(row.text) for row in (case.query, *case.support)}


def _digest(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
