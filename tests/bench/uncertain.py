"""What a second hour of labelling is worth: 60 rows by ``--most-uncertain`` against 60 by chance.

    python tests/bench/uncertain.py --data DIR --results FILE

``DIR`` holds the folders fewrel, folio and bbh. Of each set 60 rows are labelled at first, a prompt
is tuned on them, and it answers a pool. Then 60 rows of the pool are labelled, the least certain or
others by chance, and a prompt is tuned on all 120. Both are measured on the same test rows. All of
it goes through the command line in the data folder of ``STROP_HOME``, once for each seed, with the
same minutes. What is in the results file is not done again.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from real_models import strop

from appliance.statistics.proportions import wilson

FIRST, MORE, POOL, TEST = 60, 60, 400, 200
RELATIONS = 6

Row = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    results = json.loads(given.results.read_text()) if given.results.exists() else {}
    for name in given.sets:
        for seed in given.seeds:
            if (key := f"{name} {seed}") not in results:
                results[key] = compared(name, given, seed)
                given.results.write_text(json.dumps(results, indent=1) + "\n")
                print(key, results[key], flush=True)
        print(summary(name, [results[f"{name} {seed}"] for seed in given.seeds]), flush=True)


def compared(name: str, given: argparse.Namespace, seed: int) -> dict[str, float]:
    """The accuracy on the test rows after the first labels, and after more by either way."""
    read, kind, gold = SETS[name]
    rows = read(given.data)
    Random(seed).shuffle(rows)
    first, rest = rows[:FIRST], rows[FIRST:]
    test, pool = rest[: min(TEST, len(rest) // 2)], rest[-min(POOL, len(rest) // 2) :]
    found: dict[str, float] = {"n": len(test)}
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)

        def tuned(way: str, labelled: Sequence[Row]) -> str:
            task = f"{name}-{seed}-{way}"
            files = [written(at / f"{task}{part}.csv", some) for part, some in
                     (("", labelled), ("-test", test))]  # fmt: skip
            strop("task", "import", "csv", str(files[0]), "--test", str(files[1]),
                  "--kind", kind, "--name", task, "--may-ship")  # fmt: skip
            run = strop("tune", task, "--model", given.model, "--minutes", str(given.minutes))
            found[way] = run["verdict"]["best"]["value"]
            return task

        task = tuned("first", first)
        unlabelled = [{k: v for k, v in row.items() if k != gold} for row in pool]
        asked = written(at / "pool.csv", unlabelled)
        output = at / "next.csv"
        strop("predict", task, str(asked), "--most-uncertain", str(MORE), "--output", str(output))
        with output.open(newline="") as file:
            wanted = {row["number"] for row in csv.DictReader(file)}
        tuned("uncertain", [*first, *(row for row in pool if row["number"] in wanted)])
        tuned("chance", [*first, *Random(seed).sample(pool, MORE)])
    return found


def written(file: Path, rows: Sequence[Row]) -> Path:
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def summary(name: str, found: Sequence[dict[str, float]]) -> str:
    """The accuracy after each, over the test rows of all seeds, with its Wilson interval."""
    n = round(sum(one["n"] for one in found))
    parts = []
    for way in ("first", "chance", "uncertain"):
        right = wilson(round(sum(one[way] * one["n"] for one in found)), n)
        parts.append(f"{way} {right.value:.3f} [{right.low:.3f}, {right.high:.3f}]")
    return f"{name}: {', '.join(parts)} (n {n}, {len(found)} seeds)"


def fewrel(data: Path) -> list[Row]:
    names = json.loads((data / "fewrel/pid2name.json").read_text())
    rows = json.loads((data / "fewrel/val_wiki.json").read_text())
    found = []
    for relation in sorted(rows)[:RELATIONS]:
        for one in rows[relation][:200]:
            found.append({"text": " ".join(one["tokens"]), "label": names[relation][0]})
    return numbered(found)


def folio(data: Path) -> list[Row]:
    found = []
    for line in (data / "folio/folio-train.jsonl").read_text().splitlines():
        row = json.loads(line)
        premises = row["premises"]
        facts = premises if isinstance(premises, str) else "\n".join(premises)
        text = f"{facts}\nConclusion: {row['conclusion']}"
        found.append({"text": text, "label": row["label"].replace("Unknown", "Uncertain")})
    return numbered(found)


def bbh(data: Path) -> list[Row]:
    examples = json.loads((data / "bbh/hyperbaton.json").read_text())["examples"]
    return numbered(
        [{"text": one["input"], "label": one["target"].strip("()")} for one in examples]
    )


def numbered(rows: Sequence[Any]) -> list[Row]:
    return [{"number": str(number), **row} for number, row in enumerate(rows)]


Read = Callable[[Path], list[Row]]
SETS: dict[str, tuple[Read, str, str]] = {
    "fewrel": (fewrel, "classify", "label"),
    "folio": (folio, "classify", "label"),
    "hyperbaton": (bbh, "classify", "label"),
}

if __name__ == "__main__":
    main()
