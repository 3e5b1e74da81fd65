"""How far probabilities can be believed, and what is gained by withholding doubtful answers.

Functions of ``confidences`` and ``correct`` raise ValueError for no answers, or for sequences
of different length.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.statistics.proportions import wilson

COLDEST, HOTTEST = 0.05, 20.0
"""The bounds of a fitted temperature."""

POINTS = 50
"""The number of points that a curve has at most."""

Values = NDArray[np.float64]


class Bin(msgspec.Struct, frozen=True):
    """``n`` answers whose confidences lie in [``low``, ``high``] and have the mean ``confidence``.
    ``accuracy`` is the share of them that is right, with its 95 % Wilson interval."""

    low: float
    high: float
    confidence: float
    accuracy: float
    interval: tuple[float, float]
    n: int


def reliability_bins(
    confidences: Sequence[float], correct: Sequence[bool], bins: int = 10
) -> list[Bin]:
    """Returns bins of equally many answers, the least confident first. Equal confidences stay in
    one bin, so sizes may differ."""
    known, right, _ = _arrays(confidences, correct)
    found = []
    for place in np.unique(places := _places(known, bins)):
        inside = places == place
        share = wilson(int(right[inside].sum()), int(inside.sum()))
        found.append(
            Bin(
                low=float(known[inside].min()),
                high=float(known[inside].max()),
                confidence=float(known[inside].mean()),
                accuracy=share.value,
                interval=(share.low, share.high),
                n=share.n,
            )
        )
    return found


def ece(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> float:
    """The expected calibration error: the mean distance between confidence and share right over
    bins of equal mass, weighted by their answers. Source: Naeini, Cooper and Hauskrecht, AAAI 2015.

    With few answers it is above 0 however good the confidences are.
    """
    found = reliability_bins(confidences, correct, bins)
    total = sum(b.n for b in found)
    return sum(b.n * abs(b.accuracy - b.confidence) for b in found) / total


def coverage_curve(
    confidences: Sequence[float], correct: Sequence[bool]
) -> list[tuple[float, float]]:
    """Returns pairs (share answered, share of these that is wrong).

    Each pair gives all answers from some confidence up. There is one for each confidence that
    occurs, thinned to ``POINTS``; the last has all answers.

    Source: El-Yaniv and Wiener, JMLR 11 (2010).
    """
    coverage, risk = _risks(*_arrays(confidences, correct)[:2])
    kept = np.unique(np.linspace(0, len(coverage) - 1, POINTS).round().astype(int))
    return [(float(c), float(r)) for c, r in zip(coverage[kept], risk[kept], strict=True)]


def fit_temperature(
    scores: Sequence[Sequence[float]], gold: Sequence[int], weights: Sequence[float] | None = None
) -> float:
    """Returns the temperature T from ``COLDEST`` to ``HOTTEST`` under which softmax(scores / T) has
    the least mean cross-entropy, to 1e-4. Source: Guo et al., ICML 2017.

    With n cases the target of the right label is (n + 1) / (n + 2), and the other labels together
    have the rest. So the best T is not the coldest where all answers are right. Source: Platt,
    Advances in Large Margin Classifiers (1999), whose two classes are right and wrong here.

    ``scores`` is [cases, labels], where cases may differ in their number of labels; ``gold`` holds
    the index of each right label, ``weights`` how much each case counts. Raises ValueError for no
    cases.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    if not scores:
        raise ValueError("a temperature needs a case at least")
    table = np.full((len(scores), max(map(len, scores))), -np.inf)
    for row, each in zip(table, scores, strict=True):
        row[: len(each)] = each
    at = np.arange(len(table)), list(gold)
    right, others = table[at], table.copy()
    others[at] = -np.inf
    rivals = np.array([len(each) > 1 for each in scores])

    def loss(log_temperature: float) -> float:
        beta = np.exp(-log_temperature)
        gap = np.where(rivals, logsumexp(beta * others, axis=1) - beta * right, 0.0)
        losses = np.logaddexp(0, gap) - gap / (len(scores) + 2)
        return float(np.average(losses, weights=weights))

    bounds = (np.log(COLDEST), np.log(HOTTEST))
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x
    ends = min((*bounds, best), key=loss)
    return round(float(np.exp(ends)), 4)


