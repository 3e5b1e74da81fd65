"""Splits for the fixed protocol: stratified by label, with nothing shared across a split."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from appliance.task import SPLITS, Case, Example, Split

SHARES = (0.4, 0.2, 0.4)


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
    for cluster in sorted(_clusters(ranked), key=len, reverse=True):
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


def split_hash(cases: Iterable[Case]) -> str:
    """SHA-256 over the cases' ids: the same set of cases has the same hash, in whatever order."""
    ids = sorted(case.id for case in cases)
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def near_duplicate_key(text: str) -> str:
    """Equal for sentences that differ only in case, white space, digits or Unicode variants."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"\d+", "0", " ".join(folded.split()))


def group_key(row: Example) -> tuple[str, ...]:
    """What must stay on one side: the row's group, else its two entities, whatever their order."""
    if row.group:
        return (row.group,)
    return tuple(sorted(near_duplicate_key(part) for part in (row.head_text, row.tail_text)))


def _clusters(rows: Sequence[Example]) -> list[list[int]]:
    """Indices of rows that share a group or a near-duplicate sentence, directly or in steps."""
    parent = list(range(len(rows)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    first: dict[tuple[str, tuple[str, ...]], int] = {}
    for i, row in enumerate(rows):
        keys = [("group", group_key(row)), ("text", (near_duplicate_key(row.text),))]
        for key in keys:
            parent[root(i)] = root(first.setdefault(key, i))
    members: defaultdict[int, list[int]] = defaultdict(list)
    for i in range(len(rows)):
        members[root(i)].append(i)
    return list(members.values())


def _digest(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
