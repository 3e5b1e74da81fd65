"""The head of a run: what it is, where it stands, and what came of it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Static

from appliance.statistics.metrics import NAMES
from appliance.text import printable
from store.records import RunRecord
from tui.feed import Feed
from tui.run_view import RunView, Told
from tui.words import duration, interval, p_value, signed_interval

STAGES = ("prepare", "search", "refine", "selection", "verdict")


class Summary(Vertical):
    def __init__(self) -> None:
        super().__init__(id="summary")

    def compose(self) -> ComposeResult:
        yield Static(id="what", markup=False)
        yield Static(id="stages", markup=False)
        with Horizontal(id="progress"):
            yield ProgressBar(total=1.0, show_eta=False)
            yield Static(id="time", markup=False)
        yield Static(id="verdict", markup=False)
        yield Static(id="note", markup=False)

    def show(self, run: RunRecord, feed: Feed, view: RunView, runner_is_alive: bool) -> None:
        told = feed.verdicts.get(run.id)
        self.border_title = Content(f"run {run.id[:8]}")
        self._line("what", _what(run, feed))
        self._line("stages", _stages(run))
        self.query_one("#progress").display = told is None
        self.query_one(ProgressBar).update(progress=feed.share(run))
        self._line("time", Content(_time(run, feed.inputs(run).verdict_cost)))
        self._line("verdict", _verdict(told) if told else Content(""))
        self.query_one("#verdict").display = told is not None
        note = _note(run, view, runner_is_alive) if told is None else ""
        self._line("note", Content(printable(note)))
        self.query_one("#note").display = bool(note)

    def _line(self, name: str, content: Content) -> None:
        self.query_one(f"#{name}", Static).update(content)


def _what(run: RunRecord, feed: Feed) -> Content:
    inputs = feed.inputs(run)
    return Content.assemble(
        (printable(feed.task(run)), "bold"),
        f" on {printable(inputs.model)}, seed {inputs.seed}, ",
        (run.status, "bold"),
    )


def _stages(run: RunRecord) -> Content:
    """The road of a run, the present stage in brackets."""
    parts: list[Content] = []
    for stage in STAGES:
        here = stage == run.stage
        parts.append(Content.styled(f"[{stage}]" if here else stage, "bold" if here else "dim"))
    return Content(" › ").join(parts)


def _time(run: RunRecord, verdict_cost: float) -> str:
    """The minutes asked for and what the verdict takes on top of them."""
    total = run.budget + verdict_cost
    spent = f"{duration(run.spent)} of {duration(total)}"
    return f"{spent}, {duration(total - run.spent)} left" if run.status == "running" else spent


def _note(run: RunRecord, view: RunView, runner_is_alive: bool) -> str:
    if run.error:
        return run.error
    if run.status in ("queued", "running") and not runner_is_alive:
        return "The runner has ended with this run unfinished: press r to go on."
    return view.note or view.plan


def _verdict(told: Told) -> Content:
    verdict, seed, best = told.verdict, told.verdict.seed, told.verdict.best
    words, measure = verdict.words.capitalize(), NAMES[verdict.metric]
    scope = f", {verdict.scope}" if verdict.scope else ""
    again = f", look {told.look} at them (p < {verdict.alpha:.3g})" if told.look > 1 else ""
    if verdict.stands:
        return Content.assemble(
            (printable(words), "bold reverse"),
            "  nothing better was found: the seed prompt stands\n",
            f"seed prompt {measure} {seed.value:.3f} {interval(*seed.interval)}\n",
            f"n = {verdict.n} test cases{again}",
        )
    return Content.assemble(
        (printable(words + scope), "bold reverse"),
        (f"  gain {verdict.gain:+.3f} ", "bold"),
        f"{signed_interval(*verdict.interval)}, {p_value(verdict.p)}\n",
        f"seed prompt {measure} {seed.value:.3f} {interval(*seed.interval)}\n",
        (f"best prompt {measure} {best.value:.3f} ", "bold"),
        f"{interval(*best.interval)}\n",
        f"n = {verdict.n} test cases: {verdict.wins} won, {verdict.losses} lost{again}",
        f"\nnothing is claimed: {printable(verdict.refused)}" if verdict.refused else "",
    )
