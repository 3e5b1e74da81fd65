"""What a method of stage 2 works with: gradients of the twin, and the target's vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from appliance.evaluate.workbench import Unanswerable
from appliance.prompts.prompt import Prompt
from appliance.refine.gradient import Gradient, gradient
from appliance.refine.vocabulary import Vocabulary
from appliance.scoring.outcomes import Scored
from appliance.search.candidate import Candidate
from appliance.search.lab import Ended
from appliance.search.race import Going, Race
from appliance.task import Case, Task


class Workshop:
    """Gives a method the leader, its cases and its gradients. ``depth`` is the number of cases on
    which an edit must win."""

    def __init__(
        self, race: Race, vocabulary: Vocabulary, seed: int, depth: int, going: Going
    ) -> None:
        self.vocabulary = vocabulary
        self.random = Random(seed)
        self._race = race
        self._depth = depth
        self._going = going

    @property
    def task(self) -> Task:
        return self._race.evaluator.task

    @property
    def leader(self) -> Candidate:
        return self._race.leader

    def begin(self) -> Candidate:
        """The leader, scored on the cases on which an edit must beat it. Raises Ended where the
        budget is spent, or where the model cannot take all of these cases."""
        if not self._going():
            raise Ended
        try:
            self._race.extend(self.leader, self._depth)
        except Unanswerable:
            raise Ended from None
        return self.leader

    def balanced(self, candidate: Candidate, n: int) -> list[Case]:
        """``n`` cases, of which the candidate gets half wrong and half right, if there are enough
        of both (GradPO's buckets): a gradient over what is right already says little."""
        seen = list(zip(self._race.cases, candidate.outcomes(), strict=False))
        wrong = [case for case, scored in seen if not scored.correct(candidate.by)]
        right = [case for case, scored in seen if scored.correct(candidate.by)]
        shown = self.random.sample(wrong, min(n // 2, len(wrong)))
        return shown + self.random.sample(right, min(n - len(shown), len(right)))

    def gradient(self, candidate: Candidate, cases: Sequence[Case]) -> Gradient:
        """The gradient of the candidate's loss under its fitted calibration. Raises Unanswerable
        where the model cannot take the cases."""
        channel = {one.case: one.channel for one in candidate.scored if isinstance(one, Scored)}
        prompt: Prompt = candidate.final
        scale = candidate.fit.inverse_temperature
        return gradient(self._race.evaluator, prompt, cases, scale, channel)
