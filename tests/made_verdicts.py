"""Verdicts that no model gave: answers drawn by a seeded coin, over made-up rows."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec

from appliance.kinds import Kind, Metric
from appliance.prompts.prompt import Prompt, Section
from appliance.statistics.clusters import belonging
from appliance.task import MULTIPLE, Case, Example, Label, Task
from appliance.verdict.judge import judge
from appliance.verdict.leaks import Leak
from appliance.verdict.report.both import Both
from appliance.verdict.report.build import build
from appliance.verdict.report.report import Ranked, Report
from appliance.verdict.verdict import (
    Answer,
    Noise,
    Unit,
    Verdict,
)

SEED = Prompt(
    (Section("task", "Which relation holds? One of: {labels}\n\n"),),
    "Sentence: {text}\nHead: {head}\nTail: {tail}\nRelation: {label}\n\n",
)
BEST = msgspec.structs.replace(
    SEED.with_section("guidance", "Read from the first entity to the second.\n\n"),
    wording="lower",
    weight=0.5,
    temperature=1.7,
    abstain=0.35,
)
RELATIONS = (
    "insured by",
    "Cause-Effect(e1,e2)",
    "Cause-Effect(e2,e1)",
    "employs",
    "founded in",
    "member of",
    "none of these",
)
NONE = RELATIONS[-1]


def task(kind: Kind, labels: Sequence[str] = (), **more: Any) -> Task:
    return Task("contracts", kind, "fixed", tuple(map(Label, labels)), **more)


def answer(
    case: str, gold: str, seed: str, best: str, none: str = NONE, confidence: float | None = None
) -> Answer:
    """One label each."""
    before, after = _tally(gold, seed, none), _tally(gold, best, none)
    return Answer(
        case, gold, seed, best, float(gold == seed), float(gold == best), before, after, confidence
    )


def verdict(
    answers: Sequence[Answer],
    metric: Metric = "accuracy",
    unit: Unit = "case",
    clusters: Sequence[str] = (),
    **more: Any,
) -> Verdict:
    """As it is given on the second look; ``more`` changes it."""
    judged = judge(
        answers,
        metric,
        SEED.id,
        BEST.id,
        "smollm2-135m",
        "Q4_1",
        alpha=0.025,
        unit=unit,
        clusters=clusters,
    )
    kept = {"answers": tuple(answers), "noise": Noise(64, 0), **more}
    return msgspec.structs.replace(judged, **kept)


def report(
    made: Verdict,
    of: Task,
    cases: Sequence[Case],
    *,
    leaks: Sequence[Leak] = (),
    best: Prompt = BEST,
) -> Report:
    return build(
        made,
        of,
        {case.id: case for case in cases},
        Both(SEED, best),
        run="ab12cd34",
        at="2026-01-02T03:04:05+00:00",
        look=2,
        ranked=Ranked("BF16", 0.981, 136),
        leaks=leaks,
        private_rows=412,
    )


def relations(n: int = 240, **more: Any) -> Report:
    """A fixed relation task with probabilities, pairs of directions and none of the above."""
    random = Random(7)
    of = task("relation", RELATIONS, none=NONE)
    cases, answers = [], []
    for i in range(n):
        gold = random.choice(RELATIONS)
        text = f"In {1900 + i} the yard of Norvex {i} was taken over by Halden Mutual and heirs."
        row = Example(text, (20, 26), (text.find("Halden"), text.find("Halden") + 13), gold)
        cases.append(Case(row, RELATIONS))
        seed = gold if random.random() < 0.42 else _other(random, gold)
        sure = random.random()
        best = gold if random.random() < 0.25 + 0.6 * sure else _other(random, gold)
        answers.append(
            answer(cases[-1].id, gold, seed, best, confidence=round(0.3 + 0.7 * sure, 4))
        )
    leak = Leak(cases[0].query.id, "text", "was taken over by halden mutual")
    return report(verdict(answers, **more), of, cases, leaks=[leak])


def episodes(files: int = 5, each: int = 60, **more: Any) -> Report:
    """Few-shot episodes drawn into several files, mostly none of the above, by micro-F1."""
    random = Random(3)
    of = task("relation", RELATIONS, none=NONE, metric="micro_f1", benchmark="FS-FewRel-style")
    cases, answers = [], []
    for i in range(files * each):
        gold = NONE if random.random() < 0.7 else random.choice(RELATIONS[:-1])
        text = f"Norvex {i} pays Halden {i}."
        row = Example(text, (0, 6), (text.find("Halden"), text.find("Halden") + 6), gold)
        cases.append(Case(row, RELATIONS, part=f"file {i // each + 1}"))
        seed = random.choice((gold, MULTIPLE, _other(random, gold)))
        best = random.choice((gold, gold, _other(random, gold)))
        made = answer(cases[-1].id, gold, seed, best)
        answers.append(msgspec.structs.replace(made, part=cases[-1].part))
    queries = [case.query.id for case in cases]
    return report(verdict(answers, "micro_f1", "query", queries, **more), of, cases)


def topics() -> Report:
    """Texts with any number of labels."""
    of = task("classify", ("sport", "money", "law"), several=True)
    made = (
        (("sport",), "sport", "sport | money"),
        (("sport", "money"), "sport", "sport | money"),
        ((), "law", ""),
        (("law",), "money | law", "law"),
    )
    cases, answers = [], []
    for i, (labels, seed, best) in enumerate(made):
        cases.append(Case(Example(f"text {i}", labels=labels), ("sport", "money", "law")))
        gold = " | ".join(y for y in ("sport", "money", "law") if y in labels)
        before, after = _sets(gold, seed), _sets(gold, best)
        credits = float(gold == seed), float(gold == best)
        answers.append(Answer(cases[-1].id, gold, seed, best, *credits, before, after, 0.8))
    return report(verdict(answers), of, cases)


def entities() -> Report:
    """Named entities, by span F1."""
    of = task("spans", ("person", "place"), metric="span_f1")
    text = "Ada Park moved to Norvik."
    ada, norvik = '{"type":"person","text":"Ada Park"}', '{"type":"place","text":"Norvik"}'
    moved = '{"type":"place","text":"moved"}'
    made = ((f"[{ada}]", f"[{ada},{norvik}]"), ("[]", f"[{ada},{moved}]"))
    tallies = (((1, 0, 1), (2, 0, 0)), ((0, 0, 2), (1, 1, 1)))
    cases, answers = [], []
    for i, ((seed, best), (before, after)) in enumerate(zip(made, tallies, strict=True)):
        row = Example(f"{text} {i}", spans=((0, 8, "person"), (18, 24, "place")))
        cases.append(Case(row))
        credits = [2 * t[0] / (2 * t[0] + t[1] + t[2]) for t in (before, after)]
        gold = f"[{ada},{norvik}]"
        answers.append(Answer(cases[-1].id, gold, seed, best, *credits, before, after))
    return report(verdict(answers, "span_f1"), of, cases)


def written(kind: Kind, grouped: bool = False) -> Report:
    """Answers to questions, with or without a passage: the seed prompt's are half empty."""
    of = task(kind, metric="token_f1" if kind == "reading" else "accuracy")
    part = 0.8 if kind == "reading" else 0.0
    cases, answers = [], []
    for i in range(12):
        text, group = f"The depot shut on day {i}.", str(i // 2) if grouped else ""
        row = Example(text, question="When?", answers=(f"day {i}",), group=group)
        cases.append(Case(row))
        seed, best = ("" if i % 2 else "day 0"), (f"day {i}" if i % 3 else f"on day {i}")
        credits = [
            1.0 if said == f"day {i}" else part if i and str(i) in said else 0.0
            for said in (seed, best)
        ]
        before, after = ((1, 0, 0) if c == 1 else (0, 1, 1) for c in credits)
        answers.append(Answer(cases[-1].id, f"day {i}", seed, best, *credits, before, after))
    unit, clusters = belonging(cases, of)
    return report(verdict(answers, of.metric, unit, clusters), of, cases)


def _other(random: Random, gold: str) -> str:
    return random.choice([label for label in RELATIONS if label != gold])


def _tally(gold: str, said: str, none: str) -> tuple[int, int, int]:
    right = gold == said
    return (
        int(right and gold != none),
        int(not right and said != none),
        int(not right and gold != none),
    )


def _sets(gold: str, said: str) -> tuple[int, int, int]:
    positives, told = (set(text.split(" | ")) if text else set() for text in (gold, said))
    return len(positives & told), len(told - positives), len(positives - told)
