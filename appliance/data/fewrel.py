"""Importer for FewRel (Han et al., EMNLP 2018): relations of tokenised sentences, as episodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from random import Random

import msgspec

from appliance.data import Imported
from appliance.data.check import check_labels, decode, find_span, quoted, refused
from appliance.data.episodes import sample_episodes
from appliance.data.episodes_file import Relations, read_episodes
from appliance.data.splits import near_duplicate_key
from appliance.task import SPLITS, Case, Example, Label, Split, Task

SAMPLED: dict[Split, int] = {"tuning": 300, "selection": 100, "test": 1500}
LAYOUT = "the layout is that of github.com/thunlp/FewRel"

_Entity = tuple[str, str, list[list[int]]]


class _Row(msgspec.Struct):
    """An entity is its name, its id and its mentions, each the indices of its tokens."""

    tokens: list[str]
    h: _Entity
    t: _Entity


def read_fewrel(
    path: Path,
    names: Path,
    *,
    name: str,
    episodes: Path | None = None,
    seed: int,
    ways: int = 5,
    shots: int = 1,
    may_ship: bool = False,
) -> Imported:
    """An episodic task from FewRel's sentences (``{relation: [row]}``) and its ``pid2name.json``.

    With ``episodes`` the cases are that file's: its test episodes are the test split, all of them;
    a quarter of its tuning episodes is held out for selection (see ``split_episodes``, also for
    those that are dropped). Its seed prompt comes along, and ``ways`` and ``shots`` are the file's.
    Without, the relations are divided among the splits by ``seed``, rows whose sentence stands in
    two of them are left out, and episodes are sampled. Either way no sentence of one split stands
    in another. Only rows that some case uses are handed over.

    Raises InputError that names the file, the relation and the row.
    """
    raw = decode(path, dict[str, msgspec.Raw], LAYOUT)
    labels = _labels(names, raw)
    relations = {
        pid: _examples(path, pid, rows, labels[pid].name, may_ship) for pid, rows in raw.items()
    }
    counts = {labels[pid].name: len(rows) for pid, rows in relations.items()}
    check_labels(path, list(counts), None, counts)
    prompt = None
    if episodes is None:
        cases, notes = _sampled(path, relations, seed, ways, shots)
    else:
        cases, prompt, notes = read_episodes(episodes, relations, seed)
    task = Task(
        name=name,
        kind="relation",
        protocol="episodes",
        labels=tuple(labels.values()),
        origin="FewRel, github.com/thunlp/FewRel",
        licence="MIT",
    )
    used = {
        row.id: row
        for split in SPLITS
        for case in cases[split]
        for row in (*case.support, case.query)
    }
    return Imported(task, list(used.values()), cases, prompt, notes)


def _labels(names: Path, relations: Iterable[str]) -> dict[str, Label]:
    known = decode(names, dict[str, tuple[str, str]], LAYOUT)
    if missing := [pid for pid in relations if pid not in known]:
        raise refused(names, f"no name for relation {quoted(missing[0])}; add [name, description]")
    return {pid: Label(*known[pid]) for pid in relations}


def _examples(path: Path, pid: str, raw: bytes, label: str, may_ship: bool) -> list[Example]:
    place = f"relation {quoted(pid)}"
    try:
        rows = msgspec.json.decode(raw, type=list[_Row])
    except msgspec.DecodeError as error:
        raise refused(path, f"{place}: {error} ($[n] is row n); {LAYOUT}") from None
    examples = []
    for number, row in enumerate(rows):
        try:
            head, tail = _span(row.tokens, row.h), _span(row.tokens, row.t)
        except ValueError as error:
            raise refused(path, f"{place}, row {number}: {error}") from None
        examples.append(Example(" ".join(row.tokens), head, tail, label, may_ship))
    return examples


def _span(tokens: Sequence[str], entity: _Entity) -> tuple[int, int]:
    """Characters of the entity's first mention, from its first token to its last."""
    name, _, mentions = entity
    if not mentions or not mentions[0]:
        raise ValueError(f"{quoted(name)} has no mention; give the indices of its tokens")
    first, last = min(mentions[0]), max(mentions[0])
    if first < 0 or last >= len(tokens):
        raise ValueError(f"{quoted(name)} is outside the sentence of {len(tokens)} tokens")
    start = sum(len(token) + 1 for token in tokens[:first])
    return find_span(" ".join(tokens), [start, start + len(" ".join(tokens[first : last + 1]))])


def _sampled(
    path: Path, relations: Relations, seed: int, ways: int, shots: int
) -> tuple[dict[Split, list[Case]], tuple[str, ...]]:
    """Disjoint relations and sentences for each split, as even as they go: tuning first, then
    test. With notes on what was left out: an episode that is drawn again counts once."""
    if len(relations) < len(SPLITS) * ways:
        what = f"{len(relations)} relations; {ways}-way episodes over three disjoint splits need"
        raise refused(path, f"{what} {len(SPLITS) * ways}: ask for fewer ways")
    rng = Random(seed)
    shuffled = rng.sample(sorted(relations), len(relations))
    order: tuple[Split, ...] = ("tuning", "test", "selection")
    parts = {split: {p: relations[p] for p in shuffled[i::3]} for i, split in enumerate(order)}
    splits_with = Counter(
        sentence for part in parts.values() for sentence in {*map(_sentence, chain(*part.values()))}
    )
    notes = []
    if shared := sum(splits_with[_sentence(row)] > 1 for row in chain(*relations.values())):
        notes.append(f"{shared} rows left out: their sentences stand in relations of two splits")
    cases: dict[Split, list[Case]] = {}
    for split in SPLITS:
        pools = {
            rows[0].label: [row for row in rows if splits_with[_sentence(row)] == 1]
            for rows in parts[split].values()
        }
        drawn = sample_episodes(pools, ways, shots, 1, SAMPLED[split], rng)
        cases[split] = list({case.id: case for case in drawn}.values())
        if again := len(drawn) - len(cases[split]):
            notes.append(f"{again} {split} episodes left out: they had been drawn before")
    return cases, tuple(notes)


def _sentence(row: Example) -> str:
    return near_duplicate_key(row.text)
