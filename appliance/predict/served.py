"""A model that answers rows, in a worker of this process, as a device has one engine."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import StropError
from models.engine import Generate, Generated, Reply, Score, Scores
from models.protocol import Models, WorkerError


@dataclass(frozen=True)
class Served:
    """``scoring.predict.Asked`` of one worker. Raises StropError where it cannot answer."""

    models: Models
    worker: str

    def score(self, request: Score) -> Scores:
        reply = self._call(request)
        assert isinstance(reply, Scores)
        return reply

    def generate(self, request: Generate) -> Generated:
        reply = self._call(request)
        assert isinstance(reply, Generated)
        return reply

    def _call(self, request: Score | Generate) -> Reply:
        try:
            return self.models.call(self.worker, request)
        except WorkerError as error:
            raise StropError(str(error)) from error
