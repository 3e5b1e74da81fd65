"""Labels that the best prompt finds less often than the seed prompt."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.statistics.paired import weigh
from appliance.verdict.verdict import ALPHA, Answer, Paid


def paid(answers: Sequence[Answer], clusters: Sequence[str] = ()) -> tuple[Paid, ...]:
    """The labels that the best prompt finds less often than the seed prompt, the surest first.

    Each is proven on its own cases at ``ALPHA`` shared among all labels (Bonferroni): by the exact
    McNemar test or, where cases belong to ``clusters``, by flipping the signs of whole ones.
    """
    by_label: dict[str, list[int]] = {}
    for at, answer in enumerate(answers):
        by_label.setdefault(answer.gold, []).append(at)
    found = []
    for label, own in by_label.items():
        seed = [float(answers[at].seed_credit == 1.0) for at in own]
        best = [float(answers[at].best_credit == 1.0) for at in own]
        if sum(best) < sum(seed):
            p = weigh(seed, best, [clusters[at] for at in own] if clusters else ()).p
            found.append(Paid(label, len(own), round(sum(seed)), round(sum(best)), p))
    proven = [one for one in found if one.p * len(by_label) < ALPHA]
    return tuple(sorted(proven, key=lambda one: (one.p, one.label)))
