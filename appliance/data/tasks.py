"""Saves imported tasks to the store, loads them, and makes the sample task that is shipped."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from appliance.data import Earlier, Imported
from appliance.data.records import Stored, damaged, read, task_in
from appliance.data.split.demonstrations import shot_pool
from appliance.data.split.splits import split_hash
from appliance.data.spool import Spool
from appliance.errors import InputError
from appliance.prompts.canonical import canonical
from appliance.prompts.loaded import Loaded
from appliance.prompts.seeds import plain_seed
from appliance.task import (
    SPLITS,
    Case,
    Example,
    Label,
    Split,
    Task,
)
from store import prompts, tasks
from store.records import CaseRecord, RowRecord, SkippedRecord, TaskRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

SAMPLE = "sample"
"""The name of the task that is shipped."""

ALTERED = "it is not what was imported"


class StoredCase(msgspec.Struct, frozen=True, omit_defaults=True):
    """A case that refers to its rows by id. ``labels`` is None where it offers all of a task."""

    query: str
    labels: tuple[str, ...] | None = None
    support: tuple[str, ...] = ()
    part: str = ""


def save(db: Database, imported: Imported) -> str:
    """Stores a task with its rows and cases, and its seed prompt as one that can be shown.

    Returns the task's id, a hash of its name and all its content: the same name and content are the
    same task. Raises NameTakenError where another task has the name.
    """
    task, cases = imported.task, imported.cases
    seed = imported.seed or plain_seed(task, shot_pool(task, cases["tuning"]), cases["tuning"])
    body = canonical(Stored(task, seed)).decode()
    hashed = split_hash(cases)
    # The rows are encoded before the store is locked, because there may be a million.
    rows = Spool(RowRecord)
    for row in imported.examples:
        rows.append(RowRecord(row.id, row.may_ship, msgspec.json.encode(row).decode()))
    tasks.add(
        db,
        id=(task_id := identity(body, hashed, (row.content for row in rows))),
        name=task.name,
        content=body,
        split_hash=hashed,
        rows=rows,
        cases=(
            CaseRecord(case.id, split, msgspec.json.encode(_by_reference(task, case)).decode())
            for split in SPLITS
            for case in cases[split]
        ),
        skipped=(SkippedRecord(row.place, row.what) for row in imported.skipped),
        in_place_of=imported.in_place_of,
    )
    prompts.add(
        db,
        id=seed.id,
        task_id=task_id,
        content=msgspec.json.encode(seed).decode(),
        operator="seed",
        rows=seed.shots,
    )
    return task_id


def load(db: Database, name: str) -> Loaded:
    """Loads a task by name or id, with the name that it has now. Raises InputError, which lists the
    tasks there are, and DamagedError where it is not what was imported."""
    record = tasks.get(db, name)
    if record is None:
        here = ", ".join(task.name for task in tasks.all(db)) or "none yet"
        raise InputError(
            f"there is no task {name!r}; tasks here: {here}. "
            "Import one with: strop task import jsonl FILE"
        )
    stored = task_in(record)
    task = msgspec.structs.replace(stored.task, name=record.name)
    rows, cases = _used(db, record, task)
    demonstrations = shot_pool(task, cases["tuning"])
    kept = {row for ids in demonstrations.values() for row in ids}
    cases["tuning"] = [case for case in cases["tuning"] if case.query.id not in kept]
    return Loaded(record.id, record.split_hash, task, stored.seed, rows, cases, demonstrations)


def earlier(db: Database, record: TaskRecord) -> Earlier:
    """A task that rows are added to. Raises InputError where it is a few-shot task, and
    DamagedError where it is not what was imported."""
    task = msgspec.structs.replace(task_in(record).task, name=record.name)
    if task.protocol != "fixed":
        raise InputError(
            f"{record.name} is a few-shot task, which rows cannot be added to: its cases are "
            "episodes; import all rows as a new task"
        )
    _, cases = _used(db, record, task)
    splits = {split: [case.query.id for case in cases[split]] for split in SPLITS}
    return Earlier(record.id, task, every_row(db, record.id), splits)


def every_row(db: Database, task_id: str) -> Iterator[Example]:
    """Yields every row of a task, one at a time, including those that no case uses. Raises
    DamagedError for one that is not what was imported."""
    return _rows(db, task_id, None)


def sample() -> Imported:
    """The task that is shipped with Strop (see its data card)."""
    from appliance.data.choices import Choices
    from appliance.data.read.jsonl import read_jsonl
    from appliance.data.sample import path

    described = msgspec.json.decode((path() / "labels.json").read_bytes())
    return read_jsonl(
        path() / "relations.jsonl",
        Choices(
            SAMPLE,
            none=described["none"],
            labels=msgspec.convert(described["labels"], list[Label]),
        ),
    )


def identity(body: str, split_hash: str, rows: Iterable[str]) -> str:
    """The id of a task: a hash of its content, its splits and the content of its rows."""
    content = f"{body}\n{split_hash}\n{_digest(rows)}"
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _used(
    db: Database, record: TaskRecord, task: Task
) -> tuple[dict[str, Example], dict[Split, list[Case]]]:
    """The rows that cases use, by id, and all cases, those about possible demonstrations included.
    Raises DamagedError where they are not what was imported."""
    what = f"task {record.name}"
    found = {split: list(tasks.cases(db, record.id, split)) for split in SPLITS}
    if split_hash(found) != record.split_hash:
        raise damaged(what, "its splits are not those that it was imported with")
    asked = {
        split: [
            read(case.content, StoredCase, f"case {case.id} of {what}") for case in found[split]
        ]
        for split in SPLITS
    }
    used = {row for split in SPLITS for case in asked[split] for row in (case.query, *case.support)}
    rows = {row.id: row for row in _rows(db, record.id, used)}
    cases: dict[Split, list[Case]] = {split: [] for split in SPLITS}
    for split in SPLITS:
        for given, kept_as in zip(asked[split], found[split], strict=True):
            case = _resolve(task, rows, given)
            if case is None or case.id != kept_as.id:
                raise damaged(f"case {kept_as.id} of {what}", ALTERED)
            cases[split].append(case)
    return rows, cases


def _rows(db: Database, task_id: str, ids: Collection[str] | None) -> Iterator[Example]:
    for row in tasks.rows(db, task_id, ids):
        what = f"row {row.id} of task {task_id}"
        example = read(row.content, Example, what)
        if example.id != row.id or example.may_ship != row.may_ship:
            raise damaged(what, ALTERED)
        yield example


def _by_reference(task: Task, case: Case) -> StoredCase:
    labels = None if task.protocol == "fixed" else case.labels
    return StoredCase(case.query.id, labels, tuple(row.id for row in case.support), case.part)


def _resolve(task: Task, rows: Mapping[str, Example], case: StoredCase) -> Case | None:
    """The case with its rows, None where a row is missing."""
    if not rows.keys() >= {case.query, *case.support}:
        return None
    labels = tuple(label.name for label in task.labels) if case.labels is None else case.labels
    return Case(rows[case.query], labels, tuple(rows[row] for row in case.support), case.part)


def _digest(bodies: Iterable[str]) -> str:
    """SHA-256 over the sorted digests of the bodies, so that their order does not count.

    It takes 16 bytes of memory a body.
    """
    import numpy as np

    digests = bytearray()
    for body in bodies:
        digests += hashlib.sha256(body.encode()).digest()[:16]
    ordered = np.sort(np.frombuffer(digests, "S16"))
    return hashlib.sha256(ordered.tobytes()).hexdigest()
