"""A workload is a task as one model reads it; bodies are timed and compared on it."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.encode.renderer import Renderer, Sheet
from appliance.host.host import Host, tokeniser_of
from appliance.prompts.loaded import Loaded
from appliance.task import Case
from models.catalog import Model

MEASURED_CASES = 8


@dataclass(frozen=True)
class Workload:
    loaded: Loaded
    renderer: Renderer

    @property
    def cases(self) -> list[Case]:
        """The tuning cases that are measured on."""
        return self.loaded.cases["tuning"][:MEASURED_CASES]

    def sheet(self) -> Sheet:
        """Lays these cases out under the seed prompt."""
        return self.renderer.sheet(self.loaded.seed, self.cases)


def open_workload(host: Host, model: Model, loaded: Loaded) -> Workload:
    return Workload(
        loaded, Renderer(loaded.task, loaded.rows, tokeniser_of(host, model, model.search))
    )
