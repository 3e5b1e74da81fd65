"""After tuning: the temperature that turns scores into probabilities, and the abstention threshold.

Both are fitted on selection rows with the serving body, since devices show people probabilities;
for a map of hidden states on tuning rows too, each read by a map that has not seen it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.calibrate.calibration import calibrated
from appliance.calibrate.objective import Objective
from appliance.calibrate.reliability import fit_abstention, fit_platt, fit_temperature
from appliance.calibrate.threshold import rethreshold
from appliance.kinds import Metric
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome, Scored
from appliance.scoring.yes_no import YesNoOutcome

LEAST_POSITIVES = 15
"""The number of selection cases with something to find that a threshold is fitted on. Fewer say
little of where it should be, and without any the fit would never say yes."""


def fit_probabilities(
    prompt: Prompt,
    outcomes: Sequence[Outcome],
    metric: Metric,
    *,
    fixed: bool = False,
    positive_share: float | None = None,
) -> Prompt:
    """Returns the prompt with its temperature and its abstention threshold, the probability below
    which an answer is withheld. A withheld answer counts half an error (Chow, 1970).

    A prompt whose answers are written is returned unchanged. The threshold of a yes/no prompt is
    fitted again first, since another body searched, unless its answers have to stay as they are
    (``fixed``). ``positive_share`` is the share of positive cases among rows as they come, where
    the outcomes may have another one.
    """
    if not fixed and _threshold_can_be_fitted(outcomes):
        prompt = calibrated(prompt, rethreshold(outcomes, prompt, Objective(metric)))
    weights = Objective(positive_share=positive_share).weights(outcomes)
    probable = _probable(prompt, outcomes, weights)
    if probable is None:
        return prompt
    confidences = [outcome.confidence(probable) or 0.0 for outcome in outcomes]
    correct = [outcome.correct(probable) for outcome in outcomes]
    abstain = fit_abstention(confidences, correct, weights=weights)
    return msgspec.structs.replace(probable, abstain=abstain)


def _threshold_can_be_fitted(outcomes: Sequence[Outcome]) -> bool:
    return (
        sum(isinstance(outcome, YesNoOutcome) and outcome.positive for outcome in outcomes)
        >= LEAST_POSITIVES
    )


def _probable(
    prompt: Prompt, outcomes: Sequence[Outcome], weights: Sequence[float]
) -> Prompt | None:
    """Returns the prompt with a temperature (Guo et al., ICML 2017), None for written answers.

    A yes/no prompt also gets an intercept, the margin at which yes and no are equally likely. Its
    threshold is no such margin: there the two have the same expected error.
    """
    each = [*zip(outcomes, weights, strict=True)]
    answers = [
        (*answer, weight)
        for one, weight in each
        if isinstance(one, YesNoOutcome)
        for answer in one.open(prompt)
    ]
    if answers:
        margins, golds, own = zip(*answers, strict=True)
        temperature, intercept = fit_platt(margins, golds, own)
        return msgspec.structs.replace(prompt, temperature=temperature, intercept=intercept)
    scored = [(one, weight) for one, weight in each if isinstance(one, Scored)]
    if scored:
        scores = [one.scores(prompt) for one, _ in scored]
        right = [one.gold for one, _ in scored]
        temperature = fit_temperature(scores, right, [weight for _, weight in scored])
        return msgspec.structs.replace(prompt, temperature=temperature)
    return None
