"""What a prompt that reads hidden states is shown beside: the seed prompt and the bare text, read
alike.

A map can read much off any state. So a gain over a seed prompt that is read by label words may be
the map's and not the prompt's. These two show what the wording of the prompt itself is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from appliance.calibrate.calibration import fit
from appliance.calibrate.fitted import Fit
from appliance.prompts.by_states import by_states
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import read
from appliance.scoring.outcomes import Outcome, Scored
from appliance.scoring.yes_no import YesNoOutcome
from appliance.search.alike import Alike
from appliance.search.candidate import Candidate, Proposal
from appliance.search.race import Race
from appliance.statistics.paired import paired

SEED, BARE, LIKENESS = "the seed prompt", "the bare text", "the likeness alone"


def read_alike(race: Race, seed: Prompt) -> dict[str, Candidate]:
    """The candidates by their names, without those that the model cannot take. They may win as any
    other."""
    prompts = {BARE: Prompt((), f"{{text}}\n{{{_target(seed)}}}\n", readout="hidden")}
    if read := by_states(seed):
        prompts[SEED] = read
    found = {
        name: race.unraced(race.candidate_for(Proposal(prompt, "alike", "example", (race.seed,))))
        for name, prompt in prompts.items()
    }
    return {name: candidate for name, candidate in found.items() if candidate is not None}


def _target(seed: Prompt) -> str:
    return "answer" if seed.form == "written" else "label"


def beside(
    best: Candidate,
    others: Mapping[str, Candidate],
    outcomes: Mapping[tuple[str, float], Sequence[Outcome]],
    clusters: Sequence[str],
) -> tuple[Alike, ...]:
    """The best candidate beside the others. ``outcomes`` has those of the selection cases by a
    candidate's ``identity``, ``clusters`` the cluster of each selection case, if they have any."""
    right = _right(outcomes[best.identity], best.fit)
    return tuple(
        _beside(name, _right(outcomes[other.identity], other.fit), right, clusters)
        for name, other in others.items()
        if other.identity != best.identity and other.identity in outcomes
    )


def beside_likeness_alone(
    best: Candidate, outcomes: Sequence[Outcome], clusters: Sequence[str]
) -> Alike:
    """The best candidate, by its ``outcomes`` of selection cases, beside the likeness of queries to
    their support without any label words, with a threshold of its own where yes or no is said."""
    alone = fit(_alone(read(best.prompt, best.scored)), best.objective)
    right = _right(outcomes, best.fit)
    return _beside(LIKENESS, _right(_alone(outcomes), alone), right, clusters)


def _alone(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The likeness in the place of what the model said of the words."""
    found: list[Outcome] = []
    for one in outcomes:
        if isinstance(one, Scored | YesNoOutcome):
            said = replace(one, plain=one.likeness, free=(0.0,) * len(one.free), likeness=())
            found.append(replace(said, channel=()) if isinstance(said, Scored) else said)
    return found


def _beside(
    name: str, other: Sequence[float], best: Sequence[float], clusters: Sequence[str]
) -> Alike:
    effect = paired(other, best, clusters[: len(best)])
    interval = round(effect.low, 4), round(effect.high, 4)
    return Alike(name, round(effect.before.value, 4), round(effect.gain, 4), interval, effect.n)


def _right(outcomes: Sequence[Outcome], by: Fit) -> list[float]:
    return [float(outcome.correct(by)) for outcome in outcomes]
