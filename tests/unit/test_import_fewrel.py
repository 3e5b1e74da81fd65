"""FewRel files become episodes: exactly the fixed ones, or sampled over disjoint relations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.data.fewrel import read_fewrel
from appliance.errors import InputError
from appliance.prompt import Section
from appliance.task import SPLITS

REAL = Path(__file__).parents[3] / "shared" / "data" / "fewrel"
needs_fewrel = pytest.mark.skipif(
    not (REAL / "val_wiki.json").exists(), reason="no FewRel data in ../shared/data/fewrel"
)
PIDS = [f"P{n}" for n in range(6)]


def sentence(pid: str, n: int) -> dict[str, Any]:
    tokens = [f"{pid}x{n}", "von", "Ost", "joined", "the", f"Club{n}", "."]
    return {"tokens": tokens, "h": ["ost", "Q1", [[0, 1, 2]]], "t": ["club", "Q2", [[5], [4]]]}


def episode(relations: list[str], first: int) -> dict[str, Any]:
    return {"relations": relations, "support": [[1, first], [0, first]], "query": 7, "gold": 1}


class Files:
    """The three files in a folder, rewritten on every change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: Any = {pid: [sentence(pid, n) for n in range(8)] for pid in PIDS}
        self.names: Any = {pid: [f"name of {pid}", f"about {pid}"] for pid in PIDS}
        self.episodes: Any = {
            "tuning_relations": PIDS[:3],
            "test_relations": PIDS[3:],
            "tuning": [episode(PIDS[n % 2 : n % 2 + 2], n % 6) for n in range(8)],
            "test": [episode(PIDS[4:], 2), episode([PIDS[5], PIDS[3]], 3)],
            "seed_prompt": {
                "instruction": "Classify. Options: {labels}\n\n",
                "labels_joined_by": " | ",
                "example": "Sentence: {sentence}\n{head}>{tail}: {label}\n\n",
            },
        }

    def read(self, fixed: bool = True, **options: Any) -> Any:
        for name in ("rows", "names", "episodes"):
            (self.folder / f"{name}.json").write_text(json.dumps(getattr(self, name)))
        return read_fewrel(
            self.folder / "rows.json",
            self.folder / "names.json",
            name="few",
            episodes=self.folder / "episodes.json" if fixed else None,
            **{"seed": 1} | options,
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_spans_are_recomputed_on_the_joined_tokens(files: Files) -> None:
    example = next(e for e in files.read().examples if e.text.startswith("P5x2 "))
    assert example.text == "P5x2 von Ost joined the Club2 ."
    assert (example.head_text, example.tail_text) == ("P5x2 von Ost", "Club2")
    assert (example.label, example.may_ship) == ("name of P5", False)


def test_the_fixed_episodes_are_taken_as_they_stand(files: Files) -> None:
    imported = files.read()
    first, second = imported.cases["test"]
    assert first.labels == ("name of P4", "name of P5")
    assert [e.text.split()[0] for e in first.support] == ["P5x2", "P4x2"]
    assert first.query.text.startswith("P5x7 ")
    assert first.gold == 1
    assert second.labels == ("name of P5", "name of P3")
    assert imported.task.protocol == "episodes"
    assert imported.task.description_of("name of P0") == "about P0"


def test_a_quarter_of_the_tuning_episodes_is_held_for_selection_by_the_seed(files: Files) -> None:
    parts = {seed: files.read(seed=seed).cases for seed in range(6)}
    for cases in parts.values():
        assert (len(cases["tuning"]), len(cases["selection"])) == (6, 2)
    assert parts[1] == files.read(seed=1).cases
    assert len({tuple(c.id for c in cases["selection"]) for cases in parts.values()}) > 1


def test_the_seed_prompt_comes_along(files: Files) -> None:
    prompt = files.read().seed
    assert prompt.sections == (Section("task", "Classify. Options: {labels}\n\n"),)
    assert prompt.example == "Sentence: {text}\n{head}>{tail}: {label}\n\n"
    assert (prompt.join, prompt.weight) == (" | ", 0.0)


def test_without_fixed_episodes_relations_are_disjoint_between_splits(files: Files) -> None:
    imported = files.read(fixed=False, ways=2, shots=2)
    assert imported.seed is None
    used = {s: {label for c in imported.cases[s] for label in c.labels} for s in SPLITS}
    assert sum(map(len, used.values())) == len(set().union(*used.values())) == len(PIDS)
    for case in imported.cases["tuning"]:
        assert len(case.support) == 4
        assert case.query.text not in {e.text for e in case.support}
    assert imported.cases == files.read(fixed=False, ways=2, shots=2).cases


def test_too_few_relations_for_disjoint_splits_are_refused(files: Files) -> None:
    with pytest.raises(InputError, match="need 9"):
        files.read(fixed=False, ways=3)


def put(*path: Any, value: Any) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        target = getattr(files, path[0])
        for key in path[1:-1]:
            target = target[key]
        target[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (put("rows", "P2", 3, "tokens", value="text"), r'rows.json: relation "P2".*\$\[3\].tokens'),
        (put("rows", "P2", 3, "h", value=["x", "Q", [[9]]]), '"P2", row 3: "x" is outside'),
        (put("rows", "P2", 3, "t", value=["x", "Q", []]), '"P2", row 3: "x" has no mention'),
        (put("rows", "P2", value=[]), '"name of P2" 0'),
        (put("names", "P1", value=["x"]), "names.json"),
        (put("names", "P1", value=["Name of P0", ""]), "read the same"),
        (put("episodes", "test_relations", 0, value="P0"), '"P0" is for tuning and for test'),
        (put("episodes", "test", 1, "query", value=8), r"test\[1\]: row 8 is outside relation P3"),
        (put("episodes", "test", 1, "query", value="x"), r"\$.test\[1\].query"),
        (put("episodes", "test", 1, "gold", value=2), r"test\[1\]: way 2 is outside"),
        (put("episodes", "test", 1, "support", 0, value=[1, 7]), r"test\[1\]: the query, row 7"),
        (put("episodes", "test", 1, "support", 0, value=[0, 1]), r"test\[1\]: support has not"),
        (put("episodes", "test", 1, "relations", value=["P5", "P5"]), r"test\[1\]: relations are"),
        (put("episodes", "tuning", 0, "relations", value=["P0", "P3"]), r'tuning\[0\].*"P3"'),
        (put("episodes", "tuning", value=[]), "4 tuning episodes"),
        (put("episodes", "seed_prompt", "example", value="{sentence}{what}"), "seed_prompt: "),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(
    files: Files, change: Callable[[Files], None], what: str
) -> None:
    change(files)
    with pytest.raises(InputError, match=what):
        files.read()


def test_a_relation_without_a_name_is_refused(files: Files) -> None:
    del files.names["P4"]
    with pytest.raises(InputError, match=r'names.json: no name for relation "P4"'):
        files.read()


@needs_fewrel
def test_the_benchmark_file_gives_its_1500_test_episodes() -> None:
    imported = read_fewrel(
        REAL / "val_wiki.json",
        REAL / "pid2name.json",
        name="fewrel",
        episodes=REAL / "episodes-5way-1shot.json",
        seed=0,
    )
    assert {s: len(imported.cases[s]) for s in SPLITS} == {
        "tuning": 300,
        "selection": 100,
        "test": 1500,
    }
    given = json.loads((REAL / "episodes-5way-1shot.json").read_text())
    assert [case.gold for case in imported.cases["test"]] == [e["gold"] for e in given["test"]]
    tuned = {
        label for s in ("tuning", "selection") for c in imported.cases[s] for label in c.labels
    }
    assert tuned.isdisjoint({label for c in imported.cases["test"] for label in c.labels})
