"""Checks the file: SQLite's own structures, and what the store promises in addition."""

from __future__ import annotations

import math
import sqlite3
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from store import audit, schema

if TYPE_CHECKING:
    from sqlite_utils import Database


def check(db: Database) -> list[str]:
    """Returns every problem found, in words. It reads everything and changes nothing.

    Where the file is too damaged to be read further, that is one more problem, not an exception.
    """
    problems: list[str] = []
    try:
        if wrong := schema.differences(db):
            return wrong
        for (message,) in db.execute("PRAGMA integrity_check"):
            lines = [line for line in message.splitlines() if line != "ok" and line[:3] != "***"]
            problems += [f"the file is damaged: {line}" for line in lines]
        for table, row, parent, _ in db.execute("PRAGMA foreign_key_check").fetchall():
            problems.append(f"{table}: row {row} belongs to nothing in {parent}")
        problems += _journals(db)
        problems += _looks(db)
        if broken := audit.verify(db):
            problems.append(f"audit: entry {broken} is missing or was changed")
    except sqlite3.DatabaseError as error:
        problems.append(f"the file cannot be read on: {error}")
    return problems


_LOST = """
SELECT json_extract(subject, '$.run'), json_extract(subject, '$.task') FROM audit AS looked
WHERE action = 'look' AND json_extract(subject, '$.run') IS NOT NULL
AND NOT EXISTS (
    SELECT 1 FROM looks WHERE run_id = json_extract(subject, '$.run')
    AND task_id = json_extract(subject, '$.task')
    AND number = coalesce(json_extract(subject, '$.look') + 0, number)
) AND NOT EXISTS (
    SELECT 1 FROM audit AS forgot WHERE forgot.action = 'forget' AND forgot.seq > looked.seq
    AND json_extract(forgot.subject, '$.task') = json_extract(looked.subject, '$.task')
)
"""
"""Looks in the audit log that the store lacks though their task was not forgotten since."""

_UNLOGGED = """
SELECT run_id, task_id FROM looks WHERE NOT EXISTS (
    SELECT 1 FROM audit WHERE action = 'look' AND json_extract(subject, '$.run') = run_id
    AND json_extract(subject, '$.task') = task_id
    AND number = coalesce(json_extract(subject, '$.look') + 0, number)
)
"""
"""Looks that the audit log lacks. Its oldest entries have no number."""


def _looks(db: Database) -> list[str]:
    lost = db.execute(_LOST).fetchall()
    unlogged = db.execute(_UNLOGGED).fetchall()
    without = db.execute(
        "SELECT run_id, task_id FROM verdicts WHERE run_id NOT IN (SELECT run_id FROM looks)"
    ).fetchall()
    return [
        *(f"run {run}: its look at task {task} is missing or was changed" for run, task in lost),
        *(f"run {run}: the audit log lacks its look at task {task}" for run, task in unlogged),
        *(f"run {run}: it has a verdict on task {task} and no look" for run, task in without),
    ]


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
