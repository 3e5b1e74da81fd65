"""What scripted runs ask their models is pinned: a change of structure alone changes no byte of it.

Where a change of behaviour is meant, write the digests anew and say why in the commit:
``python tests/flows/test_pinned_journals.py``.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import scripted_model
from in_process import MemoryJournal
from test_kinds import BUDGET, BY_STATES, KINDS, Run

PINNED = Path(__file__).with_name("journals.json")


RUNS: dict[str, dict[str, Any]] = {
    **{name: {} for name in (*KINDS, *BY_STATES)},
    "relation, long": {"budget": 4 * BUDGET},
    "several, long": {"budget": 4 * BUDGET},
    "answer, long": {"budget": 2 * BUDGET},
    "classify, without a reasoner": {"reasons": False},
}
ELOQUENT = tuple(f"Name the relation that holds; look at it {n} times." for n in range(2, 40))


def digest_of_all() -> dict[str, Any]:
    """Those of all runs, and of one whose reasoner always has something new to say."""
    with tempfile.TemporaryDirectory() as folder:
        found = {name: digest(name, Path(folder)) for name in RUNS}
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(scripted_model, "WRITTEN", ELOQUENT)
        return {**found, "answer, eloquent": digest("answer, long", Path(folder))}


def digest(name: str, folder: Path) -> dict[str, Any]:
    """The operators that a run tried, the number of its journal's entries, and a hash over every
    byte of them."""
    journal = MemoryJournal()
    run = Run(name.partition(",")[0], folder, journal, **RUNS[name])
    found = hashlib.sha256()
    for entry, spent in zip(journal.lines, journal.spent, strict=True):
        for part in (entry.kind.encode(), entry.key.encode(), entry.request, entry.reply):
            found.update(len(part).to_bytes(8) + part)
        found.update(f"{entry.cost:.6f} {spent:.6f}".encode())
    return {
        "operators": sorted(run.told.operators),
        "entries": len(journal.lines),
        "sha256": found.hexdigest(),
    }


@pytest.mark.parametrize("name", RUNS)
def test_the_journal_of_a_scripted_run_is_the_pinned_one_to_the_byte(name, tmp_path):
    assert digest(name, tmp_path) == json.loads(PINNED.read_text())[name]


def test_a_run_whose_reasoner_always_has_more_to_say_is_pinned_too(tmp_path, monkeypatch):
    monkeypatch.setattr(scripted_model, "WRITTEN", ELOQUENT)
    pinned = json.loads(PINNED.read_text())["answer, eloquent"]
    assert digest("answer, long", tmp_path) == pinned


def test_the_pinned_runs_go_through_both_stages():
    tried = {
        operator for run in json.loads(PINNED.read_text()).values() for operator in run["operators"]
    }
    assert tried >= {"format", "induce", "rewrite", "mutate", "swap", "fluent", "delete"}


def main() -> None:
    PINNED.write_text(json.dumps(digest_of_all(), indent=2) + "\n")


if __name__ == "__main__":
    main()
