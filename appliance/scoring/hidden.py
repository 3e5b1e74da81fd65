"""Labels read off hidden states."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.errors import InputError
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome, Scored
from appliance.task import Case, Task
from models.engine import States


class State(msgspec.Struct, frozen=True):
    """The state of a case before its answer, float16 [width], which no map has read yet.

    ``gold`` is the index of the right one of its ``labels``, and ``none`` that of none of the
    above, or -1.
    """

    case: str
    gold: int
    labels: tuple[str, ...]
    values: bytes
    none: int = -1

    def scored(self, scores: Sequence[float]) -> Scored:
        """The choice among the labels by their ``scores``, which are logarithms of probabilities up
        to a constant."""
        return Scored(
            case=self.case,
            gold=self.gold,
            plain=tuple(round(float(score), 4) for score in scores),
            free=(0.0,) * len(self.labels),
            labels=self.labels,
            none=self.none,
        )


Evidence = Outcome | State
"""What a model says to a case: an outcome, or a state that no map has read yet."""


def read_states(task: Task, cases: Sequence[Case], reply: States) -> list[State]:
    size = 2 * reply.width
    return [
        State(
            case=case.id,
            gold=case.gold,
            labels=case.options,
            values=reply.values[at * size : (at + 1) * size],
            none=case.options.index(task.none) if task.none in case.options else -1,
        )
        for at, case in enumerate(cases)
    ]


def as_states(evidence: Sequence[Evidence]) -> list[State]:
    return [said for said in evidence if isinstance(said, State)]


def read(prompt: Prompt, evidence: Sequence[Evidence]) -> list[Outcome]:
    """The outcomes, with states read by the prompt's map. Raises InputError where it has none yet,
    or one of other states."""
    return [_read(prompt, said) if isinstance(said, State) else said for said in evidence]


def check_map(prompt: Prompt, model: str, sha256: str) -> None:
    """Raises InputError for a prompt that reads hidden states without a map, or with one of another
    file than the one of ``model`` with that hash."""
    if prompt.readout != "hidden":
        return
    if prompt.map is None:
        raise InputError(
            f"prompt {prompt.id} reads hidden states and has no map yet; tune with it first, or "
            "set its readout to words"
        )
    if prompt.map.model != sha256:
        raise InputError(
            f"prompt {prompt.id} reads hidden states by a map that was fitted to another file than "
            f"that of {model}; tune with it once more: strop tune TASK --prompt {prompt.id} "
            f"--model {model}"
        )


def _read(prompt: Prompt, state: State) -> Scored:
    if prompt.map is None:
        raise InputError(f"prompt {prompt.id} reads hidden states and has no map yet")
    return state.scored(prompt.map.scores(state.values))
