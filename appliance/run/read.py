"""What a window or a script reads of the store: the runs, and what happened in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from appliance.data.records import damaged, prompt_in, read, task_in
from appliance.errors import DamagedError
from appliance.kinds import Metric
from appliance.prompts.show import plain
from appliance.run.events import Event, GivenVerdict, Raced, ReadOff, decode_event
from appliance.run.messages import Inputs, Tune
from appliance.run.states import STATES
from appliance.run.waiting import is_abandoned
from appliance.search.rungs import Rung
from appliance.verdict.verdict import Verdict
from store import commands, database, events, prompts, tasks, verdicts
from store import runs as stored
from store.records import EvaluationRecord, RunRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

E = TypeVar("E", bound=Event)


class Run(msgspec.Struct, frozen=True):
    """A run with what it was given and what came of it. ``task`` is the name of its task."""

    record: RunRecord
    task: str
    inputs: Inputs
    verdict: GivenVerdict | None

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def total(self) -> float:
        """The budget and the expected cost of the verdict, in cost units."""
        return self.record.budget + self.inputs.verdict_cost

    @property
    def share(self) -> float:
        """The share of the total that is spent, from 0 to 1."""
        return min(self.record.spent / self.total, 1.0) if self.total else 0.0


class _Named(msgspec.Struct):
    """The models that a command names."""

    model: str | None = None
    reasoner: str | None = None


class Happened(NamedTuple):
    id: int
    run_id: str | None
    event: Event


def version(db: Database) -> int:
    """A number that changes when another process has written. Reading it takes one pragma."""
    return database.pragma(db, "data_version")


def all_runs(db: Database, known: Sequence[Run] = ()) -> tuple[list[Run], list[DamagedError]]:
    """All runs, newest first, and what is wrong with those that are damaged. What cannot change is
    taken from the ``known`` ones."""
    before = {run.id: run for run in known}
    runs, damage = [], []
    for record in stored.all(db):
        try:
            runs.append(_updated(db, record, before.get(record.id)))
        except DamagedError as error:
            damage.append(error)
    return runs, damage


def run_of(db: Database, record: RunRecord) -> Run:
    """Raises DamagedError for a run that is not as it was written."""
    return _updated(db, record, None)


def being_planned(db: Database) -> set[str]:
    """The names of the tasks of ``tune`` commands that are not settled: there is no run yet."""
    planned = set()
    for command in commands.unsettled(db):
        with suppress(msgspec.DecodeError):  # The runner refuses a command that cannot be read.
            if command.kind == "tune":
                planned.add(msgspec.json.decode(command.content, type=Tune).task)
    return planned


def commands_with(db: Database, model: str) -> list[str]:
    """The kinds of the commands that name a model and are still to be answered."""
    return [
        command.kind
        for command in commands.unsettled(db)
        if model in _models(command.content) and not is_abandoned(command)
    ]


def metric_of(db: Database, run: Run) -> Metric | None:
    """The metric of the run's task, None where that is gone or damaged."""
    task = tasks.get(db, run.record.task_id)
    try:
        return task_in(task).task.metric if task else None
    except DamagedError:
        return None


def prompt_text(db: Database, prompt_id: str) -> str:
    """A prompt as a person reads it; empty where there is none. Raises DamagedError for one that
    is not what its id says."""
    record = prompts.get(db, prompt_id)
    return plain(prompt_in(record)) if record else ""


def evaluations_since(db: Database, run_id: str, seq: int) -> Iterator[EvaluationRecord]:
    return stored.evaluations_since(db, run_id, seq)


def last_event(db: Database) -> int:
    return events.last(db)


def events_since(db: Database, id: int, run_id: str | None = None) -> Iterator[Happened]:
    """What happened after event ``id``, in one run where given."""
    for record in events.since(db, id, run_id):
        if (event := decode_event(record.kind, record.content)) is not None:
            yield Happened(record.id, record.run_id, event)


def latest_events(db: Database, run_id: str, until: int, wanted: Mapping[str, int]) -> list[Event]:
    """The last events of a run up to event ``until``, in order, without reading all of them:
    ``wanted`` maps a kind to how many of it are read at most, -1 for all."""
    found = [
        record
        for kind, limit in wanted.items()
        for record in events.latest(db, run_id, kind, until, limit)
    ]
    found.sort(key=lambda record: record.id)
    told = (decode_event(record.kind, record.content) for record in found)
    return [event for event in told if event is not None]


def rungs_of(db: Database, run_id: str) -> tuple[Rung, ...]:
    """What the candidates of a run's search took; empty before its end."""
    for event in latest_events(db, run_id, last_event(db), {"rungs": 1}):
        if isinstance(event, Raced):
            return event.rungs
    return ()


def read_off(db: Database, run_id: str) -> ReadOff | None:
    """What a run found out about the map of its winner; None where it has none, or not yet."""
    for event in latest_events(db, run_id, last_event(db), {"readout": 1}):
        if isinstance(event, ReadOff):
            return event
    return None


def _models(content: str) -> tuple[str | None, ...]:
    try:
        named = msgspec.json.decode(content, type=_Named)
    except msgspec.DecodeError:  # The runner refuses a command that cannot be read.
        return ()
    return named.model, named.reasoner


def _updated(db: Database, record: RunRecord, known: Run | None) -> Run:
    if known is None:
        task = tasks.get(db, record.task_id)
        name = task.name if task else record.task_id
        inputs = read(record.inputs, Inputs, f"run {record.id}")
        if record.status not in STATES:
            raise damaged(f"run {record.id}", f"it has the status {record.status!r}")
    else:
        name, inputs = known.task, known.inputs
    verdict = known.verdict if known else None
    return Run(record, name, inputs, verdict or _verdict(db, record))


def _verdict(db: Database, record: RunRecord) -> GivenVerdict | None:
    may_have_one = record.status == "finished" or record.stage == "verdict"
    if not may_have_one or (found := verdicts.get(db, record.id)) is None:
        return None
    what = f"run {record.id}"
    verdict = read(found.content, Verdict, f"the verdict of {what}")
    looks = verdicts.looks(db, record.task_id)
    look = next((look.number for look in looks if look.run_id == record.id), None)
    if look is None:
        raise damaged(what, "its look at the test split is missing")
    if record.best_prompt != (judged := verdict.best.prompt):
        raise damaged(what, f"its verdict is on prompt {judged}, its best is {record.best_prompt}")
    return GivenVerdict(**msgspec.structs.asdict(verdict), look=look)
