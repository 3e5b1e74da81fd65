"""FewRel files become episodes: exactly the fixed ones, or sampled over disjoint relations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.data.protocols.fewrel import read_fewrel
from appliance.errors import InputError
from appliance.prompts.prompt import Section
from appliance.task import SPLITS, Case
from appliance.text import near_duplicate_key

REAL = Path(__file__).parents[3] / "shared" / "data" / "fewrel"
needs_fewrel = pytest.mark.skipif(
    not (REAL / "val_wiki.json").exists(), reason="no FewRel data in ../shared/data/fewrel"
)
PIDS = [f"P{n}" for n in range(6)]


def word(pid: str, n: int) -> str:
    """Without digits, in which sentences may not differ alone."""
    return "ABCDEF"[PIDS.index(pid)] + "abcdefghijklmnopqr"[n]


def sentence(pid: str, n: int) -> dict[str, Any]:
    tokens = [word(pid, n), "von", "Ost", "joined", "the", f"Club{n}", "."]
    return {"tokens": tokens, "h": ["ost", "Q1", [[0, 1, 2]]], "t": ["club", "Q2", [[5], [4]]]}


def episode(relations: list[str], n: int) -> dict[str, Any]:
    """Shows row n of each relation and asks for the next one of the second."""
    return {"relations": relations, "support": [[1, n], [0, n]], "query": n + 1, "gold": 1}


def sentences(cases: list[Case]) -> set[str]:
    """Of queries and support, as the split takes them: near-duplicates are one."""
    return {near_duplicate_key(row.text) for case in cases for row in (case.query, *case.support)}


class Files:
    """The files in a folder, rewritten on every change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: Any = {pid: [sentence(pid, n) for n in range(18)] for pid in PIDS}
        self.names: Any = {pid: [f"name of {pid}", f"about {pid}"] for pid in PIDS}
        self.episodes: Any = {
            "tuning_relations": PIDS[:3],
            "test_relations": PIDS[3:],
            "tuning": [episode(PIDS[n % 2 : n % 2 + 2], 2 * n) for n in range(8)],
            "test": [episode(PIDS[4:], 2), episode([PIDS[5], PIDS[3]], 4)],
            "seed_prompt": {
                "instruction": "Classify. Options: {labels}\n\n",
                "labels_joined_by": " | ",
                "example": "Sentence: {sentence}\n{head}>{tail}: {label}\n\n",
            },
        }

        self.other: Any = {}

    def read(self, fixed: bool = True, **options: Any) -> Any:
        for name in ("rows", "names", "episodes", "other"):
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
    example = next(e for e in files.read().examples if e.text.startswith("Fc "))
    assert example.text == "Fc von Ost joined the Club2 ."
    assert (example.head_text, example.tail_text) == ("Fc von Ost", "Club2")
    assert (example.label, example.may_ship) == ("name of P5", False)


def test_the_fixed_episodes_are_taken_as_they_stand(files: Files) -> None:
    imported = files.read()
    first, second = imported.cases["test"]
    assert first.labels == ("name of P4", "name of P5")
    assert [e.text.split()[0] for e in first.support] == ["Fc", "Ec"]
    assert first.query.text.startswith("Fd ")
    assert first.gold == 1
    assert second.labels == ("name of P5", "name of P3")
    assert imported.task.protocol == "episodes"
    assert imported.task.description_of("name of P0") == "about P0"
    assert imported.notes == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda file: file.update(seedprompt={}), "episodes.json: has an unknown field"),
        (lambda file: file["test"][1].update(supports=[]), "test[1] has an unknown field"),
        (lambda file: file["seed_prompt"].update(join="/"), "seed_prompt has an unknown field"),
    ],
)
def test_an_unknown_field_of_an_episodes_file_is_refused(
    files: Files, change: Any, told: str
) -> None:
    change(files.episodes)
    with pytest.raises(InputError) as caught:
        files.read()
    assert told in str(caught.value) and "an episodes file has tuning_relations" in str(
        caught.value
    )


def test_a_quarter_of_the_tuning_episodes_is_held_for_selection_by_the_seed(files: Files) -> None:
    parts = {seed: files.read(seed=seed).cases for seed in range(6)}
    for cases in parts.values():
        assert (len(cases["tuning"]), len(cases["selection"])) == (6, 2)
    assert parts[1] == files.read(seed=1).cases
    assert len({tuple(c.id for c in cases["selection"]) for cases in parts.values()}) > 1


