"""A model that answers rows, in a worker of this process, as a device has one engine."""

from __future__ import annotations

from dataclasses import dataclass

from models.engine import Generate, Generated, Hidden, Score, Scores, States
from models.protocol import Models


@dataclass(frozen=True)
class Served:
    """``scoring.predict.Asked`` of one worker. Raises WorkerError where it cannot answer."""

    models: Models
    worker: str

    def score(self, request: Score) -> Scores:
        reply = self.models.call(self.worker, request)
        assert isinstance(reply, Scores)
        return reply

    def hidden(self, request: Hidden) -> States:
        reply = self.models.call(self.worker, request)
        assert isinstance(reply, States)
        return reply

    def generate(self, request: Generate) -> Generated:
        reply = self.models.call(self.worker, request)
        assert isinstance(reply, Generated)
        return reply
