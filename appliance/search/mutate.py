"""Local search: the leader with one of its rules, its shape or its demonstrations changed."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from msgspec.structs import replace

from appliance.prompt import Prompt
from appliance.search.formats import ENDS, JOINS, ORDERS, WORDINGS, Space, choose_point

Pool = Mapping[str, tuple[str, ...]]


def mutate(prompt: Prompt, pool: Pool, random: Random, space: Space) -> tuple[Prompt, str]:
    """A neighbour and the section it changes. ``pool`` holds demonstrations by label."""
    genes = ["example", "end", "task", "wording", "order"]
    if "{labels}" in prompt.section("task"):
        genes.append("join")
    if any(pool.values()):
        # Most of what a fixed task's prompt can still gain lies in which rows it shows.
        genes += ["shots"] * 4
    gene = random.choice(genes)
    match gene:
        case "example":
            point = choose_point(lambda _, options: random.choice(list(options)), (), space)
            return replace(
                prompt, example=space.template(point) + "{label}" + prompt.separator
            ), gene
        case "end":
            stem = prompt.example.partition("{label}")[0]
            end = ENDS[random.choice(list(ENDS))]
            return replace(prompt, example=stem + "{label}" + end), "example"
        case "task":
            return prompt.with_section("task", space.heads[random.choice(list(space.heads))]), gene
        case "wording":
            return replace(prompt, wording=random.choice(WORDINGS)), "labels"
        case "order":
            return replace(prompt, order=random.choice(ORDERS)), "demonstrations"
        case "join":
            return replace(prompt, join=JOINS[random.choice(list(JOINS))]), "labels"
        case _:
            return replace(prompt, shots=_other_shots(prompt.shots, pool, random)), "demonstrations"


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
