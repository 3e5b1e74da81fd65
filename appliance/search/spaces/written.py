"""The spaces of prompts whose answer the model writes, or chooses after it has reasoned."""

from __future__ import annotations

from appliance.search.spaces.space import (
    LINES,
    SEPARATORS,
    Point,
    Space,
)

ORDERS = ("given", "reversed", "shortest", "longest")

EXTRACTORS = (
    "\nSo the answer is: ",
    "\nTherefore, the answer is ",
    "\nAnswer: ",
    "\nFinal answer: ",
)
"""Texts that draw an answer out of reasoning (GReaTer, Das et al. 2024; Kojima et al. 2022)."""

ANSWER_NAMES = {
    "plain": ("Question", "Answer"),
    "short": ("Q", "A"),
    "problem": ("Problem", "Solution"),
    "input": ("Input", "Output"),
}


def _answer(point: Point) -> str:
    gap = SEPARATORS[point.get("separator", "line")]
    question, answer = ANSWER_NAMES[point.get("names", "plain")]
    match point["layout"]:
        case "fields":
            return f"{question}: {{text}}{gap}{answer}: "
        case "bare":
            return f"{{text}}{gap}"
        case "statement":
            return "{text}\nThe answer is "
        case "reasoned":
            return f"{question}: {{text}}\n{answer}: {{reasoning}}{point['extractor']}"
        case "offered":
            return f"{question}: {{text}}\nOptions: {{choices}}\n{answer}: "
        case "offered-reasoned":
            asked = f"{question}: {{text}}\nOptions: {{choices}}\n{answer}: "
            return f"{asked}{{reasoning}}{point['extractor']}"
        case _:
            extractor = point["extractor"]
            return f"{question}: {{text}}\nLet's think step by step. {{reasoning}}{extractor}"


ANSWER = Space(
    layouts={
        "fields": ("names", "separator"),
        "bare": ("separator",),
        "statement": (),
        "reasoned": ("names", "extractor"),
        "steps": ("names", "extractor"),
    },
    names=ANSWER_NAMES,
    heads={
        "none": "",
        "task": "Answer the question.\n\n",
        "careful": "Read the question carefully and answer it.\n\n",
        "only": "Give the answer and nothing else.\n\n",
        "steps": "Answer the question. Think step by step.\n\n",
    },
    template=_answer,
    target="answer",
    extractors=EXTRACTORS,
    ends=LINES,
    rules={"order": ORDERS},
)


OFFERED = ANSWER._replace(
    layouts={
        **ANSWER.layouts,
        "offered": ("names",),
        "offered-reasoned": ("names", "extractor"),
    }
)
"""The space for questions whose texts do not list the options themselves."""


READING_NAMES = {
    "plain": ("Passage", "Question", "Answer"),
    "context": ("Context", "Q", "A"),
    "text": ("Text", "Question", "Quote"),
}


def _reading(point: Point) -> str:
    passage, question, answer = READING_NAMES[point["names"]]
    match point["layout"]:
        case "fields":
            return f"{passage}: {{text}}\n{question}: {{question}}\n{answer}: "
        case "question-first":
            return f"{question}: {{question}}\n{passage}: {{text}}\n{answer}: "
        case "bare":
            return f"{{text}}\n\n{question}: {{question}}\n{answer}: "
        case _:
            return f"{{text}}\n\n{{question}}\n{answer}: "


READING = Space(
    layouts=dict.fromkeys(("fields", "question-first", "bare", "open"), ("names",)),
    names=READING_NAMES,
    heads={
        "none": "",
        "task": "Answer the question with words of the passage.\n\n",
        "short": "Give the shortest answer that the passage states.\n\n",
        "quote": "Quote the few words of the passage that answer the question.\n\n",
    },
    template=_reading,
    target="answer",
    ends=LINES,
    rules={"order": ORDERS},
)


SPANS_NAMES = {
    "plain": ("Text", "Entities"),
    "sentence": ("Sentence", "Names"),
    "input": ("Input", "Output"),
}


def _spans(point: Point) -> str:
    text, entities = SPANS_NAMES[point.get("names", "plain")]
    match point["layout"]:
        case "fields":
            return f"{text}: {{text}}\n{entities}: "
        case "arrow":
            return "{text} -> "
        case _:
            return f"{{text}}\n{entities}: "


SPANS = Space(
    layouts={"fields": ("names",), "arrow": (), "bare": ("names",)},
    names=SPANS_NAMES,
    heads={
        "none": "",
        "name": "Named entity recognition.\n\n",
        "list": "Types of entities: {labels}\n\n",
        "task": "List the named entities of each text with their types: {labels}\n\n",
        "define": "{definitions}\n\n",
    },
    template=_spans,
    target="answer",
    ends=LINES,
    rules={"order": ORDERS, "output": ("json", "tags")},
)
