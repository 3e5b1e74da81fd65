"""The ONNX header reader: each rule refuses by name, and no bytes break it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_onnx import STRING, build, field, graph, node, tensor, varint

from models.headers import HeaderError, OnnxTensor, onnx, onnx_tensors, protobuf, read_onnx

DATA = "model.onnx.data"


def read(folder: Path, data: bytes):
    path = folder / "model.onnx"
    path.write_bytes(data)
    return read_onnx(path)


def refused(folder: Path, data: bytes, rule: str) -> None:
    with pytest.raises(HeaderError, match=rule) as caught:
        read(folder, data)
    assert str(folder / "model.onnx") in str(caught.value)
    assert f"(at byte {caught.value.offset})" in str(caught.value)


def outside(**entries: str) -> bytes:
    return build(graph(tensor(outside={"location": DATA, **entries})))


def test_a_valid_model_says_what_it_is(tmp_path):
    header = read(tmp_path, build())
    assert (header.ir_version, header.opsets, header.nodes) == (9, {"": 17}, 1)
    assert (header.inputs, header.outputs) == (("x",), ("y",))
    assert header.tensors == {"w": OnnxTensor(1, (2, 3), "")}
    assert header.files == () and header.size == len(build())


def test_what_is_accepted_here_is_what_onnxruntime_runs(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    import numpy as np

    session = runtime.InferenceSession(build(), providers=["CPUExecutionProvider"])
    [y] = session.run(None, {"x": np.ones((2, 3), np.float32)})
    assert y.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_data_in_a_file_of_the_same_folder_is_accepted(tmp_path):
    (tmp_path / DATA).write_bytes(bytes(4096 + 24))
    header = read(tmp_path, outside(offset="4096", length="24"))
    assert header.tensors["w"].file == DATA and header.files == (DATA,)
    assert read(tmp_path, outside()).files == (DATA,)


def test_shapes_are_read_packed_and_one_by_one(tmp_path):
    single = field(1, 2) + field(1, 3) + field(2, 1) + field(8, "w") + field(9, bytes(24))
    assert read(tmp_path, build(graph(single))).tensors["w"].shape == (2, 3)


def test_strings_and_half_bytes_have_the_sizes_they_have(tmp_path):
    text = field(1, varint(2)) + field(2, STRING) + field(8, "s") + field(6, "a") + field(6, "b")
    nibbles = tensor("n", (3,), 22, bytes(2))
    header = read(tmp_path, build(graph(text, nibbles)))
    assert header.tensors == {"s": OnnxTensor(8, (2,), ""), "n": OnnxTensor(22, (3,), "")}


def nested(depth: int) -> bytes:
    inner = graph()
    for _ in range(depth):
        inner = graph(nodes=(node("If", field(5, field(6, inner))),))
    return build(inner)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "no ir_version"),
        (b"not a model at all", "wire type|truncated|bytes"),
        (build(version=0), "no ir_version"),
        (field(1, 9) + field(8, field(2, 17)), "0 graphs"),
        (build(more=field(7, graph(tensor("v")))), "2 graphs"),
        (field(1, 9) + field(7, graph()), "no operator set"),
        (build(more=field(20, b"")), "training information"),
        (build(more=field(7, 5)), "a graph is a number"),
        (build(graph(more=field(15, b""))), "sparse tensors"),
        (build(graph(nodes=(field(1, "x"),))), "a node without an operator"),
        (build(graph(nodes=(node("x" * 5000),))), "operator of a node of 5000 bytes"),
        (build(graph(nodes=(field(4, b"\xff"),))), "operator of a node is not UTF-8"),
        (nested(9), "more than 8 deep"),
        (build(graph(tensor("w"), tensor("w"))), "two tensors named 'w'"),
        (build(graph(tensor(dtype=99))), "tensor 'w' has an unknown type, 99"),
        (build(graph(tensor(shape=(2, -3)))), "a size that is not from 0"),
        (build(graph(tensor(shape=(2**50,)))), "a size that is not from 0"),
        (build(graph(tensor(shape=(2**39,) * 8))), "needs .* bytes by shape"),
        (build(graph(tensor(shape=(1,) * 9))), "more than 8"),
        (build(graph(tensor(raw=bytes(23)))), "needs 24 bytes by shape and type, it has 23"),
        (build(graph(tensor() + field(14, 1))), "in two ways"),
        (build(graph(tensor() + field(14, 7))), "in two ways"),
        (build(more=varint(1 << 3 | 3)), "wire type 3"),
        (build(more=varint(1 << 3 | 2) + varint(99)), "field 1 has 99 bytes, 0 are left"),
        (build(more=varint(0)), "a field with number 0"),
        (build(more=b"\x80" * 12), "more than 64 bits"),
        (build(more=b"\x08" + b"\xff" * 9 + b"\x7f"), "more than 64 bits"),
        (build(more=b"\x08\x80"), "truncated in the middle of a number"),
    ],
)
def test_what_is_no_model_is_refused_by_its_rule(tmp_path, data, rule):
    refused(tmp_path, data, rule)


@pytest.mark.parametrize(
    ("location", "rule"),
    [
        ("../secret", "no file of its folder"),
        ("/etc/passwd", "no file of its folder"),
        ("sub/data", "no file of its folder"),
        ("..", "no file of its folder"),
        ("", "no file of its folder"),
        ("a\0b", "no file of its folder"),
        ("missing", "which is not there"),
        ("linked", "a link or no file"),
        ("hard", "a link or no file"),
        ("folder", "a link or no file"),
        ("x" * 300, "which is not there"),
    ],
)
def test_data_outside_the_folder_or_behind_a_link_is_refused(tmp_path, location, rule):
    (tmp_path / "secret").write_bytes(bytes(24))
    folder = tmp_path / "model"
    (folder / "folder").mkdir(parents=True)
    (folder / "linked").symlink_to(tmp_path / "secret")
    os.link(tmp_path / "secret", folder / "hard")
    refused(folder, outside(location=location), rule)


@pytest.mark.parametrize(
    ("entries", "rule"),
    [
        ({"offset": "1"}, "beyond the end"),
        ({"offset": "-1"}, "no number as offset"),
        ({"offset": "9" * 40}, "no number as offset"),
        ({"length": "٣"}, "no number as length"),
        ({"length": "23"}, "needs 24 bytes by shape and type, its range has others"),
        ({"basepath": "/etc"}, "unknown key, 'basepath'"),
    ],
)
def test_a_range_that_the_file_does_not_have_is_refused(tmp_path, entries, rule):
    (tmp_path / DATA).write_bytes(bytes(24))
    refused(tmp_path, outside(**entries), rule)


def test_counts_are_capped(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "MAX_NODES", 2)
    refused(tmp_path, build(graph(nodes=(node(),) * 3)), "more than 2 nodes")
    monkeypatch.setattr(onnx_tensors, "MAX_TENSORS", 1)
    refused(tmp_path, build(graph(tensor("a"), tensor("b"))), "more than 1 tensors")
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 10)
    refused(tmp_path, build(), "more than 10 fields")
    monkeypatch.setattr(onnx, "MAX_BYTES", 20)
    refused(tmp_path, build(), "more than 20")


def test_every_truncation_is_refused(tmp_path):
    whole = build()
    for end in range(len(whole)):
        try:
            read(tmp_path, whole[:end])
        except HeaderError:
            continue
        pytest.fail(f"{end} of {len(whole)} bytes were taken for a model")


mutations = st.lists(
    st.tuples(
        st.integers(0, len(nested(2)) - 1),
        st.sampled_from(["set", "insert", "delete", "repeat"]),
        st.binary(min_size=1, max_size=9),
    ),
    min_size=1,
    max_size=8,
)


@given(mutations)
@settings(max_examples=600, deadline=1000)
def test_any_mutation_returns_a_header_or_is_refused(tmp_path_factory, mutations):
    data = bytearray(nested(2))
    for place, kind, content in mutations:
        match kind:
            case "set":
                data[place : place + len(content)] = content
            case "insert":
                data[place:place] = content
            case "delete":
                del data[place : place + len(content)]
            case "repeat":
                data[place:place] = data[place : place + 40] * 3
    try:
        header = read(tmp_path_factory.getbasetemp(), bytes(data))
    except HeaderError as error:
        assert "model.onnx" in str(error)
    else:
        assert header.size == len(data)
