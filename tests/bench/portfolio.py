"""Which formats work with hidden states on many tasks: the portfolio's choice and order.

    python tests/bench/portfolio.py --data DIR --models NAME --results FILE
    python tests/bench/portfolio.py --data DIR --results FILE --choose

``DIR`` holds the folders fewrel, bbh and folio. Each format is read off the states of up to 200
rows of each task by each model of the data folder of ``STROP_HOME``, in five folds. With
``--choose`` nothing is asked: the formats are ordered by what is in the results file. The first is
the one with the least mean loss above each task's best, and each of the others the one that lowers
most the mean over the tasks of the least loss so far (greedy set cover). The last lines leave one
task out: how far the first four of the others' order stay behind its best.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from fixed_tasks import tasks
from reading import reading

from appliance.calibrate.objective import Objective
from appliance.calibrate.readout import cross_validated
from appliance.data.split.demonstrations import shot_pool
from appliance.prompts.prompt import Prompt, Section
from appliance.scoring.hidden import as_states
from appliance.task import Case, Task

ROWS = 200
MOST = 300
FIRST = 4

RELATION = {
    "heads": ("", "Relation extraction.\n\n", "Relations: {labels}\n\n"),
    "examples": (
        "{text}\n{head} -> {tail}: {label}\n",
        "{text}\n{text}\n{head} -> {tail}: {label}\n",
        '{text}\nThe relation of "{head}" to "{tail}" is {label}\n',
        "{text}\nWhat is {head} to {tail}? {label}\n",
        "{text}\nWhat is {head} to {tail}? {head} is {tail}'s {label}\n",
        "{text}\n{head} is {tail}'s {label}\n",
        "What is {head} to {tail}?\n{text}\n{head} is {tail}'s {label}\n",
        "{head} | {tail}\n{text}\n{head} -> {tail}: {label}\n",
        "Sentence: {text}\nHead: {head}\nTail: {tail}\nRelation: {label}\n",
        "{text} ({head}; {tail}; {label}\n",
    ),
}
CLASSIFY = {
    "heads": ("", "Text classification.\n\n", "Labels: {labels}\n\n"),
    "examples": (
        "{text}\nLabel: {label}\n",
        "{text}\n{text}\nLabel: {label}\n",
        "{text}\nAnswer: {label}\n",
        "{text}\nThe correct answer is {label}\n",
        "{text} -> {label}\n",
        "{text}\nWhat is this about? {label}\n",
        "Text: {text}\nLabel: {label}\n",
        "Question: what is the label of this text? {text}\nAnswer: {label}\n",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=["smollm2-135m"])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--choose", action="store_true")
    given = parser.parse_args()
    results = json.loads(given.results.read_text()) if given.results.exists() else {}
    if not given.choose:
        for model in given.models:
            measure(model, given.data, results, given.results)
    for kind in ("relation", "classify"):
        choose(kind, results)


def measure(model: str, data: Path, results: dict[str, Any], file: Path) -> None:
    """Adds what the results lack: loss and accuracy of each format on each task."""
    with reading(model) as read:
        for task, rows in tasks(data, MOST):
            pool = shot_pool(task, [Case(row, names(task)) for row in rows])
            kept = {row for ids in pool.values() for row in ids}
            judged = [row for row in rows if row.id not in kept][:ROWS]
            shown = [row for row in rows if row.id in kept]
            for name, prompt in formats(task, pool):
                key = f"{task.kind} | {task.name} | {model} | {name}"
                if key in results:
                    continue
                outcomes = cross_validated(
                    as_states(read(task, judged, prompt, shown)), Objective()
                )
                results[key] = {
                    "loss": fmean(one.loss(PLAIN, "accuracy") for one in outcomes),
                    "accuracy": fmean(one.credit(PLAIN) for one in outcomes),
                    "n": len(outcomes),
                }
                file.write_text(json.dumps(results, indent=1) + "\n")
                print(key, results[key], flush=True)


PLAIN = Prompt((), "{text}{label}\n")


def names(task: Task) -> tuple[str, ...]:
    return tuple(label.name for label in task.labels)


def formats(task: Task, pool: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Prompt]]:
    """Every head with every example, without rows, and with one and two of each label."""
    parts = RELATION if task.kind == "relation" else CLASSIFY
    for head, example, shots in product(parts["heads"], parts["examples"], (0, 1, 2)):
        if shots and (head == "" or example != parts["examples"][0]):
            continue
        prompt = Prompt(
            sections=(Section("task", head),) if head else (),
            example=example,
            shots=tuple(row for ids in pool.values() for row in ids[:shots]),
            readout="hidden",
        )
        yield json.dumps({"head": head, "example": example, "shots": shots}), prompt


def choose(kind: str, results: Mapping[str, Any]) -> None:
    """Prints the formats of a kind in the order in which to try them."""
    table: dict[str, dict[str, float]] = {}
    for key, found in results.items():
        of, task, model, name = key.split(" | ", 3)
        if of == kind:
            table.setdefault(f"{task}, {model}", {})[name] = found["loss"]
    if not table:
        return
    print(f"{kind}: {len(table)} tasks and models")
    for place, name in enumerate(ordered(table), 1):
        print(f"{place:2} {name}  mean loss above the best {above(table, [name]):.3f}")
    for task, own in table.items():
        order = ordered({other: losses for other, losses in table.items() if other != task})
        behind = min(own[name] for name in order[:FIRST]) - min(own.values()) if order else 0.0
        print(f"   left out: {task}: the first {FIRST} stay {behind:.3f} nats behind its best")


def ordered(table: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The formats by greedy set cover of the tasks in ``table``, which have all of them."""
    if not table:
        return []
    left = set.intersection(*(set(losses) for losses in table.values()))
    chosen: list[str] = []
    while left:
        best = min(sorted(left), key=lambda name: above(table, [*chosen, name]))
        chosen.append(best)
        left.remove(best)
    return chosen


def above(table: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> float:
    """The mean over the tasks of the least loss of these formats above the task's best."""
    return fmean(
        min(losses[name] for name in names) - min(losses.values()) for losses in table.values()
    )


if __name__ == "__main__":
    main()
