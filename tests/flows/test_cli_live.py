"""The display that a terminal sees while a run works."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest
from msgspec.structs import asdict
from rich.cells import cell_len
from rich.console import Console

from appliance.cli import figures
from appliance.cli import output as outputs
from appliance.cli.output import Output, columns, json_text
from appliance.cli.runs.live import PROMPT_LINES, Panel
from appliance.cli.runs.progress import RECENT, Progress
from appliance.run import events
from appliance.run.events import Best, Stage, Tried

Show = Callable[[Progress, str], str]


@pytest.fixture
def show() -> Show:
    def drawn(progress: Progress, prompt: str) -> str:
        console = Console(file=io.StringIO(), width=120, color_system=None)
        panel = Panel(console, "run ab12: sample", progress)
        panel.prompt = prompt
        console.print(panel.render())
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    return drawn


def best(prompt: str) -> Best:
    return Best(prompt, "micro_f1", 0.5, (0.377, 0.623), 1.25, 60)


def candidate(prompt: str, outcome: str = "dropped", operator: str | None = None) -> Tried:
    operator = operator or f"operator-{prompt}"
    return Tried(**asdict(best(prompt)), operator=operator, section="task", outcome=outcome)


def test_the_panel_shows_stage_budget_candidates_and_best(show: Show) -> None:
    progress = Progress()
    progress.apply(Stage("refine"))
    progress.apply(events.Progress(250.0, 1000.0, left_s=90))
    progress.apply(candidate("a", "leads"))
    progress.apply(best("a"))
    text = show(progress, "one\ntwo")
    for part in ("run ab12: sample", "refine", "25%", "1:30 left", "1 candidates tried: 1 leads"):
        assert part in text
    assert "best so far a: micro-F1 0.500 [0.377, 0.623] (n 60), loss 1.250" in text
    assert "│ two" in text


def test_the_panel_keeps_to_the_last_candidates_and_the_first_lines(show: Show) -> None:
    progress = Progress()
    for number in range(RECENT + 3):
        progress.apply(candidate(f"c{number}"))
    progress.apply(best("c0"))
    text = show(progress, "\n".join(f"line{n}" for n in range(PROMPT_LINES + 5)))
    assert text.count("operator-") == RECENT
    assert "operator-c0" not in text
    assert "5 more lines" in text


def test_hostile_text_cannot_reach_the_terminal_through_the_panel(show: Show) -> None:
    progress = Progress()
    progress.apply(candidate("a", operator="\x1b[2J[bold]x[/bold]"))
    progress.apply(best("a"))
    text = show(progress, "\x1b]0;t\x07[red]y[/red]")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]x[/bold]" in text
    assert "[red]y[/red]" in text


def test_the_time_left_never_goes_below_zero() -> None:
    progress = Progress()
    progress.apply(events.Progress(5.0, 1.0, left_s=-3))
    assert (progress.left, progress.share) == (0.0, 1.0)


@pytest.mark.parametrize("term", ["dumb", "unknown", "xterm"])
def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(outputs.sys.stderr, "isatty", lambda: True, raising=False)
    assert Output(False).can_redraw() == (term == "xterm")


def test_durations_are_read_at_a_glance() -> None:
    assert [figures.duration(s) for s in (-1, 59.6, 3723)] == ["0:00", "1:00", "1:02:03"]


def test_columns_line_up_and_stay_on_their_lines() -> None:
    assert columns(("a", "b"), [("long", "x\ny")]) == "a     b\nlong  x\\ny"


@pytest.mark.parametrize(
    "cell", ["模型", "ﾓﾃﾞﾙ", "re\u0301sume\u0301", "한국어", "naïve", "😀", "plain"]
)
def test_columns_line_up_by_the_width_that_a_terminal_gives_them(cell: str) -> None:
    lines = columns(("name", "n"), [(cell, "1"), ("ascii only", "2")]).split("\n")
    assert {cell_len(line[:-1]) for line in lines} == {len("ascii only  ")}


def test_wide_cells_are_listed_where_rich_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.cells", None)
    assert columns(("a", "b"), [("模型", "1")]) == "a   b\n模型  1"


def test_json_is_exact_and_in_ascii() -> None:
    import json

    document = {"schema": "s", "text": "\x7f\x9b\u202e\u00e9\U0001f600\n\x1b"}
    written = json_text(document)
    assert written.isascii()
    assert written.replace("\n", "").isprintable()
    assert json.loads(written) == document


def test_a_terminal_without_unicode_is_drawn_in_its_own_characters() -> None:
    progress = Progress()
    progress.apply(Stage("refine"))
    progress.apply(candidate("a", operator="é" * 200))
    progress.apply(best("a"))
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii", "backslashreplace", write_through=True)
    console = Console(file=stream, width=60, color_system=None)
    panel = Panel(console, "run ab12", progress)
    panel.prompt = "one\ntwo"
    console.print(panel.render())
    lines = raw.getvalue().decode("ascii").splitlines()
    assert "  | two" in lines and max(map(len, lines)) <= 60


def test_narration_has_plain_signs_where_an_encoding_lacks_its_own() -> None:
    assert outputs.drawable("a… │ é", "ascii") == "a... | \\xe9"
    assert outputs.drawable("a… │ é", "utf-8") == outputs.drawable("a… │ é", None) == "a… │ é"
