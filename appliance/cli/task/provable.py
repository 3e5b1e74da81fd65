"""Says what the test split of a task can prove, before any prompt is tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import floor
from statistics import harmonic_mean

from appliance.kinds import KINDS
from appliance.statistics.clusters import Unit
from appliance.task import Case, Task
from appliance.verdict.verdict import ALPHA

UNITS: dict[Unit, str] = {
    "case": "rows",
    "group": "groups",
    "relation": "relations",
    "query": "different queries",
}


def provable(task: Task, test: Sequence[Case]) -> str:
    """One sentence on what the test cases can prove.

    Where the verdict's test is McNemar's, it says what gain they find. The power of the other tests
    is not known beforehand, so there it says what the verdict needs.
    """
    from appliance.statistics.claims import least_units
    from appliance.statistics.clusters import belonging
    from appliance.statistics.f1 import LEAST_POSITIVES
    from appliance.statistics.power import advice

    unit, clusters = belonging(test, task)
    if unit == "case" and task.metric == "accuracy":
        return advice(len(test))
    least_differing = least_units(ALPHA)
    cases = "queries" if task.protocol == "episodes" else "rows"
    weighed = len(set(clusters)) if clusters else len(test)
    if weighed < least_differing:
        least = f"at least {least_differing} are needed"
        return f"{UNITS[unit]} in the test split: {weighed}, too few to prove a gain; {least}"
    needs = [f"{least_differing} {UNITS[unit]} on which two prompts differ (of {weighed:,})"]
    if task.metric not in ("accuracy", "token_f1"):
        macro = task.metric == "macro_f1"
        what = "of each label, in harmonic mean" if macro else "with something to find"
        needs.append(f"{LEAST_POSITIVES} {cases} {what} (there are {_positives(task, test):,})")
        found = {c for c, case in zip(clusters, test, strict=False) if _positives(task, [case])}
        if clusters and not macro and len(found) < least_differing:
            needs.append(f"{least_differing} {UNITS[unit]} {what} (there are {len(found):,})")
    scope = "; what it says holds for these relations" if unit == "query" else ""
    return (
        f"{len(test):,} test {cases}: what gain they prove is not known beforehand; the verdict "
        f"needs at least {' and '.join(needs)}{scope}"
    )


def _positives(task: Task, test: Sequence[Case]) -> int:
    """The number of cases with something to find; for macro-F1 its harmonic mean over labels."""
    right = [_right(task, case) for case in test]
    if task.metric != "macro_f1":
        return sum(any(what != task.none for what in found) for found in right)
    counts = Counter(what for found in right for what in found).values()
    return floor(harmonic_mean(counts) + 1e-9) if counts else 0


def _right(task: Task, case: Case) -> Sequence[object]:
    """The entities or labels to be found."""
    if KINDS[task.kind].gold == "spans":
        return case.query.spans
    return case.query.labels if task.several else (case.options[case.gold],)
