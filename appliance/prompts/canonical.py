"""Canonical JSON: equal values give equal bytes, from which content addresses are computed."""

from __future__ import annotations

from typing import Any

import msgspec


def canonical(value: Any) -> bytes:
    """Returns JSON without the fields that equal their default, in the struct's order of fields.

    msgspec's own ``omit_defaults`` compares identities: it would leave out a default 0.0 and keep
    an equal 0.0 that was computed.
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
