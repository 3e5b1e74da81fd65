"""Writes ONNX models of some hundred bytes, field by field, valid unless a test says otherwise."""

from __future__ import annotations

import struct
from collections.abc import Sequence

FLOAT, INT64, STRING = 1, 7, 8


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def field(number: int, content: int | str | bytes) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    data = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(
    name: str = "w",
    shape: Sequence[int] = (2, 3),
    dtype: int = FLOAT,
    raw: bytes | None = None,
    outside: dict[str, str] | None = None,
) -> bytes:
    """Without ``raw`` and ``outside``, float data of the shape's size."""
    sizes = field(1, b"".join(map(varint, shape)))
    body = sizes + field(2, dtype) + field(8, name)
    if outside is None:
        return body + field(9, struct.pack("<6f", *range(6)) if raw is None else raw)
    entries = (field(13, field(1, key) + field(2, value)) for key, value in outside.items())
    return body + b"".join(entries) + field(14, 1)


def end(name: str) -> bytes:
    """An input or output of floats [2, 3]."""
    shape = field(1, field(1, 2)) + field(1, field(1, 3))
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, shape)))


def node(operator: str = "Add", attributes: bytes = b"") -> bytes:
    return field(1, "x") + field(1, "w") + field(2, "y") + field(4, operator) + attributes


def graph(*tensors: bytes, nodes: Sequence[bytes] = (node(),), more: bytes = b"") -> bytes:
    body = b"".join(field(1, one) for one in nodes) + field(2, "tiny")
    body += b"".join(field(5, one) for one in tensors or (tensor(),))
    return body + field(11, end("x")) + field(12, end("y")) + more


def build(the_graph: bytes | None = None, *, version: int = 9, more: bytes = b"") -> bytes:
    """y = x + w."""
    opset = field(8, field(1, "") + field(2, 17))
    return field(1, version) + field(7, graph() if the_graph is None else the_graph) + opset + more
