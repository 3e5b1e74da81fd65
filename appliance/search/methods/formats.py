"""``format``: a tree-structured Parzen estimator proposes formats (optuna's TPE).

Source: Bergstra et al., NIPS 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import fsum
from random import Random
from typing import TYPE_CHECKING

from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.search.candidate import Proposal
from appliance.search.frame import Method, Turns
from appliance.search.lab import Lab
from appliance.search.schedule import FIRST
from appliance.search.shots import shot_sets
from appliance.search.spaces import space_of
from appliance.search.spaces.space import build, choose_point

if TYPE_CHECKING:
    import optuna

RANDOM = 24
"""Formats that are drawn at random before the estimator proposes. After fewer it favours what was
lucky on one rung."""


def propose(lab: Lab) -> Turns:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=lab.seed, n_startup_trials=RANDOM, multivariate=True)
    study = optuna.create_study(sampler=sampler)
    shots = shot_sets(lab.demonstrations, lab.seed_prompt.prompt)
    while True:
        trial = study.ask()
        point = choose_point(partial(_suggest, trial), tuple(shots), lab.space)
        prompt = build(point, shots, lab.space)
        [candidate] = yield [Proposal(prompt, "format", "example", (lab.seed_prompt,))]
        if candidate is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            seen = candidate.penalties(FIRST)
            study.tell(trial, fsum(seen) / len(seen))


def typical(loaded: Loaded, n: int) -> list[Prompt]:
    """``n`` points of the format space, drawn at random: most are shorter than a seed prompt."""
    random = Random(0)
    shots = shot_sets(loaded.demonstrations, loaded.seed)
    space = space_of(loaded.task, loaded.seed, loaded.lettered)
    points = [
        choose_point(lambda _, options: random.choice(list(options)), tuple(shots), space)
        for _ in range(n)
    ]
    return [build(point, shots, space) for point in points]


def _suggest(trial: optuna.Trial, name: str, options: Sequence[str]) -> str:
    return str(trial.suggest_categorical(name, options))


FORMATS = Method(propose, patience=30, typical=typical)
