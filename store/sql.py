"""Turns rows into records and back: the few statements that every table shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from store.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

PAGE = 200
"""The rows of a page, which is what one read holds in memory."""

R = TypeVar("R", bound=msgspec.Struct)


def insert(db: Database, table: str, values: dict[str, Any], otherwise: str = "") -> int:
    """Inserts one row inside the caller's write; ``otherwise`` is an ON CONFLICT clause.

    Returns the number of rows written.
    """
    slots = ", ".join(f":{name}" for name in values)
    sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({slots}) {otherwise}"
    return db.execute(sql, values).rowcount


def select(
    db: Database, record: type[R], table: str, rest: str = "", values: Sequence[Any] = ()
) -> list[R]:
    """The table's rows as records; ``rest`` is what follows the table's name."""
    sql = f"SELECT {columns(record)} FROM {table} {rest}"
    return [to_record(record, row) for row in db.execute(sql, values).fetchall()]


def pages(
    db: Database,
    record: type[R],
    table: str,
    where: str,
    values: Sequence[Any],
    key: str,
    after: int = -1,
) -> Iterator[R]:
    """The table's rows in the order of the integer ``key``, from ``after`` on, a page at a time.

    No statement stays open between pages: an open one would pin an old snapshot, and the next write
    on the connection would fail as locked once another process has written.
    """
    sql = (
        f"SELECT {key}, {columns(record)} FROM {table} "
        f"WHERE {where} AND {key} > ? ORDER BY {key} LIMIT {PAGE}"
    )
    while page := db.execute(sql, (*values, after)).fetchall():
        for row in page:
            yield to_record(record, row[1:])
        after = page[-1][0]


def by_prefix(db: Database, record: type[R], table: str, prefix: str) -> R | None:
    """The row whose id is ``prefix`` or alone begins with it; StoreError where several begin so."""
    first = "ORDER BY created_at LIMIT 1"
    if found := select(db, record, table, f"WHERE id = ? {first}", (prefix,)):
        return found[0]
    ids = db.execute(
        f"SELECT DISTINCT id FROM {table} WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT 3",
        (len(prefix), prefix),
    ).fetchall()
    if not prefix or not ids:
        return None
    if len(ids) > 1:
        some = ", ".join(row[0] for row in ids)
        raise StoreError(f"{prefix!r} is the beginning of several {table} ({some}); type more")
    return select(db, record, table, f"WHERE id = ? {first}", ids[0])[0]


def columns(record: type[msgspec.Struct]) -> str:
    return ", ".join(record.__struct_fields__)


def to_record(record: type[R], row: Sequence[Any]) -> R:
    values = dict(zip(record.__struct_fields__, row, strict=True))
    return msgspec.convert(values, record, strict=False)
