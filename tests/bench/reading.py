"""What a model of the data folder of ``STROP_HOME`` says to rows, for the benchmarks beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from appliance import locations
from appliance.encode.renderer import Renderer
from appliance.host.host import Host, tokeniser_of
from appliance.predict.served import Served
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence
from appliance.scoring.predict import outcomes, states
from appliance.task import Case, Example, Task
from models.catalog import Catalog
from models.pool import Pool

BLOCK = 32

Read = Callable[[Task, Sequence[Example], Prompt, Sequence[Example]], list[Evidence]]
"""What a prompt that shows some ``others`` of a task's rows gives of each row: a state, or an
outcome where labels are read by their words."""


@contextmanager
def reading(model: str) -> Iterator[Read]:
    """Asks the fastest body that there is already."""
    with Pool() as pool:
        host = Host(Catalog(locations.models_folder()), pool, print)
        record = host.catalog.get(model)
        body = record.search or record.serving_body
        asked = Served(pool, host.worker(record, body))
        tokeniser = tokeniser_of(host, record, body)

        def read(
            task: Task, rows: Sequence[Example], prompt: Prompt, others: Sequence[Example] = ()
        ) -> list[Evidence]:
            renderer = Renderer(task, {row.id: row for row in (*rows, *others)}, tokeniser)
            labels = tuple(label.name for label in task.labels)
            cases = [Case(row, labels) for row in rows]
            found: list[Evidence] = []
            say = states if prompt.readout == "hidden" else outcomes
            for at in range(0, len(cases), BLOCK):
                found += say(asked, renderer, prompt, cases[at : at + BLOCK])
            return found

        yield read
