"""How long it takes to import what a device needs to answer a row.

    python tests/bench/imports.py

Each set of modules is imported in a fresh Python five times; the median is shown, less that of a
Python that imports nothing. The engine's native library is not among them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).parents[2]
TIMES = 5
SETS = {
    "prompts": ["appliance.prompts.render"],
    "encode": ["appliance.encode.renderer"],
    "a device, but for its engine": ["appliance.scoring.predict", "models.trie", "models.chat"],
}


def main() -> None:
    bare = seconds([])
    print(f"Python itself: {bare:.3f} s (median of {TIMES})")
    for name, modules in SETS.items():
        print(f"{name}: {seconds(modules) - bare:.3f} s more (median of {TIMES})")


def seconds(modules: list[str]) -> float:
    """The median over ``TIMES`` processes, each from its start to its end."""
    command = [sys.executable, "-c", "".join(f"import {module}\n" for module in modules)]
    taken = []
    for _ in range(TIMES):
        start = time.monotonic()
        subprocess.run(command, cwd=REPOSITORY, check=True)
        taken.append(time.monotonic() - start)
    return median(taken)


if __name__ == "__main__":
    main()
