"""N-way K-shot episodes sampled from labelled rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import msgspec

from appliance.errors import InputError
from appliance.task import Case, Example
from appliance.text import near_duplicate_key, quoted


class Design(msgspec.Struct, frozen=True):
    """An episode has ``ways`` labels, ``shots`` support rows of each, and ``queries`` queries.

    ``none`` is the label for none of the above: with it a query may have a label that is not a way.
    ``none_share`` is the share of such queries among all that are drawn together, exact but for
    rounding; None leaves it to chance. The label of a query is drawn uniformly from those that it
    may have, or with ``by_size`` in proportion to their rows, which is their natural distribution.
    """

    ways: int = 5
    shots: int = 1
    queries: int = 1
    none: str | None = None
    none_share: float | None = 0.0
    by_size: bool = False


def none_share(na_rate: int, ways: int) -> float:
    """The share of queries outside the ways in FewRel 2.0 (Gao et al., EMNLP 2019).

    Its sampler draws ``na_rate`` queries outside the ways for each query of one way.
    """
    return na_rate / (ways + na_rate)


def sample_episodes(
    examples_by_label: Mapping[str, Sequence[Example]],
    design: Design,
    count: int,
    rng: Random,
    part: str = "",
) -> list[Case]:
    """Samples ``count`` episodes and returns their ``count * design.queries`` cases.

    ``part`` is the name of their file. The cases of an episode stand together and share labels and
    support, whose rows come in random order. The labels end with none of the above, if the design
    has it. That label is never a way, but rows with it can be queries. A label that has no more
    sentences than ``shots`` is never a way either. No sentence, near-duplicates included, stands
    twice in an episode, so no query can be looked up in its support. The result depends on the rows
    and ``rng``, not on the order of the rows. Source: Vinyals et al., Matching Networks, NeurIPS
    2016.

    Raises InputError where there are too few labels or sentences.
    """
    pools = _Pools(examples_by_label)
    labels = [x for x in pools.rows if x != design.none and pools.sentences(x) > design.shots]
    needed, kind = design.ways, f"{design.ways}-way {design.shots}-shot episodes"
    if len(labels) < needed:
        what = f"{kind} need {needed} labels with more than {design.shots} different sentences"
        raise InputError(f"{what}, {len(labels)} given; ask for fewer ways or shots")
    if design.none_share != 0.0 and len(pools.rows) == needed:
        what = f"{kind} with none of the above need rows of another label than the {needed} given"
        raise InputError(f"{what}; ask for fewer ways")
    total = count * design.queries
    outside = set(rng.sample(range(total), round(total * (design.none_share or 0.0))))
    cases = []
    for first in range(0, total, design.queries):
        ways = rng.sample(labels, design.ways)
        draw = _Draw(pools, design, rng)
        # The way with the fewest sentences is drawn first, before another takes its last ones.
        support = [
            draw([x]) for x in sorted(ways, key=pools.sentences) for _ in range(design.shots)
        ]
        rng.shuffle(support)
        offered = tuple(ways) if design.none is None else (*ways, design.none)
        for number in range(first, first + design.queries):
            among = list(pools.rows)
            if design.none_share is not None:
                among = [label for label in among if (label not in ways) == (number in outside)]
            cases.append(Case(draw(among), offered, tuple(support), part))
    return cases


class _Pools:
    """Rows by label with near-duplicate keys, sorted so that their given order does not count."""

    def __init__(self, examples_by_label: Mapping[str, Sequence[Example]]) -> None:
        self.rows = {
            label: sorted(rows, key=lambda row: row.id)
            for label, rows in sorted(examples_by_label.items())
            if rows
        }
        self.key = {
            row.text: near_duplicate_key(row.text) for rows in self.rows.values() for row in rows
        }
        self._sentences = {
            label: len({self.key[row.text] for row in rows}) for label, rows in self.rows.items()
        }

    def sentences(self, label: str) -> int:
        """How many different sentences a label has."""
        return self._sentences[label]


class _Draw:
    """Draws rows for one episode, each with a sentence that is new to it."""

    def __init__(self, pools: _Pools, design: Design, rng: Random) -> None:
        self._pools = pools
        self._by_size = design.by_size
        self._rng = rng
        self._seen: set[str] = set()

    def __call__(self, among: Sequence[str]) -> Example:
        """Draws a row of one of the labels. Labels without a new sentence are passed over."""
        left = [label for label in among if any(map(self._is_new, self._pools.rows[label]))]
        if not left:
            what = f"label {quoted(among[0])} has too few sentences that its episode has not shown"
            raise InputError(f"{what}: add rows, or ask for fewer shots or queries")
        sizes = [len(self._pools.rows[label]) for label in left]
        [label] = self._rng.choices(left, sizes if self._by_size else None)
        while not self._is_new(row := self._rng.choice(self._pools.rows[label])):
            pass
        self._seen.add(self._pools.key[row.text])
        return row

    def _is_new(self, row: Example) -> bool:
        return self._pools.key[row.text] not in self._seen
