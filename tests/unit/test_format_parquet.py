"""Parquet and save_to_disk folders become rows of plain values, and no code of theirs is run."""

from __future__ import annotations

import datetime
import decimal
import json
import sys
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.data.bad_rows import Problems
from appliance.data.formats import parquet
from appliance.data.formats.features import plain
from appliance.data.paths import flat
from appliance.errors import InputError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

LABEL = {"names": ["sports", "science"], "_type": "ClassLabel"}
TEXT = {"dtype": "string", "_type": "Value"}
ROWS = [{"text": "one", "label": 1}, {"text": "two", "label": 0}, {"text": "three", "label": -1}]
NAMED = [{"text": "one", "label": "science"}, {"text": "two", "label": "sports"}, {"text": "three"}]


def read(path: Path, split: str | None = None) -> list[dict[str, Any]]:
    problems = Problems(path)
    found = [row for _, row in parquet.rows(path, problems, split)]
    problems.raise_if_any()
    return found


def refusal(path: Path, split: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(path, split)
    return str(caught.value).removeprefix(f"{path}: ")


def write(path: Path, rows: Sequence[dict[str, Any]], features: Any = None) -> Path:
    table = pa.Table.from_pylist(list(rows))
    if features is not None:
        kept = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": kept})
    pq.write_table(table, path)
    return path


def save(folder: Path, *shards: Sequence[dict[str, Any]], features: Any = None) -> Path:
    """A folder as ``save_to_disk`` leaves it."""
    folder.mkdir(parents=True)
    names = [f"data-{n:05}-of-{len(shards):05}.arrow" for n in range(len(shards))]
    for name, rows in zip(names, shards, strict=True):
        table = pa.Table.from_pylist(list(rows))
        with pa.ipc.new_stream(str(folder / name), table.schema) as out:
            out.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names], "_split": "train"}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features, "citation": ""}))
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.parquet"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path / "saved", ROWS[:2], ROWS[2:], features={"text": TEXT, "label": LABEL})


def test_rows_of_a_parquet_file_have_its_columns_and_their_places(file):
    write(file, [{"text": "one", "n": 1}, {"text": "two", "n": None}])
    assert list(parquet.rows(file, Problems(file))) == [
        ("row 1", {"text": "one", "n": 1}),
        ("row 2", {"text": "two"}),
    ]


def test_classes_have_their_names_in_parquet_and_in_folders(file, folder):
    assert read(write(file, ROWS, {"text": TEXT, "label": LABEL})) == NAMED
    assert read(folder) == NAMED


def test_a_class_number_without_a_name_is_named(file):
    write(file, [{"label": 0}, {"label": 7}, {"label": -2}], {"label": LABEL})
    problems = Problems(file)
    assert [row for _, row in parquet.rows(file, problems)] == [{"label": "sports"}]
    with pytest.raises(InputError, match="row 2: class 7 has no name: 2 are given"):
        problems.raise_if_any()


def test_structs_are_columns_with_a_dot_as_squad_needs_it(file):
    answers = {"text": ["Ida", "Ida Moe"], "answer_start": [0, 0]}
    write(file, [{"context": "Ida Moe", "answers": answers}])
    assert read(file) == [
        {"context": "Ida Moe", "answers.text": ["Ida", "Ida Moe"], "answers.answer_start": [0, 0]}
    ]


@pytest.mark.parametrize("feature", [{"feature": LABEL, "_type": "Sequence"}, [LABEL]])
def test_classes_in_lists_have_their_names(feature):
    assert plain([1, 0, -1], feature) == ["science", "sports", None]


def test_classes_in_a_list_of_structs_have_their_names_either_way_it_is_stored():
    feature = {"feature": {"kind": LABEL, "start": TEXT}, "_type": "Sequence"}
    assert plain({"kind": [1, 0], "start": [3, 4]}, feature) == {
        "kind": ["science", "sports"],
        "start": [3, 4],
    }
    assert plain([{"kind": 1, "start": 3}], feature) == [{"kind": "science", "start": 3}]


def test_values_are_plain(file):
    day = datetime.date(2020, 1, 2)
    row = {"day": day, "price": decimal.Decimal("1.50"), "utf8": b"caf\xc3\xa9", "raw": b"\xff"}
    assert read(write(file, [row])) == [
        row | {"day": "2020-01-02", "price": "1.50", "utf8": "café"}
    ]
    table = pa.table({"label": pa.array(["a", "b"]).dictionary_encode()})
    pq.write_table(table, file)
    assert read(file) == [{"label": "a"}, {"label": "b"}]


names = st.text("abc", min_size=1, max_size=3)
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.binary(max_size=3)
nested = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(names, inner))


@given(st.dictionaries(names, nested), nested)
def test_whatever_a_row_holds_becomes_json_but_for_bytes_that_are_no_text(row, feature):
    """Also where what is said of its columns is nonsense."""
    json.dumps(dict(flat(plain(row, feature))), default=bytes.hex)
    assert None not in dict(flat(plain(row))).values()


def test_splits_of_a_folder_are_named(tmp_path):
    saved = tmp_path / "both"
    save(saved / "train", ROWS)
    save(saved / "test", [{"text": "four", "label": 1}])
    (saved / "dataset_dict.json").write_text('{"splits": ["train", "test", "../saved"]}')
    assert read(saved, "test") == [{"text": "four", "label": 1}]
    for split in (None, "dev", "../saved"):
        assert refusal(saved, split) == (
            'has the splits "train", "test", "../saved"; name one of them: --split NAME, or give '
            "its folder"
        )


