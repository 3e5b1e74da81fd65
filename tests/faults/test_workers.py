"""Workers that are killed, stopped, starved and lied to. Every worker here is a real process."""

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from families import FAMILIES, write
from scripted import ask

from models import memory
from models.child import WorkerDied, WorkerHung
from models.engine import (
    Describe,
    Detokenise,
    Failed,
    Generate,
    Score,
    Segment,
    Texts,
    Tokenise,
    encode,
)
from models.pool import Pool
from models.protocol import RequestFailed, WorkerError
from models.wire import Answer, Beat, Call, Cancel, Channel, FromWorker, Load, Loaded

TESTS = Path(__file__).parent.parent
PATIENT = 60.0
SHORT = 0.5
MB = 1 << 20

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def scripted_engine_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool() as pool:
        open_model(pool)
        yield pool


def open_model(
    pool: Pool, name: str = "m", beat_timeout: float = PATIENT, **options: object
) -> None:
    pool.open(name, "scripted:load", options, load_timeout=PATIENT, beat_timeout=beat_timeout)


def do(pool: Pool, *command: object) -> tuple[str, ...]:
    reply = pool.call("m", ask(*map(str, command)))
    assert isinstance(reply, Texts)
    return reply.texts


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def gone(pid: int) -> bool:
    """Neither running nor a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def bare() -> Iterator[tuple[subprocess.Popen[bytes], Channel[FromWorker]]]:
    """A worker without a pool."""
    with subprocess.Popen(
        [sys.executable, "-m", "models.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        yield process, Channel(process.stdout.fileno(), process.stdin.fileno(), FromWorker)
        process.kill()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A named pipe: who reads it sees when the last process that holds it has ended."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


# --- answers


def test_a_worker_starts_at_the_first_call_and_stays(pool):
    assert pool.pids() == {}
    assert do(pool, "echo", "a", "b") == ("a", "b")
    pid, session = map(int, do(pool, "pid"))
    assert pool.pids() == {"m": pid}
    assert session != os.getsid(0), "Ctrl-C in the terminal would reach the worker"
    assert pool.call("m", Describe()).engine == {"library": "scripted"}


def test_two_models_have_two_processes(pool):
    open_model(pool, "other")
    pool.call("other", ask("echo"))
    do(pool, "echo")
    assert len(set(pool.pids().values())) == 2
    pid = pool.pids()["m"]
    pool.close("m")
    assert gone(pid)
    assert list(pool.pids()) == ["other"]


def test_a_name_that_is_not_open_is_said(pool):
    with pytest.raises(WorkerError, match="no model is open under the name 'x'"):
        pool.call("x", Describe())
    with pytest.raises(ValueError, match="open already"):
        open_model(pool)


# --- deaths


def test_a_worker_killed_in_the_middle_of_a_call_is_replaced_and_the_call_answered(pool, tmp_path):
    do(pool, "echo")
    first = pool.pids()["m"]
    (pid,) = do(pool, "die once", tmp_path / "marker")
    assert pool.pids() == {"m": int(pid)}
    assert int(pid) != first
    assert gone(first)


def test_a_request_that_kills_twice_is_given_up_and_names_the_signal(pool):
    with pytest.raises(WorkerDied, match=r"'m'.*SIGKILL.*out of memory.*while answering"):
        do(pool, "die now")
    assert pool.pids() == {}
    assert do(pool, "echo", "alive") == ("alive",)


def test_an_abort_shows_the_last_lines_that_the_worker_printed(pool):
    with pytest.raises(WorkerDied, match="SIGABRT") as caught:
        do(pool, "abort")
    assert str(caught.value).endswith("assertion failed")
    assert len(str(caught.value).splitlines()) == 6
    assert len(caught.value.output) <= 8192


def test_an_exit_code_is_named_and_escapes_do_not_reach_the_terminal(pool):
    with pytest.raises(WorkerDied, match="exit code 7") as caught:
        do(pool, "exit", 7)
    assert "last words" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_worker_that_dies_while_loading_is_said():
    with Pool() as pool:
        open_model(pool, die=True)
        with pytest.raises(WorkerDied, match=r"SIGKILL.*while loading"):
            do(pool, "echo")


def test_a_load_that_fails_says_why_and_leaves_no_process():
    with Pool() as pool:
        open_model(pool, fail="no such file")
        with pytest.raises(RequestFailed, match="'m' cannot be loaded: ValueError: no such file"):
            do(pool, "echo")
        assert pool.pids() == {}
        pool.open("x", "nowhere:load", {}, load_timeout=PATIENT, beat_timeout=PATIENT)
        with pytest.raises(RequestFailed, match="No module named 'nowhere'"):
            pool.call("x", Describe())


def test_twenty_kills_leave_neither_zombies_nor_open_files(pool):
    do(pool, "echo")
    gc.collect()  # What earlier tests left open would else be closed in between.
    files = open_files()
    pids = set()
    for _ in range(20):
        pid = pool.pids()["m"]
        pids.add(pid)
        os.kill(pid, signal.SIGKILL)
        assert do(pool, "echo", "again") == ("again",)
    assert len(pids) == 20
    assert all(map(gone, pids))
    assert open_files() == files


# --- silence


def test_a_call_may_take_long_while_its_worker_beats(tmp_path):
    with Pool() as pool:
        open_model(pool, beat_timeout=SHORT)
        do(pool, "echo")
        threading.Timer(3 * SHORT, (tmp_path / "marker").touch).start()
        assert do(pool, "beat until", tmp_path / "marker") == ()


def test_a_stopped_worker_is_hung_killed_and_waited_for():
    with Pool() as pool:
        open_model(pool, beat_timeout=SHORT)
        do(pool, "echo")
        pid = pool.pids()["m"]
        with pytest.raises(WorkerHung, match=r"'m'.*no sign of life for 0.5 s while answering"):
            do(pool, "stop")
        assert pool.pids() == {}
        assert gone(pid)


def test_a_stopped_worker_is_noticed_though_the_request_is_longer_than_its_pipe():
    with Pool() as pool:
        open_model(pool, beat_timeout=SHORT)
        do(pool, "echo")
        pid = pool.pids()["m"]
        os.kill(pid, signal.SIGSTOP)
        assert len(do(pool, "echo", "x" * MB)[0]) == MB
        assert gone(pid)


def test_an_interrupt_in_the_middle_of_a_call_stops_the_worker(pool, tmp_path):
    do(pool, "echo")
    pid = pool.pids()["m"]
    threading.Timer(SHORT, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        do(pool, "beat until", tmp_path / "never")
    assert gone(pid)
    assert do(pool, "echo", "next") == ("next",)


# --- failed requests


def test_an_exception_fails_the_request_and_the_worker_lives_on(pool):
    do(pool, "echo")
    pid = pool.pids()["m"]
    with pytest.raises(RequestFailed, match="'m': RuntimeError: out of tune") as caught:
        do(pool, "raise", "out of tune")
    assert caught.value.kind == "engine"
    with pytest.raises(RequestFailed, match="'m': too odd") as caught:
        do(pool, "refuse", "too odd")
    assert caught.value.kind == "bad_request"
    with pytest.raises(RequestFailed, match="Detokenise"):
        pool.call("m", Detokenise(()))
    assert do(pool, "echo", "alive") == ("alive",)
    assert pool.pids() == {"m": pid}


def test_a_request_that_takes_all_memory_fails_and_the_next_gets_a_fresh_worker():
    with Pool() as pool:
        open_model(pool, memory=300 * MB)
        assert do(pool, "allocate", 50 * MB) == (str(50 * MB),)
        pid = pool.pids()["m"]
        with pytest.raises(RequestFailed, match="out of memory") as caught:
            do(pool, "allocate", 400 * MB)
        assert caught.value.kind == "memory"
        assert gone(pid)
        assert do(pool, "allocate", 50 * MB) == (str(50 * MB),)


def test_a_worker_out_of_memory_says_so_and_ends(bare):
    process, channel = bare
    channel.send(Load("scripted:load", {"memory": 300 * MB}))
    assert isinstance(channel.receive(PATIENT), Loaded)
    channel.send(Call(1, ask("allocate", 400 * MB)))
    answer = channel.receive(PATIENT)
    assert isinstance(answer, Answer)
    assert isinstance(answer.reply, Failed)
    assert process.wait(PATIENT) == 0


# --- frames


def test_what_an_engine_prints_or_reads_meets_no_frame(pool, capfd):
    assert do(pool, "print", "stray\n") == ("",)
    assert do(pool, "echo", "clean") == ("clean",)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xff\xff\xff", "4294967295 bytes"),
        (b"\x00\x00\x00\x02{}", "no message"),
        (len(body := encode(Answer(99, Texts(())))).to_bytes(4, "big") + body, "something else"),
    ],
    ids=["oversized", "garbage", "out of turn"],
)
def test_a_worker_that_sends_a_bad_frame_is_stopped(pool, data, reason):
    do(pool, "echo")
    pid = pool.pids()["m"]
    with pytest.raises(WorkerDied, match=f"sent .*{reason}.*stopped"):
        do(pool, "write frame", data.hex())
    assert gone(pid)
    assert do(pool, "echo", "alive") == ("alive",)


def test_a_worker_that_dies_in_the_middle_of_a_frame_has_died(pool):
    with pytest.raises(WorkerDied, match="SIGKILL"):
        do(pool, "write frame and die", b"\x00\x00\x01\x00half".hex())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xff\xff\xff", b"at most"),
        (b"\x00\x00\x00\x02{}", b"no message"),
        (len(body := encode(Call(1, Tokenise(())))).to_bytes(4, "big") + body, b"first frame"),
    ],
    ids=["oversized", "garbage", "out of turn"],
)
def test_a_worker_refuses_a_bad_frame(bare, data, reason):
    process, _ = bare
    process.stdin.write(data)
    assert process.wait(PATIENT) == 1
    assert reason in process.stderr.read()


def test_a_worker_ends_on_a_truncated_frame(bare):
    process, _ = bare
    process.stdin.write(b"\x00\x00\x01\x00half")
    process.stdin.close()
    assert process.wait(PATIENT) == 0


# --- orphans


def test_a_busy_worker_ends_when_its_stdin_closes(bare, fifo):
    process, channel = bare
    channel.send(Load("scripted:load", {}))
    assert isinstance(channel.receive(PATIENT), Loaded)
    channel.send(Call(1, ask("beat", 1)))
    assert channel.receive(PATIENT) == Beat(1, 1, 1)
    assert channel.receive(PATIENT) == Answer(1, Texts(()))
    channel.send(Call(2, ask("hang", fifo)))
    with fifo.open("rb") as worker:
        assert int(worker.readline()) == process.pid
        process.stdin.close()
        assert process.wait(PATIENT) == 0


@pytest.mark.parametrize("stray", [False, True], ids=["", "and a copy of its pipe stays open"])
def test_a_busy_worker_ends_when_its_parent_is_killed(fifo, stray):
    script = f"""
