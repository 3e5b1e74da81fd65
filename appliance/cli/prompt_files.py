"""Prompts as a person gives them: ids, files, and folders of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from appliance.cli.lookups import find_prompt
from appliance.data.records import prompt_in, task_in
from appliance.data.tasks import every_row
from appliance.errors import InputError, PromptError
from appliance.files import read_utf8, refused
from appliance.prompts.canonical import canonical
from appliance.prompts.prompt import Prompt, Section
from appliance.text import printable, quoted
from store import prompts, tasks

if TYPE_CHECKING:
    from sqlite_utils import Database

    from store.records import PromptRecord, TaskRecord

MOST_BYTES = 32_000_000
"""The most bytes of a prompt's file. A map of states of 4,096 numbers to 1,000 labels has 22 MB."""

MOST_TEXT = 1_000_000
"""The most bytes of a prompt without what was fitted to it; no model reads as much, and to find
that out takes minutes."""

SHOWN = "strop/prompt-show/1"
"""The schema of the document that shows a prompt; such a document can be given as one."""


def prompts_given(db: Database, given: Sequence[str], task: TaskRecord) -> dict[str, Prompt]:
    """Every prompt by its name: its id, or the path of its file.

    Raises InputError for what is no prompt, for a folder that holds none, for a prompt that is
    given twice, and for one that was fitted to other labels than those of the task.
    """
    names: dict[str, str] = {}
    found: dict[str, Prompt] = {}
    for name, prompt in _each(db, given):
        if prompt.id in names:
            other = names[prompt.id]
            twice = f"{printable(name)} is given twice"
            same = f"{printable(name)} is the same prompt as {printable(other)}"
            raise InputError(f"{twice if name == other else same}; leave one of them out")
        check_fitted(db, prompt, task)
        names[prompt.id] = name
        found[name] = prompt
    return found


def prompt_given(
    db: Database, given: str, task: TaskRecord, *, to_be_fitted: bool = False
) -> Prompt:
    """The one prompt that an id or a file is. Where it is ``to_be_fitted`` anew, its bias and map
    may belong to other labels. Raises InputError as ``prompts_given`` does, and for a folder of
    several prompts."""
    found = [prompt for _, prompt in _each(db, (given,))]
    if len(found) > 1:
        raise InputError(f"{printable(given)} holds {len(found)} prompts: name one of them")
    check_fitted(db, found[0], task, to_be_fitted=to_be_fitted)
    return found[0]


def check_fitted(
    db: Database, prompt: Prompt, task: TaskRecord, *, to_be_fitted: bool = False
) -> None:
    """Raises InputError where a stored prompt has numbers or words that belong to other labels than
    the task's. Where there are as many of both, nothing else would notice. Only its words count
    where it is ``to_be_fitted`` anew."""
    names = ("words",) if to_be_fitted else ("words", "bias", "map")
    fitted = [name for name in names if getattr(prompt, name)]
    homes = [*filter(None, (tasks.get(db, id) for id in prompts.tasks_of(db, prompt.id)))]
    if not fitted or not homes:
        return
    if _choices(db, task) in [_choices(db, home) for home in homes]:
        return
    emptied = [name for name in ("words", "bias", "shots") if getattr(prompt, name)]
    cleared = ", ".join(f"its {name} to []" for name in emptied)
    file = f"write it to a file with `strop prompt show {prompt.id} --json` and set {cleared}"
    fit = f"strop prompt fit {'FILE' if emptied else prompt.id} --task {printable(task.name)}"
    steps = [file] * bool(emptied) + [f"fit a map to its rows: {fit}"] * ("map" in fitted)
    raise InputError(
        f"prompt {prompt.id} was fitted to the labels of {quoted(homes[0].name)}, and "
        f"{quoted(task.name)} has others: {', then '.join(steps)}"
    )


def _choices(db: Database, task: TaskRecord) -> tuple[Sequence[str], Sequence[str]]:
    """The labels of a task, and what its first row chooses among where a question does."""
    names = [label.name for label in task_in(task).task.labels]
    return names, next(iter(every_row(db, task.id))).choices


def _each(db: Database, given: Sequence[str]) -> Iterator[tuple[str, Prompt]]:
    for one in given:
        path = Path(one)
        if not one.strip():
            raise InputError("a PROMPT is empty; give an id, a .json file or a folder of them")
        if path.is_dir():
            files = sorted(path.glob("*.json"))
            if not files:
                raise refused(path, "holds no .json file; name a folder of prompts")
            yield from ((str(file), _read(file)) for file in files)
        elif path.suffix == ".json":
            yield one, _read(path)
        else:
            record = _stored(db, one)
            yield record.id, prompt_in(record)


def _stored(db: Database, given: str) -> PromptRecord:
    try:
        return find_prompt(db, given)
    except InputError:
        if (path := Path(given)).is_file():
            raise refused(path, "a file of a prompt ends in .json; rename it") from None
        raise


def _read(path: Path) -> Prompt:
    """The prompt in a file, by itself or in the document that shows one."""
    if path.is_file() and (size := path.stat().st_size) > MOST_BYTES:
        what = f"it has {size / 1e6:.1f} MB, and a prompt has {MOST_BYTES / 1e6:g} MB at most"
        raise refused(path, f"is no prompt: {what}")
    text = read_utf8(path, "a prompt, as `strop prompt show ID --json` prints it")
    try:
        found = msgspec.json.decode(text)
        if isinstance(found, dict) and found.get("schema") == SHOWN:
            found = found.get("body")
        prompt = msgspec.convert(found, Prompt)
        size = len(canonical(msgspec.structs.replace(prompt, map=None, likeness=None)))
    except (msgspec.DecodeError, RecursionError, PromptError) as error:
        raise refused(path, f"is no prompt: {error}; see: strop prompt show ID --json") from None
    if size > MOST_TEXT:
        what = f"it has {size / 1e6:.1f} MB, and a prompt's text has {MOST_TEXT / 1e6:g} MB at most"
        raise refused(path, f"is no prompt: {what}")
    if unknown := [name for name in found if name not in Prompt.__struct_fields__]:
        known = ", ".join(Prompt.__struct_fields__)
        raise refused(path, f"a prompt has no field {quoted(unknown[0])}; it has {known}")
    for section in found["sections"]:
        if unknown := [name for name in section if name not in Section.__struct_fields__]:
            raise refused(path, f"a section has no field {quoted(unknown[0])}; it has name, text")
    return prompt
