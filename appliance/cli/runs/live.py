"""A run's progress, redrawn in place on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from appliance.cli.figures import duration
from appliance.cli.output import drawable, safe
from appliance.cli.runs.progress import Progress, candidate, measured

if TYPE_CHECKING:
    from rich.console import OverflowMethod, RenderableType

PROMPT_LINES = 8


class Panel:
    """Draws ``progress`` at the foot of the terminal; lines said meanwhile scroll by above it."""

    def __init__(self, console: Console, title: str, progress: Progress) -> None:
        self.title = title
        self.progress = progress
        self.prompt = ""
        self._encoding = console.encoding
        self._overflow: OverflowMethod = "crop" if console.options.ascii_only else "ellipsis"
        self._live = Live(
            console=console, get_renderable=self.render, transient=True, redirect_stdout=False
        )

    def __enter__(self) -> Panel:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        self._live.console.print(Text(drawable(safe(line), self._encoding)))

    def render(self) -> RenderableType:
        """What is drawn. rich calls this from a thread of its own, so it reads no store."""
        progress = self.progress
        parts: list[RenderableType] = [self._text(self.title, "bold"), self._bar()]
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(progress.outcomes.items()))
        parts.append(
            self._text(f"{progress.tried} candidates tried" + (f": {kinds}" if kinds else ""))
        )
        if progress.best:
            best = progress.best
            parts.append(self._text(f"best so far {best.prompt}: {measured(best)}", "green"))
            lines = self.prompt.rstrip().split("\n")
            parts += [self._text(f"  │ {line}") for line in lines[:PROMPT_LINES]]
            if len(lines) > PROMPT_LINES:
                parts.append(self._text(f"  │ … {len(lines) - PROMPT_LINES} more lines"))
        parts += [self._text(f"  {candidate(tried)}", "dim") for tried in reversed(progress.recent)]
        return Group(*parts)

    def _bar(self) -> Table:
        left = self.progress.left
        row = Table.grid(padding=(0, 1))
        row.add_row(
            self._text(self.progress.stage),
            ProgressBar(total=1.0, completed=self.progress.share, width=40),
            self._text(f"{self.progress.share:.0%}"),
            self._text("" if left is None else f"{duration(left)} left"),
        )
        return row

    def _text(self, text: str, style: str = "") -> Text:
        shown = drawable(safe(text), self._encoding)
        return Text(shown, style, no_wrap=True, overflow=self._overflow)
