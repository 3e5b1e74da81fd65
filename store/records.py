"""The records that the store returns: one struct for each table, with its columns as fields."""

from __future__ import annotations

from typing import Literal

import msgspec

Split = Literal["tuning", "selection", "test"]
CommandStatus = Literal["pending", "taken", "done", "failed"]


class TaskRecord(msgspec.Struct, frozen=True):
    id: str
    name: str
    content: str
    split_hash: str
    created_at: str


class RowRecord(msgspec.Struct, frozen=True):
    id: str
    may_ship: bool
    content: str


class CaseRecord(msgspec.Struct, frozen=True):
    id: str
    split: Split
    content: str


class SkippedRecord(msgspec.Struct, frozen=True):
    """A row of the file that was left out: where it is, and what is wrong with it."""

    place: str
    what: str


class Counts(msgspec.Struct, frozen=True):
    """The number of rows of a task, of those that may ship, of cases in each split, and of rows of
    the file that were left out."""

    rows: int
    may_ship: int
    tuning: int
    selection: int
    test: int
    skipped: int


class PromptRecord(msgspec.Struct, frozen=True):
    id: str
    task_id: str
    parent_id: str | None
    operator: str
    section: str
    diff: str
    content: str
    created_at: str


class RunRecord(msgspec.Struct, frozen=True):
    """``inputs`` is frozen JSON; ``spent`` and ``budget`` are in cost units."""

    id: str
    task_id: str
    status: str
    inputs: str
    seed_prompt: str
    best_prompt: str | None
    stage: str
    spent: float
    budget: float
    error: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class EvaluationRecord(msgspec.Struct, frozen=True):
    """A finished evaluation over ``n`` cases: the task's metric with its interval from ``low`` to
    ``high``; ``spent`` is the run's total when it finished."""

    run_id: str
    seq: int
    prompt_id: str
    stage: str
    split: str
    n: int
    value: float
    low: float
    high: float
    loss: float
    spent: float


class Entry(msgspec.Struct, frozen=True):
    """One entry of a run's journal; ``kind`` is ``call`` or the name of a user command."""

    seq: int
    kind: str
    key: str
    request: bytes
    reply: bytes
    cost: float


class EventRecord(msgspec.Struct, frozen=True):
    id: int
    run_id: str | None
    task_id: str | None
    kind: str
    content: str
    at: str


class CommandRecord(msgspec.Struct, frozen=True):
    """``tries`` counts how often a runner took the command. ``asker`` is the number under which
    somebody waits for the answer, None where it is carried out whoever waits."""

    id: int
    kind: str
    run_id: str | None
    task_id: str | None
    content: str
    status: CommandStatus
    answer: str | None
    created_at: str
    tries: int
    asker: int | None


class ExperienceRecord(msgspec.Struct, frozen=True):
    """What one operator did in one step of a run. ``kind`` is the kind of the task."""

    task_id: str
    run_id: str
    seq: int
    kind: str
    model: str
    operator: str
    section: str
    gain: float
    cost: float
    outcome: str


class WinnerRecord(msgspec.Struct, frozen=True):
    """A prompt that the verdict on a task proved better."""

    task_id: str
    prompt_id: str


class OperatorRecord(msgspec.Struct, frozen=True):
    """How often an operator was tried on a section, its mean gain and its mean cost."""

    operator: str
    section: str
    tried: int
    gain: float
    cost: float


class VerdictRecord(msgspec.Struct, frozen=True):
    run_id: str
    task_id: str
    content: str
    created_at: str


class LookRecord(msgspec.Struct, frozen=True):
    """A look at a task's test split. ``number`` counts from 1, over all tasks that share a case of
    their test splits with it."""

    task_id: str
    number: int
    run_id: str
    at: str


class AuditRecord(msgspec.Struct, frozen=True):
    seq: int
    at: str
    action: str
    subject: str
    previous: str
    hash: str
