"""Local search: the leader with one of its rules, its shape or its demonstrations changed."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from msgspec.structs import replace

from appliance.prompts.prompt import Prompt
from appliance.search.spaces.space import (
    JOINS,
    Space,
    choose_point,
    example,
)

Pool = Mapping[str, tuple[str, ...]]

SECTION_OF = {"wording": "labels", "order": "demonstrations"}
"""Where a rule of a prompt shows; the others show in the example."""


def mutate(prompt: Prompt, pool: Pool, random: Random, space: Space) -> tuple[Prompt, str]:
    """A neighbour and the section it changes. ``pool`` holds demonstrations by label."""
    genes = ["example", "end", "task", *space.rules]
    if "{labels}" in prompt.section("task"):
        genes.append("join")
    if space.words:
        genes.append("words")
    if space.channels and prompt.mode == "raw":
        genes.append("channel")
    if any(pool.values()):
        # Most of what a fixed task's prompt can still gain lies in which rows it shows.
        genes += ["shots"] * 4
    gene = random.choice(genes)
    match gene:
        case "example":
            point = choose_point(lambda _, options: random.choice(list(options)), (), space)
            return replace(prompt, example=example(point, space, prompt.separator)), gene
        case "end":
            end = space.ends[random.choice(list(space.ends))]
            return replace(prompt, example=f"{prompt.stem}{{{prompt.target}}}{end}"), "example"
        case "task":
            return prompt.with_section("task", space.heads[random.choice(list(space.heads))]), gene
        case "join":
            return replace(prompt, join=JOINS[random.choice(list(JOINS))]), "labels"
        case "words":
            return replace(prompt, words=space.words[random.choice(list(space.words))]), "labels"
        case "channel":
            return replace(
                prompt, reverse=random.choice(("", *space.channels)), channel_weight=0.0
            ), gene
        case "shots":
            return replace(prompt, shots=_other_shots(prompt.shots, pool, random)), "demonstrations"
        case rule:
            value = random.choice(space.rules[rule])
            return replace(prompt, **{rule: value}), SECTION_OF.get(rule, "example")


def _other_shots(shots: tuple[str, ...], pool: Pool, random: Random) -> tuple[str, ...]:
    """One demonstration added, dropped, replaced by another row of its label, or moved."""
    changed = list(shots)
    unused = [row for rows in pool.values() for row in rows if row not in shots]
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
        siblings = next((rows for rows in pool.values() if changed[place] in rows), ())
        others = [row for row in siblings if row not in shots]
        if others:
            changed[place] = random.choice(others)
    return tuple(changed)


def shot_sets(pool: Pool, seed: Prompt) -> dict[str, tuple[str, ...]]:
    """Named sets of demonstrations to explore: the seed's, the k-th row of every label, none."""
    if not any(pool.values()):
        return {}
    depth = max(map(len, pool.values()))
    sets = {
        f"row {k + 1} of each": tuple(rows[k] for rows in pool.values() if len(rows) > k)
        for k in range(depth)
    }
    sets |= {"the seed's": seed.shots, "none": ()}
    names = {rows: name for name, rows in sets.items()}
    return {name: rows for rows, name in names.items()}
