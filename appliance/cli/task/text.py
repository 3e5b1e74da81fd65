"""A task as ``strop task`` shows it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from appliance.data.records import task_in
from appliance.kinds import KINDS
from appliance.statistics.metrics import NAMES
from appliance.text import quoted
from store import tasks
from store.records import TaskRecord

if TYPE_CHECKING:
    from sqlite_utils import Database


def described(db: Database, record: TaskRecord) -> dict[str, Any]:
    """A task as documents show it. Raises DamagedError where its content is no task."""
    task = task_in(record).task
    counts = tasks.counts(db, record.id)
    cases = {"tuning": counts.tuning, "selection": counts.selection, "test": counts.test}
    return {
        "task": record.name,
        "id": record.id,
        "kind": task.kind,
        "protocol": task.protocol,
        "benchmark": task.benchmark,
        "metric": task.metric,
        "match": task.match if KINDS[task.kind].comparison == "match" else None,
        "several": task.several,
        "none": task.none,
        "labels": task.labels,
        "rows": counts.rows,
        "may_ship": counts.may_ship,
        "spare": counts.rows - sum(cases.values()) if task.protocol == "fixed" else 0,
        "skipped": counts.skipped,
        "cases": cases,
        "split_hash": record.split_hash,
        "licence": task.licence,
        "origin": task.origin,
        "created_at": record.created_at,
    }


def text(found: dict[str, Any], *, listed: bool = False) -> str:
    """The task in words. ``listed`` says that the skipped rows are listed after it."""
    several = ", several labels a row" if found["several"] else ""
    match = f", answers compared: {found['match']}" if found["match"] else ""
    cases = ", ".join(f"{n} {split}" for split, n in found["cases"].items())
    spare = f"; rows in no split: {found['spare']}" if found["spare"] else ""
    lines = [
        f"task {found['task']} ({found['id']}): {found['kind']}, {found['protocol']}{several}",
        f"measured by {NAMES[found['metric']]}{match}",
        f"{found['rows']} rows, of which {found['may_ship']} may ship; cases: {cases}{spare}",
    ]
    if found["benchmark"]:
        lines.append(f"protocol: {found['benchmark']}")
    if found["skipped"] and not listed:
        see = f"see them with: strop task show {shlex.quote(found['task'])} --skipped"
        lines.append(f"wrong rows skipped: {found['skipped']}; {see}")
    if found["labels"]:
        what = "types" if KINDS[found["kind"]].gold == "spans" else "labels"
        lines.append(f"{len(found['labels'])} {what}:")
    return "\n".join([*lines, *(_label(label, found["none"]) for label in found["labels"])])


def _label(label: Any, none: str | None) -> str:
    written = f", written {quoted(label.words)}" if label.words else ""
    described = f": {label.description}" if label.description else ""
    return (
        f"  {label.name}{written}{described}{' (none of the above)' if label.name == none else ''}"
    )
