"""One tuned prompt on each of six public tasks, at small equal budgets, each to its verdict.

    python tests/bench/kinds.py --data DIR --model NAME --minutes 4 --results FILE

``DIR`` holds the folders bbh, gsm8k, folio, wnut17 and xquad. Everything goes through the command
line in the data folder of ``STROP_HOME``. Of each set so many rows are asked as ``SIZES`` says.
Budgets are in cost units, tokens at prices that are frozen for each run: equal numbers of tokens
on a quiet machine; how many there were is the last column. A task that is in the results file is
not tuned again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from appliance import locations
from models.engine import Generated, Gradients, Proposals, Scores, States, decode_reply
from store import database, journal

SIZES = "72,36,100"
TASKS = {
    "hyperbaton": ("bbh", "bbh/hyperbaton.json"),
    "object_counting": ("bbh", "bbh/object_counting.json"),
    "gsm8k": ("gsm8k", "gsm8k/train-1000.jsonl"),
    "folio": ("folio", "folio/folio-train.jsonl"),
    "wnut17": ("conll", "wnut17/wnut17train.conll"),
    "xquad": ("squad", "xquad/xquad.en.json"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    given = parser.parse_args()
    results: dict[str, Any] = {}
    if given.results.exists():
        results = json.loads(given.results.read_text())
    for name in given.only:
        if name not in results:
            results[name] = one(name, given)
            given.results.write_text(json.dumps(results, indent=1) + "\n")
        print(row(name, results[name]), flush=True)


def one(name: str, given: argparse.Namespace) -> dict[str, Any]:
    kind, file = TASKS[name]
    importing = ("task", "import", kind, str(given.data / file), "--name", name)
    strop(*importing, "--sizes", SIZES, "--may-ship")
    tuning = ("--model", given.model, "--minutes", str(given.minutes), "--seed", "1")
    run = strop("tune", name, *tuning)
    return {"run": run, "tokens": tokens(run["run"])}


def tokens(run: str) -> int:
    """Read, written and differentiated by the run, its verdict included."""
    with database.open(locations.store_path()) as db:
        replies = [decode_reply(e.reply) for e in journal.entries(db, run) if e.kind == "call"]
    total = 0
    for reply in replies:
        match reply:
            case Scores() | States() | Proposals():
                total += reply.unique
            case Generated():
                total += reply.unique + reply.sampled
            case Gradients():
                total += reply.decoded
    return total


def strop(*arguments: str) -> dict[str, Any]:
    command = [str(Path(sys.executable).with_name("strop")), *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def row(name: str, result: dict[str, Any]) -> str:
    """Of the table in docs/benchmarks.md."""
    verdict = result["run"]["verdict"]
    low, high = verdict["interval"]
    return (
        f"| {name} | {verdict['metric']} | {verdict['n']} | {_side(verdict['seed'])} | "
        f"{_side(verdict['best'])} | {verdict['gain']:+.3f} [{low:+.3f}, {high:+.3f}] | "
        f"{verdict['p']:.2g} | {verdict['words']} | {result['tokens']:,} |"
    )


def _side(side: dict[str, Any]) -> str:
    low, high = side["interval"]
    return f"{side['value']:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
