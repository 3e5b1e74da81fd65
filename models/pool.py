"""The models of one run, each in a worker of its own, called by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from models.child import Child, WorkerDied, WorkerHung
from models.engine import Reply, Request
from models.protocol import RequestFailed, WorkerError


@dataclass(slots=True)
class _Model:
    engine: str
    options: dict[str, Any]
    load_timeout: float
    beat_timeout: float
    child: Child | None = None
    asked: int = 0
    """The number of calls that wait for an answer; it is above one where one is made between
    another's batches."""

    @property
    def running(self) -> bool:
        return self.child is not None and not self.child.stopped


class Pool:
    """Workers on this machine. Use it as a context manager, from one thread."""

    def __init__(self) -> None:
        self.between: Callable[[], None] | None = None
        """Called between the batches of a request. It may call this model or another, which answers
        first. An exception that it raises ends the request."""
        self.made_room: Callable[[str, Sequence[str]], None] = lambda name, rested: None
        """Called with the model that lacked memory and those whose workers were ended for it."""
        self._models: dict[str, _Model] = {}

    def open(
        self,
        name: str,
        engine: str,
        options: dict[str, Any],
        *,
        load_timeout: float,
        beat_timeout: float,
    ) -> None:
        """Registers a model as ``name``; its worker starts at the first call.

        ``engine`` is "module:function". The worker calls it with ``options`` (plain data) and
        ``beat``, which it in turn calls with (done, total). Timeouts are seconds without a sign of
        life.
        """
        if name in self._models:
            raise ValueError(f"a model {name!r} is open already")
        self._models[name] = _Model(engine, options, load_timeout, beat_timeout)

    def call(self, name: str, request: Request) -> Reply:
        """Asks the model ``name`` and returns its reply. If the worker dies, falls silent or runs
        out of memory, the request is repeated once, by a new worker. Where memory ran out, the idle
        workers of other models are ended first; each starts again when it is next asked.

        Raises WorkerError for a name that is not open. A RequestFailed for another reason is raised
        at once, the other errors when the second attempt fails.
        """
        model = self._models.get(name)
        if model is None:
            raise WorkerError(f"no model is open under the name {name!r}")
        try:
            return self._ask(name, model, request)
        except WorkerHung:
            pass
        except WorkerDied as error:
            if error.killed:
                self.make_room(name)
        except RequestFailed as error:
            if error.kind != "memory":
                raise
            self.make_room(name)
        return self._ask(name, model, request)

    def pids(self) -> dict[str, int]:
        """The process id of every model that has a worker."""
        working = ((name, model) for name, model in self._models.items() if model.running)
        return {name: model.child.pid for name, model in working if model.child}

    def rest(self, name: str) -> None:
        """Ends the worker of ``name`` and frees its memory; the next call starts another."""
        if (model := self._models[name]).child:
            model.child.stop()

    def close(self, name: str) -> None:
        """Ends the worker of ``name``, if there is one, and forgets the name. Raises WorkerError
        while a call waits for its answer."""
        model = self._models.get(name)
        if model and model.asked:
            raise WorkerError(f"model {name!r} is at work; try again when it has answered")
        self._models.pop(name, None)
        if model and model.child:
            model.child.stop()

    def close_all(self) -> None:
        for name in list(self._models):
            self.close(name)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close_all()

    def _ask(self, name: str, model: _Model, request: Request) -> Reply:
        model.asked += 1
        try:
            if model.child is None or model.child.stopped:
                model.child = Child(name)
                model.child.load(model.engine, model.options, model.load_timeout)
            return model.child.ask(request, model.beat_timeout, self.turn_aside())
        finally:
            model.asked -= 1

    def make_room(self, name: str) -> None:
        """Ends the workers of all other models that answer nothing now."""
        rested = [
            other
            for other, model in self._models.items()
            if other != name and model.running and not model.asked
        ]
        for other in rested:
            self.rest(other)
        if rested:
            self.made_room(name, rested)

    def turn_aside(self) -> Callable[[], None] | None:
        """``between``, switched off while it runs: requests made in it do not call it again."""
        between = self.between
        if between is None:
            return None

        def once() -> None:
            self.between = None
            try:
                between()
            finally:
                self.between = between

        return once
