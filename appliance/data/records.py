"""Records of the store read back. What is an id is compared with what it is a hash of."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from appliance.errors import DamagedError, PromptError
from appliance.prompts.prompt import Prompt
from appliance.task import Task
from store import prompts
from store.records import PromptRecord, TaskRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

T = TypeVar("T")


class Stored(msgspec.Struct, frozen=True):
    """The content of a task."""

    task: Task
    seed: Prompt


def damaged(what: str, why: str) -> DamagedError:
    return DamagedError(f"{what} is damaged in the store: {why}")


def read(content: str | bytes, kind: type[T], what: str) -> T:
    """Decodes the JSON of a record. Raises DamagedError, which names ``what`` it belongs to."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, PromptError) as error:
        raise damaged(what, str(error)) from None


def task_in(record: TaskRecord) -> Stored:
    """Raises DamagedError for content that is no task."""
    return read(record.content, Stored, f"task {record.name}")


def prompt_in(record: PromptRecord) -> Prompt:
    """Raises DamagedError for content that is no prompt, or another one than its id says: it would
    be shown beside figures that it did not earn."""
    what = f"prompt {record.id}"
    prompt = read(record.content, Prompt, what)
    if prompt.id != record.id:
        raise damaged(what, f"its content is that of prompt {prompt.id}")
    return prompt


def judged_prompt(db: Database, id: str) -> Prompt:
    """The prompt that a verdict is on. Raises DamagedError where it is gone or was altered."""
    record = prompts.get(db, id)
    if record is None:
        raise damaged(f"prompt {id}", "it is missing")
    return prompt_in(record)
