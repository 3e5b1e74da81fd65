"""Building a report from a verdict, its task and its cases."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec

from appliance.calibrate.separation import Separation
from appliance.kinds import KINDS, Metric
from appliance.prompts.prompt import Prompt
from appliance.prompts.show import plain, scoring
from appliance.search.alike import Alike
from appliance.statistics.clusters import belonging
from appliance.statistics.proportions import Estimate
from appliance.task import Case, Task
from appliance.verdict.leaks import Leak
from appliance.verdict.report.both import (
    Both,
    Name,
    Rates,
    both,
    exact,
    means,
    predicted,
    rated,
    share,
    tally,
)
from appliance.verdict.report.entities import by_type
from appliance.verdict.report.flips import flips
from appliance.verdict.report.labels import (
    by_label,
    confusions,
    directions,
    macro_f1,
    matrix,
    multiple,
)
from appliance.verdict.report.parts import by_part
from appliance.verdict.report.reliability import reliability
from appliance.verdict.report.report import Ranked, Report, Shown
from appliance.verdict.verdict import Verdict


def build(
    verdict: Verdict,
    task: Task,
    cases: Mapping[str, Case],
    prompts: Both[Prompt],
    *,
    run: str,
    at: str,
    look: int,
    ranked: Ranked | None,
    leaks: Sequence[Leak],
    private_rows: int,
    separation: Separation | None = None,
    alike: Sequence[Alike] = (),
) -> Report:
    """Builds the report. ``cases`` holds the test cases by their id. Where the verdict has no
    answers, the report has the verdict's figures alone."""
    return Report(
        **{name: getattr(verdict, name) for name in Verdict.__struct_fields__},
        run=run,
        at=at,
        look=look,
        task=task.name,
        kind=task.kind,
        prompts=Both(_shown(prompts.seed), _shown(prompts.best)),
        ranked=ranked,
        leaks=tuple(leaks),
        private_rows=private_rows,
        separation=separation,
        alike=tuple(alike),
        **(_sections(verdict, task, cases, prompts.best) if verdict.answers else {}),
    )


def _shown(prompt: Prompt) -> Shown:
    return Shown(
        prompt.id,
        plain(prompt),
        scoring(prompt),
        prompt.map is not None,
        prompt.likeness is not None,
    )


def _sections(
    verdict: Verdict, task: Task, cases: Mapping[str, Case], best: Prompt
) -> dict[str, Any]:
    answers = verdict.answers
    _, clusters = belonging([cases[a.case] for a in answers], task)
    won, lost = flips(task, answers, cases)
    accuracy = both(lambda name: share([exact(a, name) for a in answers]))
    found: dict[str, Any] = {
        "accuracy": _as_in_verdict(verdict, "accuracy", accuracy),
        "parts": by_part(answers),
        "reliability": reliability(answers, best),
        "won": won,
        "lost": lost,
    }
    match KINDS[task.kind].comparison:
        case "label":
            found |= _label_sections(verdict, task, clusters)
        case "entities":
            found |= {
                "micro": _micro(verdict, "span_f1", clusters),
                "types": by_type(task, answers, cases, clusters),
            }
        case "quote":
            token_f1 = both(lambda name: means(answers, name, clusters))
            found["token_f1"] = _as_in_verdict(verdict, "token_f1", token_f1)
        case _:
            found["unread"] = both(lambda name: share([not predicted(a, name) for a in answers]))
    return found


def _label_sections(verdict: Verdict, task: Task, clusters: Sequence[Hashable]) -> dict[str, Any]:
    answers = verdict.answers
    f1 = both(lambda name: macro_f1(task, answers, name, clusters))
    return {
        "micro": _micro(verdict, "micro_f1", clusters),
        "macro_f1": _as_in_verdict(verdict, "macro_f1", f1),
        "labels": tuple(by_label(task, answers, clusters)),
        "confused": tuple(confusions(answers)),
        "matrix": matrix(task, answers),
        "direction": directions(task, answers),
        "multiple": both(lambda name: multiple(answers, name)),
    }


def _micro(verdict: Verdict, metric: Metric, clusters: Sequence[Hashable]) -> Both[Rates]:
    counted = both(lambda name: rated([tally(a, name) for a in verdict.answers], clusters))
    f1 = _as_in_verdict(verdict, metric, Both(counted.seed.f1, counted.best.f1))
    return Both(
        msgspec.structs.replace(counted.seed, f1=f1.seed),
        msgspec.structs.replace(counted.best, f1=f1.best),
    )


def _as_in_verdict(verdict: Verdict, metric: Metric, found: Both[Estimate]) -> Both[Estimate]:
    """Returns the verdict's own interval where the verdict is by this metric, so that a figure has
    one interval everywhere."""
    if verdict.metric != metric:
        return found

    def taken(name: Name) -> Estimate:
        side = verdict.seed if name == "seed" else verdict.best
        return Estimate(side.value, *side.interval, side.n)

    return both(taken)
