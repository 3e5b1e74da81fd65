"""How fast `strop predict` answers under several prompts, on the same rows of the sample task.

    python tests/bench/predicting.py --prompts RUN FILE ... --results FILE

A prompt is a run, an id or a file, as the command takes it; the model and the data folder are those
of ``STROP_HOME``. Each prompt answers all rows and one row alone, by turns; the difference is what
the other rows took, without the start of the process and of the model.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from command_line import strop

from appliance.data.tasks import sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", nargs="+", required=True)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--rows", type=int, default=251)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    rows = [case.query for case in sample().cases["test"]][: given.rows]
    texts = [
        json.dumps({"text": row.text, "head": row.head, "tail": row.tail}) + "\n" for row in rows
    ]
    with tempfile.TemporaryDirectory() as folder:
        one, every = Path(folder) / "one.jsonl", Path(folder) / "every.jsonl"
        one.write_text(texts[0])
        every.write_text("".join(texts))
        seconds: dict[str, list[float]] = {prompt: [] for prompt in given.prompts}
        for _ in range(given.times):
            for prompt in given.prompts:
                taken = timed(prompt, every, given.model) - timed(prompt, one, given.model)
                seconds[prompt].append(taken)
    found = {
        prompt: {
            "rows a second": round((len(texts) - 1) / median(taken), 2),
            "seconds": [round(each, 2) for each in taken],
        }
        for prompt, taken in seconds.items()
    }
    results = json.loads(given.results.read_text()) if given.results.exists() else {}
    given.results.write_text(json.dumps({**results, given.model: found}, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def timed(prompt: str, rows: Path, model: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        asked = (prompt, str(rows), "--task", "sample", "--model", model)
        output = ("--output", str(Path(folder) / "out.jsonl"))
        start = perf_counter()
        strop("predict", *asked, *output)
        return perf_counter() - start


if __name__ == "__main__":
    main()
