"""What stands behind a verdict: label by label, answer by answer, and how far to believe it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec

from appliance.prompts.prompt import Prompt
from appliance.prompts.show import plain, scoring
from appliance.statistics.proportions import Estimate
from appliance.task import (
    Case,
    Kind,
    Metric,
    Task,
)
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
from appliance.verdict.report.entities import TypeRow, by_type
from appliance.verdict.report.flips import Flip, flips
from appliance.verdict.report.labels import (
    Confused,
    Direction,
    LabelRow,
    Matrix,
    by_label,
    confusions,
    directions,
    macro_f1,
    matrix,
    multiple,
)
from appliance.verdict.report.parts import Parts, by_part
from appliance.verdict.report.reliability import Reliability, reliability
from appliance.verdict.verdict import Verdict, belonging


class Shown(msgspec.Struct, frozen=True):
    """A prompt as a person reads it, and how its answers are scored."""

    id: str
    text: str
    scoring: str


class Ranked(msgspec.Struct, frozen=True):
    """How the body that searched ranked labels against the one that serves: Spearman's rho over
    ``n`` label scores."""

    search_body: str
    spearman: float
    n: int


class Report(Verdict, frozen=True, kw_only=True):
    """A verdict and what a person reads before believing it: the document ``strop/verdict/1``.

    ``at`` is when it was given (ISO-8601, UTC); ``look`` counts the looks at the test split.
    ``accuracy`` is the share of cases that are wholly right; ``micro`` counts what was claimed and
    missed, none of the above left out; ``unread`` is the share of answers in which nothing could be
    found. ``multiple`` counts answers that are wrong since several labels got a yes. ``confused``,
    ``matrix`` and ``reliability`` are the best prompt's. ``leaks`` were looked for in
    ``private_rows`` rows. What a kind of task does not have is empty or None.
    """

    run: str
    at: str
    look: int
    task: str
    kind: Kind
    prompts: Both[Shown]
    ranked: Ranked | None
    leaks: tuple[Leak, ...]
    private_rows: int
    accuracy: Both[Estimate] | None = None
    micro: Both[Rates] | None = None
    macro_f1: Both[Estimate] | None = None
    token_f1: Both[Estimate] | None = None
    unread: Both[Estimate] | None = None
    labels: tuple[LabelRow, ...] = ()
    confused: tuple[Confused, ...] = ()
    matrix: Matrix | None = None
    direction: Both[Direction] | None = None
    multiple: Both[int] | None = None
    types: tuple[TypeRow, ...] = ()
    parts: Parts | None = None
    reliability: Reliability | None = None
    won: tuple[Flip, ...] = ()
    lost: tuple[Flip, ...] = ()


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
) -> Report:
    """``cases`` are those of the test split by their id. Where the verdict has no answers, its
    figures stand alone."""
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
        **(_sections(verdict, task, cases, prompts.best) if verdict.answers else {}),
    )


def _shown(prompt: Prompt) -> Shown:
    return Shown(prompt.id, plain(prompt), scoring(prompt))


def _sections(
    verdict: Verdict, task: Task, cases: Mapping[str, Case], best: Prompt
) -> dict[str, Any]:
    answers = verdict.answers
    _, clusters = belonging([cases[a.case] for a in answers], task)
    won, lost = flips(task, answers, cases)
    accuracy = both(lambda name: share([exact(a, name) for a in answers]))
    found: dict[str, Any] = {
        "accuracy": _as_judged(verdict, "accuracy", accuracy),
        "parts": by_part(answers),
        "reliability": reliability(answers, best),
        "won": won,
        "lost": lost,
    }
    match task.kind:
        case "relation" | "classify":
            found |= _of_labels(verdict, task, clusters)
        case "spans":
            found |= {
                "micro": _micro(verdict, "span_f1", clusters),
                "types": by_type(task, answers, cases, clusters),
            }
        case "reading":
            token_f1 = both(lambda name: means(answers, name, clusters))
            found["token_f1"] = _as_judged(verdict, "token_f1", token_f1)
        case _:
            found["unread"] = both(lambda name: share([not predicted(a, name) for a in answers]))
    return found


def _of_labels(verdict: Verdict, task: Task, clusters: Sequence[Hashable]) -> dict[str, Any]:
    answers = verdict.answers
    f1 = both(lambda name: macro_f1(task, answers, name, clusters))
    return {
        "micro": _micro(verdict, "micro_f1", clusters),
        "macro_f1": _as_judged(verdict, "macro_f1", f1),
        "labels": tuple(by_label(task, answers, clusters)),
        "confused": tuple(confusions(answers)),
        "matrix": matrix(task, answers),
        "direction": directions(task, answers),
        "multiple": both(lambda name: multiple(answers, name)),
    }


def _micro(verdict: Verdict, metric: Metric, clusters: Sequence[Hashable]) -> Both[Rates]:
    counted = both(lambda name: rated([tally(a, name) for a in verdict.answers], clusters))
    f1 = _as_judged(verdict, metric, Both(counted.seed.f1, counted.best.f1))
    return Both(
        msgspec.structs.replace(counted.seed, f1=f1.seed),
        msgspec.structs.replace(counted.best, f1=f1.best),
    )


def _as_judged(verdict: Verdict, metric: Metric, found: Both[Estimate]) -> Both[Estimate]:
    """One figure has one interval: where the verdict is by it, the verdict's."""
    if verdict.metric != metric:
        return found

    def judged(name: Name) -> Estimate:
        side = verdict.seed if name == "seed" else verdict.best
        return Estimate(side.value, *side.interval, side.n)

    return both(judged)
