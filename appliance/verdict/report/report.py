"""The document that explains a verdict: its types."""

from __future__ import annotations

import msgspec

from appliance.calibrate.separation import Confused, Separation
from appliance.kinds import Kind
from appliance.search.alike import Alike
from appliance.statistics.proportions import Estimate
from appliance.verdict.leaks import Leak
from appliance.verdict.report.both import Both, Rates
from appliance.verdict.report.entities import TypeRow
from appliance.verdict.report.flips import Flip
from appliance.verdict.report.labels import Direction, LabelRow, Matrix
from appliance.verdict.report.parts import Parts
from appliance.verdict.report.reliability import Reliability
from appliance.verdict.verdict import Verdict


class Shown(msgspec.Struct, frozen=True):
    """A prompt as a person reads it, how its answers are scored, and whether it has a map of hidden
    states or reads the likeness of queries to their support off them."""

    id: str
    text: str
    scoring: str
    has_map: bool = False
    has_likeness: bool = False


class Ranked(msgspec.Struct, frozen=True):
    """How far the body that searched ranks labels as the serving body does: Spearman's rho over
    ``n`` label scores."""

    search_body: str
    spearman: float
    n: int


class Report(Verdict, frozen=True, kw_only=True):
    """A verdict with the figures that explain it: the document ``strop/verdict/1``.

    ``at`` is when it was given (ISO-8601, UTC); ``look`` counts the looks at the test split.
    ``accuracy`` is the share of cases that are wholly right; ``micro`` leaves none of the above
    out; ``unread`` is the share of answers in which nothing could be found. ``multiple`` counts
    answers that are wrong because several labels got a yes. ``confused``, ``matrix`` and
    ``reliability`` are the best prompt's. The leak check searched ``private_rows`` rows and found
    ``leaks``. ``separation`` is that of the best prompt's map of hidden states, and ``alike``
    are other prompts that were read likewise. What a kind of task
    does not have is empty or None.
    """

    run: str
    at: str
    look: int
    task: str
    kind: Kind
    prompts: Both[Shown]
    ranked: Ranked | None
    leaks: tuple[Leak, ...]
    private_rows: int
    separation: Separation | None = None
    alike: tuple[Alike, ...] = ()
    accuracy: Both[Estimate] | None = None
    micro: Both[Rates] | None = None
    macro_f1: Both[Estimate] | None = None
    token_f1: Both[Estimate] | None = None
    unread: Both[Estimate] | None = None
    labels: tuple[LabelRow, ...] = ()
    confused: tuple[Confused, ...] = ()
    matrix: Matrix | None = None
    direction: Both[Direction] | None = None
    multiple: Both[int] | None = None
    types: tuple[TypeRow, ...] = ()
    parts: Parts | None = None
    reliability: Reliability | None = None
    won: tuple[Flip, ...] = ()
    lost: tuple[Flip, ...] = ()
