"""What every command owes: an example, a JSON switch, and a start without heavy libraries."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from appliance.cli import strop

HEAVY = ("rich", "sqlite_utils", "numpy", "scipy", "optuna", "torch", "llama_cpp", "textual")


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from walk(child, (*path, name))


ALL = dict(walk(strop))
LEAVES = [path for path, command in ALL.items() if not isinstance(command, click.Group)]


@pytest.mark.parametrize("path", ALL)
def test_help_shows_an_example_of_the_command(path: str) -> None:
    result = CliRunner().invoke(strop, [*path.split(), "--help"])
    assert result.exit_code == 0
    example = result.stdout.partition("Example:\n")[2]
    assert f"strop {path}".strip() in example


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_can_print_json(path: str) -> None:
    assert "--json" in {option for p in ALL[path].params for option in p.opts}


@pytest.mark.parametrize("path", LEAVES)
def test_the_options_of_an_example_exist(path: str) -> None:
    command = ALL[path]
    known = {option for parameter in command.params for option in parameter.opts}
    used = {word for word in (command.epilog or "").split() if word.startswith("--")}
    assert used <= known


def test_the_commands_of_the_design_are_there() -> None:
    assert set(LEAVES) == {
        "demo",
        "tune",
        "eval",
        "predict",
        "replay",
        "verdict",
        "doctor",
        *(f"runs {name}" for name in ("list", "show", "watch", "pause", "stop", "finish")),
        *(f"prompt {name}" for name in ("show", "diff", "fit")),
        *(f"task {name}" for name in ("list", "show", "remove", "doubts")),
        *(f"task import {name}" for name in ("jsonl", "csv", "parquet", "fewrel", "fs-tacred")),
        *(f"task import {name}" for name in ("tacred", "opennre", "semeval")),
        *(f"task import {name}" for name in ("conll", "clue", "squad")),
        *(f"task import {name}" for name in ("bbh", "gsm8k", "folio")),
        *(f"task import {name}" for name in ("label-studio", "doccano", "prodigy")),
        *(f"models {name}" for name in ("pull", "import", "discover", "quantise", "bench")),
        *(f"models {name}" for name in ("list", "show", "check", "remove")),
    }


def test_without_a_command_and_a_terminal_it_prints_help_and_exits_with_2() -> None:
    result = CliRunner().invoke(strop, [])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: strop" in result.stderr


@pytest.mark.parametrize("stdin", ["</dev/null", "<&-"])
def test_without_a_keyboard_it_opens_no_window(stdin: str) -> None:
    screen, terminal = os.openpty()
    program = f"{shlex.quote(sys.executable)} -c 'from appliance.cli import main; main()'"
    found = subprocess.run(
        ["sh", "-c", f"{program} {stdin}"],
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
        timeout=20,
    )
    os.close(terminal)
    os.close(screen)
    assert found.returncode == 2
    assert "Usage: strop" in found.stderr


def test_starting_loads_no_heavy_library() -> None:
    code = f"import sys, appliance.cli; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
