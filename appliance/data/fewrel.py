"""Importer for FewRel (Han et al., EMNLP 2018): relations of tokenised sentences, as episodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec

from appliance.data import Imported
from appliance.data.check import check_labels, find_span, quoted, read_utf8, refused
from appliance.data.episodes import sample_episodes
from appliance.errors import PromptError
from appliance.prompt import Prompt, Section
from appliance.task import SPLITS, Case, Example, Label, Split, Task

SAMPLED: dict[Split, int] = {"tuning": 300, "selection": 100, "test": 1500}
SELECTION_PART = 4
LAYOUT = "the layout is that of github.com/thunlp/FewRel"

Relations = Mapping[str, list[Example]]
T = TypeVar("T")


_Entity = tuple[str, str, list[list[int]]]


class _Row(msgspec.Struct):
    """An entity is its name, its id and its mentions, each the indices of its tokens."""

    tokens: list[str]
    h: _Entity
    t: _Entity


class _SeedPrompt(msgspec.Struct):
    instruction: str
    labels_joined_by: str
    example: str


class _Episode(msgspec.Struct):
    """``support`` is [way, row] in order of presentation; ``query`` a row of the gold relation."""

    relations: list[str]
    support: list[tuple[int, int]]
    query: int
    gold: int


class _Episodes(msgspec.Struct):
    tuning_relations: list[str]
    test_relations: list[str]
    tuning: list[_Episode]
    test: list[_Episode]
    seed_prompt: _SeedPrompt


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

    With ``episodes`` the cases are that file's, exactly: its test episodes are the test split,
    a quarter of its tuning episodes, drawn by ``seed``, the selection split; its seed prompt comes
    along, and ``ways`` and ``shots`` are the file's. Without, the relations are divided among the
    splits by ``seed`` and episodes are sampled. Only rows that some case uses are handed over.

    Raises InputError that names the file, the relation and the row.
    """
    raw = _decode(path, dict[str, msgspec.Raw])
    labels = _labels(names, raw)
    relations = {
        pid: _examples(path, pid, rows, labels[pid].name, may_ship) for pid, rows in raw.items()
    }
    counts = {labels[pid].name: len(rows) for pid, rows in relations.items()}
    check_labels(path, list(counts), None, counts)
    prompt = None
    if episodes is None:
        cases = _sampled(path, relations, seed, ways, shots)
    else:
        fixed = _decode(episodes, _Episodes)
        cases = _fixed(episodes, fixed, relations, seed)
        prompt = _prompt(episodes, fixed.seed_prompt)
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
    return Imported(task, list(used.values()), cases, prompt)


def _labels(names: Path, relations: Iterable[str]) -> dict[str, Label]:
    known = _decode(names, dict[str, tuple[str, str]])
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
) -> dict[Split, list[Case]]:
    """Disjoint relations for each split, as even as they go: tuning first, then test."""
    if len(relations) < len(SPLITS) * ways:
        what = f"{len(relations)} relations; {ways}-way episodes over three disjoint splits need"
        raise refused(path, f"{what} {len(SPLITS) * ways}: ask for fewer ways")
    rng = Random(seed)
    shuffled = rng.sample(sorted(relations), len(relations))
    order: tuple[Split, ...] = ("tuning", "test", "selection")
    shares = {split: shuffled[i :: len(order)] for i, split in enumerate(order)}
    cases = {}
    for split in SPLITS:
        rows = {relations[pid][0].label: relations[pid] for pid in shares[split]}
        cases[split] = sample_episodes(rows, ways, shots, 1, SAMPLED[split], rng)
    return cases


def _fixed(
    path: Path, fixed: _Episodes, relations: Relations, seed: int
) -> dict[Split, list[Case]]:
    if shared := sorted(set(fixed.tuning_relations) & set(fixed.test_relations)):
        raise refused(path, f"relation {quoted(shared[0])} is for tuning and for test; keep one")
    if len(fixed.tuning) < SELECTION_PART or not fixed.test:
        raise refused(path, f"needs {SELECTION_PART} tuning episodes and one test episode at least")
    tuning = _cases(path, "tuning", fixed.tuning, fixed.tuning_relations, relations)
    ranked = sorted(range(len(tuning)), key=lambda i: sha256(f"{seed}:{i}".encode()).digest())
    held = set(ranked[: len(tuning) // SELECTION_PART])
    return {
        "tuning": [case for i, case in enumerate(tuning) if i not in held],
        "selection": [case for i, case in enumerate(tuning) if i in held],
        "test": _cases(path, "test", fixed.test, fixed.test_relations, relations),
    }


def _cases(
    path: Path, key: str, episodes: Sequence[_Episode], allowed: Sequence[str], known: Relations
) -> list[Case]:
    cases = []
    for number, episode in enumerate(episodes):
        if defect := _episode_defect(episode, allowed, known):
            raise refused(path, f"{key}[{number}]: {defect}")
        pools = [known[pid] for pid in episode.relations]
        cases.append(
            Case(
                query=pools[episode.gold][episode.query],
                labels=tuple(pool[0].label for pool in pools),
                support=tuple(pools[way][row] for way, row in episode.support),
            )
        )
    return cases


def _episode_defect(episode: _Episode, allowed: Sequence[str], known: Relations) -> str | None:
    ways = episode.relations
    if strange := [pid for pid in ways if pid not in allowed or pid not in known]:
        return f"relation {quoted(strange[0])} is not one of this split's, or has no sentences"
    if len(ways) < 2 or len(set(ways)) < len(ways):
        return "relations are not two or more different ones"
    for way, row in [*episode.support, (episode.gold, episode.query)]:
        if not 0 <= way < len(ways):
            return f"way {way} is outside its {len(ways)} relations"
        if not 0 <= row < len(known[ways[way]]):
            return f"row {row} is outside relation {ways[way]} of {len(known[ways[way]])} rows"
    if (episode.gold, episode.query) in episode.support:
        return f"the query, row {episode.query}, stands in its own support"
    if len({sum(w == way for w, _ in episode.support) for way in range(len(ways))}) > 1:
        return "support has not the same number of rows for each relation"
    return None


def _prompt(path: Path, seed: _SeedPrompt) -> Prompt:
    try:
        return Prompt(
            sections=(Section("task", seed.instruction),),
            example=seed.example.replace("{sentence}", "{text}"),
            join=seed.labels_joined_by,
        )
    except PromptError as error:
        raise refused(path, f"seed_prompt: {error}") from None


def _decode(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(read_utf8(path), type=kind)
    except RecursionError:
        raise refused(path, f"is nested too deeply; {LAYOUT}") from None
    except msgspec.DecodeError as error:
        raise refused(path, f"{error}; {LAYOUT}") from None