import os, signal
from models.pool import Pool
from families import FAMILIES, write
from scripted import ask
with Pool() as pool:
    pool.open("m", "scripted:load", {{}}, load_timeout=60, beat_timeout=60)
    pool.call("m", ask("echo"))
    if {stray} and os.fork() == 0:
        signal.pause()
    pool.call("m", ask("hang", {str(fifo)!r}))
"""
    with (
        subprocess.Popen([sys.executable, "-c", script], start_new_session=True) as parent,
        fifo.open("rb") as worker,
    ):
        try:
            assert int(worker.readline()) != parent.pid
            parent.kill()
            assert worker.read() == b""
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


def test_what_a_worker_started_ends_with_it(pool, fifo):
    do(pool, "leave a child", fifo)
    with fifo.open("rb") as grandchild:
        assert grandchild.readline() == b"\n"
        pool.close("m")
        assert grandchild.read() == b""


# --- hygiene


def test_the_network_is_refused_in_a_worker(pool):
    refused = [f"{way}: NetworkRefused" for way in ("tcp", "udp", "names", "old names")]
    assert do(pool, "network") == (*refused, "unix: open")


def test_a_worker_is_offline_and_dumps_no_core(pool):
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "DO_NOT_TRACK", "TOKENIZERS_PARALLELISM")
    assert do(pool, "environment", *names) == ("1", "1", "1", "false")
    assert do(pool, "limit", "CORE") == ("0", "0")


def test_a_worker_imports_nothing_from_the_folder_it_is_started_in(pool, tmp_path, monkeypatch):
    (tmp_path / "msgspec.py").write_text("raise SystemExit('the wrong msgspec')")
    monkeypatch.chdir(tmp_path)
    assert do(pool, "echo", "right") == ("right",)


def test_the_pool_itself_loads_no_engine():
    script = "import sys, models.pool; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert not {"numpy", "torch", "llama_cpp"} & set(loaded)


def test_what_is_asked_between_batches_is_answered_first(pool, tmp_path):
    """Once by the same worker, which goes on with its own request afterwards."""
    marker, found = tmp_path / "marker", []

    def between() -> None:
        if not found:
            found.append(do(pool, "echo", "first"))
            marker.touch()

    pool.between = between
    assert do(pool, "beat until", marker) == ()
    assert found == [("first",)]
    assert do(pool, "echo", "next") == ("next",)


def test_another_model_can_be_asked_between_batches(pool, tmp_path):
    open_model(pool, "other")
    marker, found = tmp_path / "marker", []

    def between() -> None:
        found.append(pool.call("other", ask("echo", "hello")))
        marker.touch()

    pool.between = between
    do(pool, "beat until", marker)
    assert found[0] == Texts(("hello",))


def test_a_request_that_is_broken_off_leaves_the_worker_as_it_was(pool, tmp_path):
    class Stop(Exception):
        pass

    def between() -> None:
        raise Stop

    before = do(pool, "pid")
    pool.between = between
    with pytest.raises(Stop):
        do(pool, "beat until", tmp_path / "never")
    pool.between = None
    assert do(pool, "pid") == before
    assert do(pool, "echo", "next") == ("next",)


def test_a_worker_that_dies_over_what_was_asked_between_is_replaced(pool, tmp_path):
    """The request that was turned away from is asked again; the one in between is its own error."""
    marker, errors = tmp_path / "marker", []

    def between() -> None:
        marker.touch()
        with pytest.raises(WorkerDied) as error:
            do(pool, "die now")
        errors.append(error.value)

    first = do(pool, "pid")
    pool.between = between
    assert do(pool, "beat until", marker) == ()
    pool.between = None
    assert len(errors) == 1 and do(pool, "pid") != first


def test_a_failure_between_batches_is_that_request_s_only(pool, tmp_path):
    marker = tmp_path / "marker"

    def between() -> None:
        marker.touch()
        with pytest.raises(RequestFailed, match="nonsense"):
            do(pool, "refuse", "nonsense")

    pool.between = between
    assert do(pool, "beat until", marker) == ()


def test_a_call_that_is_cancelled_before_it_begins_is_answered_so(bare, tmp_path):
    _, channel = bare
    channel.send(Load("scripted:load", {}))
    assert isinstance(channel.receive(PATIENT), Loaded)
    channel.send(Call(1, ask("beat until", tmp_path / "marker")))
    channel.send(Call(2, ask("echo", "unwanted")))
    channel.send(Cancel(2))
    channel.send(Cancel(1))
    answers = {}
    while len(answers) < 2:
        if isinstance(frame := channel.receive(PATIENT), Answer):
            answers[frame.id] = frame.reply
    assert {reply.kind for reply in answers.values()} == {"cancelled"}


def test_a_model_that_memory_does_not_hold_is_refused_before_it_is_loaded(tmp_path, monkeypatch):
    """The real engine, whose context alone would take petabytes."""
    pytest.importorskip("llama_cpp")
    path = write(tmp_path / "llama.gguf", FAMILIES["llama"])
    options = {"path": str(path), "n_ctx": 1 << 43}
    with Pool() as pool:
        pool.open("m", "models.llama.engine:load", options, load_timeout=60, beat_timeout=60)
        with pytest.raises(RequestFailed, match=r"needs about .* GB, .* GB are available") as error:
            pool.call("m", Describe())
        assert error.value.kind == "memory" and pool.pids() == {}


def test_models_that_memory_does_not_hold_together_take_turns(tmp_path):
    told = []
    with Pool() as pool:
        pool.made_room = lambda name, rested: told.append((name, *rested))
        for name in ("m", "other"):
            open_model(pool, name, room=str(tmp_path / "room"))
        for name in ("m", "other", "other", "m"):
            assert pool.call(name, ask("echo", name)) == Texts((name,))
            assert list(pool.pids()) == [name]
    assert told == [("other", "m"), ("m", "other")]


def test_a_model_that_is_at_work_makes_no_room(tmp_path):
    """It was asked first; what does not fit beside it is refused and leaves it as it was."""
    marker, errors, told = tmp_path / "marker", [], []

    def between() -> None:
        marker.touch()
        with pytest.raises(RequestFailed, match="there is room for one") as error:
            pool.call("other", ask("echo", "hello"))
        errors.append(error.value.kind)

    with Pool() as pool:
        pool.made_room = lambda name, rested: told.append((name, *rested))
        for name in ("m", "other"):
            open_model(pool, name, room=str(tmp_path / "room"))
        before = do(pool, "pid")
        pool.between = between
        assert do(pool, "beat until", marker) == ()
        assert do(pool, "pid") == before
    assert (errors, told) == (["memory"], [])


def test_a_model_that_is_at_work_is_not_closed(pool, tmp_path):
    marker = tmp_path / "marker"

    def between() -> None:
        marker.touch()
        with pytest.raises(WorkerError, match="'m' is at work"):
            pool.close("m")

    before = do(pool, "pid")
    pool.between = between
    assert do(pool, "beat until", marker) == ()
    pool.between = None
    assert do(pool, "pid") == before
    pool.close("m")
    with pytest.raises(WorkerError, match="no model is open"):
        do(pool, "pid")


def test_a_worker_that_was_stopped_for_its_silence_is_not_taken_for_one_short_of_memory(tmp_path):
    """It was asked something between two batches, and hung; another model keeps its worker."""
    marker, told = tmp_path / "marker", []

    def between() -> None:
        marker.touch()
        with pytest.raises(WorkerHung):
            do(pool, "stop")

    with Pool() as pool:
        pool.made_room = lambda name, rested: told.append(name)
        open_model(pool, beat_timeout=SHORT)
        open_model(pool, "other")
        kept = pool.call("other", ask("pid"))
        pool.between = between
        assert do(pool, "beat until", marker) == ()
        pool.between = None
        assert pool.call("other", ask("pid")) == kept and told == []


def test_a_worker_takes_no_more_memory_than_there_was(pool):
    if memory.available() is None or memory.NVIDIA.exists():
        pytest.skip("this system does not say what it has, or a card's driver maps more")
    soft, hard = map(int, do(pool, "limit", "DATA"))
    assert soft == hard and soft == pytest.approx(memory.available(), rel=0.2)


def test_a_worker_is_the_first_to_go_when_memory_ends(pool):
    pid = int(do(pool, "pid")[0])
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000"


def test_a_worker_that_answers_a_thousand_requests_grows_no_larger(tmp_path):
    """The real engine: scores and generations of changing shapes."""
    pytest.importorskip("llama_cpp")
    path = write(tmp_path / "llama.gguf", FAMILIES["llama"])
    options = {"path": str(path), "n_ctx": 768, "batch": 256, "threads": 1}
    random, sizes = Random(0), []
    with Pool() as pool:
        pool.open("m", "models.llama.engine:load", options, load_timeout=60, beat_timeout=60)
        for number in range(1000):
            trunk = tuple(random.randrange(290) for _ in range(random.randint(1, 300)))
            branches = [Segment(0, (random.randrange(290),) * 3, 2) for _ in range(20)]
            pool.call("m", Score((Segment(-1, trunk), *branches)))
            if number % 10 == 0:
                pool.call("m", Generate((trunk,), n=3, max_tokens=5, seed=number))
            if number in (300, 999):
                status = Path(f"/proc/{pool.pids()['m']}/status").read_text()
                sizes.append(int(status.split("VmRSS:")[1].split()[0]))
    assert sizes[1] < 1.05 * sizes[0]
