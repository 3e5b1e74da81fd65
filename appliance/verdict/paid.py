"""Labels that paid for what others gained."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.statistics.proportions import mcnemar_exact
from appliance.verdict.verdict import ALPHA, Answer, Paid


def paid(answers: Sequence[Answer]) -> tuple[Paid, ...]:
    """The labels that the best prompt finds less often than the seed prompt, the surest first.

    Each is proven by the exact McNemar test on its own cases, which are independent, at ``ALPHA``
    shared among all labels (Bonferroni).
    """
    by_label: dict[str, list[Answer]] = {}
    for answer in answers:
        by_label.setdefault(answer.gold, []).append(answer)
    fewer = {
        label: own
        for label, own in by_label.items()
        if sum(a.best_credit == 1.0 for a in own) < sum(a.seed_credit == 1.0 for a in own)
    }
    found = [_compared(label, own) for label, own in fewer.items()]
    proven = [one for one in found if one.p * len(by_label) < ALPHA]
    return tuple(sorted(proven, key=lambda one: (one.p, one.label)))


def _compared(label: str, answers: Sequence[Answer]) -> Paid:
    seed = [answer.seed_credit == 1.0 for answer in answers]
    best = [answer.best_credit == 1.0 for answer in answers]
    won = sum(b and not a for a, b in zip(seed, best, strict=True))
    lost = sum(a and not b for a, b in zip(seed, best, strict=True))
    return Paid(label, len(answers), sum(seed), sum(best), mcnemar_exact(won, lost))
