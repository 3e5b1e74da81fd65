"""``strop models bench`` on a real model, small and random, in real workers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from click.testing import CliRunner
from families import FAMILIES, write

import appliance.bodies
from appliance import locations
from appliance.cli import models_bench, strop
from appliance.data.jsonl import read_jsonl
from appliance.host import Host
from appliance.measure import measure
from appliance.tasks import save
from models.catalog import Catalog
from models.pool import Pool
from store import database

pytest.importorskip("llama_cpp")
pytestmark = pytest.mark.timeout(300)

NAMES = ("Ann", "Bea", "Cal", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon", "Kim", "Lou")


@pytest.fixture(scope="module")
def benched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Catalog]]:
    """A model that was benched twice: as it comes, in JSON, and within 10 nats, in words."""
    home = tmp_path_factory.mktemp("bench") / "home"
    with pytest.MonkeyPatch.context() as patch, Pool() as pool:
        patch.setenv("STROP_HOME", str(home))
        patch.setattr(appliance.bodies, "KINDS", ("Q8_0", "Q4_0"))
        # Speeds of a model as small as this are those of the pipe to it.
        patch.setattr(appliance.bodies, "CLEARLY", 0.0)
        catalog = Catalog(locations.models_folder())
        path = write(home.parent / "tiny.gguf", FAMILIES["llama"])
        catalog.add_gguf(path, "tiny", licence="", origin="test")
        db = database.open(locations.store_path())
        verbs = ("leads", "knows")
        rows = [row(head, tail, verb) for head, tail in pairwise(NAMES) for verb in verbs]
        (home / "rows.jsonl").write_text("\n".join(rows))
        save(db, read_jsonl(home / "rows.jsonl", name="firm"))
        host = Host(catalog, pool, lambda text: None)
        patch.setattr(models_bench, "ask", lambda out, db, kind, body: measure(db, host, body))
        yield bench("--json"), bench("--within", "10"), catalog


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
    _, said, catalog = benched
    model = catalog.get("tiny")
    [row] = [line for line in said.splitlines() if "searches" in line and "serves" not in line[:25]]
    assert model.limit == 10.0 and model.search in ("Q8_0", "Q4_0")
    assert row.startswith(model.search) and set(model.bodies) == {"F32", model.search}


def test_no_file_is_left_but_those_of_the_bodies_in_use(benched) -> None:
    _, _, catalog = benched
    here = {path.name for path in catalog.path("tiny").glob("*.gguf")}
    assert here == {body.file for body in catalog.get("tiny").bodies.values()}
