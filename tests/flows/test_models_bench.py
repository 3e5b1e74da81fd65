"""``strop models bench`` and imported twins on real models, small and random, in real workers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from families import FAMILIES, write
from msgspec.structs import replace

import appliance.host.bodies
from appliance import locations
from appliance.cli import strop
from appliance.cli.models import bench as models_bench
from appliance.cli.models.bench import _twin
from appliance.data.choices import Choices
from appliance.data.read.jsonl import read_jsonl
from appliance.data.tasks import load, save
from appliance.host.bodies import measured
from appliance.host.host import Host
from appliance.host.measure import measure
from appliance.host.plan import measure_and_plan
from appliance.host.prepare import prepare
from appliance.host.prices import price_bodies
from appliance.host.twin import NoTwin, with_twin
from appliance.host.workload import open_workload
from models.catalog import Body, Catalog, Model
from models.make import make
from models.pool import Pool
from store import database

if TYPE_CHECKING:
    from sqlite_utils import Database

pytest.importorskip("llama_cpp")
pytestmark = pytest.mark.timeout(300)

SPEEDS = {"F32": 100.0, "Q8_0": 50.0, "Q4_0": 900.0}
NAMES = ("Ann", "Bea", "Cal", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon", "Kim", "Lou")


@pytest.fixture(scope="module")
def benched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Catalog]]:
    """A model that was benched twice: as it comes, in JSON, and within 10 nats, in words."""
    home = tmp_path_factory.mktemp("bench") / "home"
    with pytest.MonkeyPatch.context() as patch, Pool() as pool:
        patch.setenv("STROP_HOME", str(home))
        patch.setattr(appliance.host.bodies, "KINDS", ("Q8_0", "Q4_0"))
        patch.setattr(appliance.host.bodies, "measured", as_fast_as_given)
        catalog = Catalog(locations.models_folder())
        path = write(home.parent / "tiny.gguf", FAMILIES["llama"])
        catalog.add_gguf(path, "tiny", licence="", origin="test")
        store_with_task(home)
        (catalog.path("tiny") / "left.gguf").write_text("by a runner that was killed")
        host = Host(catalog, pool, lambda text: None)
        patch.setattr(
            models_bench,
            "ask",
            lambda out, db, asked: measure(db, host, asked.model, asked.task, asked.within),
        )
        yield bench("--json"), bench("--within", "10"), catalog


def as_fast_as_given(host: Host, model: Model, name: str) -> Body:
    """Speeds of a model as small as this are those of the pipe to it."""
    return replace(measured(host, model, name), prefill_tokens_per_s=SPEEDS[name])


def store_with_task(home: Path) -> Database:
    db = database.open(locations.store_path())
    verbs = ("leads", "knows")
    rows = [row(head, tail, verb) for head, tail in pairwise(NAMES) for verb in verbs]
    (home / "rows.jsonl").write_text("\n".join(rows))
    save(db, read_jsonl(home / "rows.jsonl", Choices("firm")))
    return db


def row(head: str, tail: str, verb: str) -> str:
    return json.dumps({"text": f"{head} {verb} {tail}.", "head": head, "tail": tail, "label": verb})


def bench(*options: str) -> str:
    done = CliRunner().invoke(strop, ["models", "bench", "tiny", "--task", "firm", *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_body_is_measured_and_held_against_the_one_that_serves(benched) -> None:
    document = json.loads(benched[0])
    found = {body["body"]: body for body in document["bodies"]}
    assert list(found) == ["F32", "Q8_0", "Q4_0"] and document["limit"] == 0.02
    away = [body["to_serving"]["divergence"] for body in found.values()]
    assert away[0] == pytest.approx(0, abs=1e-5) and away[0] < away[1] < away[2]
    for body in found.values():
        assert body["prefill"]["0"] > 0 and body["decode"] > 0 and body["decode_many"] > 0
        assert body["to_twin"]["positions"] > 50
        assert body["rank_to_serving"]["n"] > 10
    assert found["F32"]["rank_to_serving"]["spearman"] == 1.0
    assert found["F32"]["rank_to_twin"]["spearman"] > 0.99
    assert found["F32"]["to_twin"]["divergence"] < 0.02


def test_the_answer_is_told_in_words(benched) -> None:
    said = benched[1]
    assert "read at 0" in said and "A body may search within 10 nats." in said
    assert "Twin: scores " in said and "minutes" in said.splitlines()[-1]


def test_a_limit_chooses_the_body_that_searches(benched) -> None:
    before, after, catalog = benched
    uses = {body["body"]: body["uses"] for body in json.loads(before)["bodies"]}
    assert uses == {"F32": "serves, searches", "Q8_0": "", "Q4_0": ""}
    [row] = [line for line in after.splitlines() if "searches" in line]
    assert row.startswith("Q4_0  searches")
    model = catalog.get("tiny")
    assert (model.limit, model.search, set(model.bodies)) == (10.0, "Q4_0", {"F32", "Q4_0"})


def test_no_file_is_left_but_those_of_the_bodies_in_use(benched) -> None:
    _, _, catalog = benched
    here = {path.name for path in catalog.path("tiny").glob("*.gguf")}
    assert "left.gguf" not in here and len(here) == 2
    assert here == {body.file for body in catalog.get("tiny").bodies.values()}


@pytest.fixture(scope="module")
def unquantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Safetensors of the model with seed 1, as a model hub has them."""
    folder = tmp_path_factory.mktemp("hub")
    make("twin", write(folder / "one.gguf", FAMILIES["llama"], seed=1), folder / "one")
    return folder / "one"