def fit_platt(
    margins: Sequence[float], yes: Sequence[bool], weights: Sequence[float] | None = None
) -> tuple[float, float]:
    """Returns the temperature T, bounded as above, and the intercept e, the margin at which a yes
    is as likely as a no. Under them sigmoid((margin - e) / T) has the least mean cross-entropy, to
    1e-4; ``weights`` say how much each answer counts.

    The target of a yes is (n+ + 1) / (n+ + 2) and that of a no 1 / (n- + 2), so that e is finite
    where all answers are of one kind. Source: Platt, Advances in Large Margin Classifiers (1999).
    Raises ValueError for no margins.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    at, right, share = _arrays(margins, yes, weights)
    n, found = len(right), int(right.sum())
    wanted = np.where(right, (found + 1) / (found + 2), 1 / (n - found + 2))

    def loss(line: Values) -> tuple[float, Values]:
        odds = line[0] * at + line[1]
        excess = share * (expit(odds) - wanted)
        return float(share @ (np.logaddexp(0, odds) - wanted * odds)), np.array(
            [excess @ at, excess.sum()]
        )

    slopes = (1 / HOTTEST, 1 / COLDEST)
    slope, height = minimize(
        loss,
        np.array([1.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=(slopes, (None, None)),
        options={"ftol": 1e-14, "gtol": 1e-9},
    ).x
    return round(float(1 / slope), 4), round(float(-height / slope), 4)


def fit_abstention(
    confidences: Sequence[float],
    correct: Sequence[bool],
    penalty: float = 0.5,
    weights: Sequence[float] | None = None,
) -> float:
    """Returns the confidence below which answers are withheld. It minimises the errors plus
    ``penalty`` times the withheld answers on these cases, of which each counts by its weight; it is
    the lowest of equals, and 0 where nothing is withheld. The most confident answers are always
    given.

    Source of the rule: Chow, IEEE Transactions on Information Theory 16 (1970).
    """
    known, right, share = _arrays(confidences, correct, weights)
    levels, first = np.unique(known, return_index=True)
    withheld = np.concatenate([[0], np.cumsum(share)])
    errors = np.concatenate([[0], np.cumsum(share * ~right)])
    left = errors[-1] - errors[first] + penalty * withheld[first]
    best = int(left.round(9).argmin())
    return float(levels[best]) if best else 0.0


def _arrays(
    confidences: Sequence[float], correct: Sequence[bool], weights: Sequence[float] | None = None
) -> tuple[Values, NDArray[np.bool_], Values]:
    """Sorts the answers, the least confident first, whatever order they came in. The last array has
    their weights, which sum to 1."""
    known, right = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=np.bool_)
    if known.shape != right.shape or len(known) == 0:
        raise ValueError(f"{len(known)} confidences of {len(right)} answers")
    share = np.ones(len(known)) if weights is None else np.asarray(weights, dtype=np.float64)
    order = np.lexsort((share, right, known))
    return known[order], right[order], share[order] / share.sum()


def _places(known: Values, bins: int) -> NDArray[np.int64]:
    """Returns the bin of each answer, by the middle rank of answers with its confidence."""
    _, level, counts = np.unique(known, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(known)
    return np.minimum((middle * bins).astype(np.int64), bins - 1)[level]


def _risks(known: Values, right: NDArray[np.bool_]) -> tuple[Values, Values]:
    """Returns coverage and risk at each confidence that occurs, the highest first."""
    _, level, counts = np.unique(-known, return_inverse=True, return_counts=True)
    errors = np.bincount(level, (~right).astype(np.float64))
    given = np.cumsum(counts)
    return given / len(known), np.cumsum(errors) / given
