"""Tuned prompts against one plain line written by hand, both with hidden states, on many tasks.

    python tests/bench/plain_line.py --data DIR --results FILE

``DIR`` holds the folders fewrel, bbh and folio. Each set becomes a task with 200 rows for tuning
and selection and up to 200 of the others as test rows, is tuned through the command line in the
data folder of ``STROP_HOME`` and compared on the test rows with the line, whose map is fitted to
the same 200 rows. A run that is in the results file is not done again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from command_line import strop
from fixed_tasks import NAMES, tasks
from reading import Read, reading

from appliance import locations
from appliance.calibrate.readout import predicted
from appliance.data.tasks import load
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt, Section
from appliance.scoring.hidden import as_states
from appliance.search.objective import objective_of
from appliance.statistics.paired import paired
from appliance.task import Case, Example, Task
from store import database

TUNING, SELECTION, TEST = 140, 60, 200
LINES = {
    "relation": ("Relation extraction.\n\n", "{text}\n{head} -> {tail}: {label}\n"),
    "classify": ("Text classification.\n\n", "{text}\nLabel: {label}\n"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=["smollm2-135m", "qwen2.5-coder-0.5b"])
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--minutes", default="10")
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    results = json.loads(given.results.read_text()) if given.results.exists() else {}
    for task, rows in tasks(given.data, TUNING + SELECTION + TEST, given.sets):
        name = f"plain-{task.name}"
        import_rows(name, task, rows)
        for model in given.models:
            for seed in given.seeds:
                key = f"{task.name} {model} {seed}"
                if key not in results:
                    asked = ("--model", model, "--seed", str(seed), "--minutes", given.minutes)
                    run = strop("tune", name, *asked)
                    results[key] = compared(name, model, run)
                    given.results.write_text(json.dumps(results, indent=1) + "\n")
                print(key, json.dumps(results[key]), flush=True)


def import_rows(name: str, task: Task, rows: Sequence[Example]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        with file.open("w") as out:
            for number, row in enumerate(rows):
                split = "train" if number < TUNING else "dev"
                split = "test" if number >= TUNING + SELECTION else split
                spans = {"head": row.head, "tail": row.tail} if row.head else {}
                one = {"text": row.text, "label": row.label, "split": split, **spans}
                out.write(json.dumps(one) + "\n")
        none = ("--none", task.none) if task.none else ()
        options = ("--kind", task.kind, "--split-column", "split", "--may-ship", *none)
        strop("task", "import", "jsonl", str(file), "--name", name, *options)


def compared(name: str, model: str, run: dict[str, Any]) -> dict[str, Any]:
    """The run's figures, those of the plain line, and what the run gains over it."""
    db = database.open(locations.store_path())
    loaded = load(db, name)
    answers = {case: best for case, _, _, best, *_ in strop("verdict", run["run"])["answers"]}
    test = loaded.cases["test"]
    right = [float(answers[case.id] == case.query.label) for case in test]
    with reading(model) as read:
        line = by_the_line(read, loaded)
    gain = paired(line, right)
    verdict = run["verdict"]
    return {
        "run": run["run"],
        "minutes": run["minutes"],
        "verdict": verdict["words"],
        "n": len(test),
        "seed": verdict["seed"]["value"],
        "tuned": verdict["best"]["value"],
        "line": gain.before.value,
        "gain": [gain.gain, gain.low, gain.high],
        "controls": {each["name"]: each["value"] for each in verdict["controls"]},
        "prompt": run["prompt_text"],
    }


def by_the_line(read: Read, loaded: Loaded) -> list[float]:
    """Which test rows the plain line has right, read by a map of all other rows."""
    head, example = LINES[loaded.task.kind]
    prompt = Prompt((Section("task", head),), example, readout="hidden")
    shots = [loaded.rows[row] for rows in loaded.demonstrations.values() for row in rows]
    cases: list[Case] = [*loaded.cases["tuning"], *loaded.cases["selection"]]
    seen = as_states(read(loaded.task, [*shots, *(c.query for c in cases)], prompt, ()))
    new = as_states(read(loaded.task, [c.query for c in loaded.cases["test"]], prompt, ()))
    found = predicted(seen, new, objective_of(loaded))
    return [one.credit(Prompt((), "{text}{label}\n")) for one in found]


if __name__ == "__main__":
    main()
