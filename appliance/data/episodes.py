"""N-way K-shot episodes sampled from labelled rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from appliance.data.check import quoted
from appliance.errors import InputError
from appliance.task import Case, Example


def sample_episodes(
    examples_by_label: Mapping[str, Sequence[Example]],
    ways: int,
    shots: int,
    queries: int,
    count: int,
    rng: Random,
) -> list[Case]:
    """``count`` episodes: ``ways`` labels, ``shots`` support rows a label, ``queries`` queries.

    Gives ``count * queries`` cases; the cases of an episode stand together and share labels and
    support, whose rows come in random order. Each query has its own random way. No sentence stands
    twice in an episode, so no query can be looked up in its support. Deterministic in ``rng``,
    whatever the order of the rows. Source: Vinyals et al., Matching Networks, NeurIPS 2016.

    Raises InputError where labels or sentences do not suffice.
    """
    pools = {
        label: sorted(rows, key=lambda row: row.id)
        for label, rows in sorted(examples_by_label.items())
    }
    if len(pools) < ways:
        raise InputError(f"{ways}-way episodes need {ways} labels, {len(pools)} given; use fewer")
    return [case for _ in range(count) for case in _episode(pools, ways, shots, queries, rng)]


def _episode(
    pools: Mapping[str, Sequence[Example]], ways: int, shots: int, queries: int, rng: Random
) -> list[Case]:
    labels = rng.sample(list(pools), ways)
    seen: set[str] = set()

    def draw(label: str) -> Example:
        unseen = [row for row in pools[label] if row.text not in seen]
        if not unseen:
            raise InputError(
                f"label {quoted(label)} has too few sentences for {ways}-way {shots}-shot episodes "
                f"with queries={queries}: add rows, or ask for less"
            )
        row = rng.choice(unseen)
        seen.add(row.text)
        return row

    support = [draw(label) for label in labels for _ in range(shots)]
    rng.shuffle(support)
    asked = [draw(rng.choice(labels)) for _ in range(queries)]
    return [Case(query, tuple(labels), tuple(support)) for query in asked]
