"""Checks the file: SQLite's own structures, and what the store promises in addition."""

from __future__ import annotations

import math
import sqlite3
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from store import audit

if TYPE_CHECKING:
    from sqlite_utils import Database


def check(db: Database) -> list[str]:
    """Returns every problem found, in words. It reads everything and changes nothing.

    Where the file is too damaged to be read further, that is one more problem, not an exception.
    """
    problems: list[str] = []
    try:
        for (message,) in db.execute("PRAGMA integrity_check"):
            lines = [line for line in message.splitlines() if line != "ok" and line[:3] != "***"]
            problems += [f"the file is damaged: {line}" for line in lines]
        for table, row, parent, _ in db.execute("PRAGMA foreign_key_check").fetchall():
            problems.append(f"{table}: row {row} belongs to nothing in {parent}")
        problems += _journals(db)
        if broken := audit.verify(db):
            problems.append(f"audit: entry {broken} is missing or was changed")
    except sqlite3.DatabaseError as error:
        problems.append(f"the file cannot be read on: {error}")
    return problems


def _journals(db: Database) -> list[str]:
    problems = []
    # One statement reads one snapshot, so a write in between cannot look like damage.
    entries = db.execute(
        "SELECT runs.id, spent, seq, cost FROM runs LEFT JOIN journal ON run_id = runs.id "
        "ORDER BY runs.id, seq"
    ).fetchall()
    for (run_id, spent), group in groupby(entries, key=itemgetter(0, 1)):
        journal = [(seq, cost) for _, _, seq, cost in group if seq is not None]
        hole = next((i for i, (seq, _) in enumerate(journal) if seq != i), None)
        if hole is not None:
            problems.append(f"run {run_id}: the journal lacks entry {hole}")
        total = math.fsum(cost for _, cost in journal)
        if not math.isclose(total, spent, rel_tol=1e-9, abs_tol=1e-6):
            problems.append(f"run {run_id}: spent is {spent}, the journal's costs add to {total}")
    return problems
