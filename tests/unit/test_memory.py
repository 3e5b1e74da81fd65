"""A model that does not fit is refused before it is loaded, with what is short."""

from __future__ import annotations

import pytest
from families import FAMILIES, write

from models import memory
from models.headers import read_gguf
from models.memory import MemoryShort, available, check, needed_by_gguf

GB = 10**9


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Says how much memory this machine has, and what its control group allows and uses."""
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)

    def describe(free: int | None, limit: object = None, used: int = 0, cached: int = 0) -> None:
        lines = "MemTotal: 99 kB\n" + (f"MemAvailable:  {free // 1024} kB\n" if free else "")
        (tmp_path / "meminfo").write_text(lines)
        if limit is not None:
            (tmp_path / "memory.max").write_text(f"{limit}\n")
            (tmp_path / "memory.current").write_text(f"{used}\n")
            counts = f"anon 7\nactive_file {used - cached}\ninactive_file {cached}\n"
            (tmp_path / "memory.stat").write_text(counts)

    return describe


def test_what_is_available_is_bounded_by_the_control_group(machine):
    machine(8 * GB)
    assert available() == pytest.approx(8 * GB, abs=1024)
    machine(8 * GB, limit=3 * GB, used=GB)
    assert available() == 2 * GB
    machine(8 * GB, limit=GB, used=3 * GB)
    assert available() == 0
    machine(8 * GB, limit=3 * GB, used=3 * GB, cached=GB)
    assert available() == GB  # Files that were read once give way.
    machine(8 * GB, limit="max")
    assert available() == pytest.approx(8 * GB, abs=1024)


def test_where_the_system_does_not_say_nothing_is_refused(machine):
    machine(None)
    assert available() is None
    check(10**15, "a large model")


def test_a_shortage_is_named(machine):
    machine(3 * GB)
    check(2 * GB, "a model")
    with pytest.raises(MemoryShort, match=r"a model needs about 4\.0 GB, 3\.0 GB are available"):
        check(4 * GB, "a model")


def test_a_context_costs_its_cells(tmp_path):
    """Qwen3 of 2 layers with 2 shared heads of 128, and Gemma of 6 with one of 256."""
    for name, cell in (("qwen3", 2 * 2 * 256 * 2), ("gemma3", 6 * 1 * 512 * 2)):
        header = read_gguf(write(tmp_path / f"{name}.gguf", FAMILIES[name]))
        one, two = (needed_by_gguf(header, n_ctx, 256) for n_ctx in (1000, 2000))
        assert two - one == 1000 * cell
        assert one > header.tensor_bytes + 1000 * cell


def test_this_machine_says_what_it_has():
    if not memory.MEMINFO.exists():
        pytest.skip("no /proc/meminfo here")
    assert available() > 0
