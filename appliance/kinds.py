"""What each kind of task is. A new kind is one entry here, and the files that the entry names."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["relation", "classify", "answer", "spans", "reading"]

Gold = Literal["label", "answer", "spans"]
"""The field of a row that is to be predicted."""

Metric = Literal["accuracy", "micro_f1", "macro_f1", "span_f1", "token_f1"]

Comparison = Literal["label", "match", "quote", "entities"]
"""How an answer is compared with the right one. A label is chosen, or asked for with yes or no. An
answer that is written is matched by the task's rule (``scoring/matching.py``), as a quotation
(``scoring/reading.py``) or as entities (``scoring/entities.py``)."""

Texts = tuple[str, str]
"""An instruction and an example template."""


class KindOfTask(NamedTuple):
    """``fields`` are what a row has beside its ``gold``, and ``optional`` is what it may have.
    ``slots`` are the slots of a prompt that a row can fill beside those of its fields. ``metrics``
    has the usual one first; micro-F1 leaves none of the above out. ``forms`` are the forms that
    its prompts can have.

    ``seed`` is what a person would write first, and ``yes_no_seed`` asks the same label by label.
    ``space`` and ``yes_no_space`` name the formats that are searched, in ``search/spaces/``.
    ``longest`` is the most tokens of a written answer. The other fields are words for messages:
    ``work`` tells a reasoner what a model does, ``exact`` names the share of wholly right cases,
    and ``torn`` names rows that ask the same and have different answers.
    """

    fields: tuple[str, ...]
    gold: Gold
    metrics: tuple[Metric, ...]
    comparison: Comparison
    forms: tuple[Literal["choice", "yesno", "written"], ...]
    slots: tuple[str, ...]
    seed: Texts
    space: str
    work: str
    torn: str
    exact: str = "accuracy"
    optional: tuple[str, ...] = ()
    yes_no_seed: Texts | None = None
    yes_no_space: str = ""
    may_have_several: bool = False
    longest: int = 0


RELATION = KindOfTask(
    fields=("text", "head", "tail"),
    optional=("head_type", "tail_type"),
    gold="label",
    metrics=("accuracy", "micro_f1", "macro_f1"),
    comparison="label",
    forms=("choice", "yesno"),
    slots=("marked", "label", "definition", "support", "answer"),
    seed=(
        "Classify the relation between the head and tail entity. Possible relations: {labels}\n\n",
        "Sentence: {text}\nHead: {head}\nTail: {tail}\nRelation: {label}\n\n",
    ),
    # The form of the two-stage paper (Chakma et al. 2026): one yes/no prompt a relation.
    yes_no_seed=(
        "You are given a relation with its description in brackets, a support sentence and a query "
        "sentence. A relation connects a subject and an object, which are tagged. Decide whether "
        "the relation holds in the query sentence. Answer yes or no.\n\n",
        'Relation name: "{label}" ({definition})\nSupport sentence: {support}\n'
        "Query sentence: {marked}\nAnswer: {answer}\n\n",
    ),
    space="labels.RELATION",
    yes_no_space="yes_no.YES_NO_RELATION",
    work="name the relation between two entities",
    torn="sentences with the same two entities under different labels",
)

CLASSIFY = KindOfTask(
    fields=("text",),
    gold="label",
    metrics=("accuracy", "micro_f1", "macro_f1"),
    comparison="label",
    forms=("choice", "yesno"),
    slots=("label", "definition", "answer"),
    seed=(
        "Classify the text. Possible labels: {labels}\n\n",
        "Text: {text}\nLabel: {label}\n\n",
    ),
    yes_no_seed=(
        "Say whether the label holds for the text. Answer yes or no.\n\n",
        "Text: {text}\nLabel: {label}\nAnswer: {answer}\n\n",
    ),
    space="labels.CLASSIFY",
    yes_no_space="yes_no.SEVERAL",
    may_have_several=True,
    work="label texts",
    torn="texts under different labels",
    exact="accuracy (all labels right)",
)

ANSWER = KindOfTask(
    fields=("text",),
    optional=("reasoning", "choices"),
    gold="answer",
    metrics=("accuracy",),
    comparison="match",
    forms=("written",),
    slots=("choices", "reasoning", "answer"),
    seed=(
        "Answer the question. Think step by step.\n\n",
        "Question: {text}\nReasoning: {reasoning}\nSo the answer is: {answer}\n\n",
    ),
    space="written.ANSWER",
    longest=16,
    work="answer questions",
    torn="questions with different answers",
)

SPANS = KindOfTask(
    fields=("text",),
    gold="spans",
    metrics=("span_f1",),
    comparison="entities",
    forms=("written",),
    slots=("answer",),
    seed=(
        "List the named entities of the text with their types. Types: {labels}\n\n",
        "Text: {text}\nEntities: {answer}\n\n",
    ),
    space="written.SPANS",
    longest=96,
    work="list the named entities of texts",
    torn="texts with different entities",
    exact="texts wholly right",
)

READING = KindOfTask(
    fields=("text", "question"),
    gold="answer",
    metrics=("token_f1", "accuracy"),
    comparison="quote",
    forms=("written",),
    slots=("answer",),
    seed=(
        "Answer the question with words of the passage.\n\n",
        "Passage: {text}\nQuestion: {question}\nAnswer: {answer}\n\n",
    ),
    space="written.READING",
    longest=24,
    work="answer questions about passages",
    torn="questions with different answers",
    exact="exact match",
)

KINDS: dict[Kind, KindOfTask] = {
    "relation": RELATION,
    "classify": CLASSIFY,
    "answer": ANSWER,
    "spans": SPANS,
    "reading": READING,
}
