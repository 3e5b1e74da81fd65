"""Divides FewRel's relations among the splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from random import Random

import msgspec

from appliance.data.decoding import decode
from appliance.data.labels.names import check_names
from appliance.data.protocols.fewrel_file import Domains
from appliance.files import refused
from appliance.task import SPLITS, Label, Split
from appliance.text import printable, quoted

LAYOUT = (
    'a relations file is {"tuning": [...], "selection": [...], "test": [...]}, with the ids of '
    "relations"
)


class _Lists(msgspec.Struct, forbid_unknown_fields=True):
    tuning: list[str]
    selection: list[str]
    test: list[str]


def divided(domains: Domains, order: Sequence[Split], rng: Random) -> dict[Split, list[str]]:
    """Divides the relations at random and evenly, the rest going to the first splits of ``order``.

    All relations of another domain belong to the test split.
    """
    among = [split for split in order if domains.of(split) is domains.first]
    shuffled = rng.sample(sorted(domains.first.relations), len(domains.first.relations))
    pids = {split: shuffled[i :: len(among)] for i, split in enumerate(among)}
    return {"test": sorted(domains.of("test").relations), **pids}


def listed(path: Path, domains: Domains) -> dict[Split, list[str]]:
    """The relations that a file lists for each split; some may be in no list.

    Raises InputError where one is unknown or is listed twice.
    """
    lists = decode(path, _Lists, LAYOUT)
    pids: dict[Split, list[str]] = {split: getattr(lists, split) for split in SPLITS}
    seen: set[str] = set()
    for split in SPLITS:
        for pid in pids[split]:
            if pid not in domains.of(split).relations:
                file = printable(str(domains.of(split).path))
                what = f"{split}: relation {quoted(pid)} is not in {file}"
                raise refused(path, f"{what}; name another one, or leave it out")
            if pid in seen:
                raise refused(path, f"relation {quoted(pid)} is listed twice; keep one")
            seen.add(pid)
    return pids


def check_ways(
    path: Path, pids: Mapping[Split, Sequence[str]], ways: int, *, none: bool = False
) -> None:
    """Raises InputError where a split has fewer relations than ``ways``.

    With ``none`` it needs one more, so that a query can have a relation that is not a way.
    """
    least = ways + none
    more = " with none of the above" if none else ""
    for split in SPLITS:
        if len(pids[split]) < least:
            what = f"{ways}-way episodes{more} need {least} relations in each split"
            raise refused(path, f"{what}, {split} gets {len(pids[split])}: ask for fewer ways")


def labels_of(
    domains: Domains, pids: Mapping[Split, Sequence[str]], none: str | None
) -> tuple[Label, ...]:
    """The labels of the relations of all splits, with none of the above at the end.

    Raises InputError where two of them read the same.
    """
    own = set(chain(*pids.values()))
    labels = [label for pid, label in domains.labels.items() if pid in own]
    if none is not None:
        labels.append(Label(none))
    check_names(domains.first.path, labels, none)
    return tuple(labels)
