"""Candidates racing on the tuning cases: every one sees the same cases in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice

from appliance.calibrate.objective import Objective
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Unanswerable
from appliance.prompts.prompt import Prompt, Readout
from appliance.prompts.unfitted import unfitted
from appliance.scoring.likeness import without_likeness
from appliance.search.accept import Accept
from appliance.search.candidate import Candidate, Proposal, difference, mapped_difference
from appliance.search.halving import halved, ranked
from appliance.search.rungs import Rung, Step, rungs_of
from appliance.search.schedule import CLEARLY, CONTESTED, FIRST, LITTLE, MAPPED, first_rung, rungs
from appliance.search.together import score_together
from appliance.task import Case

Going = Callable[[], bool]
"""Whether the budget lets the work go on."""


class Race:
    """Races candidates against the leader of their readout, since a map of hidden states needs more
    cases than a bias before the two can be compared; ``settle`` compares them. ``seen(candidate,
    outcome)`` is called after each race. Where a candidate is scored without a race, it is called
    with ``kept`` the first time and with ``extended`` after more cases. ``led(candidate)`` is
    called whenever there is another leader of all."""

    seed: Candidate
    copy: Candidate
    """The seed prompt with what is fitted to it anew."""

    def __init__(
        self,
        evaluator: Evaluator,
        cases: Sequence[Case],
        objective: Objective,
        seen: Callable[[Candidate, str], None],
        led: Callable[[Candidate], None] = lambda _: None,
    ) -> None:
        self.evaluator = evaluator
        self.cases = cases
        self.objective = objective
        self.seen = seen
        self.led = led
        self.entries: dict[str, Candidate] = {}
        self.most: int | None = None
        """How many entries there may be; None for any number."""
        self._leaders: dict[Readout, Candidate] = {}
        self._readout: Readout = "words"
        self._told: Candidate | None = None
        self._settled = False

    @property
    def leader(self) -> Candidate:
        """The best so far: until ``settle``, of those that are read as the seed is."""
        return self._leaders[self._readout]

    @property
    def is_full(self) -> bool:
        return self.most is not None and len(self.entries) >= self.most

    def start(self, prompt: Prompt) -> Race:
        """Scores the seed prompt on the first rung; its calibrated copy leads."""
        self.seed = Candidate(prompt, "seed", fixed=True, objective=self.objective)
        self.extend(self.seed, self.first(prompt))
        self.seen(self.seed, "leads")
        self.led(self.seed)
        # What the prompt brings may have been fitted to these very rows.
        leader = Candidate(
            unfitted(prompt),
            "calibrate",
            parents=(self.seed,),
            objective=self.objective,
            scored=without_likeness(self.seed.scored),
        )
        leader.gain = -difference(leader, self.seed).mean
        self.entries[self.key(prompt)] = self.copy = leader
        self._readout = prompt.readout
        self.promote(leader, "leads")
        return self

    def settle(self, readouts: Sequence[Readout], depth: int, going: Going) -> None:
        """Lets the better one of the two readouts' leaders lead, or the only one of these
        ``readouts``. Label words go on leading where there is no prompt whose states can be read.

        They are compared on the cases that both have seen, and on ``depth`` cases where label words
        are not clearly behind by then. The map of hidden states is fitted to many cases first,
        since a run ends with one of all rows, while a bias needs few. Where ``going`` says no,
        nothing more is scored for it.
        """
        self._settled = True
        words, hidden = self._leaders.get("words"), self._deepest_by_states(going)
        if hidden is None or words is None:
            return
        self._leaders["hidden"] = hidden
        if "words" not in readouts:
            self._readout = "hidden"
        else:
            if going() and not mapped_difference(hidden, words).proves_better(CLEARLY):
                with suppress(Unanswerable):
                    self.extend(words, depth)
            self._readout = "hidden" if mapped_difference(hidden, words).mean <= 0 else "words"
        self._tell_leader()

    def _deepest_by_states(self, going: Going) -> Candidate | None:
        """The first of the candidates that read hidden states, the leader and then the others by
        their penalties, that the model can take on as many cases as maps are compared by; the
        leader as it is where ``going`` says no."""
        leader = self._leaders.get("hidden")
        if leader is None or not going():
            return leader
        others = [c for c in self.entries.values() if c.fits_map and c is not leader and c.scored]
        seen = min((len(c.scored) for c in others), default=0)
        return next(filter(self.deepen, [leader, *ranked(others, seen)]), None)

    def deepen(self, candidate: Candidate, cases: int = MAPPED) -> bool:
        """Scores a candidate that reads hidden states on ``cases`` cases, without a race; false
        where the model cannot take one of them."""
        have = len(candidate.scored)
        try:
            self.extend(candidate, cases)
        except Unanswerable:
            return False
        if have < len(candidate.scored):
            self.seen(candidate, "extended" if have else "kept")
        return True

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """What the candidates took so far, the seed and its calibrated copy counted once."""
        return rungs_of(c.paid for c in (self.seed, *self.entries.values()))

    def first(self, prompt: Prompt) -> int:
        """The cases of the first rung for a prompt."""
        return min(first_rung(prompt, len(self.cases[0].options)), len(self.cases))

    def extend(self, candidate: Candidate, cases: int) -> None:
        """Scores the candidate on those of the first ``cases`` cases that it has not seen."""
        have = len(candidate.scored)
        if have < min(cases, len(self.cases)):
            spent, tokens = self.evaluator.spent, self.evaluator.tokens
            candidate.scored += self.evaluator.score(candidate.prompt, self.cases[have:cases])
            candidate.cost += self.evaluator.spent - spent
            read = self.evaluator.tokens - tokens
            candidate.paid.append(Step(len(candidate.scored), read))

    def round(
        self, proposals: Sequence[Proposal], *, depth: int, accept: Accept, going: Going
    ) -> list[Candidate | None]:
        """Races proposals against the leader, in their order, rung by rung up to ``depth`` cases.

        A candidate leaves once it is behind, or more than a little where its states are read.
        Neighbours are cheap, so the budget buys more of them rather than certainty about each. One
        that stays to the end leads if ``accept`` lets it pass. The list has a place for each
        proposal: its candidate, or None where the prompt asks the model nothing new, where the
        model cannot take it, and where it was not tried because ``going`` said no, there was no
        room for more or the round had ended. What was scored before ``going`` said no is still
        compared, and does not lead.
        """
        results: list[Candidate | None] = [None] * len(proposals)
        new = self._new(proposals)
        if not accept.ends_round:
            score_together(self, [candidate for _, candidate in new.values()], depth, going)
        for key, (place, candidate) in new.items():
            paid = going()
            if not paid and not candidate.scored:
                continue
            kept = self._run(candidate, depth if paid else self.first(candidate.prompt))
            if kept is None:
                continue
            self.entries[key] = results[place] = candidate
            leader = self._leaders.get(candidate.prompt.readout)
            if leader is None:
                self.promote(candidate, "leads")
                continue
            candidate.gain = -difference(candidate, leader).mean
            if kept and paid and accept.passes(candidate, leader, len(proposals)):
                self.promote(candidate, accept.outcome)
                if accept.ends_round:
                    break
            else:
                self.seen(candidate, "kept" if kept else "dropped")
        return results

    def candidate_for(self, proposal: Proposal) -> Candidate:
        """The candidate that asks the same as a proposal, or a new one."""
        return self.entries.get(self.key(proposal.prompt)) or self._candidate(proposal)

    def unraced(self, candidate: Candidate) -> Candidate | None:
        """The candidate, scored on as many cases as maps are compared by, without a race; None
        where the model cannot take it."""
        if not self.deepen(candidate):
            return None
        return self.entries.setdefault(self.key(candidate.prompt), candidate)

    def promote(self, candidate: Candidate, outcome: str) -> None:
        self._leaders[candidate.prompt.readout] = candidate
        self.seen(candidate, outcome)
        self._tell_leader()

    def _tell_leader(self) -> None:
        leader = self._leaders.get(self._readout)
        if leader is not None and leader is not self._told:
            self._told = leader
            self.led(leader)

    def halve(self, keep: int, depth: int, going: Going) -> None:
        """Finds the leader on ``depth`` cases by successive halving while ``going()`` lets it."""
        words = (c for c in self.entries.values() if c.prompt.readout == "words")
        best = halved(self, words, rungs(min(depth, len(self.cases))), keep, going)[0]
        if best is not self.leader:
            self.promote(best, "leads")

    def _new(self, proposals: Sequence[Proposal]) -> dict[str, tuple[int, Candidate]]:
        """The proposals that ask the model something new, as many as there is room for: a hash of
        what is asked, mapped to the place among the proposals and the candidate."""
        found: dict[str, tuple[int, Candidate]] = {}
        for place, proposal in enumerate(proposals):
            key = self.key(proposal.prompt)
            if key not in self.entries:
                found.setdefault(key, (place, self._candidate(proposal)))
        room = None if self.most is None else max(self.most - len(self.entries), 0)
        return dict(islice(found.items(), room))

    def _candidate(self, proposal: Proposal) -> Candidate:
        return Candidate(
            proposal.prompt,
            proposal.operator,
            proposal.section,
            proposal.parents,
            proposal.source,
            objective=self.objective,
        )

    def _run(self, candidate: Candidate, depth: int) -> bool | None:
        """Whether the candidate was never behind the leader up to ``depth`` cases; None where the
        model cannot take it."""
        contested = not self._settled and "hidden" in self._leaders
        if contested and candidate.prompt.readout == "words":
            depth = min(depth, CONTESTED)
        try:
            first = self.first(candidate.prompt)
            for cases in rungs(min(max(depth, first), len(self.cases)), first):
                self.extend(candidate, cases)
                if not self.is_level(candidate, cases):
                    return False
        except Unanswerable:
            return None
        return True

    def key(self, prompt: Prompt) -> str:
        """A hash of what the prompt asks on the first rung. Prompts that ask the same are one
        candidate: calibration is fitted to each, and a rule by which they differ may change nothing
        (lower case where labels are in lower case)."""
        return self.evaluator.asked(prompt, self.cases[:FIRST])

    def is_level(self, candidate: Candidate, cases: int) -> bool:
        """Whether the candidate is not behind the leader of its readout, if there is one, on its
        first ``cases`` cases. One that reads hidden states may be a little behind: the leader is
        the luckiest of many on these very cases."""
        leader = self._leaders.get(candidate.prompt.readout)
        if leader is None:
            return True
        try:
            self.extend(leader, cases)
        except Unanswerable:
            # The leader cannot take a case that the candidate can.
            return True
        found = difference(candidate, leader)
        return found.mean <= (LITTLE * found.error if candidate.fits_map else 0.0)
