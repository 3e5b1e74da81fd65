"""FS-FewRel-style episodes: FewRel is sampled as FS-TACRED is, most queries none of the above.

Alam et al. (2024) transform FewRel as Sabo et al. (TACL 2021) transform TACRED. This module is
built from later papers' accounts and code of that work, so it is a protocol in its style: see
docs/protocols.md for what differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import msgspec
import numpy as np

from appliance.data import Imported
from appliance.data.choices import Sizes
from appliance.data.protocols.common import (
    FILES,
    NO_RELATION,
    QUERIES,
    Files,
    Rows,
    apart,
    episodic,
    foreign_as_none,
    seeded_files,
)
from appliance.data.protocols.episodes import Design
from appliance.data.protocols.fewrel import FEWREL
from appliance.data.protocols.fewrel_file import Domains, read_domains
from appliance.data.protocols.fewrel_splits import (
    check_ways,
    divided,
    labels_of,
    listed,
)
from appliance.data.split import stratify
from appliance.data.split.index import Index
from appliance.task import SPLITS, Split

NONE_SHARE: dict[Split, float] = {"tuning": 0.92, "selection": 0.92, "test": 0.95}
"""The share of queries that are none of the above. Reported are 91.97 % of the dev queries and 95 %
of the test queries."""


def read_fs_fewrel(
    path: Path,
    names: Path,
    *,
    name: str,
    relations: Path | None = None,
    test: Path | None = None,
    test_names: Path | None = None,
    seed: int,
    ways: int = 5,
    shots: int = 1,
    none_share: float | None = None,
    files: Files = FILES,
    may_ship: bool = False,
    skip: bool = False,
) -> Imported:
    """Makes a task of 3 tuning, 3 selection and 5 test files of episodes with 3 queries each.

    The metric is micro-F1. The sentences are divided in three by ``seed``, each relation in the
    same proportions (``stratify.split``), because TACRED comes in three files. With ``test``,
    another FewRel file, all its sentences are the test split. The relations are divided too, at
    random or as the file ``relations`` lists them. In each split the rows of relations that are not
    its own are relabelled ``no_relation``. So a relation that is tested on may be none of the above
    elsewhere, as in FS-TACRED, but is a way nowhere else, and no sentence stands in two splits.

    The share of queries that are none of the above is ``none_share`` (else ``NONE_SHARE``), exact
    but for rounding; the relation of a query is drawn in proportion to the rows. Raises InputError
    as ``read_fewrel`` does.
    """
    domains = read_domains(path, names, may_ship, test, test_names, skip=skip)
    if relations is None:
        pids = divided(domains, ("test", "tuning", "selection"), Random(seed))
    else:
        pids = listed(relations, domains)
    check_ways(relations or path, pids, ways)
    shares = NONE_SHARE if none_share is None else dict.fromkeys(SPLITS, none_share)
    designs = {
        split: Design(ways, shots, QUERIES, NO_RELATION, shares[split], by_size=True)
        for split in SPLITS
    }
    parts, notes = apart(_rows(domains, pids, seed))
    task = msgspec.structs.replace(
        FEWREL,
        name=name,
        labels=labels_of(domains, pids, NO_RELATION),
        none=NO_RELATION,
        metric="micro_f1",
        benchmark=f"FS-FewRel-style, {ways}-way {shots}-shot, {shares['test']:.1%} none, {files}",
    )
    drawn = seeded_files(parts, designs, files)
    return episodic(task, drawn, (files.told, *notes), skipped=domains.skipped)


def _rows(domains: Domains, pids: Mapping[Split, Sequence[str]], seed: int) -> dict[Split, Rows]:
    first = domains.first.rows
    index = Index()
    for row in first:
        index.add(row)
    numbers = stratify.split(index, np.arange(len(first)), seed, Sizes(most=None))
    rows = {name: [first[number] for number in numbers[name]] for name in SPLITS}
    if domains.other is not None:
        rows["tuning"] += rows["test"]
        rows["test"] = domains.other.rows
    own = {name: {domains.labels[pid].name for pid in pids[name]} for name in SPLITS}
    return {name: foreign_as_none(rows[name], own[name], NO_RELATION) for name in SPLITS}
