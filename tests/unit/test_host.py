"""This host's models: the body that searches, and files that are those that were recorded."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tiny_gguf import build

import appliance.host.bodies
import appliance.host.host
import appliance.host.twin
from appliance.errors import StropError
from appliance.evaluate.workbench import Prices
from appliance.host.bodies import fastest
from appliance.host.fidelity import Fidelity
from appliance.host.host import Host
from appliance.host.prepare import prepare
from appliance.host.twin import NoTwin, with_twin
from models.catalog import Body, Catalog, Model, hash_file
from models.engine import (
    Describe,
    Description,
    Detokenise,
    Reply,
    Request,
    Texts,
    Tokenise,
    Tokens,
)
from models.make import MakeError, NoRoom

SPEEDS = {"F32": 100.0, "BF16": 250.0, "F16": 120.0, "Q8_0": 500.0, "Q4_0": 600.0}
AWAY = {"F32": 0.0, "BF16": 0.001, "F16": 0.001, "Q8_0": 0.005, "Q4_0": 0.07}
FREE = Prices(0.0)


class Workers:
    """A pool that starts nothing; ``opened`` are the names in the order of their opening."""

    def __init__(self, context: int = 512) -> None:
        self.opened: list[str] = []
        self.options: list[dict[str, str]] = []
        self.open_now: set[str] = set()
        self.context = context
        self.rooms_made: list[str] = []
        self.away = 0.0
        self.system = "AVX2 = 1 | "
        self.twin_reads = "text"

    def open(self, name: str, engine: str, options: dict[str, str], **timeouts: float) -> None:
        assert name not in self.open_now and Path(options["path"]).exists()
        self.opened.append(name)
        self.options.append(options)
        self.open_now.add(name)

    def close(self, name: str) -> None:
        self.open_now.discard(name)

    def turn_aside(self) -> None:
        return None

    def make_room(self, name: str) -> None:
        self.rooms_made.append(name)

    def call(self, name: str, request: Request) -> Reply:
        assert name in self.open_now
        if isinstance(request, Tokenise):
            return Tokens(tuple((1, 2) for _ in request.texts), ())
        if isinstance(request, Detokenise):
            return Texts((self.twin_reads if name.endswith("twin") else "text",))
        assert isinstance(request, Describe)
        return Description(
            self.context, 4, {}, None, None, "", {"library": "1.0", "system": self.system}
        )


@pytest.fixture
def workers() -> Workers:
    return Workers()


@pytest.fixture
def host(tmp_path: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> Host:
    """Over one model, whose bodies read as many tokens a second as ``SPEEDS`` says."""

    def made(what: str, source: Path, target: Path, kind: str = "", between: None = None) -> None:
        if what == "twin":
            target.mkdir()
            target = target / "model.safetensors"
        target.write_text(f"{kind or what} of {source.name}")

    def timed(self: Host, worker: str, request: Request) -> tuple[float, None]:
        self.describe(worker)
        return 511 / SPEEDS[worker.partition("/")[2]], None

    def compared(pool: Workers, serving: str, worker: str, tokens: tuple[int, ...]) -> Fidelity:
        assert {serving, worker} <= pool.open_now and serving == "tiny/F32"
        return Fidelity(AWAY[worker.partition("/")[2]], 1.0, len(tokens))

    monkeypatch.setattr(appliance.host.twin, "make", made)
    monkeypatch.setattr(appliance.host.twin, "fidelity", lambda *_: Fidelity(workers.away, 1.0, 9))
    monkeypatch.setattr(appliance.host.bodies, "make", made)
    monkeypatch.setattr(appliance.host.bodies, "fidelity", compared)
    monkeypatch.setattr(Host, "timed", timed)
    catalog = Catalog(tmp_path / "models")
    add(catalog, tmp_path / "tiny.gguf", build())
    return Host(catalog, workers, lambda text: None)


def add(catalog: Catalog, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    catalog.add_gguf(path, "tiny", licence="", origin="a test")


def chosen(limit: float = 0.02, **found: tuple[float, float]) -> str:
    """Of bodies with that speed and divergence; Q4_1 serves."""
    measured = {
        name: Body(f"{name}.gguf", "", name, speed, divergence)
        for name, (speed, divergence) in found.items()
    }
    return fastest(measured, "Q4_1", limit)


def test_the_fastest_body_within_the_limit_searches():
    bodies = {"Q4_1": (100, 0.0), "BF16": (300, 0.003), "Q8_0": (200, 0.01), "Q4_0": (999, 0.1)}
    assert chosen(**bodies) == "BF16"
    assert chosen(limit=0.1, **bodies) == "Q4_0"
    assert chosen(limit=0.001, **bodies) == "Q4_1"


def test_the_file_that_is_served_searches_where_nothing_is_clearly_faster():
    assert chosen(Q4_1=(100, 0.0), BF16=(124, 0.003)) == "Q4_1"
    assert chosen(Q4_1=(100, 0.0), BF16=(126, 0.003)) == "BF16"


def test_a_body_that_was_never_compared_does_not_search():
    assert chosen(Q4_1=(100, 0.0), BF16=(300, None)) == "Q4_1"


def test_a_model_keeps_its_own_file_and_the_chosen_body_alone(host):
    model = prepare(host, "tiny")
    assert model == host.catalog.get("tiny")
    assert (model.search, list(model.bodies)) == ("Q8_0", ["F32", "Q8_0"])
    assert model.bodies["Q8_0"].prefill_tokens_per_s == 500.0
    assert model.bodies["Q8_0"].divergence == 0.005
    files = {path.name for path in host.catalog.path("tiny").iterdir()}
    assert files == {"model.json", "serving.gguf", "q8_0.gguf"}


def test_a_model_is_measured_once(host, workers):
    prepare(host, "tiny")
    assert workers.opened == [f"tiny/{body}" for body in SPEEDS] and not workers.open_now
    prepare(host, "tiny")
    assert workers.opened[len(SPEEDS) :] == ["tiny/F32"]


def test_a_model_is_measured_again_with_another_build_of_llama_cpp(host, workers, monkeypatch):
    assert prepare(host, "tiny").chosen_with == "1.0 for AVX2 = 1"
    workers.system = "AVX2 = 1 | AMX_INT8 = 1 | "
    monkeypatch.setitem(SPEEDS, "BF16", 550.0)
    model = prepare(host, "tiny")
    assert (model.search, model.chosen_with) == ("BF16", "1.0 for AVX2 = 1 | AMX_INT8 = 1")


def test_no_unquantised_body_is_made_of_a_large_file(host, monkeypatch):
    monkeypatch.setattr(appliance.host.bodies, "LARGE", 1)
    monkeypatch.setitem(SPEEDS, "BF16", 10_000.0)
    assert prepare(host, "tiny").search == "Q8_0"


def ready(host: Host) -> Model:
    """The model with a search body and a twin, and no worker open."""
    model = with_twin(host, prepare(host, "tiny"))
    for body in (model.serving_body, "twin"):
        host.close(model, body)
    return model


def test_a_twin_is_made_once(host, monkeypatch):
    assert ready(host) == host.catalog.get("tiny")
    assert (host.catalog.path("tiny") / "twin").is_dir()
    monkeypatch.setattr(appliance.host.twin, "make", None)
    ready(host)


def test_a_twin_that_is_not_the_same_model_is_not_used_and_its_worker_is_ended(host, workers):
    workers.away = 1.01
    with pytest.raises(NoTwin, match=r"1\.01 nats from its GGUF, so it is another model's"):
        ready(host)
    assert "tiny/twin" not in workers.open_now
    workers.away, workers.twin_reads = 0.0, "texts"
    with pytest.raises(NoTwin, match="reads tokens as other text than its GGUF does"):
        ready(host)


def test_a_twin_that_cannot_be_made_is_no_twin(host, monkeypatch):
    def fails(*_: object, between: None) -> None:
        raise MakeError("transformers does not know this architecture")

    monkeypatch.setattr(appliance.host.twin, "make", fails)
    with pytest.raises(NoTwin, match="does not know this architecture"):
        ready(host)


def test_where_memory_does_not_hold_a_twin_it_is_made_once_more_alone(host, workers, monkeypatch):
    made, tries = appliance.host.twin.make, []

    def short(*given: object, between: None) -> None:
        tries.append(list(workers.rooms_made))
        if not workers.rooms_made:
            raise NoRoom("memory does not hold its twin")
        made(*given)

    monkeypatch.setattr(appliance.host.twin, "make", short)
    assert ready(host).twin_sha256
    assert tries == [[], ["tiny/twin"]]


def file_of(host: Host, model: Model, body: str) -> Path:
    folder = host.catalog.path("tiny")
    if body == "twin":
        return folder / "twin" / "model.safetensors"
    return folder / model.bodies[body].file


@pytest.mark.parametrize("body", ["F32", "Q8_0", "twin"])
def test_a_file_that_has_changed_is_named_and_not_used(host, workers, body):
    model = ready(host)
    workers.opened.clear()
    file = file_of(host, model, body)
    data = file.read_bytes()
    file.write_bytes(data[:-1] + b"x")
    with pytest.raises(StropError, match=r"not the file that was recorded") as caught:
        host.body(model, body, FREE)
    assert str(file) in str(caught.value) and "strop models remove tiny" in str(caught.value)
    file.unlink()
    with pytest.raises(StropError, match="No such file") as caught:
        host.worker(model, body)
    assert str(file) in str(caught.value) and workers.opened == []
    file.write_bytes(data)
    assert workers.opened == [host.worker(model, body)]


def test_no_twin_is_made_of_a_file_that_has_changed(host):
    model = ready(host)
    host.catalog.update(msgspec.structs.replace(model, twin_sha256=None))
    file_of(host, model, "F32").write_bytes(b"other")
    with pytest.raises(NoTwin, match="not the file that was recorded"):
        with_twin(host, host.catalog.get("tiny"))


def test_the_user_says_how_many_layers_a_card_takes(host, workers, monkeypatch):
    model = ready(host)
    monkeypatch.setenv("STROP_GPU_LAYERS", "12")
    for body in ("F32", "twin"):
        host.worker(model, body)
    assert [options.get("gpu_layers") for options in workers.options[-2:]] == [12, None]
    monkeypatch.setenv("STROP_GPU_LAYERS", "all")
    with pytest.raises(StropError, match="STROP_GPU_LAYERS is 'all'; set it to a number"):
        host.worker(model, "Q8_0")


def test_a_file_is_hashed_once_a_process(host, monkeypatch):
    model = ready(host)
    host.worker(model, "Q8_0")
    monkeypatch.setattr(appliance.host.host, "hash_file", None)
    host.body(model, "Q8_0", FREE)


def test_a_model_that_was_removed_and_added_again_is_opened_again(host, workers, tmp_path):
    before = ready(host)
    first = host.body(before, "F32", FREE)
    host.catalog.remove("tiny")
    add(host.catalog, tmp_path / "other.gguf", build(data=163))
    workers.opened.clear()
    with pytest.raises(StropError, match="tiny has no Q8_0 now, it was added again"):
        host.body(host.catalog.get("tiny"), "Q8_0", FREE)
    with pytest.raises(StropError, match="has no twin now"):
        host.body(host.catalog.get("tiny"), "twin", FREE)
    after = host.body(host.catalog.get("tiny"), "F32", FREE)
    assert workers.opened == ["tiny/F32"] and after.identity != first.identity


@pytest.mark.parametrize("body", ["F32", "Q8_0", "twin"])
def test_the_identity_of_a_body_is_that_of_its_own_file_and_context(host, body):
    model = ready(host)
    identity = host.body(model, body, FREE).identity
    assert hash_file(file_of(host, model, body)) in identity
    same, shorter = (
        Host(host.catalog, Workers(context), host.note).body(model, body, FREE).identity
        for context in (512, 511)
    )
    assert same == identity != shorter
