"""The schema, as numbered steps that are never edited once released.

Times are ISO-8601 UTC text. Content is JSON text that the caller made. Every table that holds
content leads to the task it belongs to, so that deleting the task deletes the content.
"""

from __future__ import annotations

import json
from math import sqrt
from typing import TYPE_CHECKING, Any

from sqlite_utils import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("strop")

_FIRST = """
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL CHECK (json_valid(body)),
    split_hash TEXT NOT NULL, created_at TEXT NOT NULL
) STRICT;
CREATE TABLE rows (
    task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    id TEXT NOT NULL, position INTEGER NOT NULL,
    may_ship INTEGER NOT NULL CHECK (may_ship IN (0, 1)),
    body TEXT NOT NULL CHECK (json_valid(body)),
    PRIMARY KEY (task_id, id), UNIQUE (task_id, position)
) STRICT;
CREATE TABLE cases (
    task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    id TEXT NOT NULL, split TEXT NOT NULL CHECK (split IN ('tuning', 'selection', 'test')),
    position INTEGER NOT NULL, body TEXT NOT NULL CHECK (json_valid(body)),
    PRIMARY KEY (task_id, id), UNIQUE (task_id, split, position)
) STRICT;
CREATE TABLE prompts (
    id TEXT NOT NULL, task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    parent_id TEXT, operator TEXT NOT NULL, section TEXT NOT NULL, diff TEXT NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body)), created_at TEXT NOT NULL,
    PRIMARY KEY (task_id, id),
    FOREIGN KEY (task_id, parent_id) REFERENCES prompts(task_id, id)
) STRICT;
CREATE INDEX prompts_id ON prompts(id);
CREATE INDEX prompts_parent ON prompts(task_id, parent_id);
CREATE TABLE prompt_rows (
    task_id TEXT NOT NULL, prompt_id TEXT NOT NULL, row_id TEXT NOT NULL,
    PRIMARY KEY (task_id, prompt_id, row_id),
    FOREIGN KEY (task_id, prompt_id) REFERENCES prompts(task_id, id) ON DELETE CASCADE,
    FOREIGN KEY (task_id, row_id) REFERENCES rows(task_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX prompt_rows_row ON prompt_rows(task_id, row_id);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    status TEXT NOT NULL, inputs TEXT NOT NULL CHECK (json_valid(inputs)),
    seed_prompt TEXT NOT NULL, best_prompt TEXT, stage TEXT NOT NULL,
    spent REAL NOT NULL, budget REAL NOT NULL, error TEXT,
    created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT,
    FOREIGN KEY (task_id, seed_prompt) REFERENCES prompts(task_id, id),
    FOREIGN KEY (task_id, best_prompt) REFERENCES prompts(task_id, id)
) STRICT;
CREATE INDEX runs_seed ON runs(task_id, seed_prompt);
CREATE INDEX runs_best ON runs(task_id, best_prompt);
CREATE TABLE journal (
    run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    request BLOB NOT NULL, reply BLOB NOT NULL, cost REAL NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT;
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT REFERENCES runs(id) ON DELETE CASCADE,
    task_id TEXT REFERENCES tasks(id) ON DELETE CASCADE,
    kind TEXT NOT NULL, body TEXT NOT NULL CHECK (json_valid(body)), at TEXT NOT NULL
) STRICT;
CREATE INDEX events_run ON events(run_id, id);
CREATE INDEX events_task ON events(task_id);
CREATE TABLE evaluations (
    run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL, prompt_id TEXT NOT NULL, stage TEXT NOT NULL, split TEXT NOT NULL,
    n INTEGER NOT NULL, accuracy REAL NOT NULL, loss REAL NOT NULL, spent REAL NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT;
CREATE TABLE memo (key TEXT PRIMARY KEY, reply BLOB NOT NULL, used_at TEXT NOT NULL) STRICT;
CREATE INDEX memo_used ON memo(used_at);
CREATE TABLE memo_tasks (
    key TEXT NOT NULL REFERENCES memo(key) ON DELETE CASCADE,
    task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    PRIMARY KEY (key, task_id)
) STRICT;
CREATE INDEX memo_tasks_task ON memo_tasks(task_id);
CREATE TABLE experience (
    id INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL, operator TEXT NOT NULL,
    section TEXT NOT NULL, gain REAL NOT NULL, cost REAL NOT NULL, outcome TEXT NOT NULL,
    UNIQUE (run_id, seq)
) STRICT;
CREATE INDEX experience_task ON experience(task_id);
CREATE TABLE verdicts (
    run_id TEXT PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
    task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    body TEXT NOT NULL CHECK (json_valid(body)), created_at TEXT NOT NULL
) STRICT;
CREATE INDEX verdicts_task ON verdicts(task_id);
CREATE TABLE looks (
    task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    number INTEGER NOT NULL, run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    at TEXT NOT NULL,
    PRIMARY KEY (task_id, number)
) STRICT;
CREATE INDEX looks_run ON looks(run_id);
CREATE TABLE commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
    run_id TEXT REFERENCES runs(id) ON DELETE CASCADE,
    task_id TEXT REFERENCES tasks(id) ON DELETE CASCADE,
    body TEXT NOT NULL CHECK (json_valid(body)),
    status TEXT NOT NULL CHECK (status IN ('pending', 'taken', 'done', 'failed')),
    answer TEXT CHECK (answer IS NULL OR json_valid(answer)), created_at TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX commands_status ON commands(status, id);
CREATE INDEX commands_run ON commands(run_id);
CREATE INDEX commands_task ON commands(task_id);
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, action TEXT NOT NULL,
    subject TEXT NOT NULL CHECK (json_valid(subject)),
    previous TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
"""