def test_tuning_episodes_with_a_sentence_of_the_test_split_are_dropped_and_counted(
    files: Files,
) -> None:
    copied = files.rows["P5"][3]  # the query of a test episode
    files.rows["P0"][4] = copied | {"tokens": ["FD", *copied["tokens"][1:5], "Club77", "."]}
    imported = files.read()
    assert [len(imported.cases[s]) for s in SPLITS] == [5, 2, 2]
    assert imported.notes == (
        "1 of 8 tuning episodes dropped: they share a sentence with a test episode or with one "
        "that is held out for selection",
    )


def test_no_sentence_of_a_selection_episode_stands_in_a_tuning_episode(files: Files) -> None:
    """Neighbours in this ring of episodes share a row: some have to go."""
    files.episodes["tuning"] = [
        {"relations": PIDS[:2], "support": [[0, n], [1, n]], "query": (n + 1) % 8, "gold": 1}
        for n in range(8)
    ]
    for seed in range(9):
        imported = files.read(seed=seed)
        tuning, selection = (imported.cases[s] for s in ("tuning", "selection"))
        assert len(tuning) >= len(selection) > 0
        assert sentences(tuning).isdisjoint(sentences(selection))
        assert f"{8 - len(tuning) - len(selection)} of 8 tuning episodes" in imported.notes[0]


def test_tuning_episodes_that_cannot_be_held_apart_are_refused(files: Files) -> None:
    """All of them show the same rows."""
    files.episodes["tuning"] = [episode(PIDS[:2], 0) | {"query": n} for n in range(3, 9)]
    with pytest.raises(InputError, match=r"6 tuning episodes leave 0 for tuning and 1 for sel"):
        files.read()


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


def test_a_sentence_of_two_relations_is_sampled_in_one_split_at_most(files: Files) -> None:
    for pid in PIDS:
        files.rows[pid][:4] = [sentence(PIDS[n % 2], n) for n in range(4)]
    for seed in range(4):
        imported = files.read(fixed=False, ways=2, seed=seed)
        seen = [sentences(imported.cases[s]) for s in SPLITS]
        assert sum(map(len, seen)) == len(set.union(*seen))
        assert imported.notes[:2] == (
            "tuning rows left out because their sentences stand in a selection or test row too: 8",
            "selection rows left out because their sentences stand in a test row too: 8",
        )


def test_an_episode_that_is_drawn_again_counts_once(files: Files) -> None:
    imported = files.read(fixed=False, ways=2)
    ids = [case.id for s in SPLITS for case in imported.cases[s]]
    assert len(ids) == len(set(ids)) < 300 + 100 + 1500
    assert any(
        "episodes left out because they had been drawn before: " in n for n in imported.notes
    )


def test_with_an_na_rate_queries_have_other_relations_of_their_split_too(files: Files) -> None:
    imported = files.read(fixed=False, ways=1, na_rate=1)
    assert imported.task.none == imported.task.labels[-1].name == "none of these"
    assert imported.task.benchmark == "FewRel 1-way 1-shot, na_rate 1"
    for split in SPLITS:
        cases = imported.cases[split]
        own = {case.labels[0] for case in cases}
        assert len(own) == 2
        assert {case.labels[1:] for case in cases} == {("none of these",)}
        assert {(c.query.label == c.labels[0], c.gold) for c in cases} == {(True, 0), (False, 1)}
        assert {case.query.label for case in cases} == own
        none = sum(case.gold for case in cases)
        assert f"{none} of {len(cases)} {split} queries" in imported.notes[-1]


def test_a_relation_that_reads_like_none_of_the_above_is_refused(files: Files) -> None:
    files.names["P1"] = ["None of  These", ""]
    assert files.read(fixed=False, ways=1)
    with pytest.raises(InputError, match='read the same: "None of  These" and "none of these"'):
        files.read(fixed=False, ways=1, na_rate=1)


