"""Imports FewRel (Han et al., EMNLP 2018) as episodes, in one domain or from one to another."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec

from appliance.data import Imported
from appliance.data.protocols.common import apart, episodic
from appliance.data.protocols.episodes import Design, none_share, sample_episodes
from appliance.data.protocols.episodes_file import read_episodes
from appliance.data.protocols.fewrel_file import read_domains
from appliance.data.protocols.fewrel_splits import check_ways, divided, labels_of
from appliance.task import SPLITS, Split, Task
from appliance.text import printable

NONE = "none of these"
SAMPLED: dict[Split, int] = {"tuning": 300, "selection": 100, "test": 1500}
FEWREL = Task(
    name="",
    kind="relation",
    protocol="episodes",
    labels=(),
    origin="FewRel, github.com/thunlp/FewRel",
    licence="MIT",
)


def read_fewrel(
    path: Path,
    names: Path,
    *,
    name: str,
    episodes: Path | None = None,
    test: Path | None = None,
    test_names: Path | None = None,
    seed: int,
    ways: int = 5,
    shots: int = 1,
    na_rate: int = 0,
    may_ship: bool = False,
    skip: bool = False,
) -> Imported:
    """Makes an episodic task of FewRel's sentences (``{relation: [row]}``) and its
    ``pid2name.json``.

    With ``episodes`` the cases are those of that file. All its test episodes are the test split; a
    quarter of its tuning episodes is held out for selection, and some are dropped (see
    ``split_episodes``). The seed prompt is the file's, and so are the ways and shots in place of
    ``ways`` and ``shots``.

    Without ``episodes`` the relations are divided among the splits by ``seed``, and episodes are
    sampled. With ``test``, another domain's file (see ``read_domains``), its relations are those of
    the test split. With ``na_rate`` (FewRel 2.0, Gao et al., EMNLP 2019) queries may have other
    relations of their split (see ``none_share``). In both cases no sentence stands in two splits,
    and only rows that some case uses are returned.

    Raises InputError that names the file, the relation and the row; with ``skip`` wrong rows are
    left out, and an episode that uses one is refused.
    """
    domains = read_domains(path, names, may_ship, test, test_names, skip=skip)
    if episodes is not None:
        fixed, prompt, notes = read_episodes(episodes, domains.first.relations, seed)
        labels = tuple(domains.labels.values())
        task = msgspec.structs.replace(FEWREL, name=name, labels=labels)
        return episodic(task, fixed, notes, prompt, skipped=domains.skipped)
    rng = Random(seed)
    pids = divided(domains, ("tuning", "test", "selection"), rng)
    check_ways(path, pids, ways, none=bool(na_rate))
    parts, notes = apart({split: domains.of(split).by_label(pids[split]) for split in SPLITS})
    none = NONE if na_rate else None
    design = Design(ways, shots, none=none, none_share=none_share(na_rate, ways))
    drawn = {split: sample_episodes(parts[split], design, SAMPLED[split], rng) for split in SPLITS}
    domain = f" to {printable(test.stem)}," if test else ""
    rate = f", na_rate {na_rate}" if na_rate else ""
    task = msgspec.structs.replace(
        FEWREL,
        name=name,
        labels=labels_of(domains, pids, none),
        none=none,
        benchmark=f"FewRel{domain} {ways}-way {shots}-shot{rate}",
    )
    return episodic(task, drawn, notes, skipped=domains.skipped)
