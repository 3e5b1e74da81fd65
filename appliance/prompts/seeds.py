"""The prompts that tuning starts from: what a person would write first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from appliance.kinds import KINDS, Texts
from appliance.prompts.prompt import Prompt, Section
from appliance.task import Case, Task

CHOSEN: Texts = ("Answer the question.\n\n", "Question: {text}\nAnswer: {answer}\n\n")
"""The seed where an answer is one of a question's options. They are scored, so nothing has to be
written."""

OFFERED: Texts = (
    "Answer the question.\n\n",
    "Question: {text}\nOptions: {choices}\nAnswer: {answer}\n\n",
)
"""The same seed for texts that do not list the options."""


def plain_seed(
    task: Task, demonstrations: Mapping[str, tuple[str, ...]], cases: Sequence[Case] = ()
) -> Prompt:
    """An instruction with the labels, one demonstration of each label, and named fields.

    ``demonstrations`` holds, by label, the ids of the rows that may stand in a prompt, of which the
    first is shown. ``cases`` are some of the task's: a question's options are listed in the prompt
    unless the texts of all of them list theirs.
    """
    kind = KINDS[task.kind]
    instruction, example = kind.seed
    few_have_one = task.metric == "micro_f1" and task.protocol == "episodes"
    if kind.yes_no_seed and (task.several or few_have_one):
        instruction, example = kind.yes_no_seed
    elif task.match == "choice":
        instruction, example = CHOSEN if all(map(_lists_options, cases)) else OFFERED
    return Prompt(
        sections=(Section("task", instruction),),
        example=example,
        shots=tuple(ids[0] for ids in demonstrations.values() if ids),
    )


def _lists_options(case: Case) -> bool:
    """Whether the text of a case has each of its options as whole words."""
    return all(
        re.search(rf"(?<!\w){re.escape(option)}(?!\w)", case.query.text) for option in case.options
    )