def test_an_entity_that_shares_a_token_with_the_other_is_refused(files: Files) -> None:
    files.rows["P1"][2]["t"] = ["ost joined", "Q2", [[2, 3]]]
    with pytest.raises(InputError, match='"P1", row 2: "ost" and "ost joined" share a token; mark'):
        files.read(fixed=False)


def test_an_episode_keeps_its_rows_where_others_are_skipped_and_may_not_use_those(
    files: Files,
) -> None:
    files.rows["P5"][1]["h"] = ["x", "Q", []]
    imported = files.read(skip=True)
    assert imported.cases["test"][0].query.text.startswith("Fd ")
    assert [row.place for row in imported.skipped] == ['relation "P5", row 1']
    files.rows["P5"][3]["h"] = ["x", "Q", []]
    with pytest.raises(
        InputError, match=r'test\[0\]: row 3 is none of the 16 rows of relation "P5"'
    ):
        files.read(skip=True)


@pytest.fixture
def domains(files: Files) -> Files:
    """Beside the six relations two of another domain, without names."""
    files.other = {
        name: [sentence("P0", n) for n in range(18)] for name in ("is_cause_of", "treats")
    }
    for verb, rows in zip(("harms", "heals"), files.other.values(), strict=True):
        for row in rows:
            row["tokens"][3] = verb
    return files


def test_another_domains_relations_are_the_test_split_and_the_first_ones_the_others(
    domains: Files,
) -> None:
    imported = domains.read(fixed=False, ways=2, test=domains.folder / "other.json")
    used = {s: {label for c in imported.cases[s] for label in c.labels} for s in SPLITS}
    assert used["test"] == {"is cause of", "treats"}
    assert [len(used[split]) for split in ("tuning", "selection")] == [3, 3]
    assert used["tuning"] | used["selection"] == {f"name of {pid}" for pid in PIDS}
    assert imported.task.benchmark == "FewRel to other, 2-way 1-shot"


def test_another_domain_may_have_a_file_of_names_which_then_names_all(domains: Files) -> None:
    names = domains.folder / "other names"
    given: Any = {"ways": 2, "test": domains.folder / "other.json", "test_names": names}
    names.write_text(json.dumps({"is_cause_of": ["causes", "x"], "treats": ["t", ""]}))
    imported = domains.read(fixed=False, **given)
    assert {label for c in imported.cases["test"] for label in c.labels} == {"causes", "t"}
    names.write_text(json.dumps({"is_cause_of": ["causes", "x"]}))
    with pytest.raises(InputError, match=r'other names: no name for relation "treats"'):
        domains.read(fixed=False, **given)


def test_rows_whose_sentence_stands_in_the_other_domain_are_left_out(domains: Files) -> None:
    domains.rows["P0"][:3] = domains.other["treats"][:3]
    imported = domains.read(fixed=False, ways=2, test=domains.folder / "other.json")
    assert imported.notes[0].endswith("test row too: 3")
    seen = [sentences(imported.cases[s]) for s in SPLITS]
    assert sum(map(len, seen)) == len(set.union(*seen))


def test_a_relation_of_both_domains_is_refused(domains: Files) -> None:
    given: Any = {"fixed": False, "ways": 2, "test": domains.folder / "other.json"}
    domains.other["P3"] = domains.rows["P3"]
    with pytest.raises(InputError, match=r'other.json: relation "P3" stands in .*rows.json too'):
        domains.read(**given)
    domains.other["name of P3"] = domains.other.pop("P3")
    with pytest.raises(InputError, match=r'other.json: label "name of P3" is given twice'):
        domains.read(**given)
    domains.other["Name of P3"] = domains.other.pop("name of P3")
    with pytest.raises(InputError, match=r'other.json: labels that read the same: "Name of P3"'):
        domains.read(**given)


