"""Numbers as they are shown: each with its n and its 95 % interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.kinds import Metric
from appliance.statistics.metrics import NAMES
from appliance.verdict.verdict import Side, Verdict

if TYPE_CHECKING:
    from appliance.verdict.report.report import Ranked


def estimate(value: float, low: float, high: float, n: int) -> str:
    return f"{value:.3f} [{low:.3f}, {high:.3f}] (n {n})" if n else "not measured"


def duration(seconds: float) -> str:
    """The duration as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def judged(found: Verdict, look: int, ranked: Ranked | None = None) -> str:
    """A verdict in words. Where nothing beat the seed there is no gain to show."""
    from appliance.verdict.report.words import facts

    scope = f", {found.scope}" if found.scope else ""
    lines = [f"verdict: {found.words}{scope}", _side("seed", found.seed, found.metric)]
    if found.stands:
        lines[0] = f"verdict: {found.words}: nothing better was found; the seed prompt stands"
    else:
        lines.append(_side("best", found.best, found.metric))
    pairs = facts(found, look, ranked)
    return "\n".join([*lines, *(f"  {name[0].lower()}{name[1:]}: {text}" for name, text in pairs)])


def _side(name: str, side: Side, metric: Metric) -> str:
    low, high = side.interval
    return (
        f"  {name} prompt  {side.prompt}  {NAMES[metric]} {side.value:.3f}, "
        f"95 % interval [{low:.3f}, {high:.3f}], n {side.n}"
    )
