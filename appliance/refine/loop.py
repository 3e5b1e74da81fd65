"""Stage 2 end to end: a method proposes edits, and an edit that is proven better takes the lead."""

from __future__ import annotations

from appliance.encode.tokens import Tokeniser
from appliance.evaluate.workbench import Workbench
from appliance.refine.methods import METHODS
from appliance.refine.vocabulary import Vocabulary
from appliance.refine.workshop import Workshop
from appliance.search.accept import Proven
from appliance.search.candidate import Candidate
from appliance.search.frame import drive
from appliance.search.race import Race

METHOD = "gradpo"
ALPHA = 0.05
"""The chance that a round accepts an edit although none of its edits is better."""


def refine(
    race: Race,
    bench: Workbench,
    tokeniser: Tokeniser,
    seed: int,
    budget: float,
    depth: int,
    edits: int | None = None,
) -> Candidate:
    """The race's leader, or what local edits made of it.

    ``budget`` is in cost units, counted from now; ``depth`` is the number of cases on which an edit
    must win. No more than ``edits`` are tried, where they are given.
    """
    start = bench.spent
    race.most = None if edits is None else len(race.entries) + edits

    def going() -> bool:
        return not bench.finishing and bench.spent - start < budget and not race.is_full

    lab = Workshop(race, Vocabulary(bench, tokeniser), seed, depth, going)
    drive(METHODS[METHOD](lab), race, depth=depth, accept=Proven(ALPHA), going=going)
    return race.leader
