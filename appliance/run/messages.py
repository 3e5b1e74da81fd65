"""What windows and the runner say to each other: commands and answers, and a run's inputs.

The store has each as JSON, beside a word for its kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import msgspec

from appliance.errors import InputError
from appliance.evaluate.workbench import Body
from appliance.kinds import Metric
from appliance.prompts.prompt import Prompt, Readout
from appliance.scoring.answers import Prediction
from appliance.search.experience import Experience
from appliance.search.portfolio import Format
from appliance.statistics.proportions import Estimate
from appliance.task import Split

if TYPE_CHECKING:
    from appliance.host.measure import Bench as Benched

A = TypeVar("A")


class Inputs(msgspec.Struct, frozen=True):
    """The frozen inputs of a run. ``budget`` and ``verdict_cost`` are in cost units; ``start`` is
    the prompt that it begins from where that is not the task's. Without ``methods`` it follows the
    standard schedule. ``learnt`` are formats that earlier runs found, ``candidates`` the most that
    its search tries, and ``readouts`` those that its prompts may have. With ``likeness`` a label's
    score may have that of the query to the label's support."""

    task: str
    split_hash: str
    model: str
    reasoner: str
    minutes: float
    seed: int
    budget: float
    verdict_cost: float
    bodies: dict[str, Body]
    plan: dict[str, Any]
    version: str
    start: Prompt | None = None
    methods: tuple[str, ...] = ()
    experience: tuple[Experience, ...] = ()
    learnt: tuple[Format, ...] = ()
    candidates: int | None = None
    readouts: tuple[Readout, ...] = ("words",)
    likeness: bool = False


class Planned(msgspec.Struct, frozen=True):
    """The answer to ``tune`` and ``resume``: the run that now waits for the runner."""

    run: str


class Obeyed(msgspec.Struct, frozen=True):
    """The answer to a control, which says only that it was obeyed."""


class EvaluatedCase(Prediction, frozen=True, kw_only=True):
    loss: float


class EvaluatedPrompt(msgspec.Struct, frozen=True):
    """``value`` is the figure by the metric of ``Evaluated``, with its 95 % interval over ``n``
    cases; ``also`` has the task's other metrics. ``behind`` is None unless the prompt dropped out.
    On the splits that the prompt's map or likeness was fitted to (``fitted_on``) it looks better
    than it is.
    """

    name: str
    prompt: str
    rank: int
    behind: float | None
    value: float
    low: float
    high: float
    n: int
    also: dict[Metric, Estimate]
    loss: float
    weight: float
    bias: tuple[float, ...]
    threshold: float
    channel_weight: float
    cases: tuple[EvaluatedCase, ...]
    fitted_on: tuple[Split, ...] = ()


class Evaluated(msgspec.Struct, frozen=True):
    task: str
    metric: Metric
    split: Split
    seconds: float
    tokens: int
    prompts: tuple[EvaluatedPrompt, ...]


class FittedMap(msgspec.Struct, frozen=True):
    """A stored ``prompt`` with its new map; ``value`` is the figure by the ``metric`` of the ``n``
    rows that the map was fitted to, each read by a map that has not seen it, with its 95 %
    interval."""

    task: str
    model: str
    prompt: str
    metric: Metric
    value: float
    low: float
    high: float
    n: int
    seconds: float
    tokens: int


class Replayed(msgspec.Struct, frozen=True):
    """``figures`` counts what was obtained from the journal, ``scores`` what was obtained from the
    model and compared, and ``missing`` the scores that the journal lacks. ``largest_difference`` is
    in nats."""

    run: str
    same: bool
    figures: int
    scores: int
    missing: int
    largest_difference: float
    differences: tuple[str, ...]


class Failure(msgspec.Struct, frozen=True):
    error: str = "failed"
    exit_code: int = 1


WITHDRAWN = Failure("withdrawn: nobody waits for the answer any more", exit_code=130)
"""The answer to a command that was withdrawn."""


