"""The one JSON of a value, for content addresses."""

from __future__ import annotations

from typing import Any

import msgspec


def canonical(value: Any) -> bytes:
    """JSON without the fields that equal their default, in the order in which a struct has them.

    msgspec's own ``omit_defaults`` leaves out a field whose value is the default's very object, so
    that a 0.0 which was computed stands in the JSON and one which was not given does not.
    """
    return msgspec.json.encode(_plain(value))


def _plain(value: Any) -> Any:
    match value:
        case msgspec.Struct():
            fields = msgspec.structs.fields(value)
            pairs = ((field, getattr(value, field.name)) for field in fields)
            return {f.encode_name: _plain(own) for f, own in pairs if own != f.default}
        case tuple() | list():
            return [_plain(one) for one in value]
        case _:
            return value
