"""After tuning: a temperature that makes probabilities of scores, and when to withhold an answer.

Both are fitted on selection rows, by the body that will serve: devices show people probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.prompt import Prompt
from appliance.scoring.calibration import calibrated, rethreshold
from appliance.scoring.outcomes import Judged, Outcome, Scored
from appliance.task import Metric


def settle(prompt: Prompt, outcomes: Sequence[Outcome], metric: Metric) -> Prompt:
    """The prompt with its temperature and the probability below which an answer is withheld, at
    which a withheld answer costs half a wrong one (Chow, 1970). As it is where answers are written.
    A threshold is fitted again first: tuning cases are raced in an order in which more of them have
    something to find."""
    from appliance.scoring.reliability import fit_abstention

    if isinstance(outcomes[0], Judged):
        prompt = calibrated(prompt, rethreshold(outcomes, prompt, metric))
    settled = _probable(prompt, outcomes)
    if settled is None:
        return prompt
    confidences = [outcome.confidence(settled) or 0.0 for outcome in outcomes]
    correct = [outcome.correct(settled) for outcome in outcomes]
    return msgspec.structs.replace(settled, abstain=fit_abstention(confidences, correct))


def _probable(prompt: Prompt, outcomes: Sequence[Outcome]) -> Prompt | None:
    """With a temperature (Guo et al., ICML 2017), and for yes and no the margin at which they are
    as likely: the threshold is where they cost as much."""
    from appliance.scoring.reliability import fit_platt, fit_temperature

    if judged := [outcome for outcome in outcomes if isinstance(outcome, Judged)]:
        margins = [margin for one in judged for margin in one.margins(prompt)]
        temperature, even = fit_platt(margins, [gold for one in judged for gold in one.gold])
        return msgspec.structs.replace(prompt, temperature=temperature, even=even)
    if scored := [outcome for outcome in outcomes if isinstance(outcome, Scored)]:
        scores = [one.scores(prompt) for one in scored]
        temperature = fit_temperature(scores, [one.gold for one in scored])
        return msgspec.structs.replace(prompt, temperature=temperature)
    return None
