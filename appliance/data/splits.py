"""Splits that share nothing: of rows, stratified by label, and of episodes given in a file."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Literal

from appliance.task import SPLITS, Case, Example, Split

SHARES = (0.4, 0.2, 0.4)
TUNING_PER_SELECTION = 3
"""Kept tuning episodes for each selection episode: a quarter is held out."""

Tie = Literal["group", "entities", "text"]
"""What keeps rows on one side: their ``group``, else their two entities; and their sentence."""


def split(
    examples: Iterable[Example], seed: int, shares: tuple[float, float, float] = SHARES
) -> dict[Split, list[Example]]:
    """Divide rows into tuning, selection and test by ``shares``, label by label.

    Rows of one group (their ``group``, else their unordered pair of head and tail) and
    near-duplicate sentences stay together. The largest clusters are placed first, each where its
    labels are least filled with it, after iterative stratification (Sechidis, Tsoumakas and
    Vlahavas, ECML PKDD 2011). The result depends on the rows and the seed, never on
    the order of the rows; each split comes shuffled.
    """
    ranked = sorted(examples, key=lambda row: _digest(seed, row.id))
    totals = Counter(row.label for row in ranked)
    placed = {name: Counter[str]() for name in SPLITS}
    side: dict[int, Split] = {}
    for cluster in sorted(clusters(ranked), key=len, reverse=True):
        counts = Counter(ranked[i].label for i in cluster)
        fullness = {
            name: sum(
                n * (placed[name][label] + n) / (share * totals[label])
                for label, n in counts.items()
            )
            for name, share in zip(SPLITS, shares, strict=True)
        }
        chosen = min(SPLITS, key=fullness.__getitem__)
        placed[chosen] += counts
        side |= dict.fromkeys(cluster, chosen)
    return {name: [row for i, row in enumerate(ranked) if side[i] == name] for name in SPLITS}


def fixed_cases(
    parts: Mapping[Split, Sequence[Example]], labels: Sequence[str]
) -> dict[Split, list[Case]]:
    """The cases of a fixed task: every row is asked with all labels, in the task's order."""
    return {name: [Case(row, tuple(labels)) for row in rows] for name, rows in parts.items()}


def split_episodes(
    tuning: Sequence[Case], test: Iterable[Case], seed: int
) -> tuple[list[Case], list[Case]]:
    """Divide tuning episodes into those kept for tuning and those held out for selection.

    No sentence, near-duplicates included, of an episode of either (query or support) stands in one
    of the other or in a test episode: episodes in between are dropped. Held out are those that
    share sentences with the fewest others, ties by the seed, up to a quarter of what is left.
    Either list may be empty.
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


def split_hash(cases: Iterable[Case]) -> str:
    """SHA-256 over the cases' ids: the same set of cases has the same hash, in whatever order."""
    ids = sorted(case.id for case in cases)
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def near_duplicate_key(text: str) -> str:
    """Equal for sentences that differ only in case, white space, digits or Unicode variants."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"\d+", "0", " ".join(folded.split()))


def ties(row: Example) -> dict[Tie, Hashable]:
    """What must stay on one side: all rows that have one of these, whatever the entities' order."""
    side: dict[Tie, Hashable] = {}
    if row.group:
        side["group"] = row.group
    elif row.head is not None:
        parts = (row.head_text, row.tail_text)
        side["entities"] = frozenset(near_duplicate_key(part) for part in parts)
    return {**side, "text": near_duplicate_key(row.text)}


def clusters(rows: Sequence[Example]) -> list[list[int]]:
    """Indices of rows that are tied to one another, directly or in steps."""
    parent = list(range(len(rows)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    first: dict[tuple[Tie, Hashable], int] = {}
    for i, row in enumerate(rows):
        for tie in ties(row).items():
            parent[root(i)] = root(first.setdefault(tie, i))
    members: defaultdict[int, list[int]] = defaultdict(list)
    for i in range(len(rows)):
        members[root(i)].append(i)
    return list(members.values())


def _sentences(case: Case) -> set[str]:
    return {near_duplicate_key(row.text) for row in (case.query, *case.support)}


def _digest(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
