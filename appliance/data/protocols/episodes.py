"""N-way K-shot episodes sampled from labelled rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import msgspec

from appliance.data.split.splits import near_duplicate_key
from appliance.errors import InputError
from appliance.task import Case, Example
from appliance.text import quoted


class Design(msgspec.Struct, frozen=True):
    """What an episode is: ``ways`` labels, ``shots`` support rows of each, ``queries`` queries.

    With ``none``, none of the above, a query may have another label than the ways: ``none_share``
    of all queries that are drawn together do, exactly but for rounding; None leaves it to chance.
    The label of a query is drawn evenly from those that it may have, or ``by_size``, in proportion
    to their rows, which is their natural distribution.
    """

    ways: int = 5
    shots: int = 1
    queries: int = 1
    none: str | None = None
    none_share: float | None = 0.0
    by_size: bool = False


def none_share(na_rate: int, ways: int) -> float:
    """The share of queries outside the ways by the sampler of FewRel 2.0 (Gao et al., EMNLP 2019):
    it asks ``na_rate`` times as many of them as of each way."""
    return na_rate / (ways + na_rate)


def sample_episodes(
    examples_by_label: Mapping[str, Sequence[Example]],
    design: Design,
    count: int,
    rng: Random,
    part: str = "",
) -> list[Case]:
    """``count`` episodes, ``count * design.queries`` cases of the file called ``part``.

    The cases of an episode stand together and share labels and support, whose rows come in random
    order; the labels end with none of the above, if the design has it. Rows labelled so are asked
    for, but never a way, and neither is a label that has no more sentences than ``shots``. No
    sentence stands twice in an episode, near-duplicates included, so no query can be looked up in
    its support. Deterministic in ``rng``, whatever the order of the rows. Source: Vinyals et al.,
    Matching Networks, NeurIPS 2016.

    Raises InputError where labels or sentences do not suffice.
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
        # The scarcest first, so that no other way takes its last sentences.
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
    """Rows by label, in an order that is theirs alone, and what their sentences count as."""

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
        """How many different ones a label has."""
        return self._sentences[label]


class _Draw:
    """Draws rows for one episode, each with a sentence that is new to it."""

    def __init__(self, pools: _Pools, design: Design, rng: Random) -> None:
        self._pools = pools
        self._by_size = design.by_size
        self._rng = rng
        self._seen: set[str] = set()

    def __call__(self, among: Sequence[str]) -> Example:
        """A row of one of the labels; those without a new sentence are passed over."""
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
