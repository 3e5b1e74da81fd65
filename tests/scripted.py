"""An engine for tests that does as it is told: a worker loads it as ``scripted:load``.

A request is ``Tokenise((command, *arguments))``; the reply is ``Texts``. A command that ends in
"once" does its damage only while the file named by its argument is missing, and then answers.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.engine import Describe, Description, Reply, Request, Texts, Tokenise
from models.memory import MemoryShort
from models.trie import BadRequest

Beat = Callable[[int, int], None]
Gap = Callable[[], None]


def load(*, beat: Beat, gap: Gap, **options: Any) -> Scripted:
    if problem := options.get("fail"):
        raise ValueError(problem)
    if options.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if memory := options.get("memory"):
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    if room := options.get("room"):
        _take(room)
    return Scripted(beat, gap)


def _take(room: str) -> None:
    """What one process can hold at a time, until it ends."""
    try:
        fcntl.flock(os.open(room, os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise MemoryShort("there is room for one") from None


def ask(command: str, *arguments: object) -> Tokenise:
    return Tokenise((command, *map(str, arguments)))


class Scripted:
    def __init__(self, beat: Beat, gap: Gap) -> None:
        self.beat = beat
        self.gap = gap
        self.ballast: list[bytes] = []

    def handle(self, request: Request) -> Reply:
        if isinstance(request, Describe):
            return Description(1024, 2, {}, None, None, "", {"library": "scripted"})
        if not isinstance(request, Tokenise):
            raise BadRequest(f"the script has no {type(request).__name__}")
        command, *arguments = request.texts
        return Texts(tuple(map(str, getattr(self, "do_" + command.replace(" ", "_"))(*arguments))))

    def do_echo(self, *texts: str) -> tuple[str, ...]:
        return texts

    def do_pid(self) -> tuple[int, int]:
        return os.getpid(), os.getsid(0)

    def do_beat(self, times: str) -> tuple[()]:
        for done in range(int(times)):
            self.beat(done + 1, int(times))
        return ()

    def do_die_now(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def do_die_once(self, marker: str) -> tuple[int]:
        if not Path(marker).exists():
            Path(marker).touch()
            self.do_die_now()
        return (os.getpid(),)

    def do_beat_until(self, marker: str) -> tuple[()]:
        while not Path(marker).exists():
            self.beat(0, 1)
            self.gap()
            time.sleep(0.005)
        return ()

    def do_exit(self, code: str) -> None:
        os.write(2, b"\x1b[31mlast words\n")
        os._exit(int(code))

    def do_abort(self) -> None:
        os.write(2, b"noise\n" * 5000 + b"assertion failed\n")
        os.abort()

    def do_stop(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def do_hang(self, fifo: str) -> None:
        """Writes its pid into the pipe and holds it: its reader sees this process end."""
        os.write(os.open(fifo, os.O_WRONLY), b"%d\n" % os.getpid())
        while True:
            signal.pause()

    def do_leave_a_child(self, fifo: str) -> tuple[()]:
        stay = f"exec 9>{fifo}; echo >&9; exec sleep 1000"
        subprocess.Popen(["/bin/sh", "-c", stay])
        return ()

    def do_raise(self, message: str) -> None:
        raise RuntimeError(message)

    def do_refuse(self, message: str) -> None:
        raise BadRequest(message)

    def do_allocate(self, count: str) -> tuple[int]:
        self.ballast.append(bytes(int(count)))
        return (len(self.ballast[-1]),)

    def do_print(self, text: str) -> tuple[str]:
        print(text * 100, flush=True)
        os.write(1, text.encode() * 100)
        subprocess.run(["echo", text], check=True)
        return (sys.stdin.read(),)

    def do_write_frame(self, data: str) -> tuple[()]:
        os.write(_replies(), bytes.fromhex(data))
        return ()

    def do_write_frame_and_die(self, data: str) -> None:
        self.do_write_frame(data)
        self.do_die_now()

    def do_environment(self, *names: str) -> list[str]:
        return [os.environ.get(name, "") for name in names]

    def do_limit(self, name: str) -> tuple[int, int]:
        return resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))

    def do_network(self) -> list[str]:
        """What each way out came to."""
        pair = socket.socketpair()
        ways: dict[str, Callable[[], object]] = {
            "tcp": lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
            "udp": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
            "names": lambda: socket.getaddrinfo("localhost", 80),
            "old names": lambda: socket.gethostbyname("localhost"),
            "unix": lambda: pair[0].send(b"."),
        }
        return [f"{name}: {_outcome(way)}" for name, way in ways.items()]


def _outcome(way: Callable[[], object]) -> str:
    try:
        way()
    except OSError as error:
        return type(error).__name__
    return "open"


def _replies() -> int:
    """The private pipe for frames: the one this process writes to that is not its stderr."""
    for descriptor in range(3, 64):
        try:
            writes = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
        except OSError:
            continue
        if writes and not os.path.sameopenfile(descriptor, 2):
            return descriptor
    raise LookupError("no pipe for replies")
