"""Finds the record that a person means by what they typed, or says what there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from appliance.cli.output import Output
from appliance.data.tasks import SAMPLE, sample, save
from appliance.errors import InputError, StropError
from appliance.prompts.prompt import Prompt
from appliance.text import quoted
from models.catalog import Catalog
from store import prompts, runs, tasks
from store.errors import StoreError
from store.records import PromptRecord, RunRecord, TaskRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

SHOWN = 5
NO_MODEL = (
    "no model on this machine yet; get one: strop models pull smollm2-135m, or bring a GGUF file: "
    "strop models import FILE"
)


def find_task(db: Database, name: str) -> TaskRecord:
    """The task with this name or id. The shipped sample is stored when it is first asked for."""
    if found := tasks.get(db, name):
        return found
    if name == SAMPLE:
        return find_task(db, save(db, sample()))
    known = [record.name for record in tasks.all(db)]
    remedy = "import one with: strop task import jsonl FILE"
    raise unknown("task", name, list(dict.fromkeys([*known, SAMPLE])), remedy)


def find_run(db: Database, prefix: str) -> RunRecord:
    """The run with this id or this unique beginning of an id."""
    try:
        if found := runs.get(db, prefix):
            return found
    except StoreError as error:
        raise InputError(str(error)) from error
    known = [record.id for record in runs.all(db)]
    raise unknown("run", prefix, known, "see them with: strop runs list")


def find_prompt(db: Database, prefix: str) -> PromptRecord:
    """The prompt with this id or this unique beginning of an id."""
    try:
        if found := prompts.get(db, prefix):
            return found
    except StoreError as error:
        raise InputError(str(error)) from error
    best = [run.best_prompt or run.seed_prompt for run in runs.all(db)]
    remedy = "a run names its prompts: strop runs show RUN"
    raise unknown("prompt", prefix, list(dict.fromkeys(best)), remedy)


def models_chosen(found: Catalog, name: str | None) -> list[str]:
    """The named model, else all, damaged ones too. Raises InputError where there is none."""
    known = sorted([*found.damaged(), *(model.name for model in found.all())])
    if not known:
        raise InputError(NO_MODEL)
    if name is not None and name not in known:
        raise unknown("model", name, known, "see them with: strop models list")
    return known if name is None else [name]


def find_model(out: Output, catalog: Catalog, name: str | None) -> str:
    """The named model, else the only one on this machine, else the first by name with a note."""
    known, damaged = [model.name for model in catalog.all()], catalog.damaged()
    if name in damaged:
        raise StropError(damaged[name])
    if not known:
        raise InputError(NO_MODEL)
    if name is None:
        if len(known) > 1:
            out.say(f"model: {known[0]} (others: {', '.join(known[1:])}; choose with --model)")
        return known[0]
    if name not in known:
        raise unknown("model", name, known, "add one: strop models pull NAME, or import FILE")
    return name


def model_of(out: Output, catalog: Catalog, name: str | None, prompts: Iterable[Prompt]) -> str:
    """The named model, else the one whose file a map or a likeness of the prompts was fitted to,
    else what ``find_model`` finds."""
    fitted = {found.model for one in prompts for found in (one.map, one.likeness) if found}
    fitting = (model.name for model in catalog.all() if model.sha256 in fitted)
    return find_model(out, catalog, name or next(fitting, None))


def unknown(kind: str, given: str, known: Sequence[str], remedy: str) -> InputError:
    near = get_close_matches(given, known, n=1)
    guess = f"; did you mean {quoted(near[0])}?" if near else ""
    some = ", ".join(map(quoted, known[:SHOWN])) or "none yet"
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return InputError(f"there is no {kind} {quoted(given)}{guess}; here: {some}{more}; {remedy}")
