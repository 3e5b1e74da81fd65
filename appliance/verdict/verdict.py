"""The types of a verdict, which says whether the best prompt is better than the seed prompt."""

from __future__ import annotations

from typing import Literal

import msgspec

from appliance.kinds import Metric
from appliance.statistics.clusters import Unit
from appliance.task import Tally

ALPHA = 0.05
GAIN, DISCORDANCE = 0.1, 0.2
"""The gain that the power is computed for, and the least share of differing answers it assumes."""

AGAIN = 64
"""Cases that are scored a second time, in another order, to measure the engine's noise."""


class Side(msgspec.Struct, frozen=True):
    """A prompt's ``value`` by the verdict's metric, with its 95 % interval, over ``n`` cases."""

    prompt: str
    value: float
    interval: tuple[float, float]
    n: int


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The answers to one test case.

    ``gold`` is the right answer; ``seed`` and ``best`` are what the two prompts answered. A credit
    says how far an answer is right (0 to 1), a tally how it counts. ``confidence`` is the
    probability of the best prompt's answer, None where it has none. ``part`` names the sampled file
    of episodes that the case is from.
    """

    case: str
    gold: str
    seed: str
    best: str
    seed_credit: float
    best_credit: float
    seed_tally: Tally
    best_tally: Tally
    confidence: float | None = None
    part: str = ""


class Noise(msgspec.Struct, frozen=True):
    """The engine's noise: the best prompt was scored twice on ``n`` cases.

    ``changed`` counts the answers that differ; ``largest`` is the largest difference between the
    two scores of one thing, in nats.
    """

    n: int
    changed: int
    largest: float = 0.0


Reading = Literal["", "words", "hidden", "likeness"]


class Control(msgspec.Struct, frozen=True):
    """What a way without the model does on the same ``n`` cases by the verdict's metric. ``gain``
    is the best prompt minus it, with its paired 95 % interval; ``p`` is that of the verdict's
    test, which says nothing where these cases are too few to be ``provable``. It has ``learnt``
    from so many of the ``rows`` outside the test split."""

    name: str
    value: float
    interval: tuple[float, float]
    gain: float
    gain_interval: tuple[float, float]
    p: float
    n: int
    learnt: int = 0
    rows: int = 0
    provable: bool = True

    def is_beaten(self, alpha: float) -> bool:
        """Whether the best prompt is proven better."""
        return self.gain > 0 and self.p < alpha and self.provable


class Paid(msgspec.Struct, frozen=True):
    """The best prompt has ``after`` of a label's ``n`` cases right, the seed prompt ``before``."""

    label: str
    n: int
    before: int
    after: int
    p: float


class Verdict(msgspec.Struct, frozen=True):
    """Two prompts compared on the same cases.

    ``gain`` is best minus seed by the ``metric``, with its paired 95 % interval. ``wins`` and
    ``losses`` count the cases that one of the two got right to a higher degree. ``p`` is that of
    ``test`` and counts below ``alpha``. Where cases belong together in ``clusters`` of a ``unit``,
    test and interval weigh whole clusters. ``refused`` says why nothing can be claimed, whatever p
    is; ``scope`` says what a claim is limited to. ``power`` is how often a true gain of ``GAIN``
    would be proven on ``n`` independent cases. ``controls`` are ways without the model, and
    ``paid`` are labels that are found less often than before. ``reading`` says how the best prompt
    reads labels; it is empty where answers are written.
    """

    seed: Side
    best: Side
    metric: Metric
    n: int
    gain: float
    interval: tuple[float, float]
    p: float
    test: str
    wins: int
    losses: int
    better: bool
    words: str
    model: str
    body: str
    split: str = "test"
    unit: Unit = "case"
    clusters: int = 0
    alpha: float = ALPHA
    power: float | None = None
    refused: str = ""
    scope: str = ""
    noise: Noise | None = None
    controls: tuple[Control, ...] = ()
    paid: tuple[Paid, ...] = ()
    reading: Reading = ""
    answers: tuple[Answer, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether the seed prompt stands because nothing better was found."""
        return self.best.prompt == self.seed.prompt


def threshold(look: int) -> float:
    """The value that p has to stay below at a look at a test split; looks are counted from 1.

    Each look halves it. Without a true gain look k says "better" with a chance of at most half of
    its threshold, so all looks together do so with a chance of at most ALPHA, however many there
    are (Bonferroni with unequal shares; the spending view is Lan and DeMets', Biometrika 70, 1983).
    """
    return ALPHA * 0.5 ** (look - 1)
