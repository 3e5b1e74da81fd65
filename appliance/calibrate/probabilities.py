"""After tuning: a temperature that makes probabilities of scores, and when to withhold an answer.

Both are fitted on selection rows, by the body that will serve: devices show people probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.calibrate.calibration import calibrated, rethreshold
from appliance.calibrate.objective import Objective
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome, Scored
from appliance.scoring.yes_no import YesNoOutcome
from appliance.task import Metric

LEAST_POSITIVES = 15
"""Selection cases with something to find on which a threshold is fitted. Fewer say little of where
it should be, and none say that nothing should ever be found."""


def fit_probabilities(
    prompt: Prompt, outcomes: Sequence[Outcome], metric: Metric, *, fixed: bool = False
) -> Prompt:
    """The prompt with its temperature and the probability below which an answer is withheld, at
    which a withheld answer costs half a wrong one (Chow, 1970). As it is where answers are written.
    The threshold of yes/no prompts is fitted again first, since another body searched, unless the
    answers are to stay as they are (``fixed``)."""
    from appliance.calibrate.reliability import fit_abstention

    if not fixed and _threshold_can_be_fitted(outcomes):
        prompt = calibrated(prompt, rethreshold(outcomes, prompt, Objective(metric)))
    calibrated_prompt = _probable(prompt, outcomes)
    if calibrated_prompt is None:
        return prompt
    confidences = [outcome.confidence(calibrated_prompt) or 0.0 for outcome in outcomes]
    correct = [outcome.correct(calibrated_prompt) for outcome in outcomes]
    return msgspec.structs.replace(calibrated_prompt, abstain=fit_abstention(confidences, correct))


def _threshold_can_be_fitted(outcomes: Sequence[Outcome]) -> bool:
    return (
        sum(isinstance(outcome, YesNoOutcome) and outcome.positive for outcome in outcomes)
        >= LEAST_POSITIVES
    )


def _probable(prompt: Prompt, outcomes: Sequence[Outcome]) -> Prompt | None:
    """With a temperature (Guo et al., ICML 2017), and for yes and no the margin at which they are
    as likely: the threshold is where they cost as much."""
    from appliance.calibrate.reliability import fit_platt, fit_temperature

    judged = [outcome for outcome in outcomes if isinstance(outcome, YesNoOutcome)]
    if answers := [answer for one in judged for answer in one.open(prompt)]:
        margins, golds = zip(*answers, strict=True)
        temperature, intercept = fit_platt(margins, golds)
        return msgspec.structs.replace(prompt, temperature=temperature, intercept=intercept)
    if scored := [outcome for outcome in outcomes if isinstance(outcome, Scored)]:
        scores = [one.scores(prompt) for one in scored]
        temperature = fit_temperature(scores, [one.gold for one in scored])
        return msgspec.structs.replace(prompt, temperature=temperature)
    return None
