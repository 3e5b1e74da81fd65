"""Prompts of an older version in the words of this one, for the migration that renames them.

A prompt's id is a hash of its JSON, so every place that names a prompt changes with it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from sqlite_utils import Database

FIELDS = {"prior": "bias", "even": "intercept", "share": "channel_weight"}
USUAL: dict[str, Any] = {
    "join": ", ", "wording": "plain", "order": "given", "shots": [], "weight": 0.0, "bias": [],
    "mode": "raw", "words": [], "marking": "subject", "output": "json", "reverse": "",
    "channel_weight": 0.0, "threshold": 0.0, "temperature": 1.0, "intercept": 0.0, "abstain": 0.0,
}  # fmt: skip
"""Values that stood in a prompt's JSON or not, as it happened. They are left out now."""

NAMING = {
    "events": "id",
    "verdicts": "run_id",
    "commands": "id",
    "runs": "id",
}
"""Tables whose JSON names prompts, with their keys."""

_id = re.compile(r'"([0-9a-f]{16})"')


def prompt_in_new_words(prompt: dict[str, Any]) -> dict[str, Any]:
    """A prompt's fields under their new names, without those that have their usual value."""
    renamed = {FIELDS.get(name, name): value for name, value in prompt.items()}
    return {name: value for name, value in renamed.items() if USUAL.get(name, ...) != value}


def rename_prompts(db: Database) -> None:
    """Rewrites every stored prompt that this changes, and its id wherever it stands."""
    ids = _rewrite_prompts(db)
    for column in ("seed_prompt", "best_prompt"):
        db.conn.executemany(f"UPDATE runs SET {column} = ? WHERE {column} = ?", _swapped(ids))
    db.conn.executemany("UPDATE evaluations SET prompt_id = ? WHERE prompt_id = ?", _swapped(ids))
    for table, key in NAMING.items():
        column = "inputs" if table == "runs" else "content"
        for row, text in db.execute(f"SELECT {key}, {column} FROM {table}").fetchall():
            found = msgspec.json.decode(text)
            if isinstance(found, dict):
                _within(found)
            new = _id.sub(
                lambda at: f'"{ids.get(at[1], at[1])}"', msgspec.json.encode(found).decode()
            )
            if msgspec.json.decode(new) != msgspec.json.decode(text):
                db.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (new, row))


def _rewrite_prompts(db: Database) -> dict[str, str]:
    """The new id of each prompt that has one, by its old id. Where a prompt had two ids the first
    origin is kept."""
    ids: dict[str, str] = {}
    stored = db.execute("SELECT task_id, id, content FROM prompts ORDER BY created_at").fetchall()
    here: set[tuple[str, str]] = set()
    for task, old, text in stored:
        content = msgspec.json.encode(prompt_in_new_words(msgspec.json.decode(text)))
        new = hashlib.sha256(content).hexdigest()[:16]
        at = {"task": task, "old": old, "new": new}
        is_copy = (task, new) in here
        here.add((task, new))
        if is_copy and new == old:  # It gave way to an earlier one.
            continue
        if new != old:
            ids[old] = new
            rows = "WHERE task_id = :task AND prompt_id = :old"
            db.execute(f"UPDATE OR IGNORE prompt_rows SET prompt_id = :new {rows}", at)
            db.execute(f"DELETE FROM prompt_rows {rows}", at)
            children = "WHERE task_id = :task AND parent_id = :old AND id <> :new"
            db.execute(f"UPDATE prompts SET parent_id = :new {children}", at)
        if is_copy:
            db.execute("DELETE FROM prompts WHERE task_id = :task AND id = :old", at)
        else:
            if new != old:  # A later copy with the new id gives way to this one.
                db.execute("DELETE FROM prompts WHERE task_id = :task AND id = :new", at)
            changed = {**at, "content": content.decode()}
            db.execute(
                "UPDATE prompts SET id = :new, content = :content"
                " WHERE task_id = :task AND id = :old",
                changed,
            )
    return ids


def _within(found: dict[str, Any]) -> None:
    """Renames in place the prompts that a command or a run's inputs hold whole."""
    for name in ("start", "prompt"):
        if isinstance(found.get(name), dict):
            found[name] = prompt_in_new_words(found[name])
    given = found.get("prompts")
    if isinstance(given, dict):
        for name, prompt in given.items():
            if isinstance(prompt, dict):
                given[name] = prompt_in_new_words(prompt)


def _swapped(ids: dict[str, str]) -> list[tuple[str, str]]:
    return [(new, old) for old, new in ids.items()]