@pytest.mark.parametrize(("seed", "refused"), [(1, False), (0, True)])
def test_a_twin_can_be_imported_and_must_be_the_same_model_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unquantised: Path, seed: int, refused: bool
) -> None:
    monkeypatch.setenv("STROP_HOME", str(tmp_path / "home"))
    file = write(tmp_path / "tiny.gguf", FAMILIES["llama"], seed=seed)
    options = ["--twin", str(unquantised), "--json"]
    done = CliRunner().invoke(strop, ["models", "import", str(file), *options])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["origin"] == "imported from tiny.gguf, twin from one"
    catalog = Catalog(locations.models_folder())
    assert catalog.check("tiny") == [] and catalog.get("tiny").twin_sha256
    monkeypatch.setattr(appliance.host.bodies, "KINDS", ())
    db = store_with_task(tmp_path / "home")
    loaded = load(db, "firm")
    notes: list[str] = []
    with Pool() as pool:
        host = Host(catalog, pool, notes.append)
        model = prepare(host, "tiny")
        if refused:
            with pytest.raises(NoTwin, match=r"twin of tiny is .* nats .* another model's"):
                with_twin(host, model)
            bodies, plan = measure_and_plan(
                host,
                model,
                model,
                loaded,
                1.0,
                most=None,
                stretch=True,
                readouts=("words",),
                likeness=False,
            )
            assert "twin" not in bodies and "Stage 2 is left out: the twin of tiny" in plan.text
            assert any(note.startswith("Stage 2 is left out: ") for note in notes)
            found = measure(db, host, "tiny", "firm", None)
            assert found.no_twin in plan.text and found.scoring is None and found.bodies
            assert _twin(found, found.bodies[0]).startswith("No twin, so runs leave stage 2 out: ")
        else:
            with_twin(host, model)
            priced = price_bodies(host, model, model, open_workload(host, model, loaded))
            assert priced["twin"].prices.gradient > 0


def test_what_makes_no_twin_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unquantised: Path
) -> None:
    monkeypatch.setenv("STROP_HOME", str(tmp_path / "home"))
    file = write(tmp_path / "tiny.gguf", FAMILIES["llama"])
    bare, damaged = tmp_path / "bare", tmp_path / "damaged"
    bare.mkdir()
    shutil.copytree(unquantised, damaged)
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    for folder, why in ((bare, "no safetensors"), (damaged, "model.safetensors: ")):
        done = CliRunner().invoke(strop, ["models", "import", str(file), "--twin", str(folder)])
        assert done.exit_code == 2 and why in done.stderr and "Traceback" not in done.stderr
        assert Catalog(locations.models_folder()).all() == []
