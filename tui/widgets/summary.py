"""The head of a run: what it is, where it stands, and what came of it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Static

from appliance.data.check import printable
from store.records import RunRecord
from tui.run_view import Inputs, RunView, Verdict
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

    def show(
        self,
        run: RunRecord,
        inputs: Inputs,
        view: RunView,
        verdict: Verdict | None,
        runner_is_alive: bool,
    ) -> None:
        self.border_title = Content(f"run {run.id[:8]}")
        self._line("what", _what(run, inputs))
        self._line("stages", _stages(run))
        self.query_one("#progress").display = verdict is None
        self.query_one(ProgressBar).update(total=run.budget or 1.0, progress=run.spent)
        self._line("time", Content(_time(run, view)))
        self._line("verdict", _verdict(verdict) if verdict else Content(""))
        self.query_one("#verdict").display = verdict is not None
        note = _note(run, view, runner_is_alive) if verdict is None else ""
        self._line("note", Content(printable(note)))
        self.query_one("#note").display = bool(note)

    def _line(self, name: str, content: Content) -> None:
        self.query_one(f"#{name}", Static).update(content)


def _what(run: RunRecord, inputs: Inputs) -> Content:
    return Content.assemble(
        (printable(inputs.task), "bold"),
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


def _time(run: RunRecord, view: RunView) -> str:
    spent = f"{duration(run.spent)} of {duration(run.budget)}"
    if run.status != "running":
        return spent
    left = run.budget - run.spent if view.left_s is None else view.left_s * 1000
    return f"{spent}, {duration(left)} left"


def _note(run: RunRecord, view: RunView, runner_is_alive: bool) -> str:
    if run.error:
        return run.error
    if run.status in ("queued", "running") and not runner_is_alive:
        return "The runner has ended with this run unfinished: press r to go on."
    return view.note or view.plan


def _verdict(verdict: Verdict) -> Content:
    seed, best = verdict.seed, verdict.best
    again = f", look {verdict.look} at these cases" if verdict.look > 1 else ""
    return Content.assemble(
        (printable(verdict.words.capitalize()), "bold reverse"),
        (f"  gain {verdict.gain:+.3f} ", "bold"),
        f"{signed_interval(*verdict.interval)}, {p_value(verdict.p)}\n",
        f"seed prompt {seed.accuracy:.3f} {interval(*seed.interval)}\n",
        (f"best prompt {best.accuracy:.3f} ", "bold"),
        f"{interval(*best.interval)}\n",
        f"n = {verdict.n} test cases: {verdict.wins} won, {verdict.losses} lost{again}",
    )
