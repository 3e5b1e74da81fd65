"""Labels read off hidden states."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.errors import InputError
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import asked, holds
from appliance.scoring.outcomes import Outcome, Scored
from appliance.scoring.yes_no import YesNoOutcome
from appliance.task import Case, Task
from models.engine import States


class State(msgspec.Struct, frozen=True):
    """The state of a case before its answer, float16 [width], which no map has read yet.

    ``gold`` is the index of the right one of its ``labels``, and ``none`` that of none of the
    above, or -1. Where a row may have several labels, ``holds`` says which of the ``labels`` it
    has, and ``absent`` is said where it has none. Rows of one ``kin`` belong together.
    """

    case: str
    gold: int
    labels: tuple[str, ...]
    values: bytes
    none: int = -1
    holds: tuple[bool, ...] = ()
    absent: str = ""
    kin: str = ""

    def outcome(self, scores: Sequence[float]) -> Outcome:
        """What the labels' ``scores`` say: logarithms of probabilities up to a constant or, where
        there may be several labels, of the odds that each holds."""
        plain = tuple(round(float(score), 4) for score in scores)
        free = (0.0,) * len(self.labels)
        if not self.holds:
            return Scored(self.case, self.gold, plain, free, self.labels, none=self.none)
        allowed = (True,) * len(self.labels)
        return YesNoOutcome(
            self.case, self.labels, self.holds, plain, free, allowed, self.absent, several=True
        )


Evidence = Outcome | State
"""What a model says to a case: an outcome, or a state that no map has read yet."""


def read_states(task: Task, cases: Sequence[Case], reply: States) -> list[State]:
    return [_state(task, case, own) for case, own in zip(cases, reply.each(), strict=True)]


def _state(task: Task, case: Case, values: bytes) -> State:
    if task.several:
        labels = asked(task, case)
        holding = tuple(holds(label, case.query) for label in labels)
        nothing = task.none or ""
        return State(case.id, -1, labels, values, holds=holding, absent=nothing, kin=case.query.kin)
    none = case.options.index(task.none) if task.none in case.options else -1
    return State(case.id, case.gold, case.options, values, none, kin=case.query.kin)


def as_states(evidence: Sequence[Evidence]) -> list[State]:
    return [said for said in evidence if isinstance(said, State)]


def read(prompt: Prompt, evidence: Sequence[Evidence]) -> list[Outcome]:
    """The outcomes, with states read by the prompt's map. Raises InputError where it has none yet,
    or one of other states."""
    return [_read(prompt, said) if isinstance(said, State) else said for said in evidence]


def check_map(prompt: Prompt, model: str, sha256: str) -> None:
    """Raises InputError for a prompt that reads hidden states without a map, and for one whose map
    or likeness belongs to another file than the one of ``model`` with that hash."""
    if prompt.readout == "hidden" and prompt.map is None:
        raise InputError(
            f"prompt {prompt.id} reads hidden states and has no map yet; fit one to a task: "
            f"strop prompt fit PROMPT --task TASK --model {model}"
        )
    anew = f"fit one to this file: strop prompt fit PROMPT --task TASK --model {model}"
    again = f"tune with it once more: strop tune TASK --prompt {prompt.id} --model {model}"
    for what, found, remedy in (
        ("a map", prompt.map, anew),
        ("a likeness", prompt.likeness, again),
    ):
        if found is not None and found.model != sha256:
            raise InputError(
                f"prompt {prompt.id} reads hidden states by {what} that was fitted to another file "
                f"than that of {model}; {remedy}"
            )


def _read(prompt: Prompt, state: State) -> Outcome:
    if prompt.map is None:
        raise InputError(f"prompt {prompt.id} reads hidden states and has no map yet")
    return state.outcome(prompt.map.scores(state.values))
