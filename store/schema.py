"""Whether the file's tables are those that the migrations make."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database

_TABLES = """
SELECT name FROM sqlite_master
WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '!_%' ESCAPE '!'
"""
"""SQLite's own tables and those of the migrations are left out."""


def differences(db: Database) -> list[str]:
    """What differs from the schema, in words. Other tables in the file are of no concern."""
    from sqlite_utils import Database

    from store.migrations import migrations

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        fresh = Database(memory, execute_plugins=False, strict=True)
        migrations.apply(fresh)
        wanted = {name: _described(fresh, name) for (name,) in fresh.execute(_TABLES).fetchall()}
    here = {name for (name,) in db.execute(_TABLES).fetchall()}
    found = [f"the table {table} is missing" for table in wanted if table not in here]
    for table, description in wanted.items():
        if table in here and (now := _described(db, table)) != description:
            wrong = [part for part in description if now[part] != description[part]]
            found.append(f"the table {table} is not as it was made: look at its {wrong[0]}")
    triggers = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    return [*found, *(f"the trigger {name} is not Strop's" for (name,) in triggers)]


def _described(db: Database, table: str) -> dict[str, Any]:
    """The columns, the keys and the indexes of a table."""
    columns = db.execute(f"PRAGMA table_xinfo({table})").fetchall()
    keys = db.execute(f"PRAGMA foreign_key_list({table})").fetchall()
    indexes = db.execute(f"PRAGMA index_list({table})").fetchall()
    over = {
        name: [row[2] for row in db.execute(f"PRAGMA index_info({name})").fetchall()]
        for _, name, *_ in indexes
    }
    return {
        "columns": [row[1:] for row in columns],
        "foreign keys": sorted(map(str, keys)),
        "indexes": sorted((name, unique, over[name]) for _, name, unique, *_ in indexes),
    }
