"""The one door to the models: every call is replayed, remembered, priced and written down.

A run is a deterministic function of its frozen inputs and of the replies it gets here, so replaying
the journal through the same code gives the same result. Nothing above this file reads a clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Protocol, TypeVar

import msgspec

from appliance.errors import DamagedError, StropError
from models.engine import (
    Differentiate,
    Failed,
    Generate,
    Generated,
    Gradients,
    Hidden,
    Proposals,
    Propose,
    Reply,
    Score,
    Scores,
    States,
    decode_reply,
    digest,
    encode,
)
from models.protocol import Models, RequestFailed

Work = Score | Generate | Propose | Hidden | Differentiate
R = TypeVar("R", Scores, Generated, Proposals, States, Gradients)


class Prices(msgspec.Struct, frozen=True):
    """Milliseconds a token on this host, measured before a run and frozen into it."""

    prefill: float
    sample: float = 0.0
    gradient: float = 0.0


class Body(msgspec.Struct, frozen=True):
    """A body or a twin as a run uses it: the name of its worker, its identity and its prices.

    ``identity`` covers the file's hash and the engine's settings, on which its replies depend;
    ``sha256`` is the file's hash alone.
    """

    worker: str
    identity: str
    prices: Prices
    sha256: str = ""


class Entry(msgspec.Struct, frozen=True):
    """An entry of the journal: a ``call`` with its reply, or a command that the user gave."""

    kind: str
    key: str = ""
    request: bytes = b""
    reply: bytes = b""
    cost: float = 0.0


class Journal(Protocol):
    """Keeps the calls and commands of a run; each entry is one transaction."""

    def entries(self) -> Iterator[Entry]: ...
    def append(self, entry: Entry, spent: float) -> None: ...
    def recall(self, key: str) -> bytes | None:
        """The memo's reply to this call, if any run has made it."""
        ...


class Interrupted(Exception):
    """The user paused or stopped the run; ``command`` says which."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self.command = command


class Withdrawn(Exception):
    """A call was broken off because the user wants something else, or a command was withdrawn
    before it was obeyed. The journal has none of it."""


class Unanswerable(StropError):
    """The model cannot answer this call, for instance because the prompt is too long. The journal
    has the failure as the call's reply."""


class Diverged(StropError):
    """The journal belongs to other code or other inputs than these."""


class Workbench:
    """Makes the calls of a run. ``poll`` is called before each live one and returns what the user
    wants: pause, stop, finish or nothing."""

    def __init__(
        self,
        models: Models,
        bodies: Mapping[str, Body],
        journal: Journal,
        poll: Callable[[], str | None],
    ) -> None:
        self.models = models
        self.bodies = bodies
        self.journal = journal
        self.poll = poll
        self.spent = 0.0
        self.tokens = 0
        """Unique tokens of all replies so far, read or written."""
        self.finishing = False
        self._past = journal.entries()

    @property
    def one_body(self) -> bool:
        """Whether the body that will serve searches as well."""
        return self.bodies["search"].identity == self.bodies["serving"].identity

    def score(self, role: str, request: Score) -> Scores:
        return self._expect(Scores, role, request)

    def generate(self, role: str, request: Generate) -> Generated:
        return self._expect(Generated, role, request)

    def hidden(self, role: str, request: Hidden) -> States:
        return self._expect(States, role, request)

    def propose(self, role: str, request: Propose) -> Proposals:
        return self._expect(Proposals, role, request)

    def gradients(self, role: str, request: Differentiate) -> Gradients:
        return self._expect(Gradients, role, request)

    def _expect(self, kind: type[R], role: str, request: Work) -> R:
        reply = self._call(self.bodies[role], request)
        if isinstance(reply, Failed):
            raise Unanswerable(reply.message)
        if not isinstance(reply, kind):
            raise StropError(
                f"the {role} model answered {type(reply).__name__} to a {kind.__name__}"
            )
        return reply

    def _call(self, body: Body, request: Work) -> Reply:
        key = call_key(body.identity, request)
        entry = self._replayed()
        if entry is not None and entry.key != key:
            raise Diverged(
                "this run's journal was written by another version of Strop or with other inputs; "
                "start a new run"
            )
        while entry is None:
            with suppress(Withdrawn):
                self._obey()
                entry = self._live(body, key, request)
                self.journal.append(entry, self.spent + entry.cost)
        self.spent += entry.cost
        reply = _readable(entry.reply)
        if reply is None:
            raise DamagedError("a reply in this run's journal is damaged; start a new run")
        self.tokens += _tokens(reply)
        return reply

    def _live(self, body: Body, key: str, request: Work) -> Entry:
        kept = self.journal.recall(key)
        reply = _readable(kept) if kept is not None else None
        if reply is None or kept is None:
            reply = self._ask(body.worker, request)
            kept = encode(reply)
        return Entry("call", key, encode(request), kept, price(body.prices, reply))

    def _ask(self, worker: str, request: Work) -> Reply:
        try:
            return self.models.call(worker, request)
        except RequestFailed as error:
            if error.kind != "bad_request":
                raise
            return Failed(error.kind, str(error))

    def _replayed(self) -> Entry | None:
        for entry in self._past:
            if entry.kind == "call":
                return entry
            self._apply(entry.kind)
        return None

    def _obey(self) -> None:
        command = self.poll()
        if command is None:
            return
        self.journal.append(Entry(command), self.spent)
        self._apply(command)
        if command in ("pause", "stop"):
            raise Interrupted(command)

    def _apply(self, command: str) -> None:
        if command == "finish":
            self.finishing = True


def _readable(reply: bytes) -> Reply | None:
    """The reply, or None where these bytes are none."""
    try:
        return decode_reply(reply)
    except msgspec.DecodeError:
        return None


def call_key(identity: str, request: Work) -> str:
    """A hash of what a reply depends on: the identity of what is asked, and the request."""
    return hashlib.sha256(f"{identity} {digest(request)}".encode()).hexdigest()


def price(prices: Prices, reply: Reply) -> float:
    """The cost units of a reply: its unique tokens at the run's prices, whether they were computed
    or remembered."""
    match reply:
        case Scores() | Proposals() | States():
            return reply.unique * prices.prefill
        case Generated():
            return reply.unique * prices.prefill + reply.sampled * prices.sample
        case Gradients():
            return reply.decoded * prices.gradient
        case _:
            return 0.0


def _tokens(reply: Reply) -> int:
    match reply:
        case Scores() | Proposals() | States():
            return reply.unique
        case Generated():
            return reply.unique + reply.sampled
        case Gradients():
            return reply.decoded
        case _:
            return 0
