"""What is wrong with JSON is said in words, never in those of the decoder."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from appliance.data.decoding import decode, in_words
from appliance.errors import InputError


class Row(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    spans: list[tuple[int, int]] = []
    more: dict[str, list[str]] = {}
    kind: str | None = None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "is a list, not an object"),
        ("{}", 'has no "name"'),
        ('{"name": "a", "x\\u001b": 1}', 'has an unknown field "x'),
        ('{"name": null}', "name is null, not a string"),
        ('{"name": "a", "kind": true}', "kind is true or false, not a string or null"),
        ('{"name": "a", "spans": [[1]]}', "spans[0] is not a list of 2"),
        ('{"name": "a", "spans": [[1, 2.5]]}', "spans[0][1] is a number, not a whole number"),
        ('{"name": "a", "more": {"b": [3]}}', "is a whole number, not a string"),
        ('{"name": "a", "spans": [[1, 1e999]]}', "spans[0][1] is wrong: Number out of range"),
        ('{"name" "a"}', "is not JSON: expected ':' (byte 8)"),
        ('{"name": "a', "is not JSON: it breaks off"),
    ],
)
def test_what_is_wrong_is_said_in_words_with_its_place(text: str, words: str) -> None:
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(text, type=Row)
    said = in_words(caught.value)
    assert words in said
    assert said.isprintable() and "$" not in said and "`" not in said


def test_a_file_that_is_wrong_is_named_with_the_layout_that_it_should_have(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    wrong = [("[]", Row, "is a list, not an object"), ("[" * 9000, list, "is nested too deeply")]
    for text, kind, what in wrong:
        path.write_text(text)
        with pytest.raises(InputError) as caught:
            decode(path, kind, "a row is an object")
        assert str(caught.value) == f"{path}: {what}; a row is an object"
