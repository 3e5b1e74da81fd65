"""The prompts that tuning starts from: what a person would write first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from appliance.prompts.prompt import Prompt, Section
from appliance.task import Case, Kind, Task

Written = tuple[str, str]
"""An instruction and an example."""

SEEDS: dict[Kind, Written] = {
    "relation": (
        "Classify the relation between the head and tail entity. Possible relations: {labels}\n\n",
        "Sentence: {text}\nHead: {head}\nTail: {tail}\nRelation: {label}\n\n",
    ),
    "classify": (
        "Classify the text. Possible labels: {labels}\n\n",
        "Text: {text}\nLabel: {label}\n\n",
    ),
    "answer": (
        "Answer the question. Think step by step.\n\n",
        "Question: {text}\nReasoning: {reasoning}\nSo the answer is: {answer}\n\n",
    ),
    "spans": (
        "List the named entities of the text with their types. Types: {labels}\n\n",
        "Text: {text}\nEntities: {answer}\n\n",
    ),
    "reading": (
        "Answer the question with words of the passage.\n\n",
        "Passage: {text}\nQuestion: {question}\nAnswer: {answer}\n\n",
    ),
}

SEVERAL: Written = (
    "Say whether the label holds for the text. Answer yes or no.\n\n",
    "Text: {text}\nLabel: {label}\nAnswer: {answer}\n\n",
)

CHOSEN: Written = ("Answer the question.\n\n", "Question: {text}\nAnswer: {answer}\n\n")
"""The seed where an answer is one of a question's options. They are scored, so nothing has to be
written."""

OFFERED: Written = (
    "Answer the question.\n\n",
    "Question: {text}\nOptions: {choices}\nAnswer: {answer}\n\n",
)
"""The same seed for texts that do not list the options."""

YES_NO_RELATION: Written = (
    "You are given a relation with its description in brackets, a support sentence and a query "
    "sentence. A relation connects a subject and an object, which are tagged. Decide whether the "
    "relation holds in the query sentence. Answer yes or no.\n\n",
    'Relation name: "{label}" ({definition})\nSupport sentence: {support}\n'
    "Query sentence: {marked}\nAnswer: {answer}\n\n",
)
"""The form of the two-stage paper (Chakma et al. 2026): one yes/no prompt a relation."""


def plain_seed(
    task: Task, demonstrations: Mapping[str, tuple[str, ...]], cases: Sequence[Case] = ()
) -> Prompt:
    """An instruction with the labels, one demonstration of each label, and named fields.

    ``demonstrations`` holds, by label, the ids of the rows that may stand in a prompt, of which the
    first is shown. ``cases`` are some of the task's: a question's options are listed in the prompt
    unless the texts of all of them list theirs.
    """
    instruction, example = SEEDS[task.kind]
    if task.several:
        instruction, example = SEVERAL
    elif task.match == "choice":
        instruction, example = CHOSEN if all(map(_lists_options, cases)) else OFFERED
    elif task.kind == "relation" and task.metric == "micro_f1" and task.protocol == "episodes":
        instruction, example = YES_NO_RELATION
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
