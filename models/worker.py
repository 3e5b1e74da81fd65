"""A child process that owns one loaded model (``python -m models.worker``); the pool talks to it.

Frames come in on its stdin and go out on its original stdout. It ends when either is closed.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import Protocol, cast

from models.egress import refuse_network
from models.engine import Describe, Description, Failed, Reply, Request
from models.memory import MemoryShort, confine
from models.parent import end_with_parent
from models.trie import BadRequest
from models.wire import (
    Answer,
    BadFrame,
    Beat,
    Call,
    Cancel,
    Channel,
    ChannelClosed,
    Load,
    Loaded,
    ToWorker,
)


class Engine(Protocol):
    """A loaded model. It raises BadRequest for a request no engine could answer, and works on."""

    def handle(self, request: Request) -> Reply: ...


def main() -> None:
    refuse_network()
    confine()
    channel = _take_pipes()
    threading.Thread(target=end_with_parent, args=(channel.reads,), daemon=True).start()
    with suppress(ChannelClosed):
        serve(channel)


def serve(channel: Channel[ToWorker]) -> None:
    """Loads the model, then answers calls; returns where loading failed or memory ran out."""
    load = channel.receive()
    if not isinstance(load, Load):
        raise BadFrame("the first frame must say what to load")
    server = Server(channel)
    try:
        engine = _load(load, server)
        channel.send(Loaded(cast(Description, engine.handle(Describe()))))
    except Exception as error:
        channel.send(_failure(error))
        return
    server.serve(engine)


class Cancelled(Exception):
    """Raised by ``beat`` where the reply is no longer wanted."""


class Server:
    """Answers one call at a time. A call that comes during another is answered in that one's next
    gap, since a person at a terminal comes before a search."""

    def __init__(self, channel: Channel[ToWorker]) -> None:
        self.channel = channel
        self._engine: Engine | None = None
        self._waiting: deque[Call] = deque()
        self._working: list[int] = []
        self._cancelled: set[int] = set()
        self._alive = True

    def serve(self, engine: Engine) -> None:
        self._engine = engine
        while self._alive:
            self._listen()
            self._answer_waiting()

    def beat(self, done: int, total: int) -> None:
        """Sends a sign of life. A call can be cancelled here: then this raises Cancelled."""
        self.channel.send(Beat(self._working[-1] if self._working else 0, done, total))
        while self.channel.ready():
            self._listen()
        if self._working and self._working[-1] in self._cancelled:
            raise Cancelled

    def gap(self) -> None:
        """Answers the calls that have come. What the engine held in memory may be gone then."""
        if len(self._working) == 1:
            self._answer_waiting()

    def _listen(self) -> None:
        match self.channel.receive():
            case Call() as call:
                self._waiting.append(call)
            case Cancel(id):
                self._cancelled.add(id)
            case _:
                raise BadFrame("a second model")

    def _answer_waiting(self) -> None:
        while self._waiting:
            call = self._waiting.popleft()
            self._working.append(call.id)
            self.channel.send(Answer(call.id, self._reply(call)))
            self._working.pop()
            self._cancelled.discard(call.id)

    def _reply(self, call: Call) -> Reply:
        assert self._engine
        try:
            if call.id in self._cancelled:
                raise Cancelled
            return self._engine.handle(call.request)
        except Exception as error:
            self._alive &= not isinstance(error, MemoryError)
            return _failure(error)


def _take_pipes() -> Channel[ToWorker]:
    """Moves both pipes off fds 0 and 1, so that what an engine prints or reads never mixes with
    frames."""
    channel: Channel[ToWorker] = Channel(os.dup(0), os.dup(1), ToWorker)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return channel


def _load(load: Load, server: Server) -> Engine:
    module, _, function = load.engine.partition(":")
    factory = getattr(importlib.import_module(module), function)
    return cast(Engine, factory(**load.options, beat=server.beat, gap=server.gap))


def _failure(error: Exception) -> Failed:
    match error:
        case BadRequest():
            return Failed("bad_request", str(error))
        case Cancelled():
            return Failed("cancelled", "nobody waits for the reply any more")
        case MemoryShort():
            return Failed("memory", str(error))
        case MemoryError():
            return Failed("memory", "out of memory: use a smaller model, context or batch")
        case _ if type(error).__module__.startswith("models."):
            return Failed("engine", str(error))
        case _:
            return Failed("engine", f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    try:
        main()
    except BadFrame as error:
        sys.exit(f"worker: {error}")
