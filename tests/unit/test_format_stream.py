"""JSON and text that is read as it comes is read as a whole reader would, and in little memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data.bad_rows import Problems
from appliance.data.formats import text
from appliance.data.formats.stream import elements, records
from appliance.data.formats.text import chunks, lines, span
from appliance.errors import InputError

LAYOUT = "a list"
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


class Numbers(msgspec.Struct):
    a: int
    more: Any = None


class Found(Problems):
    """Keeps what it is told."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.told: list[tuple[str, str]] = []

    def add(self, where: str, what: str, needed: str = "") -> None:
        self.told.append((where, f"{what}; {needed}"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.json"


@pytest.fixture(params=[3, 1 << 18])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Pieces so short that everything breaks somewhere, and pieces of the usual length."""
    monkeypatch.setattr(text, "CHUNK", request.param)
    yield request.param


def all_of(path: Path, content: str | bytes, key: str | None = None, kind: Any = Any) -> list[Any]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [value for _, value in elements(path, Problems(path), kind, LAYOUT, key)]


def refusal(path: Path, content: str | bytes, key: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        all_of(path, content, key)
    return str(caught.value).removeprefix(f"{path}: ")


@given(
    array=st.lists(values.filter(lambda value: value is not None), max_size=5),
    size=st.integers(1, 9),
    indent=st.sampled_from([None, 1]),
)
def test_an_array_in_pieces_reads_as_in_one(tmp_path_factory, array, size, indent):
    path = tmp_path_factory.mktemp("json") / "array.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "CHUNK", size)
        written = json.dumps(array, indent=indent, ensure_ascii=bool(size % 2))
        assert all_of(path, written) == array
        inside = json.dumps({"é": array, "data": array, "z": 1}, indent=indent)
        assert all_of(path, inside, "data") == array


def test_a_byte_order_mark_and_white_space_before_an_array_do_no_harm(file, chunk):
    assert all_of(file, b"\xef\xbb\xbf\r\n [1, 2.5e3, -3]\n") == [1, 2500.0, -3]


def test_a_number_with_thousands_of_digits_is_a_problem_and_no_crash(file):
    problems = Found(file)
    file.write_text('[{"a": ' + "9" * 5000 + "}, 2]")
    assert list(elements(file, problems, int, LAYOUT)) == [("row 2", 2)]
    assert problems.told[0][0] == "row 1"


ENDS = "the file ends in row 2: it is cut off, or something in it is not closed; fetch or mend it"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2", ENDS),
        ("[1 2]", 'row 1: is not JSON: "," is missing'),
        ("[1, ]", "row 2: is not JSON: Expecting value"),
        ('[1, {"a": 2 "b"}, 3]', "row 2: is not JSON: Expecting ',' delimiter"),
        ('[1, "never closed', ENDS),
        ('[1, {"a": 2, "b', ENDS),
        ('[1, {"a": 2', ENDS),
        ('[1, {"a":', ENDS),
        ("[1, tru", ENDS),
        ("[1, ", ENDS),
        ("[1][2]", "row 1: is not JSON: there is more after the end of the array"),
        ("[" * 200_000, "row 1: is not JSON: it is nested too deeply"),
        ('{"a": [1]}', "is no JSON array; it needs a list"),
        ("", "is empty; it needs a list"),
        (" \n ", "is empty; it needs a list"),
        (b"[1,\n\xff]", "line 2: byte 4 is not UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbf[1,\n\xff]", "line 2: byte 7 is not UTF-8; save the file as UTF-8"),
        (b'["\xc3', "line 1: byte 2 is not UTF-8; save the file as UTF-8"),
    ],
)
def test_what_is_no_array_is_refused_with_its_place(file, chunk, content, message):
    remedy = "; mend it there, or fetch the file again"
    assert refusal(file, content) == message + (remedy if ": is not JSON" in message else "")


@pytest.mark.parametrize("read", [elements, records])
def test_csv_in_a_json_file_is_told_from_json(file, read):
    file.write_text("goal,target,final_target\n1,2,3\n")
    with pytest.raises(InputError) as caught:
        list(read(file, Problems(file), dict, LAYOUT))
    assert str(caught.value) == (
        f"{file}: looks like CSV, not JSON (it begins goal,target,final_target); import it with: "
        "strop task import csv FILE --kind KIND --column FIELD=NAME"
    )


@pytest.mark.parametrize("content", ['{"other": [1]}', "{}", '{"a": {"data": [1]}, "b": 2}'])
def test_an_object_without_the_array_is_refused(file, chunk, content):
    assert refusal(file, content, "data") == 'has no "data"; it needs a list'


def test_what_lies_under_the_key_has_to_be_an_array(file):
    said = 'the beginning: is not JSON: ":" is missing; mend it there, or'
    assert refusal(file, '{"data" 3}', "data").startswith(said)
    for content in ('{"data": 3}', '{"data": {}}', '{"data":'):
        said = "has no list where its rows should be; it needs a list"
        assert refusal(file, content, "data") == said
    assert refusal(file, "[]", "data") == "is no JSON object; it needs a list"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_unicode_is_told_from_utf_8(file, chunk, encoding):
    said = "is UTF-16 or UTF-32, not UTF-8; save the file as UTF-8"
    assert refusal(file, "[1, 2]".encode(encoding)) == said


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist; check the path"):
        list(chunks(tmp_path / "none", LAYOUT))
    with pytest.raises(InputError, match="is a folder; name the file in it"):
        list(chunks(tmp_path, LAYOUT))


def test_a_file_that_may_not_be_read_is_refused(file, monkeypatch):
    def closed(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    file.write_text("[]")
    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\); check the path"):
        list(chunks(file, LAYOUT))


@pytest.mark.parametrize("content", ["[1,\n2,\n3]", "1\n\n2\r\n3"])
def test_records_are_one_a_line_or_an_array(file, chunk, content):
    file.write_text(content)
    assert [value for _, value in records(file, Problems(file), int, LAYOUT)] == [1, 2, 3]


def test_a_line_that_is_no_such_record_is_a_problem_and_the_next_one_is_read(file):
    problems = Found(file)
    deep = '{"more":' + "[" * 100_000
    file.write_text(f'{{"a": 1}}\n{{"a": "x"}}\n{{"a"\n{deep}\n{{"a": "\\ud800"}}\n{{"a": 2}}')
    found = list(records(file, problems, Numbers, LAYOUT))
    assert found == [("line 1", Numbers(1)), ("line 6", Numbers(2))]
    assert [where for where, _ in problems.told] == ["line 2", "line 3", "line 4", "line 5"]
    assert problems.told[0][1] == "a is a string, not a whole number; a list"
    assert problems.told[1][1] == "is not JSON: it breaks off; mend or remove it; "
    assert problems.told[2][1] == "is nested too deeply; a list"


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))))
def test_lines_are_those_of_the_file_whatever_they_hold(content):
    joined = "\n".join(content) + "\n"
    pieces = [joined[i : i + 3] for i in range(0, len(joined), 3)]
    wanted = [(n, line.removesuffix("\r")) for n, line in enumerate(content or [""], 1)]
    assert list(lines(pieces)) == wanted


@given(st.lists(st.text(max_size=3), min_size=1, max_size=6), st.data())
def test_the_span_of_words_is_their_text(words, data):
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    start, end = span(words, first, last)
    assert " ".join(words)[start:end] == " ".join(words[first : last + 1])


@pytest.mark.parametrize("lines_or_array", ["lines", "array"])
def test_a_large_file_takes_little_memory(file, lines_or_array):
    row = json.dumps({"text": "x" * 400})
    with file.open("w") as out:
        if lines_or_array == "lines":
            out.writelines(row + "\n" for _ in range(40_000))
        else:
            out.write("[" + row)
            out.writelines("," + row for _ in range(39_999))
            out.write("]")
    tracemalloc.start()
    count = sum(1 for _ in records(file, Problems(file), dict[str, str], LAYOUT))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 40_000
    assert peak < file.stat().st_size / 4
