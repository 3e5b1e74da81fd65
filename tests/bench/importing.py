"""How long an import takes, and how much memory, by the number of rows.

    python tests/bench/importing.py --rows 100000 1000000

Made-up texts with one of 20 labels, about 200 bytes a row, are imported by the command line in a
process of its own, with a new data folder.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

FORMATS = ("jsonl", "csv")
WORDS = [a + b + c + d for a in "bdfgklmnprst" for b in "aeiou" for c in "lnrst" for d in "aeiou"]
LABELS = [f"desk {number}" for number in range(20)]
LENGTH = 34
"""Words of a text."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    given = parser.parse_args()
    for form in given.formats:
        for count in given.rows:
            with TemporaryDirectory() as folder:
                file = written(Path(folder), form, count)
                size = file.stat().st_size
                seconds, peak = imported(file, Path(folder) / "home")
            print(
                f"{form}: {count:,} rows, {size / 1e6:.0f} MB: {seconds:.0f} s, "
                f"peak RSS {peak / 1e6:.0f} MB",
                flush=True,
            )


def written(folder: Path, form: str, count: int) -> Path:
    """A file of made-up rows."""
    file = folder / f"rows.{form}"
    with file.open("w", encoding="utf-8", newline="") as out:
        if form == "csv":
            writer = csv.writer(out)
            writer.writerow(["text", "label"])
            writer.writerows(rows(count))
        else:
            for text, label in rows(count):
                out.write(json.dumps({"text": text, "label": label}) + "\n")
    return file


def rows(count: int) -> Iterator[tuple[str, str]]:
    random = Random(0)
    for number in range(count):
        yield " ".join(random.choices(WORDS, k=LENGTH)), LABELS[number % len(LABELS)]


def imported(file: Path, home: Path) -> tuple[float, float]:
    """Seconds and the largest resident memory in bytes of ``strop task import``."""
    command = [str(Path(sys.executable).with_name("strop")), "task", "import"]
    options = [file.suffix[1:], str(file), "--kind", "classify", "--name", "bench", "--json"]
    start = time.monotonic()
    child = subprocess.Popen(
        [*command, *options],
        env={**os.environ, "STROP_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert child.stderr is not None
    said = child.stderr.read().decode()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(said)
    # In bytes on macOS, in KiB elsewhere.
    return time.monotonic() - start, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