def test_a_split_is_refused_where_there_are_none(file, folder):
    for path in (write(file, ROWS), folder):
        assert refusal(path, "train") == "has no splits to choose from; leave out --split"


def test_a_file_of_the_folder_that_is_missing_or_outside_is_refused(folder):
    (folder / "data-00001-of-00002.arrow").unlink()
    said = '"data-00001-of-00002.arrow" of its state.json is missing; copy all of it'
    assert refusal(folder) == said
    state = {"_data_files": [{"filename": "../saved/data-00000-of-00002.arrow"}]}
    (folder / "state.json").write_text(json.dumps(state))
    assert 'arrow" of its state.json is missing' in refusal(folder)


def test_a_folder_that_only_refers_to_rows_is_refused(folder):
    state = json.loads((folder / "state.json").read_text())
    state["_indices_data_files"] = [{"filename": "indices.arrow"}]
    (folder / "state.json").write_text(json.dumps(state))
    assert refusal(folder) == "is a selection of other rows; save it after flatten_indices()"


def test_other_folders_and_missing_files_are_refused(tmp_path):
    assert refusal(tmp_path) == (
        "is a folder without state.json; it has to be a .parquet file, or a folder that "
        "save_to_disk wrote"
    )
    assert refusal(tmp_path / "none") == "does not exist; check the path"


def test_a_folder_whose_own_files_are_no_json_is_refused(folder):
    (folder / "state.json").write_text("{}")
    with pytest.raises(
        InputError, match=r'state.json: has no "_data_files"; it has to be a .parquet file'
    ):
        read(folder)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is no Parquet file, or is cut off"),
        (b"text,label\na,b\n", "is no Parquet file, or is cut off"),
        (b"PAR1" + bytes(99), "is no Parquet file, or is cut off"),
        (b"PAR1" * 9, "cannot be read: Parquet "),
    ],
)
def test_what_is_no_parquet_is_refused(file, content, what):
    file.write_bytes(content)
    assert refusal(file).startswith(what)
    assert refusal(file).endswith(
        "; it has to be a .parquet file, or a folder that save_to_disk wrote"
    )


def test_two_columns_of_one_name_are_refused(file):
    pq.write_table(pa.Table.from_arrays([["one"], ["two"]], names=["text", "text"]), file)
    assert refusal(file) == 'two columns are called "text"; rename one'


def test_metadata_that_is_no_json_is_refused(file):
    table = pa.table({"a": [1]}).replace_schema_metadata({"huggingface": '{"info": 3}'})
    pq.write_table(table, file)
    assert refusal(file).startswith(
        "cannot be read: info is a whole number, not an object; it has to be"
    )


def test_text_that_is_no_utf8_is_refused_with_the_row_before_it(file, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 2)
    text = pa.array([b"a", b"b", b"\xff"]).cast(pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": text}), file)
    assert refusal(file).startswith("cannot be read after row 2: In column 0: Invalid")


def test_offsets_that_point_outside_the_file_are_refused_before_they_are_followed(folder):
    """The reader of Arrow streams does not look at them by itself."""
    text = pa.array(["one", "two", "three"])
    schema = pa.schema({"text": pa.string()})
    offsets = pa.array([0, 1 << 30, 6, 11], pa.int32()).buffers()[1]
    wrong = pa.Array.from_buffers(pa.string(), 3, [None, offsets, text.buffers()[2]])
    for name in ("data-00000-of-00002.arrow", "data-00001-of-00002.arrow"):
        with pa.ipc.new_stream(str(folder / name), schema) as out:
            out.write_batch(pa.record_batch([text if "00000-" in name else wrong], schema))
    assert refusal(folder).startswith("cannot be read after row 3: In column 0: ")


def test_a_truncated_stream_is_refused(folder):
    shard = folder / "data-00000-of-00002.arrow"
    shard.write_bytes(shard.read_bytes()[:300])
    assert refusal(folder).startswith("cannot be read: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(tmp_path_factory, damage):
    path = write(tmp_path_factory.mktemp("parquet") / "rows.parquet", ROWS, {"label": LABEL})
    data = bytearray(path.read_bytes())
    for at, byte in damage:
        data[at % len(data)] = byte
    path.write_bytes(data)
    problems = Problems(path)
    try:
        for _ in parquet.rows(path, problems):
            pass
        problems.raise_if_any()
    except InputError as error:
        assert str(error).startswith(f"{path}: ")


def test_without_pyarrow_the_remedy_is_told(file, monkeypatch):
    write(file, ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refusal(file) == "needs pyarrow to be read; install it: pip install pyarrow"


def test_pickled_extension_types_are_not_unpickled(file):
    """What CVE-2023-47248 was about."""
    field = pa.field(
        "text",
        pa.string(),
        metadata={
            "ARROW:extension:name": "arrow.py_extension_type",
            "ARROW:extension:metadata": b"cbuiltins\nexec\n(S'raise SystemExit'\ntR.",
        },
    )
    pq.write_table(pa.table([pa.array(["one"])], pa.schema([field])), file)
    assert read(file) == [{"text": "one"}]


def test_rows_come_a_few_at_a_time_whatever_the_file_holds(tmp_path):
    """As one row group, and as one batch of a stream."""
    written = [{"text": f"row {n}"} for n in range(10_001)]
    folder, file = save(tmp_path / "saved", written), write(tmp_path / "rows.parquet", written)
    for path in (folder, file):
        tracemalloc.start()
        assert next(parquet.rows(path, Problems(path))) == ("row 1", written[0])
        assert tracemalloc.get_traced_memory()[1] < 400_000
        tracemalloc.stop()
        assert read(path) == written
