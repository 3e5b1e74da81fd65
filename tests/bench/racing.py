"""What racing saves and what it loses, on recorded scores: races against full evaluation.

    python tests/bench/racing.py --data DIR --recorded FILE --results FILE

What a model of the data folder of ``STROP_HOME`` says to the rows of a task under many formats is
recorded once. Then formats race in a random order on the rows in a random order, as in a run, and
again and again. A race is right where its leader is the format with the least mean penalty on all
rows, or has at most a point of accuracy less; its price is the share of all pairs of a format and a
row that it asked for. ``--first`` tries another first rung than the one that a run has, and
``--little`` other numbers of standard errors by which a candidate may be behind.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from math import fsum
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import msgspec
from fixed_tasks import NAMES, tasks
from portfolio import formats
from reading import reading

from appliance.calibrate.objective import Objective, log_shares
from appliance.data.split.demonstrations import shot_pool
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence, State
from appliance.scoring.outcomes import Scored
from appliance.search import race as race_module
from appliance.search.accept import Ahead
from appliance.search.candidate import Candidate, Proposal
from appliance.search.race import Race
from appliance.search.schedule import DEEPEST, ordered
from appliance.statistics.proportions import wilson
from appliance.task import Case, Task

ROWS = 300
POINT = 0.01
AT_ONCE = 4


class Recorded(msgspec.Struct):
    """What the model said to every case under every prompt."""

    prompts: list[Prompt]
    states: list[list[State]]
    choices: list[list[Scored]]

    def evidence(self) -> dict[str, dict[str, Evidence]]:
        said: Sequence[Sequence[Evidence]] = self.states or self.choices
        return {
            prompt.id: {one.case: one for one in own}
            for prompt, own in zip(self.prompts, said, strict=True)
        }


class Told:
    """An evaluator that knows what the model said; ``spent`` counts cases."""

    def __init__(self, task: Task, said: dict[str, dict[str, Evidence]]) -> None:
        self.task = task
        self.said = said
        self.spent = 0.0
        self.tokens = 0

    def asked(self, prompt: Prompt, cases: Sequence[Case]) -> str:
        return prompt.id

    def writes(self, prompt: Prompt) -> bool:
        return False

    def score(self, prompt: Prompt, cases: Sequence[Case], role: str = "search") -> list[Evidence]:
        self.spent += len(cases)
        return [self.said[prompt.id][case.id] for case in cases]

    def score_together(
        self, prompts: Sequence[Prompt], cases: Sequence[Case]
    ) -> list[list[Evidence]]:
        return [self.score(prompt, cases) for prompt in prompts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--set", choices=NAMES, default="sample")
    parser.add_argument("--readout", choices=("hidden", "words"), default="hidden")
    parser.add_argument("--formats", type=int, default=25)
    parser.add_argument("--races", type=int, default=200)
    parser.add_argument("--first", type=int)
    parser.add_argument("--little", type=float, nargs="+", default=[race_module.LITTLE])
    parser.add_argument("--recorded", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    [(task, rows)] = tasks(given.data, ROWS, [given.set])
    labels = tuple(label.name for label in task.labels)
    pool = shot_pool(task, [Case(row, labels) for row in rows])
    kept = {row for ids in pool.values() for row in ids}
    shown = [row for row in rows if row.id in kept]
    cases = [Case(row, labels) for row in rows if row.id not in kept]
    if not given.recorded.exists():
        prompts = [
            msgspec.structs.replace(prompt, readout=given.readout)
            for _, prompt in formats(task, pool)
        ][: given.formats]
        with reading(given.model) as read:
            said = [read(task, [c.query for c in cases], prompt, shown) for prompt in prompts]
        hidden = given.readout == "hidden"
        found: Any = (prompts, said, []) if hidden else (prompts, [], said)
        given.recorded.write_bytes(msgspec.msgpack.encode(Recorded(*found)))
    recorded = msgspec.msgpack.decode(given.recorded.read_bytes(), type=Recorded)
    results = json.loads(given.results.read_text()) if given.results.exists() else {}
    if given.first:
        race_module.first_rung = lambda prompt, labels: given.first
    first = f", first {given.first}" if given.first else ""
    for race_module.LITTLE in given.little:
        found = summary(list(races(task, cases, recorded, given.races)))
        key = f"{task.name}, {given.model}, {given.readout}{first}, behind {race_module.LITTLE:g}"
        results[key] = found
        given.results.write_text(json.dumps(results, indent=1) + "\n")
        print(key, json.dumps(found), flush=True)


def races(
    task: Task, cases: Sequence[Case], recorded: Recorded, count: int
) -> Iterator[dict[str, float]]:
    """What each race took, and how far its leader stays behind the best format on all cases."""
    said = recorded.evidence()
    objective = Objective(task.metric, log_shares(cases))
    full = {
        prompt.id: Candidate(
            prompt, "full", objective=objective, scored=[said[prompt.id][c.id] for c in cases]
        )
        for prompt in recorded.prompts
    }

    def penalty(candidate: Candidate) -> float:
        return fsum(candidate.penalties(len(cases)))

    best = min(full.values(), key=penalty)
    for seed in range(count):
        evaluator = Told(task, said)
        prompts = Random(seed).sample(recorded.prompts, len(recorded.prompts))
        leader = raced(evaluator, ordered(cases, task, seed), objective, prompts)
        yield {
            "asked": evaluator.spent / (len(prompts) * len(cases)),
            "behind": best.estimate.value - full[leader.prompt.id].estimate.value,
            "loss": (penalty(full[leader.prompt.id]) - penalty(best)) / len(cases),
            "same": float(leader.prompt.id == best.prompt.id),
        }


def raced(
    evaluator: Any, cases: Sequence[Case], objective: Objective, prompts: Sequence[Prompt]
) -> Candidate:
    led: list[Candidate] = []

    def seen(candidate: Candidate, outcome: str) -> None:
        if outcome == "leads":
            led.append(candidate)

    race = Race(evaluator, cases, objective, seen)
    proposals = [Proposal(prompt, "format") for prompt in prompts]
    for at in range(0, len(proposals), AT_ONCE):
        race.round(proposals[at : at + AT_ONCE], depth=DEEPEST, accept=Ahead(), going=lambda: True)
    return led[-1]


def summary(found: Sequence[dict[str, float]]) -> dict[str, Any]:
    right = [one["same"] > 0 or one["behind"] <= POINT for one in found]
    share = wilson(sum(right), len(found))
    return {
        "races": len(found),
        "asked": round(fmean(one["asked"] for one in found), 4),
        "right": round(share.value, 4),
        "interval": [round(share.low, 4), round(share.high, 4)],
        "same": round(fmean(one["same"] for one in found), 4),
        "loss": round(fmean(one["loss"] for one in found), 4),
        "behind": round(fmean(one["behind"] for one in found), 4),
        "worst": round(max(one["behind"] for one in found), 4),
    }


if __name__ == "__main__":
    main()
