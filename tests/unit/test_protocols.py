"""FS-FewRel-style and FS-TACRED: seeded files of episodes, mostly none of the above."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from few_shot_files import NAMES, NONE, PIDS, FewRelFiles, TacredFiles

from appliance.data import Imported
from appliance.data.protocols.common import Files
from appliance.data.protocols.fs_fewrel import read_fs_fewrel
from appliance.data.protocols.fs_tacred import HELD, read_fs_tacred
from appliance.errors import InputError
from appliance.task import SPLITS, Split
from appliance.text import near_duplicate_key

SMALL = Files(test=40, dev=20)


def used(imported: Imported, split: Split) -> set[str]:
    """Sentences, near-duplicates as one."""
    return {
        near_duplicate_key(row.text)
        for case in imported.cases[split]
        for row in (*case.support, case.query)
    }


def ways(imported: Imported, split: Split) -> set[str]:
    return {label for case in imported.cases[split] for label in case.labels} - {NONE}


def nones(imported: Imported, split: Split) -> int:
    return sum(case.labels[case.gold] == NONE for case in imported.cases[split])


def read_fewrel(made: FewRelFiles, *given: str, **options: Any) -> Imported:
    """With the files named in ``given``."""
    paths = made.write()
    usual = {
        "seed": 1,
        "ways": 2,
        "files": SMALL,
        "relations": paths["lists"] if "lists" in given else None,
        "test": paths["other"] if "other" in given else None,
    }
    return read_fs_fewrel(paths["rows"], paths["names"], name="few", **usual | options)


@pytest.fixture
def fewrel(tmp_path: Path) -> FewRelFiles:
    return FewRelFiles(tmp_path)


def test_there_are_five_test_files_and_three_for_tuning_and_for_selection(
    fewrel: FewRelFiles,
) -> None:
    imported = read_fewrel(fewrel)
    for split, files, episodes in zip(SPLITS, (3, 3, 5), (20, 20, 40), strict=True):
        parts = Counter(case.part for case in imported.cases[split])
        assert parts == {str(n): 3 * episodes for n in range(1, files + 1)}
    assert imported.notes[0] == (
        "3 tuning files of 20 episodes, 3 selection files of 20 episodes, "
        "5 test files of 40 episodes, with 3 queries each"
    )
    by_part = defaultdict(list)
    for case in imported.cases["test"]:
        by_part[case.part].append((case.labels, case.query.text))
    assert len(set(map(tuple, by_part.values()))) == 5


def test_the_share_of_none_of_the_above_is_as_reported_or_as_asked_in_every_file(
    fewrel: FewRelFiles,
) -> None:
    imported = read_fewrel(fewrel)
    assert [nones(imported, split) for split in SPLITS] == [165, 165, 570]
    per_file = Counter(c.part for c in imported.cases["test"] if c.labels[c.gold] == NONE)
    assert set(per_file.values()) == {114}
    assert "570 of 600 test queries (95.0%)" in imported.notes[-1]
    assert "95.0% none" in imported.task.benchmark
    half = read_fewrel(fewrel, none_share=0.5)
    assert [nones(half, split) for split in SPLITS] == [90, 90, 300]
    assert "50.0% none" in half.task.benchmark


def test_relations_and_sentences_are_disjoint_between_splits(fewrel: FewRelFiles) -> None:
    for imported in (
        read_fewrel(fewrel),
        read_fewrel(fewrel, seed=2),
        read_fewrel(fewrel, "lists"),
        read_fewrel(fewrel, "other"),
    ):
        for of in (ways, used):
            seen = [of(imported, split) for split in SPLITS]
            assert all(seen)
            assert sum(map(len, seen)) == len(set.union(*seen))


def test_rows_of_other_splits_relations_have_no_relation(fewrel: FewRelFiles) -> None:
    imported = read_fewrel(fewrel, "lists")
    assert ways(imported, "test") == {"name of P4", "name of P5", "name of P6"}
    labels = {split: {c.query.label for c in imported.cases[split]} for split in SPLITS}
    for split in SPLITS:
        assert labels[split] == ways(imported, split) | {NONE}
    foreign = {c.query.text for c in imported.cases["test"] if c.query.label == NONE}
    sources = {
        pid for pid in PIDS for row in fewrel.rows[pid] if " ".join(row["tokens"]) in foreign
    }
    assert sources == {"P0", "P1", "P2", "P3", "P7"}


def test_a_row_of_the_splits_own_that_is_no_way_keeps_its_label_and_is_none_of_the_above(
    fewrel: FewRelFiles,
) -> None:
    cases = read_fewrel(fewrel, "lists").cases["test"]
    own = [c for c in cases if c.query.label not in (NONE, *c.labels)]
    assert own
    assert {c.labels[c.gold] for c in own} == {NONE}


def test_another_file_is_the_test_split_whole(fewrel: FewRelFiles) -> None:
    imported = read_fewrel(fewrel, "other")
    assert ways(imported, "test") == {f"name of Q{n}" for n in (1, 2, 3)}
    assert {c.query.label for c in imported.cases["test"]} == ways(imported, "test")
    fewrel.lists["test"] = ["Q1", "Q3"]
    listed = read_fewrel(fewrel, "other", "lists")
    assert ways(listed, "test") == {"name of Q1", "name of Q3"}
    assert {c.query.label for c in listed.cases["test"]} == {NONE, "name of Q1", "name of Q3"}


def test_the_task_is_measured_by_micro_f1_and_says_whose_style_it_is(fewrel: FewRelFiles) -> None:
    task = read_fewrel(fewrel).task
    assert (task.metric, task.none, task.labels[-1].name) == ("micro_f1", NONE, NONE)
    assert task.benchmark.startswith("FS-FewRel-style, 2-way 1-shot, ")
    assert task.benchmark.endswith("5 x 40 episodes")


def test_the_seed_decides_relations_and_rows(fewrel: FewRelFiles) -> None:
    assert read_fewrel(fewrel) == read_fewrel(fewrel)
    assert ways(read_fewrel(fewrel), "test") != ways(read_fewrel(fewrel, seed=2), "test")
    assert used(read_fewrel(fewrel, "lists"), "test") != used(
        read_fewrel(fewrel, "lists", seed=2), "test"
    )


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"tuning": ["P0", "P99"]}, r'lists.json: tuning: relation "P99" is not in .*rows.json'),
        ({"test": ["P4", "P0"]}, r'lists.json: relation "P0" is listed twice; keep one'),
        ({"tuning": ["P0"]}, "2-way episodes need 2 relations in each split, tuning gets 1"),
        ({"tuning": "P0"}, "tuning is a string, not a list; a relations file is"),
        ({"more": []}, 'has an unknown field "more"; a relations file is'),
    ],
)
def test_a_wrong_file_of_relations_is_refused(
    fewrel: FewRelFiles, change: dict[str, Any], what: str
) -> None:
    fewrel.lists |= change
    with pytest.raises(InputError, match=what):
        read_fewrel(fewrel, "lists")


def read_tacred(made: TacredFiles, **options: Any) -> Imported:
    return read_fs_tacred(*made.write(), name="tac", **{"files": SMALL} | options)


@pytest.fixture
def tacred(tmp_path: Path) -> TacredFiles:
    return TacredFiles(tmp_path)


def test_each_splits_ways_are_its_own_relations_25_6_and_10(tacred: TacredFiles) -> None:
    imported = read_tacred(tacred)
    assert ways(imported, "selection") == HELD["selection"]
    assert ways(imported, "test") == HELD["test"]
    assert [len(ways(imported, split)) for split in SPLITS] == [25, 6, 10]
    assert [label.name for label in imported.task.labels if label.name == NONE] == [NONE]
    assert len(imported.task.labels) == 42


def test_foreign_relations_have_no_relation_in_every_split(tacred: TacredFiles) -> None:
    imported = read_tacred(tacred, files=Files(300, 300))
    for split, file in zip(SPLITS, NAMES, strict=True):
        relations = {" ".join(r["token"]): r["relation"] for r in tacred.rows[file]}
        own = ways(imported, split)
        for case in imported.cases[split]:
            text = case.query.text.replace("(", "-LRB-").replace(")", "-RRB-")
            assert case.query.label == (relations[text] if relations[text] in own else NONE)


def test_queries_have_labels_as_often_as_rows_of_the_whole_split(tacred: TacredFiles) -> None:
    """Of 628 rows in the test file 80 have one of its relations, half of these are ways."""
    imported = read_tacred(tacred, files=Files(test=1000))
    total = len(imported.cases["test"])
    assert total == 15_000
    asked = sum(case.query.label != NONE for case in imported.cases["test"])
    assert 80 / 628 - 0.012 < asked / total < 80 / 628 + 0.012
    positive = total - nones(imported, "test")
    assert 35 / 628 - 0.01 < positive / total < 40 / 628 + 0.01


def test_types_of_entities_and_the_licence_come_along(tacred: TacredFiles, tmp_path: Path) -> None:
    imported = read_tacred(tacred)
    assert {(row.head_type, row.tail_type) for row in imported.examples} == {("PERSON", "CITY")}
    assert not any(row.may_ship for row in imported.examples)
    assert "LDC" in imported.task.licence
    assert imported.task.benchmark == "FS-TACRED, 5-way 1-shot, 5 x 40 episodes"
    assert (imported.task.metric, imported.task.none) == ("micro_f1", NONE)
    types = tmp_path / "types.json"
    types.write_text(json.dumps({"per:age": [["PERSON", "NUMBER"], ["PERSON", "DURATION"]]}))
    pairs = {label.name: label.pairs for label in read_tacred(tacred, types=types).task.labels}
    assert pairs.pop("per:age") == (("PERSON", "NUMBER"), ("PERSON", "DURATION"))
    assert set(pairs.values()) == {()}


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"per:shoe": []}, 'types.json: "per:shoe" is none of the relations that are asked for'),
        ({NONE: []}, 'types.json: "no_relation" is none of the relations'),
        (
            {"per:age": [["PERSON"]]},
            r"types.json: a value\[0\] is not a list of 2; a types file is",
        ),
    ],
)
def test_wrong_types_are_refused(
    tacred: TacredFiles, tmp_path: Path, given: Mapping[str, Any], what: str
) -> None:
    types = tmp_path / "types.json"
    types.write_text(json.dumps(given))
    with pytest.raises(InputError, match=what):
        read_tacred(tacred, types=types)


def test_tuning_and_selection_rows_with_a_sentence_of_a_later_file_are_left_out(
    tacred: TacredFiles,
) -> None:
    tacred.rows["train"][:3] = tacred.rows["test"][:3]
    tacred.rows["dev"][:2] = tacred.rows["test"][:2]
    tacred.rows["train"][3] = tacred.rows["dev"][3]
    imported = read_tacred(tacred)
    assert imported.notes[1:3] == (
        "tuning rows left out because their sentences stand in a selection or test row too: 4",
        "selection rows left out because their sentences stand in a test row too: 2",
    )
    seen = [used(imported, split) for split in SPLITS]
    assert sum(map(len, seen)) == len(set.union(*seen))


def test_five_shots_are_shown_and_no_test_file_depends_on_the_other_splits(
    tacred: TacredFiles,
) -> None:
    imported = read_tacred(tacred, shots=5)
    assert {len(case.support) for case in imported.cases["test"]} == {25}
    assert "5-way 5-shot" in imported.task.benchmark
    tacred.rows["train"].reverse()
    tacred.rows["dev"] = tacred.rows["dev"][:-50]
    assert read_tacred(tacred, shots=5).cases["test"] == imported.cases["test"]


def test_files_that_lack_relations_are_refused(tacred: TacredFiles) -> None:
    rows = tacred.rows["test"]
    tacred.rows["test"] = [row for row in rows if row["relation"] != "per:origin"]
    with pytest.raises(
        InputError, match=r'test.json: has no row of "per:origin", a relation of FS'
    ):
        read_tacred(tacred)
    tacred.rows["test"] = rows
    tacred.rows["train"] = [r for r in tacred.rows["train"] if r["relation"] != "per:tuned_c"]
    with pytest.raises(InputError, match="has 24 relations to tune on, and FS-TACRED has 25"):
        read_tacred(tacred)


def test_wrong_rows_are_refused_with_their_places(tacred: TacredFiles) -> None:
    tacred.rows["dev"][1]["subj_end"] = 9
    tacred.rows["dev"][2]["relation"] = " "
    tacred.rows["dev"][3]["token"][4] = "\u200b"
    with pytest.raises(InputError) as caught:
        read_tacred(tacred)
    said = str(caught.value)
    assert "dev.json: 3 rows are wrong" in said
    assert "row 2: subj_start 1, subj_end 9: lies outside" in said
    assert "row 3, label: is empty" in said
    assert "row 4, tail: [18, 19] is empty: it covers no visible character" in said
