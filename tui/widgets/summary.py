"""The head of a run: what it is, where it stands, and what came of it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Static

from appliance.run.events import GivenVerdict
from appliance.run.read import Run
from appliance.run.states import is_final
from appliance.statistics.metrics import NAMES
from appliance.text import printable
from tui.run_view import RunView
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

    def show(self, run: Run, view: RunView, runner_is_alive: bool) -> None:
        given = run.verdict
        self.border_title = Content(f"run {run.id[:8]}")
        self._line("what", _what(run))
        self._line("stages", _stages(run))
        self.query_one("#progress").display = given is None
        self.query_one(ProgressBar).update(progress=run.share)
        self._line("time", Content(_time(run)))
        self._line("verdict", _verdict(given) if given else Content(""))
        self.query_one("#verdict").display = given is not None
        note = _note(run, view, runner_is_alive) if given is None else ""
        self._line("note", Content(printable(note)))
        self.query_one("#note").display = bool(note)

    def _line(self, name: str, content: Content) -> None:
        self.query_one(f"#{name}", Static).update(content)


def _what(run: Run) -> Content:
    return Content.assemble(
        (printable(run.task), "bold"),
        f" on {printable(run.inputs.model)}, seed {run.inputs.seed}, ",
        (run.record.status, "bold"),
    )


def _stages(run: Run) -> Content:
    """The stages of a run, with the present one in brackets."""
    parts: list[Content] = []
    for stage in STAGES:
        here = stage == run.record.stage
        parts.append(Content.styled(f"[{stage}]" if here else stage, "bold" if here else "dim"))
    return Content(" › ").join(parts)


def _time(run: Run) -> str:
    """The time spent of all that is planned, which is the minutes asked for and the verdict's."""
    record, total = run.record, run.total
    spent = f"{duration(record.spent)} of {duration(total)}"
    left = f", {duration(total - record.spent)} left"
    return spent + left if record.status == "running" else spent


def _note(run: Run, view: RunView, runner_is_alive: bool) -> str:
    if run.record.error:
        return run.record.error
    if not is_final(run.record.status) and not runner_is_alive:
        return "The runner has ended with this run unfinished: press r to go on."
    return view.note or view.plan


def _verdict(verdict: GivenVerdict) -> Content:
    seed, best = verdict.seed, verdict.best
    words, measure = verdict.words.capitalize(), NAMES[verdict.metric]
    scope = f", {verdict.scope}" if verdict.scope else ""
    again = f", look {verdict.look} at them (p < {verdict.alpha:.3g})" if verdict.look > 1 else ""
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
