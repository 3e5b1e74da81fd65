"""A log of ids and hashes, each entry chained to the one before by its hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from store.database import now
from store.errors import StoreError
from store.records import AuditRecord
from store.sql import insert, pages

if TYPE_CHECKING:
    from sqlite_utils import Database

FIRST = "0" * 64
_identifier = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def append_within(db: Database, action: str, subject: Mapping[str, str]) -> None:
    """Logs ``action`` on ``subject``, whose values are ids or hashes, inside the caller's write.

    Raises StoreError for a value that could be anything else: the log outlives what is forgotten.
    """
    for name, value in subject.items():
        if not _identifier.fullmatch(value):
            raise StoreError(f"the audit log takes ids and hashes only, and {name} is neither")
    last = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = (last[0] + 1, last[1]) if last else (1, FIRST)
    entry = {"seq": seq, "at": now(), "action": action, "subject": _canonical(subject).decode()}
    values = {**entry, "previous": previous, "hash": _hash(previous, entry)}
    insert(db, "audit", values)


def verify(db: Database) -> int | None:
    """The number of the first entry that is missing or was changed; None where the chain is intact.

    It does not detect that the whole chain was rewritten, or its end with SQLite's own counter.
    """
    # The counter is read before the entries, so that one appended meanwhile does not seem missing.
    counter = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    expected, previous = 1, FIRST
    for record in pages(db, AuditRecord, "audit", "1", (), "seq"):
        entry = msgspec.structs.asdict(record)
        linked = entry.pop("previous") == previous
        if record.seq != expected or not linked or entry.pop("hash") != _hash(previous, entry):
            return expected
        expected, previous = expected + 1, record.hash
    return expected if counter and counter[0] >= expected else None


def _hash(previous: str, entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(previous.encode() + _canonical(entry)).hexdigest()


def _canonical(value: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(value, order="sorted")
