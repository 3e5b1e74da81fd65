"""Bodies and twins are made by a child that says why it failed and does not outlive its parent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from families import FAMILIES, write

from models.make import MakeError, NoRoom, make, unfinished

SECONDS = 60


def test_why_no_twin_can_be_made_is_said_in_one_line(tmp_path):
    file = write(tmp_path / "strange.gguf", FAMILIES["llama"])
    file.write_bytes(file.read_bytes().replace(b"llama", b"zebra"))
    with pytest.raises(MakeError) as refusal:
        make("twin", file, tmp_path / "twin")
    said = str(refusal.value)
    assert said.startswith(f"{file}: no twin can be made of this model: ") and "zebra" in said
    assert "\n" not in said and "pip install" not in said and "TwinError" not in said
    assert [*tmp_path.iterdir()] == [file]


def test_a_malformed_file_is_told_by_the_rule_that_it_breaks(tmp_path):
    (file := tmp_path / "short.gguf").write_bytes(b"GGUF")
    with pytest.raises(MakeError, match=r"^\S*short\.gguf: "):
        make("body", file, tmp_path / "body.gguf", "Q8_0")


def test_a_child_that_makes_something_ends_with_its_parent(tmp_path):
    """The pipe that the parent holds hangs up when the parent is gone, however it ended."""
    source, target = write(tmp_path / "tiny.gguf", FAMILIES["llama"]), tmp_path / "twin"
    unfinished(target).mkdir()
    command = [sys.executable, "-m", "models.make_child", "twin", str(source), str(target), ""]
    nothing = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, stdin=subprocess.PIPE, **nothing) as child:
        child.stdin.close()
        assert child.wait(SECONDS) == 0
    assert [*tmp_path.iterdir()] == [source]


class Withdrawn(Exception):
    """Nobody wants it any more."""


def test_what_is_withdrawn_is_not_made_and_leaves_nothing_behind(tmp_path):
    source = write(tmp_path / "tiny.gguf", FAMILIES["llama"])
    (tmp_path / ".made.tmp").write_bytes(b"what the child had written")

    def look() -> None:
        raise Withdrawn

    with pytest.raises(Withdrawn):
        make("twin", source, tmp_path / "made", between=look)
    assert [*tmp_path.iterdir()] == [source]


def test_a_twin_that_memory_does_not_hold_is_told_as_such(tmp_path, monkeypatch):
    """There is enough for the child itself when it starts, and not for a twin later on."""
    source = write(tmp_path / "tiny.gguf", FAMILIES["llama"])
    (short := tmp_path / "short").mkdir()
    text = "import models.memory as m; left = iter([1 << 40, 7 << 20]); m.available = left.__next__"
    (short / "sitecustomize.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{short}:{Path(__file__).parents[2]}")
    with pytest.raises(NoRoom, match=r"the twin of \S+ needs about .* or use a smaller model$"):
        make("twin", source, tmp_path / "twin")
