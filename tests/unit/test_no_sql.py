"""Screens and commands read the store by its functions and by ``appliance.run.read``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SQL = re.compile(
    r"\.execute\(|store\.sql|store import .*\bsql\b|pragma\("
    r"|\b(SELECT|INSERT|UPDATE|DELETE) [A-Za-z*]"
)
FILES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for folder in ("tui", "appliance/cli")
    for path in (REPOSITORY / folder).rglob("*.py")
)


@pytest.mark.parametrize("file", FILES)
def test_no_screen_and_no_command_writes_sql(file):
    assert not SQL.search((REPOSITORY / file).read_text())


def test_sql_is_recognised_where_it_is_written():
    assert SQL.search((REPOSITORY / "store" / "events.py").read_text())
    assert SQL.search("from store.sql import pages") and SQL.search("from store import runs, sql")
