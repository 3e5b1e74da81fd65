"""How models are called, wherever they run, and the errors that a call raises."""

from __future__ import annotations

from typing import Protocol

from models.engine import Reply, Request


class WorkerError(Exception):
    """A model could not answer; the message says which and why."""


class RequestFailed(WorkerError):
    """The worker answered that it cannot reply; ``kind`` is that of ``engine.Failed``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Models(Protocol):
    """Loaded models by name, on any machine. Equal requests to one name give equal replies."""

    def call(self, name: str, request: Request) -> Reply:
        """Returns the reply, never ``Failed``; raises RequestFailed or another WorkerError
        instead."""
        ...
