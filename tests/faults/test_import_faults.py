"""An import for whose rows there is no room."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = 100_000
"""The most bytes that a file may have."""


@pytest.mark.parametrize("width", [100, 3_000])
def test_where_a_file_may_not_grow_the_import_says_so_and_leaves_nothing(
    tmp_path: Path, home: Path, width: int
) -> None:
    """Whether the limit is met while rows are added, or when they are read again."""
    count = 2 * LIMIT // width
    rows = [{"text": f"{n} " + "x" * width, "label": "ab"[n % 2]} for n in range(count)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

    result = subprocess.run(
        [
            *(sys.executable, "-c", "from appliance.cli import main; main()"),
            *("task", "import", "jsonl", path, "--kind", "classify"),
        ],
        preexec_fn=limited,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    said = "a file may not grow further; allow larger files (ulimit -f) and try again"
    assert result.stderr == f"error: {home}: {said}\n"
    assert list(home.iterdir()) == []
