"""Real models of three families, each tuned to its verdict on two tasks, raw and as a chat.

    python tests/bench/real_models.py --data DIR --results FILE

``DIR`` holds the folder fewrel. Everything goes through the command line in the data folder of
``STROP_HOME``, which has the models. The tasks are the sample task and a CSV of 100 sentences to
classify by five relations of FewRel. Each run has as many minutes as ``--minutes`` says, or as many
as Strop asks for where these are too few. A run that is in the results file is not done again.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from command_line import Refused, strop

from appliance import locations
from appliance.data.tasks import load
from models.catalog import Catalog
from models.headers import read_gguf
from store import database

MODELS = ("smollm2-135m", "gemma-3-270m", "qwen2.5-coder-0.5b")
RELATIONS = ("P25", "P361", "P59", "P413", "P641")
ROWS = 20
"""Sentences of each relation."""

LONGEST = 60
"""Minutes beyond which a run that asks for more is given up."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--tasks", nargs="+", choices=("csv", "sample"), default=("csv", "sample"))
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    results = json.loads(given.results.read_text()) if given.results.exists() else {}
    import_csv(given.data)
    for task in given.tasks:
        for model in given.models:
            for mode in modes(model):
                name = f"{task} {model} {mode}"
                if name not in results:
                    results[name] = tuned(task, model, mode, given.minutes)
                    given.results.write_text(json.dumps(results, indent=1) + "\n")
                print(row(name, results[name]), flush=True)


def import_csv(data: Path) -> None:
    names = json.loads((data / "fewrel/pid2name.json").read_text())
    rows = json.loads((data / "fewrel/val_wiki.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "csv.csv"
        with file.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("text", "label"))
            for relation in RELATIONS:
                label = names[relation][0]
                for one in rows[relation][:ROWS]:
                    writer.writerow((" ".join(one["tokens"]), label))
        strop("task", "import", "csv", str(file), "--kind", "classify", "--may-ship")


def modes(model: str) -> tuple[str, ...]:
    catalog = Catalog(locations.models_folder())
    header = read_gguf(catalog.path(model) / catalog.get(model).serving)
    return ("raw", "chat") if header.chat_template else ("raw",)


def tuned(task: str, model: str, mode: str, minutes: float) -> dict[str, Any]:
    """The document of a run that begins with the task's seed prompt in that mode."""
    strop("task", "show", task)
    with database.open(locations.store_path()) as db:
        seed = load(db, task).seed
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        parts = [{"name": s.name, "text": s.text} for s in seed.sections]
        json.dump({"sections": parts, "example": seed.example, "mode": mode}, file)
        file.flush()
        asked = ("tune", task, "--model", model, "--prompt", file.name)
        while True:
            try:
                return strop(*asked, "--minutes", str(minutes))
            except Refused as refusal:
                needed = re.search(r"need --minutes ([\d.]+)", str(refusal))
                if needed is None or float(needed[1]) > LONGEST:
                    raise
                minutes = float(needed[1])


def row(name: str, run: dict[str, Any]) -> str:
    verdict = run["verdict"]
    seed, best = verdict["seed"], verdict["best"]
    return (
        f"{name}: {run['minutes']:g} min, seed {seed['value']:.3f}, best {best['value']:.3f} "
        f"(n {best['n']}), {verdict['words']}"
    )


if __name__ == "__main__":
    main()
