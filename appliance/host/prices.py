"""The bodies of a run are priced before it starts, in milliseconds a token on its own task."""

from __future__ import annotations

import msgspec

from appliance.encode.frame import chat_frame
from appliance.errors import InputError
from appliance.evaluate.decisions import decisions
from appliance.evaluate.workbench import Body, Prices
from appliance.host.bodies import any_tokens
from appliance.host.host import Host, tokeniser_of
from appliance.host.workload import Workload
from appliance.kinds import KINDS
from appliance.search.schedule import FIRST
from appliance.search.typical import written_at_once
from models.catalog import TWIN, Model
from models.engine import Differentiate, Generate, Generated, Gradients, Score, Scores

GRADIENT_CASES = 2
SAMPLED_TOKENS = 16

ASKED_TOKENS = 256
"""The tokens of a question to a reasoner, about."""


def price_bodies(
    host: Host, model: Model, reasoner: Model, work: Workload, *, twin: bool = True
) -> dict[str, Body]:
    """Returns every role's body with its prices. The role ``reasoner`` is left out where that model
    has no chat template, since it could not be asked anything, and the ``twin`` where there is
    none."""
    host.note_frame(model.name, work.renderer.frame(work.loaded.seed))
    bodies = {
        role: host.body(model, body, _reading_and_writing(host, host.worker(model, body), work))
        for role, body in (("search", model.search), ("serving", model.serving_body))
    }
    if twin:
        gradient = _gradient(host, host.worker(model, TWIN), work)
        bodies["twin"] = host.body(model, TWIN, Prices(0.0, gradient=gradient))
    try:
        asked = _asking(host, reasoner)
    except InputError as error:
        host.note(f"{reasoner.name} is not asked for instructions: {error}")
    else:
        bodies["reasoner"] = host.body(reasoner, reasoner.search, asked)
    return bodies


def _reading_and_writing(host: Host, worker: str, work: Workload) -> Prices:
    reading = _prefill(host, worker, Score(work.sheet().segments))
    if KINDS[work.loaded.task.kind].gold == "label":
        return Prices(reading)
    # The seed may choose where other formats write. Nothing stops a measured reply early, and many
    # at once are written several times as fast as one. A written token costs at least what a read
    # one does.
    openings = work.renderer.openings(work.loaded.seed, work.loaded.cases["tuning"][:FIRST])
    wanted = Generate(prompts=openings, max_tokens=SAMPLED_TOKENS, temperature=0.0)
    return Prices(reading, sample=max(reading, _sampling(host, worker, wanted)))


def _prefill(host: Host, worker: str, request: Score) -> float:
    """Returns the lower of two measured prices: other work of the machine can only add to one."""
    prices = []
    for _ in range(2):
        seconds, reply = host.timed(worker, request)
        assert isinstance(reply, Scores)
        prices.append(1000 * seconds / reply.decoded)
    return min(prices)


def _sampling(host: Host, worker: str, wanted: Generate) -> float:
    """Returns the price of a written token beyond the reading of its prompt."""
    host.timed(worker, wanted)  # The first request takes the memory that all of them need.
    reading, _ = host.timed(worker, msgspec.structs.replace(wanted, max_tokens=1))
    both, reply = host.timed(worker, wanted)
    assert isinstance(reply, Generated)
    return 1000 * max(both - reading, 0.0) / max(reply.sampled, 1)


def _gradient(host: Host, worker: str, work: Workload) -> float:
    cases, seed, task = work.cases[:GRADIENT_CASES], work.loaded.seed, work.loaded.task
    sheet = work.renderer.sheet(seed, cases, owned=True)
    choices = decisions(task, msgspec.structs.replace(seed, weight=1.0), sheet, cases, 1.0)
    request = Differentiate(sheet.segments, tuple(sheet.layout.owners), choices, 1)
    seconds, reply = host.timed(worker, request)
    assert isinstance(reply, Gradients)
    return 1000 * seconds / reply.decoded


def _asking(host: Host, reasoner: Model) -> Prices:
    """Returns the reasoner's prices for short replies, which are written together as in a search.
    Raises InputError where the model has no chat template."""
    tokeniser = tokeniser_of(host, reasoner, reasoner.search)
    host.note_frame(reasoner.name, chat_frame(tokeniser))
    worker = host.worker(reasoner, reasoner.search)
    prompt = any_tokens(ASKED_TOKENS)
    wanted = Generate(prompts=(prompt,), n=written_at_once(), max_tokens=SAMPLED_TOKENS)
    sampling = _sampling(host, worker, wanted)
    reading, _ = host.timed(worker, msgspec.structs.replace(wanted, n=1, max_tokens=1))
    prefill = 1000 * reading / len(prompt)
    return Prices(prefill, sample=max(prefill, sampling))
