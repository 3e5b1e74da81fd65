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
    """The prompt with its temperature (Guo et al., ICML 2017) and the probability below which an
    answer is withheld, at which a withheld answer costs half a wrong one (Chow, 1970). As it is
    where answers are written. A threshold is fitted again first: tuning cases are raced in an order
    in which more of them have something to find."""
    from appliance.scoring.reliability import fit_abstention, fit_temperature

    if isinstance(outcomes[0], Judged):
        prompt = calibrated(prompt, rethreshold(outcomes, prompt, metric))
    scores: list[tuple[float, ...]] = []
    golds: list[int] = []
    for outcome in outcomes:
        if isinstance(outcome, Scored):
            scores.append(outcome.scores(prompt))
            golds.append(outcome.gold)
        elif isinstance(outcome, Judged):
            scores += [(margin, 0.0) for margin in outcome.margins(prompt)]
            golds += [0 if gold else 1 for gold in outcome.gold]
    if not scores:
        return prompt
    temperature = fit_temperature(scores, golds)
    confidences = [outcome.confidence(prompt, temperature) or 0.0 for outcome in outcomes]
    correct = [outcome.correct(prompt) for outcome in outcomes]
    abstain = fit_abstention(confidences, correct)
    return msgspec.structs.replace(prompt, temperature=temperature, abstain=abstain)
