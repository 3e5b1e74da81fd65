"""The messages between the runner and a worker: four bytes of length, then one msgpack message."""

from __future__ import annotations

import os
import select
import time
from typing import Any, Generic, TypeVar

import msgspec

from models.engine import Description, Failed, Reply, Request, encode

MAX_FRAME = 256 << 20
"""The longest message, in bytes; a longer one is a mistake or an attack, never a request."""

_HEADER = 4
_CHUNK = 1 << 20


class Load(msgspec.Struct, frozen=True, tag="load"):
    """The first frame: ``engine`` is "module:function", called with ``options`` and a ``beat``."""

    engine: str
    options: dict[str, Any]


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    description: Description


class Call(msgspec.Struct, frozen=True, tag="call"):
    id: int
    request: Request


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """The reply to this call is no longer wanted. The call is answered nevertheless, soon."""

    id: int


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    id: int
    reply: Reply


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """A sign of life between batches; ``id`` is the call's, 0 while the model loads."""

    id: int
    done: int
    total: int


ToWorker = Load | Call | Cancel
FromWorker = Loaded | Answer | Beat | Failed

T = TypeVar("T")


class ChannelClosed(Exception):
    """The other side closed the channel, between two frames or in the middle of one."""


class BadFrame(Exception):
    """Bytes that are not a message: too long, undecodable or out of turn."""


class MessageTooLong(ValueError):
    """A message that is too long for a frame. No part of it was sent."""


class Channel(Generic[T]):
    """Frames over two file descriptors; ``receives`` is the union of messages that it decodes.

    A timeout is in seconds for a whole frame; None waits for ever. After it TimeoutError is raised.
    After any error but MessageTooLong the two sides may disagree on where a frame begins, so the
    channel must be given up.
    """

    def __init__(self, reads: int, writes: int, receives: Any) -> None:
        self.reads = reads
        self.writes = writes
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(receives)
        # A write to a full pipe must time out too: a stopped worker reads nothing.
        os.set_blocking(writes, False)

    def send(self, message: Any, timeout: float | None = None) -> None:
        """Sends one message. Raises MessageTooLong, ChannelClosed and TimeoutError."""
        body = encode(message)
        if len(body) > MAX_FRAME:
            raise MessageTooLong(f"a message of {len(body)} bytes; at most {MAX_FRAME} can be sent")
        deadline = _deadline(timeout)
        for part in (len(body).to_bytes(_HEADER, "big"), body):
            self._write(memoryview(part), deadline)

    def receive(self, timeout: float | None = None) -> T:
        """Returns the next message. Raises BadFrame, ChannelClosed and TimeoutError."""
        deadline = _deadline(timeout)
        length = int.from_bytes(self._read(_HEADER, deadline), "big")
        if length > MAX_FRAME:
            raise BadFrame(f"a frame of {length} bytes; at most {MAX_FRAME} are allowed")
        try:
            return self._decoder.decode(self._read(length, deadline))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadFrame(f"a frame that is no message: {error}") from error

    def ready(self) -> bool:
        """Whether there is something to read; this includes that the other side has closed."""
        poll = select.poll()
        poll.register(self.reads, select.POLLIN)
        return bool(poll.poll(0))

    def _write(self, rest: memoryview, deadline: float | None) -> None:
        while rest:
            _wait(self.writes, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self.writes, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise ChannelClosed("closed while a frame was sent") from error

    def _read(self, count: int, deadline: float | None) -> bytearray:
        data = bytearray()
        while len(data) < count:
            _wait(self.reads, select.POLLIN, deadline)
            chunk = os.read(self.reads, min(count - len(data), _CHUNK))
            if not chunk:
                raise ChannelClosed(f"closed {count - len(data)} bytes before the end of a frame")
            data += chunk
        return data


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _wait(descriptor: int, event: int, deadline: float | None) -> None:
    """Returns when the descriptor is ready or its other end is gone; else raises TimeoutError."""
    poll = select.poll()
    poll.register(descriptor, event)
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not poll.poll(left):
        raise TimeoutError
