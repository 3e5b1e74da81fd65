"""Tasks between the importers and the store, and the one that is shipped."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from appliance.data import Imported
from appliance.data.splits import split_hash
from appliance.errors import InputError
from appliance.prompt import Prompt, Section
from appliance.task import SPLITS, Case, Example, Kind, Label, Split, Task
from store import tasks
from store.records import CaseRecord, RowRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

POOL = 3
"""Tuning rows of each label that are kept as possible demonstrations and never scored."""

SAMPLE = "sample"
"""The name of the task that is shipped."""

SEEDS: dict[Kind, tuple[str, str]] = {
    "relation": (
        "Classify the relation between the head and tail entity. Possible relations: {labels}\n\n",
        "Sentence: {text}\nHead: {head}\nTail: {tail}\nRelation: {label}\n\n",
    ),
    "classify": (
        "Classify the text. Possible labels: {labels}\n\n",
        "Text: {text}\nLabel: {label}\n\n",
    ),
}
"""The instruction and the example of what a person would write first."""


class Stored(msgspec.Struct, frozen=True):
    task: Task
    seed: Prompt


class StoredCase(msgspec.Struct, frozen=True):
    """A case by reference; no ``labels`` means all of the task's."""

    query: str
    labels: tuple[str, ...] | None = None
    support: tuple[str, ...] = ()


class Loaded(msgspec.Struct, frozen=True):
    """A task out of the store. ``pool`` holds, by label, the rows that may stand in a prompt."""

    id: str
    split_hash: str
    task: Task
    seed: Prompt
    rows: dict[str, Example]
    cases: dict[Split, list[Case]]
    pool: dict[str, tuple[str, ...]]


def save(db: Database, imported: Imported) -> str:
    """Stores a task whole and returns its id, a hash of its name and all its content: the same
    again is the same task. Raises NameTakenError where another one has the name."""
    task = imported.task
    pool = shot_pool(task, imported.cases["tuning"])
    seed = imported.seed or plain_seed(task.kind, pool)
    everything = [case for split in SPLITS for case in imported.cases[split]]
    body = msgspec.json.encode(Stored(task, seed), order="deterministic").decode()
    hashed = split_hash(everything)
    rows = [
        RowRecord(row.id, row.may_ship, msgspec.json.encode(row).decode())
        for row in imported.examples
    ]
    content = "\n".join((body, hashed, *sorted(row.body for row in rows)))
    tasks.add(
        db,
        id=(task_id := hashlib.sha256(content.encode()).hexdigest()[:16]),
        name=task.name,
        body=body,
        split_hash=hashed,
        rows=rows,
        cases=(
            CaseRecord(case.id, split, msgspec.json.encode(_by_reference(task, case)).decode())
            for split in SPLITS
            for case in imported.cases[split]
        ),
    )
    return task_id


def load(db: Database, name: str) -> Loaded:
    """By name or id. Raises InputError that lists the tasks there are."""
    record = tasks.get(db, name)
    if record is None:
        here = ", ".join(task.name for task in tasks.all(db)) or "none yet"
        raise InputError(
            f"there is no task {name!r}; tasks here: {here}. "
            "Import one with: strop task import jsonl FILE"
        )
    stored = msgspec.json.decode(record.body, type=Stored)
    rows = {
        row.id: msgspec.json.decode(row.body, type=Example) for row in tasks.rows(db, record.id)
    }
    cases = {
        split: [
            _resolve(stored.task, rows, msgspec.json.decode(case.body, type=StoredCase))
            for case in tasks.cases(db, record.id, split)
        ]
        for split in SPLITS
    }
    pool = shot_pool(stored.task, cases["tuning"])
    kept = {row for ids in pool.values() for row in ids}
    cases["tuning"] = [case for case in cases["tuning"] if case.query.id not in kept]
    return Loaded(record.id, record.split_hash, stored.task, stored.seed, rows, cases, pool)


def shot_pool(task: Task, tuning: list[Case]) -> dict[str, tuple[str, ...]]:
    """Demonstrations of a fixed task: by label the first ``POOL`` tuning rows that may ship, at
    most a third of the label's, in the order of their hashes. Episodes bring their own."""
    if task.protocol != "fixed":
        return {}
    rows: dict[str, list[Example]] = defaultdict(list)
    for case in sorted(tuning, key=lambda case: case.query.id):
        rows[case.query.label].append(case.query)
    return {
        label.name: tuple(row.id for row in rows[label.name] if row.may_ship)[
            : min(POOL, len(rows[label.name]) // 3)
        ]
        for label in task.labels
    }


def plain_seed(kind: Kind, pool: dict[str, tuple[str, ...]]) -> Prompt:
    """What a person would write first: the labels, one demonstration of each, named fields."""
    instruction, example = SEEDS[kind]
    return Prompt(
        sections=(Section("task", instruction),),
        example=example,
        shots=tuple(ids[0] for ids in pool.values() if ids),
    )


def sample() -> Imported:
    """The task that is shipped with Strop (see its data card)."""
    from appliance.data.jsonl import read_jsonl
    from appliance.data.rows import Choices
    from appliance.sample import path

    described = msgspec.json.decode((path() / "labels.json").read_bytes())
    return read_jsonl(
        path() / "relations.jsonl",
        Choices(
            SAMPLE,
            none=described["none"],
            labels=msgspec.convert(described["labels"], list[Label]),
        ),
    )


def _by_reference(task: Task, case: Case) -> StoredCase:
    labels = None if task.protocol == "fixed" else case.labels
    return StoredCase(case.query.id, labels, tuple(row.id for row in case.support))


def _resolve(task: Task, rows: dict[str, Example], case: StoredCase) -> Case:
    labels = tuple(label.name for label in task.labels) if case.labels is None else case.labels
    return Case(rows[case.query], labels, tuple(rows[row] for row in case.support))
