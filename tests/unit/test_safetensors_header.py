"""The safetensors header reader: each rule refuses by name, and no bytes break it."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.headers import Entry, HeaderError, read_safetensors

TENSORS: dict[str, Any] = {
    "__metadata__": {"format": "pt"},
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "BF16", "shape": [], "data_offsets": [24, 26]},
}


def build(fields: dict[str, Any] | bytes = TENSORS, data: int = 26) -> bytes:
    header = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return struct.pack("<Q", len(header)) + header + bytes(data)


def with_a(**changes: Any) -> dict[str, Any]:
    return {**TENSORS, "a": {**TENSORS["a"], **changes}}


def refused(folder, data: bytes, rule: str) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(HeaderError, match=rule) as caught:
        read_safetensors(path)
    assert str(path) in str(caught.value)
    assert "at byte" in str(caught.value)


def test_a_valid_file_is_read(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(build())
    header = read_safetensors(path)
    assert header.metadata == {"format": "pt"}
    assert header.tensors == {"a": Entry("F32", (2, 3), 0, 24), "b": Entry("BF16", (), 24, 26)}
    assert header.data_offset + 26 == header.size


def test_a_file_that_the_library_wrote_is_read(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    import numpy as np

    arrays = {"w": np.zeros((3, 4), np.float16), "i": np.arange(5), "none": np.zeros((0, 2))}
    numpy.save_file(arrays, tmp_path / "model.safetensors", {"a": "b"})
    header = read_safetensors(tmp_path / "model.safetensors")
    assert {name: entry.shape for name, entry in header.tensors.items()} == {
        name: array.shape for name, array in arrays.items()
    }
    assert header.metadata == {"a": "b"}


def test_a_missing_and_an_empty_file_are_refused(tmp_path):
    with pytest.raises(HeaderError, match="no such file"):
        read_safetensors(tmp_path / "none.safetensors")
    refused(tmp_path, b"", "truncated: the header length")


def test_a_header_above_16_mebibytes_is_refused(tmp_path):
    refused(tmp_path, struct.pack("<Q", (16 << 20) + 1) + b"{}", "a header of 16777217 bytes")


def test_a_header_longer_than_the_file_is_refused(tmp_path):
    refused(tmp_path, struct.pack("<Q", 16 << 20) + b"{}", "truncated: the header needs")


def test_a_header_that_does_not_start_with_a_brace_is_refused(tmp_path):
    refused(tmp_path, build(b" " + json.dumps(TENSORS).encode()), "does not start with {")


def test_a_header_that_is_not_json_is_refused(tmp_path):
    for header in (b"{", b'{"a": \xff}', b'{"a":' + b"[" * 100_000, b'{"a":' + b"1" * 5000 + b"}"):
        refused(tmp_path, build(header), "the header is not JSON")


def test_duplicate_keys_are_refused(tmp_path):
    header = b'{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
    refused(tmp_path, build(header, 0), "duplicate key")
    entry = json.dumps(TENSORS["a"]).encode()
    refused(tmp_path, build(b'{"a":' + entry + b',"a":' + entry + b"}", 24), "duplicate key")


def test_metadata_that_is_not_strings_is_refused(tmp_path):
    for metadata in ([], {"a": 1}):
        refused(tmp_path, build({**TENSORS, "__metadata__": metadata}), "__metadata__")


def test_a_tensor_with_other_fields_is_refused(tmp_path):
    refused(tmp_path, build(with_a(extra=1)), "other fields than dtype, shape, data_offsets")
    refused(tmp_path, build({"a": 1}), "other fields than dtype, shape, data_offsets")


def test_an_unknown_dtype_is_refused(tmp_path):
    for dtype in ("F31", ["F32"], None):
        refused(tmp_path, build(with_a(dtype=dtype)), "unknown dtype")


def test_a_shape_that_is_no_list_of_sizes_is_refused(tmp_path):
    for shape in ([-2, -3], [2.0, 3], [True, 6], "6", [2**63], [1] * 9):
        refused(tmp_path, build(with_a(shape=shape)), "the shape is not")


def test_offsets_that_are_no_range_are_refused(tmp_path):
    for offsets in ([24, 0], [0], [0, 24, 26], [-24, 0], ["0", "24"]):
        refused(tmp_path, build(with_a(data_offsets=offsets)), "data_offsets is no range")


def test_a_shape_that_needs_other_bytes_is_refused(tmp_path):
    for shape in ([2, 4], [2**62, 2**62, 2**62], [0]):
        refused(tmp_path, build(with_a(shape=shape)), "need other than 24 bytes")


def test_a_hole_is_refused(tmp_path):
    refused(tmp_path, build(with_a(data_offsets=[2, 26])), "a hole in the data before tensor 'a'")


def test_an_overlap_is_refused(tmp_path):
    fields = {**TENSORS, "b": {"dtype": "BF16", "shape": [], "data_offsets": [22, 24]}}
    refused(tmp_path, build(fields), "an overlap in the data before tensor 'b'")


def test_bytes_after_the_last_tensor_or_missing_ones_are_refused(tmp_path):
    for data in (25, 27):
        refused(tmp_path, build(data=data), f"the tensors take 26 bytes, the file has {data}")


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(HeaderError, match="not a regular file"):
        read_safetensors(tmp_path / "pipe")


@settings(max_examples=300, deadline=1000)
@given(data=st.data())
def test_any_mutation_returns_a_header_or_is_refused(tmp_path_factory, data):
    changed = bytearray(build())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        end = data.draw(st.integers(at, min(len(changed), at + 8)))
        changed[at:end] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b'"', b"[[", b"{", b"1e999", b"NaN", b"null"])
        )
        if not changed:
            break
    path = tmp_path_factory.getbasetemp() / "mutated.safetensors"
    path.write_bytes(bytes(changed))
    try:
        header = read_safetensors(path)
    except HeaderError:
        return
    taken = sum(entry.end - entry.start for entry in header.tensors.values())
    assert header.data_offset + taken == header.size
