"""One child process that owns one loaded model: ``python -m models.worker``, spoken to by the pool.

Frames come in on its stdin and go out on what was its stdout. Ends when either is closed.
"""

from __future__ import annotations

import importlib
import os
import resource
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast

from models.egress import refuse_network
from models.engine import Describe, Description, Failed, Reply, Request
from models.trie import BadRequest
from models.wire import Answer, BadFrame, Beat, Call, Channel, ChannelClosed, Load, Loaded, ToWorker

_POLL = 1000  # ms between two looks at the parent


class Engine(Protocol):
    """A loaded model. It raises BadRequest for what no engine could answer, and outlives it."""

    def handle(self, request: Request) -> Reply: ...


def main() -> None:
    refuse_network()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel = _take_pipes()
    threading.Thread(target=_end_with_parent, args=(channel.reads,), daemon=True).start()
    with suppress(ChannelClosed):
        serve(channel)


def serve(channel: Channel[ToWorker]) -> None:
    """Loads, then answers calls one at a time; returns after a failed load or without memory."""
    current = 0

    def beat(done: int, total: int) -> None:
        channel.send(Beat(current, done, total))

    load = channel.receive()
    if not isinstance(load, Load):
        raise BadFrame("the first frame must say what to load")
    try:
        engine = _load(load, beat)
        channel.send(Loaded(cast(Description, engine.handle(Describe()))))
    except Exception as error:
        channel.send(_failure(error))
        return
    while True:
        call = channel.receive()
        if not isinstance(call, Call):
            raise BadFrame("a second model")
        current = call.id
        try:
            channel.send(Answer(call.id, engine.handle(call.request)))
        except Exception as error:
            channel.send(Answer(call.id, _failure(error)))
            if isinstance(error, MemoryError):
                return


def _take_pipes() -> Channel[ToWorker]:
    """Moves both pipes off fds 0 and 1, so that nothing an engine prints or reads meets a frame."""
    channel: Channel[ToWorker] = Channel(os.dup(0), os.dup(1), ToWorker)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return channel


def _end_with_parent(requests: int) -> None:
    """Ends the process, even in the middle of a native call, once nobody is left to ask.

    A hang-up of the request pipe says so at once, and a change of parent where a stray copy of the
    pipe is still open. Linux's PR_SET_PDEATHSIG would not do: it fires at the end of the *thread*
    that started the worker.
    """
    parent = os.getppid()
    poll = select.poll()
    poll.register(requests, 0)
    while not poll.poll(_POLL) and os.getppid() == parent:
        pass
    os._exit(0)


def _load(load: Load, beat: Callable[[int, int], None]) -> Engine:
    module, _, function = load.engine.partition(":")
    factory = getattr(importlib.import_module(module), function)
    return cast(Engine, factory(**load.options, beat=beat))


def _failure(error: Exception) -> Failed:
    match error:
        case BadRequest():
            return Failed("bad_request", str(error))
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
