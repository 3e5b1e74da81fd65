"""What the benchmarks share: tuning a task with several seeds, kept in a results file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from appliance import locations
from appliance.data.tasks import load
from appliance.encode.renderer import Renderer
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Prices, Workbench
from appliance.host.host import Host, tokeniser_of
from appliance.host.prepare import prepare
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.run import client
from appliance.run.evaluate import Unrecorded
from appliance.run.events import GivenVerdict
from appliance.run.messages import Resume, Tune
from appliance.run.read import last_event
from appliance.scoring.hidden import read
from models.catalog import Catalog
from models.pool import Pool
from store import memo, prompts, runs


class MemoFirst(Unrecorded):
    """Calls that any run has made are not made again; the others are forgotten."""

    def __init__(self, db: Any) -> None:
        super().__init__()
        self.db = db

    def recall(self, key: str) -> bytes | None:
        return memo.get(self.db, key)


def arguments(summary: str, minutes: float) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--results", type=Path, required=True)
    return parser


def tune_with_seeds(db: Any, task: str, given: argparse.Namespace) -> dict[str, Any]:
    """One run to its verdict for every seed that the results file lacks; what the file holds then.

    A run that was begun with the same seed, model and minutes is gone on with. The answers are
    those of the seed prompt and of each tuned one to the test cases: 1 is right.
    """
    results: dict[str, Any] = {"tuned": {}}
    if given.results.exists():
        results = json.loads(given.results.read_text())
    loaded = load(db, task)
    for seed in given.seeds:
        if str(seed) in results["tuned"]:
            continue
        request = {"task": task, "model": given.model, "minutes": given.minutes, "seed": seed}
        after = last_event(db)
        begun = begun_run(db, {**request, "task": loaded.id})
        answer = client.ask(db, Resume(), begun) if begun else client.ask(db, Tune(**request))
        verdict = follow_to_verdict(db, answer.run, after)
        body = prompts.get(db, verdict["best"]["prompt"]).content
        best = msgspec.json.decode(body, type=Prompt)
        with open_evaluator(db, loaded, given.model) as evaluator:
            # Both were scored for the verdict, so every reply is in the memo.
            untuned, tuned = (
                answers(evaluator, prompt, loaded.cases["test"]) for prompt in (loaded.seed, best)
            )
        results["seed answers"] = untuned
        results["tuned"][str(seed)] = {
            "minutes": given.minutes,
            "prompt": {**json.loads(body), "map": None, "likeness": None},
            "verdict": verdict,
            "answers": tuned,
        }
        keep(given.results, results)
        print(json.dumps({"tuning seed": seed, **verdict}), flush=True)
    return results


def begun_run(db: Any, inputs: dict[str, Any]) -> str | None:
    """The newest run with these inputs that has not ended."""
    for run in runs.all(db):
        if run.status != "finished" and inputs.items() <= msgspec.json.decode(run.inputs).items():
            return run.id
    return None


def keep(file: Path, results: dict[str, Any]) -> None:
    file.write_text(json.dumps(results, indent=1) + "\n")


def answers(evaluator: Evaluator, prompt: Prompt, cases: Sequence[Any]) -> str:
    """One digit a case, by the serving body: 1 is right."""
    scored = read(prompt, evaluator.score(prompt, cases, "serving"))
    return "".join("01"[outcome.correct(prompt)] for outcome in scored)


def digits(text: str) -> list[int]:
    return [int(digit) for digit in text]


def follow_to_verdict(db: Any, run: str, after: int) -> dict[str, Any]:
    """Waits for a run's end, in its events after that one. Raises RuntimeError if it has no verdict
    then."""
    for event in client.follow(db, run, after):
        if isinstance(event, GivenVerdict):
            return msgspec.to_builtins(event)
    raise RuntimeError(f"run {run}: {runs.get(db, run).status}, {runs.get(db, run).error}")


@contextmanager
def open_evaluator(db: Any, loaded: Loaded, model: str) -> Iterator[Evaluator]:
    with Pool() as pool:
        host = Host(Catalog(locations.models_folder()), pool, print)
        record = prepare(host, model)
        names = {"serving": record.serving_body, "search": record.search}
        bodies = {role: host.body(record, body, Prices(0.0)) for role, body in names.items()}
        bench = Workbench(pool, bodies, MemoFirst(db), lambda: None)
        tokeniser = tokeniser_of(host, record, record.serving_body)
        renderer = Renderer(loaded.task, loaded.rows, tokeniser)
        yield Evaluator(bench, renderer)
