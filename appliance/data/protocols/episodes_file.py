"""Reads a file of fixed episodes: the rows that each asks about and shows, and a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from appliance.data.decoding import decode
from appliance.data.split.splits import split_episodes
from appliance.errors import PromptError
from appliance.files import refused
from appliance.prompts.prompt import Prompt, Section
from appliance.task import Case, Example, Split
from appliance.text import quoted

LAYOUT = (
    "an episodes file has tuning_relations, test_relations, tuning, test and seed_prompt, as "
    "docs/data.md describes them"
)

Relations = Mapping[str, Mapping[int, Example]]
"""Rows by relation and by their numbers in it, from 0."""


class _Episode(msgspec.Struct, forbid_unknown_fields=True):
    """``support`` lists [way, row] in the order shown; ``query`` is a row of the gold relation."""

    relations: list[str]
    support: list[tuple[int, int]]
    query: int
    gold: int


class _SeedPrompt(msgspec.Struct, forbid_unknown_fields=True):
    instruction: str
    labels_joined_by: str
    example: str
    content_free: object = None


class _Episodes(msgspec.Struct, forbid_unknown_fields=True):
    """``about`` and ``content_free`` are taken, because benchmark files have them, but not used."""

    tuning_relations: list[str]
    test_relations: list[str]
    tuning: list[_Episode]
    test: list[_Episode]
    seed_prompt: _SeedPrompt
    about: object = None


def read_episodes(
    path: Path, relations: Relations, seed: int
) -> tuple[dict[Split, list[Case]], Prompt, tuple[str, ...]]:
    """The cases of each split, the seed prompt, and notes on what was dropped.

    ``relations`` holds the rows, by relation, that the file refers to. The file's test episodes are
    the test split; ``split_episodes`` divides its tuning episodes. Raises InputError that names the
    file and the episode.
    """
    given = decode(path, _Episodes, LAYOUT)
    if shared := sorted(set(given.tuning_relations) & set(given.test_relations)):
        raise refused(path, f"relation {quoted(shared[0])} is for tuning and for test; keep one")
    offered = _cases(path, "tuning", given.tuning, given.tuning_relations, relations)
    test = _cases(path, "test", given.test, given.test_relations, relations)
    if not test:
        raise refused(path, "has no test episodes; the verdict needs some")
    tuning, selection = split_episodes(offered, test, seed)
    if not tuning or not selection:
        raise refused(
            path,
            f"{len(offered)} tuning episodes leave {len(tuning)} for tuning and {len(selection)} "
            "for selection, because no sentence may stand in two splits; add episodes of other "
            "rows",
        )
    dropped = len(offered) - len(tuning) - len(selection)
    note = (
        f"{dropped} of {len(offered)} tuning episodes dropped: they share a sentence with a test "
        "episode or with one that is held out for selection"
    )
    cases: dict[Split, list[Case]] = {"tuning": tuning, "selection": selection, "test": test}
    return cases, _prompt(path, given.seed_prompt), (note,) if dropped else ()


def _cases(
    path: Path, key: str, episodes: Sequence[_Episode], allowed: Sequence[str], known: Relations
) -> list[Case]:
    cases: dict[str, Case] = {}
    for number, episode in enumerate(episodes):
        if defect := _defect(episode, allowed, known):
            raise refused(path, f"{key}[{number}]: {defect}")
        pools = [known[pid] for pid in episode.relations]
        case = Case(
            query=pools[episode.gold][episode.query],
            labels=tuple(next(iter(pool.values())).label for pool in pools),
            support=tuple(pools[way][row] for way, row in episode.support),
        )
        if cases.setdefault(case.id, case) is not case:
            first = list(cases).index(case.id)
            raise refused(path, f"{key}[{number}]: is the same as {key}[{first}]; remove one")
    return list(cases.values())


def _defect(episode: _Episode, allowed: Sequence[str], known: Relations) -> str | None:
    ways = episode.relations
    if strange := [pid for pid in ways if pid not in allowed or pid not in known]:
        return f"relation {quoted(strange[0])} is not one of this split's, or has no sentences"
    if len(ways) < 2 or len(set(ways)) < len(ways):
        return "relations are not two or more different ones"
    for way, row in [*episode.support, (episode.gold, episode.query)]:
        if not 0 <= way < len(ways):
            return f"way {way} is outside its {len(ways)} relations"
        if row not in known[ways[way]]:
            pid, rows = quoted(ways[way]), len(known[ways[way]])
            return f"row {row} is none of the {rows} rows of relation {pid}, counted from 0"
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
