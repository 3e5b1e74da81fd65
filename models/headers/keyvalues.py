"""The key-value part of a GGUF header: scalars and short strings kept, arrays skipped."""

from __future__ import annotations

import struct

import msgspec

from models.headers.bounded import Cursor

MAX_KEY_VALUES = 65_536
MAX_KEY_BYTES = 64 << 10
MAX_STRING_BYTES = 64 << 20
MAX_KEPT_STRING = 4 << 10
MAX_TEMPLATE_BYTES = 1 << 20
MAX_KEPT_TOTAL = 64 << 20
# Strings in arrays are walked one by one, so their number bounds the time: about a second. The
# largest vocabularies of today have 800,000 tokens and merges together.
MAX_ARRAY_STRINGS = 2_000_000

TEMPLATE_KEY = "tokenizer.chat_template"

_SCALARS = {
    0: ("u8", struct.Struct("<B")),
    1: ("i8", struct.Struct("<b")),
    2: ("u16", struct.Struct("<H")),
    3: ("i16", struct.Struct("<h")),
    4: ("u32", struct.Struct("<I")),
    5: ("i32", struct.Struct("<i")),
    6: ("f32", struct.Struct("<f")),
    7: ("bool", struct.Struct("<?")),
    10: ("u64", struct.Struct("<Q")),
    11: ("i64", struct.Struct("<q")),
    12: ("f64", struct.Struct("<d")),
}
_STRING, _ARRAY = 8, 9
_U32 = struct.Struct("<I")


class Skipped(msgspec.Struct, frozen=True):
    """A value that stayed in the file: ``count`` elements, or bytes if it is one long string."""

    kind: str
    count: int


Value = bool | int | float | str | Skipped


def read_key_values(cursor: Cursor, count: int) -> tuple[dict[str, Value], dict[str, range]]:
    """The values by key, and for each key the bytes of the file that it takes with its value."""
    if count > MAX_KEY_VALUES:
        cursor.refuse(f"{count} key-values: more than {MAX_KEY_VALUES}")
    values: dict[str, Value] = {}
    spans: dict[str, range] = {}
    kept = 0
    strings = MAX_ARRAY_STRINGS
    for _ in range(count):
        value: Value
        start = cursor.offset
        key = read_string(cursor, MAX_KEY_BYTES, "a key")
        if key in values:
            cursor.refuse(f"duplicate key {key[:80]!r}", start)
        kind = cursor.unpack(_U32, "a value type")
        if kind == _ARRAY:
            array = _skip_array(cursor, strings)
            strings -= array.count if array.kind == "string" else 0
            value = array
        elif kind == _STRING:
            value = _read_value_string(cursor, key)
        elif kind in _SCALARS:
            value = cursor.unpack(_SCALARS[kind][1], "a value")
        else:
            cursor.refuse(f"unknown value type {kind} of key {key[:80]!r}")
        kept += len(key) + (len(value) if isinstance(value, str) else 0)
        if kept > MAX_KEPT_TOTAL:
            cursor.refuse(f"keys and strings of more than {MAX_KEPT_TOTAL} bytes", start)
        values[key] = value
        spans[key] = range(start, cursor.offset)
    return values, spans


def read_string(cursor: Cursor, limit: int, what: str) -> str:
    start = cursor.offset
    length = cursor.u64(f"the length of {what}")
    if length > limit:
        cursor.refuse(f"{what} of {length} bytes: more than {limit}", start)
    try:
        return cursor.take(length, what).decode()
    except UnicodeDecodeError:
        cursor.refuse(f"{what} is not UTF-8", start)


def _read_value_string(cursor: Cursor, key: str) -> str | Skipped:
    start = cursor.offset
    length = cursor.u64("the length of a string")
    if length > MAX_STRING_BYTES:
        cursor.refuse(f"a string of {length} bytes: more than {MAX_STRING_BYTES}", start)
    if key == TEMPLATE_KEY and length > MAX_TEMPLATE_BYTES:
        cursor.refuse(f"a chat template of {length} bytes: more than {MAX_TEMPLATE_BYTES}", start)
    if key != TEMPLATE_KEY and length > MAX_KEPT_STRING:
        cursor.skip(length, "a string")
        return Skipped("string", length)
    try:
        return cursor.take(length, "a string").decode()
    except UnicodeDecodeError:
        cursor.refuse(f"the string of {key[:80]!r} is not UTF-8", start)


def _skip_array(cursor: Cursor, strings: int) -> Skipped:
    start = cursor.offset
    kind = cursor.unpack(_U32, "an array's type")
    count = cursor.u64("an array's length")
    if kind == _ARRAY:
        cursor.refuse("an array of arrays, which llama.cpp does not read", start)
    if kind != _STRING and kind not in _SCALARS:
        cursor.refuse(f"unknown array type {kind}", start)
    name, size = ("string", 8) if kind == _STRING else (_SCALARS[kind][0], _SCALARS[kind][1].size)
    if count > cursor.left // size:
        cursor.refuse(f"truncated: an array of {count} elements, {cursor.left} bytes left", start)
    if kind != _STRING:
        cursor.skip(count * size, "an array")
    elif count > strings:
        cursor.refuse(f"more than {MAX_ARRAY_STRINGS} strings in arrays", start)
    else:
        for _ in range(count):
            length = cursor.u64("the length of a string")
            if length > MAX_STRING_BYTES:
                cursor.refuse(f"a string of {length} bytes: more than {MAX_STRING_BYTES}")
            cursor.skip(length, "a string")
    return Skipped(name, count)
