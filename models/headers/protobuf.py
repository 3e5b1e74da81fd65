"""Protocol buffers' wire format over a bounded cursor, field by field, without a schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.headers.bounded import Cursor

MAX_FIELDS = 1_000_000
"""The most fields that are looked at in one file, which bounds the time that a hostile one can
take. Models of billions of parameters have some hundred thousand."""

_VARINT_BYTES = 10
_FIXED = {1: 8, 5: 4}


@dataclass(frozen=True, slots=True)
class Field:
    """``value`` is that of a varint, else None; a message, string or packed list takes the bytes
    [start, end)."""

    number: int
    value: int | None
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


class Reader:
    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self._left = MAX_FIELDS

    def fields(self, end: int, what: str) -> Iterator[Field]:
        """The fields of the message that ends at ``end``. The part of a field that the caller does
        not read is skipped. Raises HeaderError."""
        cursor = self.cursor
        while cursor.offset < end:
            self._left -= 1
            if self._left < 0:
                cursor.refuse(f"more than {MAX_FIELDS} fields")
            key = self.varint(end, what)
            number, wire = key >> 3, key & 7
            if number == 0:
                cursor.refuse(f"{what}: a field with number 0")
            if wire == 0:
                start = cursor.offset
                yield Field(number, self.varint(end, what), start, cursor.offset)
                continue
            if wire == 2:
                size = self.varint(end, what)
            elif wire in _FIXED:
                size = _FIXED[wire]
            else:
                cursor.refuse(f"{what}: wire type {wire} is not used by this format")
            start, stop = cursor.offset, cursor.offset + size
            if stop > end:
                cursor.refuse(f"{what}: field {number} has {size} bytes, {end - start} are left")
            yield Field(number, None, start, stop)
            cursor.skip(stop - cursor.offset, what)

    def inside(self, message: Field, what: str) -> Iterator[Field]:
        """The fields of a message that is itself a field."""
        if message.value is not None:
            self.cursor.refuse(f"{what} is a number", message.start)
        return self.fields(message.end, what)

    def varint(self, end: int, what: str) -> int:
        value, byte, place = 0, 0x80, 0
        while byte & 0x80:
            if self.cursor.offset >= end:
                self.cursor.refuse(f"{what}: truncated in the middle of a number")
            byte = self.cursor.take(1, what)[0]
            value |= (byte & 0x7F) << place
            place += 7
            if value >= 2**64 or place > 7 * _VARINT_BYTES:
                self.cursor.refuse(f"{what}: a number of more than 64 bits")
        return value

    def text(self, field: Field, longest: int, what: str) -> str:
        """The field's bytes as UTF-8."""
        if field.value is not None:
            self.cursor.refuse(f"{what} is a number", field.start)
        if field.size > longest:
            self.cursor.refuse(f"{what} of {field.size} bytes: more than {longest}", field.start)
        data = self.cursor.take(field.size, what)
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.cursor.refuse(f"{what} is not UTF-8", field.start)

    def number(self, field: Field, what: str) -> int:
        """The field as a signed 64-bit integer."""
        if field.value is None:
            self.cursor.refuse(f"{what} is not a number", field.start)
        return field.value - 2**64 if field.value >= 2**63 else field.value

    def numbers(self, field: Field, most: int, what: str) -> list[int]:
        """The values of a repeated integer: one, or several packed into the field."""
        if field.value is not None:
            return [self.number(field, what)]
        found: list[int] = []
        while self.cursor.offset < field.end:
            value = self.varint(field.end, what)
            found.append(value - 2**64 if value >= 2**63 else value)
            if len(found) > most:
                self.cursor.refuse(f"{what}: more than {most}", field.start)
        return found