def test_too_few_relations_for_disjoint_splits_are_refused(files: Files) -> None:
    with pytest.raises(InputError, match="3-way episodes need 3 relations in each split, tuning"):
        files.read(fixed=False, ways=3)
    with pytest.raises(InputError, match="2-way episodes with none of the above need 3 relations"):
        files.read(fixed=False, ways=2, na_rate=1)


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
        (
            put("rows", "P2", 3, "tokens", value="text"),
            'relation "P2", row 3: tokens is a string, not a list',
        ),
        (put("rows", "P2", 3, "h", value=["x", "Q", [[9]]]), '"P2", row 3: "x" is outside'),
        (put("rows", "P2", 3, "t", value=["x", "Q", []]), '"P2", row 3: "x" has no mention'),
        (put("rows", "P2", value=[]), '"name of P2" 0'),
        (put("names", "P1", value=["x"]), "names.json"),
        (put("names", "P1", value=["Name of P0", ""]), "read the same"),
        (put("episodes", "test_relations", 0, value="P0"), '"P0" is for tuning and for test'),
        (
            put("episodes", "test", 1, "query", value=18),
            r'test\[1\]: row 18 is none of the 18 rows of relation "P3", counted from 0',
        ),
        (
            put("episodes", "test", 1, "query", value="x"),
            r"test\[1\].query is a string, not a whole number; an episodes file",
        ),
        (put("episodes", "test", 1, "gold", value=2), r"test\[1\]: way 2 is outside"),
        (put("episodes", "test", 1, "support", 0, value=[1, 5]), r"test\[1\]: the query, row 5"),
        (put("episodes", "test", 1, "support", 0, value=[0, 1]), r"test\[1\]: support has not"),
        (put("episodes", "test", 1, "relations", value=["P5", "P5"]), r"test\[1\]: relations are"),
        (put("episodes", "tuning", 0, "relations", value=["P0", "P3"]), r'tuning\[0\].*"P3"'),
        (
            put("episodes", "test", 1, value=episode(PIDS[4:], 2)),
            r"test\[1\]: is the same as test\[0\]",
        ),
        (put("episodes", "tuning", value=[]), "0 tuning episodes leave 0"),
        (put("episodes", "test", value=[]), "has no test episodes"),
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


def test_another_file_in_the_place_of_the_episodes_is_told_their_layout(files: Files) -> None:
    files.episodes = files.names
    with pytest.raises(InputError, match=r"seed_prompt, as docs/data\.md describes") as caught:
        files.read()
    assert "thunlp" not in str(caught.value)


@needs_fewrel
def test_the_benchmark_file_gives_its_1500_test_episodes_and_shares_no_sentence() -> None:
    imported = read_fewrel(
        REAL / "val_wiki.json",
        REAL / "pid2name.json",
        name="fewrel",
        episodes=REAL / "episodes-5way-1shot.json",
        seed=0,
    )
    tuning, selection, test = (imported.cases[s] for s in SPLITS)
    assert len(tuning) >= 200
    assert len(selection) >= 60
    assert len(test) == 1500
    assert f"{400 - len(tuning) - len(selection)} of 400 tuning episodes" in imported.notes[0]
    seen = [sentences(cases) for cases in (tuning, selection, test)]
    assert sum(map(len, seen)) == len(set.union(*seen))
    given = json.loads((REAL / "episodes-5way-1shot.json").read_text())
    assert [case.gold for case in test] == [e["gold"] for e in given["test"]]
    tuned = {label for case in (*tuning, *selection) for label in case.labels}
    assert tuned.isdisjoint({label for case in test for label in case.labels})


@needs_fewrel
def test_episodes_sampled_from_the_benchmark_share_no_sentence_between_splits() -> None:
    imported = read_fewrel(REAL / "val_wiki.json", REAL / "pid2name.json", name="fewrel", seed=0)
    seen = [sentences(imported.cases[s]) for s in SPLITS]
    assert sum(map(len, seen)) == len(set.union(*seen))
    assert [len(imported.cases[s]) for s in SPLITS] == [300, 100, 1500]
    assert (
        "selection rows left out because their sentences stand in a test row too"
        in imported.notes[1]
    )


@needs_fewrel
@pytest.mark.parametrize(("na_rate", "none"), [(1, [60, 20, 300]), (5, [167, 56, 833])])
def test_the_share_of_none_of_the_above_in_the_benchmark_is_exact(
    na_rate: int, none: list[int]
) -> None:
    imported = read_fewrel(
        REAL / "val_wiki.json",
        REAL / "pid2name.json",
        name="fewrel",
        seed=0,
        ways=4,
        na_rate=na_rate,
    )
    assert [len(imported.cases[s]) for s in SPLITS] == [300, 100, 1500]
    assert [sum(case.gold == 4 for case in imported.cases[s]) for s in SPLITS] == none
