import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import wire
from models.engine import Failed, Score, Scores, Segment, Tokenise, encode
from models.wire import (
    Answer,
    BadFrame,
    Beat,
    Call,
    Channel,
    ChannelClosed,
    FromWorker,
    Load,
    MessageTooLong,
    ToWorker,
)

SHORT = 0.05


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reads, writes = os.pipe()
    try:
        yield reads, writes
    finally:
        for descriptor in (reads, writes):
            with suppress(OSError):
                os.close(descriptor)


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


texts = st.text(max_size=20)
requests = st.one_of(
    st.builds(Tokenise, st.lists(texts, max_size=3).map(tuple)),
    st.builds(Score, st.just((Segment(-1, (1, 2), 1), Segment(0, (3,))))),
)
plain = st.one_of(st.none(), st.booleans(), st.integers(0, 2**40), texts)
messages = st.one_of(
    st.builds(Load, texts, st.dictionaries(texts, plain, max_size=3)),
    st.builds(Call, st.integers(0, 2**40), requests),
)


@given(st.lists(messages, max_size=4))
def test_messages_come_out_as_they_went_in_and_in_order(sent):
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, ToWorker)
        for message in sent:
            channel.send(message)
        assert [channel.receive(SHORT) for _ in sent] == sent


def test_replies_keep_their_numbers():
    reply = Answer(3, Scores(((-0.1, -1e-30),), 4, 5))
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, FromWorker)
        for message in (Beat(3, 1, 2), reply, Failed("engine", "no")):
            channel.send(message)
        assert channel.receive(SHORT) == Beat(3, 1, 2)
        assert channel.receive(SHORT) == reply
        assert channel.receive(SHORT) == Failed("engine", "no")


def test_a_message_larger_than_the_pipe_goes_through():
    message = Call(1, Tokenise(("x" * 3_000_000,)))
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, ToWorker)
        writer = threading.Thread(target=channel.send, args=(message,))
        writer.start()
        assert channel.receive() == message
        writer.join()


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_else(data):
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, FromWorker)
        os.write(writes, data)
        os.close(writes)
        with suppress(BadFrame, ChannelClosed):
            while True:
                channel.receive()


@given(st.binary(max_size=100))
def test_a_frame_of_garbage_is_refused(body):
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, FromWorker)
        os.write(writes, frame(body))
        with pytest.raises(BadFrame, match="no message"):
            channel.receive(SHORT)


def test_a_deeply_nested_frame_is_refused():
    beat = encode({"type": "beat", "id": 1, "done": 1, "total": 1, "unknown": 0})
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, FromWorker)
        os.write(writes, frame(beat[:-1] + b"\x91" * 30_000 + b"\x00"))
        with pytest.raises(BadFrame):
            channel.receive(SHORT)


@given(messages, st.data())
def test_a_truncated_frame_is_refused(message, data):
    whole = frame(encode(message))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, ToWorker)
        os.write(writes, whole[:cut])
        os.close(writes)
        with pytest.raises(ChannelClosed):
            channel.receive()


def test_an_oversized_frame_is_refused_before_it_is_read():
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, FromWorker)
        os.write(writes, (wire.MAX_FRAME + 1).to_bytes(4, "big"))
        with pytest.raises(BadFrame, match="at most"):
            channel.receive(SHORT)


def test_a_message_too_long_leaves_the_channel_as_it_was(monkeypatch):
    monkeypatch.setattr(wire, "MAX_FRAME", 100)
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, ToWorker)
        with pytest.raises(MessageTooLong, match="at most 100"):
            channel.send(Call(1, Tokenise(("x" * 200,))))
        channel.send(Call(2, Tokenise(())))
        assert channel.receive(SHORT) == Call(2, Tokenise(()))


def test_silence_and_a_full_pipe_time_out():
    with pipe() as (reads, writes):
        channel = Channel(reads, writes, ToWorker)
        with pytest.raises(TimeoutError):
            channel.receive(SHORT)
        with pytest.raises(TimeoutError):
            channel.send(Call(1, Tokenise(("x" * 1_000_000,))), SHORT)


def test_writing_to_a_closed_channel_is_said():
    with pipe() as (reads, writes):
        os.close(reads)
        with pytest.raises(ChannelClosed):
            Channel(reads, writes, ToWorker).send(Call(1, Tokenise(())))
