"""The rows that a prompt shows: sets to begin with, and neighbours of a set."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from appliance.prompts.prompt import Prompt

Demonstrations = Mapping[str, tuple[str, ...]]
"""Ids of rows that may stand in a prompt, by label."""


def shot_sets(demonstrations: Demonstrations, seed: Prompt) -> dict[str, tuple[str, ...]]:
    """Named sets of demonstrations to explore: the seed's, the k-th row of every label, none."""
    if not any(demonstrations.values()):
        return {}
    depth = max(map(len, demonstrations.values()))
    sets = {
        f"row {k + 1} of each": tuple(rows[k] for rows in demonstrations.values() if len(rows) > k)
        for k in range(depth)
    }
    sets |= {"the seed's": seed.shots, "none": ()}
    names = {rows: name for name, rows in sets.items()}
    return {name: rows for rows, name in names.items()}


def other_shots(
    shots: tuple[str, ...], demonstrations: Demonstrations, random: Random
) -> tuple[str, ...]:
    """The shots with one added, dropped, moved, or replaced by another row of its label."""
    changed = list(shots)
    unused = [row for rows in demonstrations.values() for row in rows if row not in shots]
    move = random.choice(["add", "drop", "replace", "move"]) if shots else "add"
    if move == "add" and unused:
        changed.insert(random.randrange(len(changed) + 1), random.choice(unused))
    elif move == "drop":
        changed.pop(random.randrange(len(changed)))
    elif move == "move":
        row = changed.pop(random.randrange(len(changed)))
        changed.insert(random.randrange(len(changed) + 1), row)
    elif move == "replace":
        place = random.randrange(len(changed))
        siblings = next((rows for rows in demonstrations.values() if changed[place] in rows), ())
        others = [row for row in siblings if row not in shots]
        if others:
            changed[place] = random.choice(others)
    return tuple(changed)
