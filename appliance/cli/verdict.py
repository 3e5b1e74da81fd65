"""``strop verdict``: a run's verdict label by label and answer by answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance import report
from appliance.cli import figures
from appliance.cli.lookups import find_run
from appliance.cli.options import example, json_option, open_store
from appliance.cli.output import Output, columns
from appliance.data.check import printable
from appliance.data.leaks import Leak, leaks
from appliance.errors import InputError
from appliance.prompt import Prompt
from appliance.task import Case
from appliance.tasks import load
from appliance.verdict import Answer, Verdict
from store import prompts, verdicts

if TYPE_CHECKING:
    from sqlite_utils import Database

SHOWN = 5
"""Answers that are shown of each kind, and confusions, unless all are asked for."""

LONGEST_TEXT = 100


@click.command(epilog=example("strop verdict 3f2a", "strop verdict 3f2a --all"))
@click.argument("run")
@click.option("--all", "everything", is_flag=True, help="Show every changed answer.")
@json_option
@click.pass_obj
def verdict(out: Output, run: str, everything: bool) -> None:
    """Show a run's verdict: by label, what is confused, and the answers that changed."""
    db = open_store()
    run_id = find_run(db, run).id
    record = verdicts.get(db, run_id)
    if record is None:
        raise InputError(f"run {run_id} has no verdict yet; see: strop runs show {run_id}")
    found = msgspec.json.decode(record.body, type=Verdict)
    looks = verdicts.looks(db, record.task_id)
    look = next(look.number for look in looks if look.run_id == run_id)
    answers = found.answers
    document: dict[str, Any] = {"run": run_id, "look": look, **msgspec.to_builtins(found)}
    text = figures.verdict(document)
    task = load(db, record.task_id)
    found_out = leaks(_prompt(db, found.best.prompt), task.rows.values())
    document["leaks"] = found_out
    if answers:
        f1 = {side: report.macro_f1(answers, side) for side in ("seed", "best")}
        document |= {
            "macro_f1": f1,
            "labels": report.by_label(answers),
            "confused": report.confusions(answers),
        }
        limit = None if everything else SHOWN
        cases = {case.id: case for case in task.cases["test"]}
        changed = _changed(answers, cases, limit)
        text = "\n".join([text, "", _f1(f1), "", *_labels(answers), *changed])
    out.result("strop/verdict/1", document, "\n".join([text, "", *_leaked(found_out)]))


def _prompt(db: Database, prompt_id: str) -> Prompt:
    record = prompts.get(db, prompt_id)
    assert record is not None
    return msgspec.json.decode(record.body, type=Prompt)


def _leaked(found: Sequence[Leak]) -> list[str]:
    if not found:
        return ["leak check: the best prompt repeats nothing of rows that may not ship"]
    rows = [f"  row {leak.row}, {leak.what}: {printable(leak.words)}" for leak in found[:SHOWN]]
    more = [f"  and {len(found) - SHOWN} more; see --json"] if len(found) > SHOWN else []
    return [
        f"leak check: the best prompt repeats {len(found)} rows that may not ship:",
        *rows,
        *more,
    ]


def _f1(f1: dict[str, Any]) -> str:
    seed, best = (f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for e in (f1["seed"], f1["best"]))
    return f"macro-F1: seed prompt {seed}, best prompt {best} (95 % bootstrap, n {f1['best'].n})"


def _labels(answers: Sequence[Answer]) -> list[str]:
    rows = [
        (
            printable(row.label),
            str(row.n),
            f"{row.seed_right / row.n:.2f}",
            f"{row.best_right / row.n:.2f}",
            _interval(row.best_right, row.n),
            str(row.seed_given),
            str(row.best_given),
        )
        for row in report.by_label(answers)
    ]
    headings = ("label", "n", "seed right", "best right", "95 %", "seed gave", "best gave")
    confused = [
        f"  {c.count} x {printable(c.label)} taken for {printable(c.said)}"
        for c in report.confusions(answers)[:SHOWN]
    ]
    return [columns(headings, rows), "", "the best prompt's most frequent errors:", *confused]


def _interval(right: int, n: int) -> str:
    from appliance.scoring.statistics import wilson

    found = wilson(right, n)
    return f"{found.low:.2f} to {found.high:.2f}"


def _changed(answers: Sequence[Answer], cases: dict[str, Case], limit: int | None) -> list[str]:
    lines = []
    for words, some in zip(("won", "lost"), report.flips(answers), strict=True):
        lines += ["", f"{len(some)} {words}" + (":" if some else "")]
        lines += [_answer(answer, cases) for answer in some[:limit]]
        if limit is not None and len(some) > limit:
            lines.append(f"  and {len(some) - limit} more; see them with --all")
    return lines


def _answer(answer: Answer, cases: dict[str, Case]) -> str:
    query = cases[answer.case].query
    pair = f" ({query.head_text}; {query.tail_text})" if query.head is not None else ""
    text = query.text if len(query.text) <= LONGEST_TEXT else query.text[:LONGEST_TEXT] + "…"
    said = f"{answer.gold}; seed said {answer.seed}, best {answer.best}"
    return f"  {printable(text + pair)}\n    {printable(said)}"
