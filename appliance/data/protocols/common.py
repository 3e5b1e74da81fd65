"""The parts that few-shot protocols share: disjoint splits, seeded files of episodes, notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from random import Random

import msgspec

from appliance.data import Imported
from appliance.data.bad_rows import Skipped
from appliance.data.protocols.episodes import Design, sample_episodes
from appliance.prompts.prompt import Prompt
from appliance.task import (
    SPLITS,
    Case,
    Example,
    Split,
    Task,
)
from appliance.text import near_duplicate_key

NO_RELATION = "no_relation"
QUERIES = 3
SEEDS: dict[Split, range] = {
    "tuning": range(160290, 160293),
    "selection": range(160290, 160293),
    "test": range(160290, 160295),
}
"""The seeds of the files of episodes that FS-TACRED samples."""

Rows = Mapping[str, Sequence[Example]]
"""Rows by label."""

Cases = dict[Split, list[Case]]


class Files(msgspec.Struct, frozen=True):
    """The number of episodes in each test file, and in each file for tuning and selection.

    FS-TACRED has 10,000 and 1,000, which is more than a small machine can read.
    """

    test: int = 100
    dev: int = 100

    def of(self, split: Split) -> int:
        return self.test if split == "test" else self.dev

    @property
    def told(self) -> str:
        counts = (
            f"{len(seeds)} {split} files of {self.of(split):,} episodes"
            for split, seeds in SEEDS.items()
        )
        return f"{', '.join(counts)}, with {QUERIES} queries each"

    def __str__(self) -> str:
        return f"{len(SEEDS['test'])} x {self.test:,} episodes"


FILES = Files()


def foreign_as_none(rows: Iterable[Example], own: Collection[str], none: str) -> Rows:
    """Groups rows by label.

    Rows whose label is not among a split's ``own`` are relabelled ``none`` (Sabo et al., TACL
    2021).
    """
    found: dict[str, list[Example]] = {}
    for row in rows:
        if row.label in own:
            found.setdefault(row.label, []).append(row)
        else:
            foreign = msgspec.structs.replace(row, label=none)
            found.setdefault(none, []).append(foreign)
    return found


def apart(parts: Mapping[Split, Rows]) -> tuple[dict[Split, Rows], tuple[str, ...]]:
    """Leaves out rows whose sentence, near-duplicates included, stands in a later split.

    Returns the rows that are left, and notes on how many were left out. Test rows all stay.
    """
    later: set[str] = set()
    kept: dict[Split, Rows] = {}
    dropped: Counter[Split] = Counter()
    for split in reversed(SPLITS):
        keys = {x.text: near_duplicate_key(x.text) for rows in parts[split].values() for x in rows}
        kept[split] = {
            label: [row for row in rows if keys[row.text] not in later]
            for label, rows in parts[split].items()
        }
        dropped[split] = _size(parts[split]) - _size(kept[split])
        later |= set(keys.values())
    return kept, tuple(
        f"{split} rows left out because their sentences stand in a "
        f"{' or '.join(SPLITS[i + 1 :])} row too: {dropped[split]}"
        for i, split in enumerate(SPLITS)
        if dropped[split]
    )


def seeded_files(
    parts: Mapping[Split, Rows], designs: Mapping[Split, Design], files: Files
) -> Cases:
    """Samples a file of episodes for each seed of a split. A case holds its file's number."""
    return {
        split: [
            case
            for number, seed in enumerate(SEEDS[split], 1)
            for case in sample_episodes(
                parts[split], designs[split], files.of(split), Random(seed), str(number)
            )
        ]
        for split in SPLITS
    }


def episodic(
    task: Task,
    drawn: Mapping[Split, Sequence[Case]],
    notes: Sequence[str],
    seed: Prompt | None = None,
    skipped: Sequence[Skipped] = (),
) -> Imported:
    """Makes a task of sampled episodes.

    A case that was drawn more than once is kept once. Only rows that some case uses are returned.
    Notes say how many of the queries are none of the above, and how many rows were ``skipped``.
    """
    cases: Cases = {split: list({x.id: x for x in drawn[split]}.values()) for split in SPLITS}
    again = [
        f"{split} episodes left out because they had been drawn before: {n}"
        for split in SPLITS
        if (n := len(drawn[split]) - len(cases[split]))
    ]
    used = {
        row.id: row
        for split in SPLITS
        for case in cases[split]
        for row in (*case.support, case.query)
    }
    shares = () if task.none is None else (_none_shares(task.none, cases),)
    wrong = (f"wrong rows skipped: {len(skipped)}",) if skipped else ()
    told = (*wrong, *notes, *again, *shares)
    return Imported(task, list(used.values()), cases, seed, told, skipped)


def _none_shares(none: str, cases: Cases) -> str:
    counted = []
    for split in SPLITS:
        total = len(cases[split])
        count = sum(case.labels[case.gold] == none for case in cases[split])
        counted.append(f"{count} of {total} {split} queries ({count / total:.1%})")
    return f"none of the above ({none}): {', '.join(counted)}"


def _size(rows: Rows) -> int:
    return sum(map(len, rows.values()))
