"""What the documents promise: commands that exist, links that lead somewhere, no private places."""

from __future__ import annotations

import ast
import json
import re
import runpy
import shlex
import sys
from argparse import ArgumentParser
from pathlib import Path

import click
import pytest

from appliance.cli import strop
from appliance.data.spans import find_span
from appliance.kinds import KINDS
from appliance.prompts import seeds

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
    REPOSITORY / "appliance/data/sample/DATA_CARD.md",
]
SHIPPED = [
    *DOCUMENTS,
    *(REPOSITORY / name for name in ("Makefile", "pyproject.toml", ".ci/run")),
    *sorted((REPOSITORY / "packaging").iterdir()),
    *(
        path
        for package in ("appliance", "models", "store", "tui")
        for path in sorted((REPOSITORY / package).rglob("*"))
        if path.suffix in {".py", ".tcss", ".md", ".json"}
    ),
]

_fence = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_inline = re.compile(r"`(strop [^`\n]+)`")
_command = re.compile(r"(?:^|\s)(?:\.venv/bin/)?strop(?=\s|$)(.*)")
_link = re.compile(r"\]\(([^)\s]+)\)")
_heading = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Folders and hosts of one machine have no place in what others read.
_private = re.compile(r"(?<![\w.])/(?:work|root|opt|home)/|(?<!\w)shared/|localhost|file://")


def name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def commands() -> list[tuple[str, str]]:
    """``(document, arguments)`` of every strop command that a document shows."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        lines = [line for block in _fence.findall(text) for line in block.splitlines()]
        lines += _inline.findall(_fence.sub("", text))
        for line in lines:
            if shown := _command.search(re.split(" [#>]", line)[0]):
                found.append((name(path), shown[1].strip()))
    return sorted(set(found))


def defect(arguments: list[str]) -> str | None:
    """What is wrong with a command by the command line's own parser, its values left unread."""
    command: click.Command = strop
    context = click.Context(strop, info_name="strop")
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        following = command.get_command(context, arguments[0])
        if following is None:
            return f"no command {arguments[0]!r} in {context.command_path}"
        context = click.Context(following, info_name=arguments[0], parent=context)
        command, arguments = following, arguments[1:]
    try:
        _, left, _ = command.make_parser(context).parse_args(list(arguments))
    except click.UsageError as error:
        return error.format_message()
    return f"{context.command_path} does not take {left[0]!r}" if left else None


@pytest.mark.parametrize(("document", "arguments"), commands())
def test_a_command_shown_in_the_documents_exists(document, arguments):
    assert defect(shlex.split(arguments)) is None


def benchmarks() -> list[list[str]]:
    """The words of every command of ``tests/bench`` that ``docs/benchmarks.md`` shows."""
    blocks = _fence.findall((REPOSITORY / "docs/benchmarks.md").read_text(encoding="utf-8"))
    found = re.findall(r"(tests/bench/\S+\.py.*)", "\n".join(blocks).replace("\\\n", " "))
    return [shlex.split(line, comments=True) for line in found]


class Parsed(Exception):
    """A script has read its arguments."""


def run_benchmark(monkeypatch, script: str, *arguments: str) -> None:
    """Runs a script until it has read its arguments; SystemExit where it refuses them."""
    parse = ArgumentParser.parse_args

    def parse_and_stop(*given, **more):
        parse(*given, **more)
        raise Parsed

    monkeypatch.setattr(ArgumentParser, "parse_args", parse_and_stop)
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    monkeypatch.syspath_prepend(REPOSITORY / "tests/bench")
    with pytest.raises(Parsed):
        runpy.run_path(str(REPOSITORY / script), run_name="__main__")


SEEDS = [
    seeds.OFFERED,
    *(seed for kind in KINDS.values() for seed in (kind.seed, kind.yes_no_seed) if seed),
]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_prompt_that_a_kind_of_task_starts_from_is_in_the_documents(seed):
    tasks = (REPOSITORY / "docs/tasks.md").read_text(encoding="utf-8")
    assert "".join(seed).rstrip() in tasks


@pytest.mark.parametrize("words", benchmarks(), ids=" ".join)
def test_a_benchmark_shown_in_the_documents_takes_its_arguments(monkeypatch, words):
    run_benchmark(monkeypatch, *words)


def test_a_benchmark_without_a_required_argument_is_found_out(monkeypatch):
    assert benchmarks()
    with pytest.raises(SystemExit):
        run_benchmark(monkeypatch, "tests/bench/sample.py", "--seeds", "1")


def strings() -> str:
    """Every string of the code, one a line; NUL stands for what is filled in."""
    found = []
    for package in ("appliance", "models", "store"):
        for path in (REPOSITORY / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                parts = node.values if isinstance(node, ast.JoinedStr) else [node]
                texts = [p.value if isinstance(p, ast.Constant) else "\0" for p in parts]
                found.append("".join(text for text in texts if isinstance(text, str)))
    return "\n".join(found)


STRINGS = strings()
# Capitals, digits and dots stand for what is filled in. A message may be put together from several
# parts, which end at a colon or begin with a bracket.
_filled = re.compile(r"\b(?!UTF|CSV|JSON|GGUF)[A-Z]+\b|\d+|\.\.\.|: | \(")


def messages() -> list[str]:
    text = (REPOSITORY / "docs/bad-input.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    return [cell for cell in cells if cell != "message" and set(cell) != {"-"}]


@pytest.mark.parametrize("message", messages())
def test_a_message_shown_in_the_documents_is_in_the_code(message):
    fragments = [fragment.strip('"[](),;:? ') for fragment in _filled.split(message)]
    wanted = [fragment for fragment in fragments if " " in fragment]
    assert wanted or message.startswith("internal error")
    assert [fragment for fragment in wanted if fragment not in STRINGS] == []


@pytest.mark.parametrize("arguments", ["sharpen", "models fetch", "tune t --minuts 3", "demo x y"])
def test_a_command_that_does_not_exist_is_found_out(arguments):
    assert defect(shlex.split(arguments)) is not None


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_relative_link_leads_somewhere(path):
    for link in _link.findall(path.read_text(encoding="utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            headings = _heading.findall(target.read_text(encoding="utf-8"))
            slugs = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{link} names no heading"


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_no_file_names_a_place_of_one_machine(path):
    found = _private.search(path.read_text(encoding="utf-8"))
    assert found is None, f"{found[0]!r}"


def test_the_constraints_are_exact_versions_from_any_index():
    lines = (REPOSITORY / "packaging/constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin) for pin in pins)
    assert "torch==2.13.0" in pins
    assert "llama-cpp-python==0.3.36" in pins


def test_the_example_row_of_the_readme_can_be_imported():
    blocks = re.findall(r"^```json\n(.*?)^```$", DOCUMENTS[0].read_text("utf-8"), re.M | re.S)
    rows = [json.loads(line) for block in blocks for line in block.splitlines()]
    assert rows and all({*KINDS["relation"].fields, "label"} <= set(row) for row in rows)
    assert all(find_span(row["text"], row[field]) for row in rows for field in ("head", "tail"))


def test_no_document_uses_an_em_dash():
    assert [name(path) for path in DOCUMENTS if "\u2014" in path.read_text(encoding="utf-8")] == []
