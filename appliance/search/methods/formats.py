"""Format search: a tree-structured Parzen estimator over the format space (optuna's TPE)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import fsum
from typing import TYPE_CHECKING

from appliance.search.race import FIRST, Contest
from appliance.search.spaces.space import Space, build, choose_point

if TYPE_CHECKING:
    import optuna

RANDOM = 24
"""Formats drawn at random before the estimator proposes: on one rung its favourites are noise."""

MAX_REPEATS = 30


def explore(
    contest: Contest,
    shots: Mapping[str, tuple[str, ...]],
    seed: int,
    going: Callable[[], bool],
    space: Space,
) -> None:
    """Proposes formats and scores each on the first rung while ``going()``; ends where only known
    ones are proposed. Which of them are good is for ``Contest.halve`` to say."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM, multivariate=True)
    study = optuna.create_study(sampler=sampler)
    repeats = 0
    while going() and repeats < MAX_REPEATS:
        trial = study.ask()
        point = choose_point(partial(_suggest, trial), tuple(shots), space)
        prompt = build(point, shots, space)
        candidate = contest.enter(
            prompt, "format", depth=FIRST, parent=contest.seed, section="example"
        )
        if candidate is None:
            repeats += 1
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        repeats = 0
        study.tell(trial, fsum(candidate.penalties(FIRST)) / len(candidate.scored[:FIRST]))


def _suggest(trial: optuna.Trial, name: str, options: Sequence[str]) -> str:
    return str(trial.suggest_categorical(name, options))
