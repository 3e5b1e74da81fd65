"""Writes GGUF files of a few hundred bytes, valid unless a test says otherwise."""

from __future__ import annotations

import struct
from typing import Any

U32, F32, BOOL, STRING, ARRAY, U64 = 4, 6, 7, 8, 9, 10
_FORMATS = {0: "<B", U32: "<I", F32: "<f", BOOL: "<?", U64: "<Q"}

TOKENS = ["<s>", "</s>", "a", "b"]
KEY_VALUES: list[tuple[str, int, Any]] = [
    ("general.architecture", STRING, "llama"),
    ("general.name", STRING, "tiny"),
    ("general.license", STRING, "apache-2.0"),
    ("general.file_type", U32, 0),
    ("llama.context_length", U32, 64),
    ("tokenizer.ggml.tokens", ARRAY, (STRING, TOKENS)),
    ("tokenizer.ggml.token_type", ARRAY, (U32, [3, 3, 1, 1])),
    ("tokenizer.ggml.bos_token_id", U32, 0),
    ("tokenizer.ggml.eos_token_id", U32, 1),
    ("tokenizer.ggml.add_bos_token", BOOL, True),
    ("tokenizer.chat_template", STRING, "{{ messages[0].content }}"),
]
# Name, dimensions, type, offset; 0 is F32 and 8 is Q8_0 (32 weights in 34 bytes).
TENSORS: list[tuple[str, list[int], int, int]] = [
    ("token_embd.weight", [8, 4], 0, 0),
    ("output.weight", [32, 1], 8, 128),
]


def string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def value(kind: int, content: Any) -> bytes:
    if kind == STRING:
        return string(content)
    if kind == ARRAY:
        element, values = content
        head = struct.pack("<IQ", element, len(values))
        return head + b"".join(value(element, entry) for entry in values)
    return struct.pack(_FORMATS[kind], content)


def key_value(key: str | bytes, kind: int, content: Any) -> bytes:
    return string(key) + struct.pack("<I", kind) + value(kind, content)


def tensor_info(name: str, shape: list[int], kind: int, offset: int) -> bytes:
    dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return string(name) + dimensions + struct.pack("<IQ", kind, offset)


def with_values(*changed: tuple[str, int, Any]) -> list[tuple[str, int, Any]]:
    """The usual key-values with some replaced or added."""
    keys = {key for key, _, _ in changed}
    return [*(entry for entry in KEY_VALUES if entry[0] not in keys), *changed]


def build(
    key_values: list[tuple[Any, int, Any]] = KEY_VALUES,
    tensors: list[tuple[str, list[int], int, int]] = TENSORS,
    *,
    version: int = 3,
    alignment: int = 32,
    data: int = 162,
) -> bytes:
    """A whole file; ``data`` bytes of tensor data follow the aligned header."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(key_values))
    head += b"".join(key_value(*entry) for entry in key_values)
    head += b"".join(tensor_info(*tensor) for tensor in tensors)
    return head + bytes(-len(head) % alignment) + bytes(data)
