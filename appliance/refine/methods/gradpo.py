"""GradPO's loop: locate spans by gradient norm, edit them, verify, go on from a better prompt.

Source: Chakma et al. 2026, rebuilt from public notes. Its edits here are swaps (HotFlip), the
target's own continuations, and deletions.
"""

from __future__ import annotations

from appliance.evaluate.workbench import Unanswerable
from appliance.refine.edit import Edit, local_edits
from appliance.refine.locate import Locate, peaks
from appliance.refine.workshop import Workshop
from appliance.search.candidate import Candidate, Proposal
from appliance.search.frame import Turns

CASES = 16
"""The number of cases of a gradient."""

FAILURES = 2
"""Rounds in a row without a better edit, after which the method ends."""


def propose(lab: Workshop) -> Turns:
    failures = 0
    while failures < FAILURES:
        leader = lab.begin()
        yield a_round(lab, leader, peaks, local_edits)
        failures = failures + 1 if lab.leader is leader else 0


def a_round(lab: Workshop, leader: Candidate, locate: Locate, edit: Edit) -> list[Proposal]:
    """The edits of one round; none where there is no gradient."""
    if leader.fit.channel_weight == 1:  # The channel makes the scores alone and has no gradient.
        return []
    cases = lab.balanced(leader, CASES)
    try:
        found = lab.gradient(leader, cases)
        edits = edit(lab.vocabulary, lab.task, leader.prompt, found, locate(found))
    except Unanswerable:
        return []
    source = tuple(cases)
    return [Proposal(e.prompt, e.operator, e.section, (leader,), source) for e in edits]
