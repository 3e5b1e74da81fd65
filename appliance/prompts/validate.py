"""Whether a prompt can be asked a task's cases: before any of it reaches a model."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.errors import InputError, PromptError
from appliance.kinds import KINDS
from appliance.prompts.by_states import read_alone
from appliance.prompts.likeness import Likeness
from appliance.prompts.loaded import Loaded
from appliance.prompts.options import LISTED_SO, all_listed
from appliance.prompts.prompt import SLOT, Prompt
from appliance.prompts.slots import written_the_same
from appliance.task import Case, Task, shared_options
from appliance.text import quoted

OTHER_SHOTS = ": set its shots to [], or name rows of this task"


def check_suits(prompt: Prompt, loaded: Loaded) -> None:
    """Raises InputError that says what of the prompt does not suit the task, whatever is asked."""
    _check_slots(prompt, loaded.task)
    _check_options(prompt, loaded.task, loaded.cases["tuning"])
    _check_numbers(prompt, loaded.task, loaded.cases["tuning"])
    if lacking := [row for row in prompt.shots if row not in loaded.rows]:
        name = loaded.task.name
        raise InputError(
            f"prompt {prompt.id} shows row {lacking[0]}, which {name} lacks{OTHER_SHOTS}"
        )


def check(prompt: Prompt, loaded: Loaded, cases: Sequence[Case]) -> None:
    """Raises InputError that says what of the prompt does not suit the task or the cases."""
    _check_slots(prompt, loaded.task)
    _check_options(prompt, loaded.task, cases)
    _check_numbers(prompt, loaded.task, cases)
    _check_shots(prompt, loaded, cases)


def _check_slots(prompt: Prompt, task: Task) -> None:
    kind = KINDS[task.kind]
    if foreign := prompt.slots - {*kind.fields, *kind.slots}:
        raise InputError(
            f"prompt {prompt.id} has the slot {{{min(foreign)}}}, and rows of {task.name} have no "
            f"{min(foreign)}: it was written for another kind of task"
        )
    if prompt.likeness:
        _check_read_alone(prompt, prompt.likeness, task)
    if prompt.form not in kind.forms:
        raise InputError(
            f"prompt {prompt.id} asks for {{{prompt.target}}} in the form {prompt.form}, and what "
            f"is predicted of rows of {task.name} is their {kind.gold}: it was written for "
            "another kind of task"
        )
    if task.several and prompt.form != "yesno" and prompt.readout != "hidden":
        raise InputError(
            f"prompt {prompt.id} asks for one {{label}}, and rows of {task.name} may have several: "
            "ask yes or no for each, with {label} and then {answer}"
        )


def _check_read_alone(prompt: Prompt, likeness: Likeness, task: Task) -> None:
    """A row is read for its likeness without any labels, definitions or other rows."""
    try:
        alone = read_alone(likeness.head, likeness.example)
    except PromptError as error:
        raise InputError(
            f"prompt {prompt.id} reads rows alone for their likeness under a line that is none: "
            f"{error}"
        ) from None
    slots = alone.slots | {name for _, name in SLOT.findall(likeness.head) if name}
    if foreign := slots - {*KINDS[task.kind].fields, "marked", "label"}:
        raise InputError(
            f"prompt {prompt.id} reads rows alone for their likeness under a line with the slot "
            f"{{{min(foreign)}}}, which no row has by itself"
        )


def _check_options(prompt: Prompt, task: Task, cases: Sequence[Case]) -> None:
    """Options can be written by their words only where all texts list them by letter."""
    if prompt.options == "words" and not all_listed(case.query for case in cases):
        raise InputError(
            f"prompt {prompt.id} writes options by their words, and not every text of {task.name} "
            f'ends in its options, {LISTED_SO}: set its options to "letters"'
        )


def _check_numbers(prompt: Prompt, task: Task, cases: Sequence[Case]) -> None:
    """A bias and label words hold one for each label of their task, and only cases that all choose
    among the same have such labels."""
    chosen = KINDS[task.kind].comparison not in ("entities", "quote")
    options = shared_options(cases) if chosen and task.protocol == "fixed" else ()
    labels = len(options) - (prompt.form == "yesno" and task.none in options)
    if len(prompt.bias) not in (0, labels):
        raise InputError(
            f"prompt {prompt.id} has biases for {len(prompt.bias)} labels, {task.name} takes "
            f"{labels}: it was tuned on another task; set its bias to [] to score it without"
        )
    scored = len(options) - (task.several and task.none in options)
    if prompt.map and prompt.map.labels != scored:
        fit = f"fit a map to its rows: strop prompt fit PROMPT --task {task.name}"
        raise InputError(
            f"prompt {prompt.id} has a map of hidden states to {prompt.map.labels} labels, "
            f"{task.name} takes {scored}: it was tuned on another task; "
            f"{fit if scored else 'give another prompt'}"
        )
    if prompt.likeness and task.protocol != "episodes":
        raise InputError(
            f"prompt {prompt.id} reads how like a query is to the support of each label, and rows "
            f"of {task.name} have no support: it was tuned on episodes"
        )
    if prompt.form == "choice" and len(prompt.words) not in (0, labels):
        raise InputError(
            f"prompt {prompt.id} has words for {len(prompt.words)} labels, {task.name} takes "
            f"{labels}: it was written for another task; set its words to [] to score it without"
        )
    if alike := written_the_same(prompt, task):
        one, other = map(quoted, alike)
        raise InputError(
            f"prompt {prompt.id} writes the labels {one} and {other} the same, so an answer could "
            "mean either; give it another wording, output or words"
        )


def _check_shots(prompt: Prompt, loaded: Loaded, cases: Sequence[Case]) -> None:
    """A demonstration is a row of the task, and neither asked now nor kept for the verdict."""
    asked = {case.query.id for case in cases}
    locked = {case.query.id for case in loaded.cases["test"]}
    for row in prompt.shots:
        if row not in loaded.rows:
            what = f"which {loaded.task.name} lacks{OTHER_SHOTS}"
        elif row in locked:
            what = "a row of the test split, which is locked; show another one"
        elif row in asked:
            what = "which is one of the cases to be scored; show another one"
        else:
            continue
        raise InputError(f"prompt {prompt.id} shows row {row}, {what}")