class Command(msgspec.Struct, Generic[A], frozen=True, forbid_unknown_fields=True):
    at_once: ClassVar[bool] = True
    """Whether it is carried out at once, even while a run is worked on."""
    awaited: ClassVar[bool] = False
    """Whether it is broken off where the process that asked has ended, since a person waited for
    its answer. A run that was asked for goes on without one."""


class Tune(Command[Planned], frozen=True, omit_defaults=True):
    """Without a ``reasoner`` the model itself is asked, without a ``prompt`` the run begins with
    the task's seed, without ``methods`` it follows the standard schedule. ``minutes`` are None
    where infinite, since JSON has no infinity. Where they may ``stretch``, too few of them are
    raised instead of being refused. The search ends after ``candidates`` where they are given and
    the minutes pay for them. Without a ``readout`` prompts may have either, where the task allows
    it."""

    at_once: ClassVar[bool] = False

    task: str
    model: str
    minutes: float | None
    seed: int
    reasoner: str | None = None
    prompt: Prompt | None = None
    stretch: bool = False
    methods: tuple[str, ...] = ()
    candidates: int | None = None
    readout: Readout | None = None


class Evaluate(Command[Evaluated], frozen=True):
    """``prompts`` have the names that a person gave. ``limit`` takes the first cases only."""

    awaited: ClassVar[bool] = True

    task: str
    split: Split
    model: str
    prompts: dict[str, Prompt]
    limit: int | None = None
    first_yes: bool = False


class FitMap(Command[FittedMap], frozen=True):
    awaited: ClassVar[bool] = True

    task: str
    model: str
    prompt: Prompt


class Bench(Command["Benched"], frozen=True):
    """With ``within`` the search body is chosen anew: the fastest within these nats."""

    at_once: ClassVar[bool] = False
    awaited: ClassVar[bool] = True

    task: str
    model: str
    within: float | None = None


class Replay(Command[Replayed], frozen=True):
    awaited: ClassVar[bool] = True

    run: str


class Pause(Command[Obeyed], frozen=True):
    """Pauses a run. The store names the run beside the command, as for every control."""


class Stop(Command[Obeyed], frozen=True):
    """Ends a run without a verdict."""


class Finish(Command[Obeyed], frozen=True):
    """Ends a run's search and goes to its verdict."""


class Resume(Command[Planned], frozen=True):
    """Queues a run that rests."""


Answer = Planned | Obeyed | Evaluated | FittedMap | Replayed

COMMANDS: dict[str, type[Command[Any]]] = {
    "tune": Tune,
    "eval": Evaluate,
    "fit": FitMap,
    "bench": Bench,
    "replay": Replay,
    "pause": Pause,
    "stop": Stop,
    "finish": Finish,
    "resume": Resume,
}
ANSWERS: dict[str, type[Answer]] = {
    "tune": Planned,
    "eval": Evaluated,
    "fit": FittedMap,
    "replay": Replayed,
    "pause": Obeyed,
    "stop": Obeyed,
    "finish": Obeyed,
    "resume": Planned,
}
"""The answers to all commands but ``bench``. ``decode_answer`` imports that one when it is needed,
since its module imports all that measures."""

AT_ONCE = frozenset(kind for kind, command in COMMANDS.items() if command.at_once)
_KINDS: dict[type, str] = {struct: kind for kind, struct in COMMANDS.items()}


def encode(message: msgspec.Struct) -> str:
    return msgspec.json.encode(message).decode()


def kind_of(command: Command[Any]) -> str:
    """The word under which the store has a command."""
    return _KINDS[type(command)]


def decode_command(kind: str, content: str) -> Command[Any]:
    """Raises InputError for a kind that nobody knows, and for content that is not of its kind."""
    if kind not in COMMANDS:
        raise InputError(f"unknown command {kind!r}")
    try:
        command: Command[Any] = msgspec.json.decode(content, type=COMMANDS[kind])
    except msgspec.DecodeError as error:
        raise InputError(f"this is no {kind} command: {error}") from error
    return command


def decode_answer(kind: str, content: str) -> Answer | Benched:
    if kind == "bench":
        from appliance.host.measure import Bench as Benched

        return msgspec.json.decode(content, type=Benched)
    return msgspec.json.decode(content, type=ANSWERS[kind])
