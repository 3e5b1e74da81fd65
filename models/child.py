"""The parent's side of one worker process, and the errors by which a worker can fail it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from models.engine import Description, Failed, Reply, Request
from models.protocol import RequestFailed, WorkerError
from models.wire import (
    Answer,
    BadFrame,
    Beat,
    Call,
    Cancel,
    Channel,
    ChannelClosed,
    FromWorker,
    Load,
    Loaded,
    MessageTooLong,
)

OUTPUT_KEPT = 8 << 10
"""Bytes of a worker's last output that are kept for error messages."""

_LINES_SHOWN = 5


class WorkerDied(WorkerError):
    """The process ended or broke the protocol. ``output`` is the last text that it printed.
    ``killed`` is true where it was killed from outside, for instance because the system's memory
    ran out."""

    def __init__(self, message: str, output: str, *, killed: bool = False) -> None:
        lines = [line for line in output.splitlines() if line.strip()][-_LINES_SHOWN:]
        super().__init__("\n  ".join([message, *lines]))
        self.output = output
        self.killed = killed


class WorkerHung(WorkerError):
    """The worker gave no sign of life for too long and was killed."""


class _BrokenOff(Exception):
    """``between`` raised ``reason`` and so ended the request; the worker's state is unchanged."""

    def __init__(self, reason: BaseException) -> None:
        self.reason = reason


class Child:
    """A started worker. It is stopped before an error is raised if it can no longer be relied on.

    Timeouts are the seconds that it may pass without a sign of life. Only one thread may use it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls = 0
        self._answers: dict[int, Answer] = {}
        # The worker has a session of its own, so that Ctrl-C reaches the runner alone. With -P it
        # imports nothing from the user's current folder.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "models.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdin and stdout and stderr
        self._pipes: tuple[IO[bytes], ...] = (stdin, stdout, stderr)
        self._channel: Channel[FromWorker] = Channel(stdout.fileno(), stdin.fileno(), FromWorker)
        self._output = bytearray()
        self._reader = threading.Thread(target=_keep_tail, args=(stderr, self._output), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stopped(self) -> bool:
        return self._process.returncode is not None

    def load(self, engine: str, options: dict[str, Any], timeout: float) -> Description:
        """Loads the model. Raises WorkerDied, WorkerHung or, where loading fails, RequestFailed;
        the worker is stopped in each case."""
        with self._relied_on("loading", timeout):
            self._channel.send(Load(engine, options), timeout)
            while isinstance(reply := self._channel.receive(timeout), Beat):
                pass
            match reply:
                case Loaded(description):
                    return description
                case Failed(kind, message):
                    raise RequestFailed(kind, f"model {self._name!r} cannot be loaded: {message}")
                case _:
                    raise BadFrame("an answer before it was asked")

    def ask(
        self, request: Request, timeout: float, between: Callable[[], None] | None = None
    ) -> Reply:
        """Sends the request and returns the reply. Raises WorkerDied, WorkerHung and RequestFailed;
        after RequestFailed the worker can be asked again unless it is ``stopped``.

        ``between`` is called between the request's batches. It may ask something else, which is
        answered first. An exception that it raises ends the request and is raised here.
        """
        self._calls += 1
        number = self._calls
        with self._relied_on("answering", timeout):
            self._channel.send(Call(number, request), timeout)
            answer = self._answer(number, timeout, between)
        if isinstance(answer.reply, Failed):
            if answer.reply.kind == "memory":
                self.stop()
            raise RequestFailed(answer.reply.kind, f"model {self._name!r}: {answer.reply.message}")
        return answer.reply

    def stop(self) -> None:
        """Kills the process and all it started, waits for it and closes its pipes."""
        if not self.stopped:
            # A process group keeps its number until its leader, even if dead, has been waited for.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join()
        for pipe in self._pipes:
            pipe.close()

    def _answer(self, number: int, timeout: float, between: Callable[[], None] | None) -> Answer:
        while number not in self._answers:
            match self._channel.receive(timeout):
                case Answer() as answer:
                    if not 0 < answer.id <= self._calls:
                        raise BadFrame("an answer to something else")
                    self._answers[answer.id] = answer
                case Beat() if between:
                    self._pause(number, timeout, between)
                case Beat():
                    pass
                case _:
                    raise BadFrame("an answer to something else")
        return self._answers.pop(number)

    def _pause(self, number: int, timeout: float, between: Callable[[], None]) -> None:
        try:
            between()
        except BaseException as error:
            if not self.stopped:
                self._channel.send(Cancel(number), timeout)
                self._answer(number, timeout, None)
            raise _BrokenOff(error) from None
        if self.stopped:
            raise ChannelClosed("closed while something else was asked")

    @contextmanager
    def _relied_on(self, doing: str, timeout: float) -> Iterator[None]:
        who = f"model {self._name!r}: its worker"
        try:
            yield
        except _BrokenOff as broken:
            raise broken.reason from None
        except MessageTooLong as error:
            self.stop()
            raise RequestFailed("bad_request", f"model {self._name!r}: {error}") from None
        except TimeoutError:
            self.stop()
            silence = f"gave no sign of life for {timeout:g} s while {doing} and was stopped"
            raise WorkerHung(f"{who} {silence}") from None
        except ChannelClosed:
            stopped = self.stopped
            self.stop()
            code = self._process.returncode
            what = f"{who} {_ending(code)} while {doing}"
            killed = code == -signal.SIGKILL and not stopped
            raise WorkerDied(what, self._last_output(), killed=killed) from None
        except BadFrame as error:
            self.stop()
            raise WorkerDied(f"{who} sent {error} and was stopped", self._last_output()) from None
        except BaseException:
            # It was cut off halfway, by Ctrl-C for instance: the next frame would be misread.
            self.stop()
            raise

    def _last_output(self) -> str:
        text = self._output.decode(errors="replace")
        return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def _keep_tail(stream: IO[bytes], tail: bytearray) -> None:
    while chunk := stream.read(OUTPUT_KEPT):
        tail += chunk
        del tail[:-OUTPUT_KEPT]


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (the machine may be out of memory)" if -code == signal.SIGKILL else ""
    return f"was killed by {name}{hint}"
