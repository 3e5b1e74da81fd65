"""The models of a run are those that it was started with."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.errors import StropError
from appliance.evaluate.workbench import Body
from appliance.host.host import Host
from models.engine import Reply, Request


class Unchanged:
    """``models.protocol.Models`` of a run's bodies, by role.

    Their files are hashed at once. A worker is compared with what the run has frozen before it is
    first called, so that a run which goes on with its verdict loads no model of a role that has
    nothing more to do, but for those that make tokens. Raises StropError where a file or an engine
    has changed.
    """

    def __init__(self, host: Host, bodies: Mapping[str, Body]) -> None:
        self._host = host
        self._unseen = {body.worker: (role, body) for role, body in bodies.items()}
        for body in bodies.values():
            name, _, kind = body.worker.partition("/")
            host.worker(host.catalog.get(name), kind)

    def call(self, name: str, request: Request) -> Reply:
        if name in self._unseen:
            role, body = self._unseen.pop(name)
            model, _, kind = name.partition("/")
            now = self._host.body(self._host.catalog.get(model), kind, body.prices)
            if now.identity != body.identity:
                raise StropError(
                    f"the {role} model or its engine has changed since this run was started, so it "
                    "cannot go on as it was; start a new run"
                )
        return self._host.pool.call(name, request)