@migrations()
def m0001_first(db: Database) -> None:
    db.executescript(_FIRST)


@migrations()
def m0002_measures(db: Database) -> None:
    """Results are in the task's own metric and carry its interval; before, all were accuracies,
    shown with Wilson's interval. Verdicts lose their ``answers``, which said less."""
    db.execute("ALTER TABLE evaluations RENAME COLUMN accuracy TO value")
    for side in ("low", "high"):
        db.execute(f"ALTER TABLE evaluations ADD COLUMN {side} REAL NOT NULL DEFAULT 0.0")
    for run, seq, value, n in db.execute(
        "SELECT run_id, seq, value, n FROM evaluations"
    ).fetchall():
        db.execute(
            "UPDATE evaluations SET low = ?, high = ? WHERE run_id = ? AND seq = ?",
            (*_wilson(value, n), run, seq),
        )
    told = "SELECT id, body FROM events WHERE kind IN ('candidate', 'best', 'verdict')"
    for key, body in db.execute(told).fetchall():
        db.execute("UPDATE events SET body = ? WHERE id = ?", (_measured(body), key))
    for key, body in db.execute("SELECT run_id, body FROM verdicts").fetchall():
        db.execute("UPDATE verdicts SET body = ? WHERE run_id = ?", (_measured(body), key))


def _measured(body: str) -> str:
    """Returns the body of an event or a verdict with its accuracies as values of a metric."""
    found: dict[str, Any] = json.loads(body)
    for part in (found, found.get("seed"), found.get("best")):
        if isinstance(part, dict) and "accuracy" in part:
            part["value"] = part.pop("accuracy")
            part.setdefault("interval", _wilson(part["value"], part["n"]))
    if "seed" in found:
        found.setdefault("test", "sign flip" if found.get("clusters") else "exact McNemar")
        found.pop("answers", None)
    return json.dumps({**found, "metric": "accuracy"})


def _wilson(value: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion."""
    if not n:
        return 0.0, 1.0
    z2 = 1.959964**2 / n
    middle, half = value + z2 / 2, sqrt(z2 * (value * (1 - value) + z2 / 4))
    return round((middle - half) / (1 + z2), 4), round((middle + half) / (1 + z2), 4)


@migrations()
def m0003_skipped(db: Database) -> None:
    """Adds the table of the wrong rows of a file, which were left out."""
    db.executescript("""
        CREATE TABLE skipped (
            task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
            position INTEGER NOT NULL, place TEXT NOT NULL, what TEXT NOT NULL,
            PRIMARY KEY (task_id, position)
        ) STRICT;
    """)


@migrations()
def m0004_terms(db: Database) -> None:
    """Calls a row's JSON its content, and the fields of a prompt by the field's terms."""
    from store.renamed import rename_prompts

    for table in ("tasks", "rows", "cases", "prompts", "events", "verdicts", "commands"):
        db.execute(f"ALTER TABLE {table} RENAME COLUMN body TO content")
    db.execute("PRAGMA defer_foreign_keys = ON")
    rename_prompts(db)


@migrations()
def m0005_askers(db: Database) -> None:
    """Adds to a command who waits for its answer."""
    db.execute("ALTER TABLE commands ADD COLUMN asker INTEGER")


SCHEMA = 5
"""The number of the last migration, which is the file's ``user_version``."""
