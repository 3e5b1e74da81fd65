"""The spaces of yes/no prompts, which ask for each label in turn."""

from __future__ import annotations

from appliance.search.spaces.space import Point, Space

WORDS = {
    "lower": ("yes", "no"),
    "title": ("Yes", "No"),
    "truth": ("true", "false"),
    "right": ("correct", "wrong"),
}


def _relation(point: Point) -> str:
    match point["layout"]:
        case "paper":
            return (
                'Relation name: "{label}" ({definition})\nSupport sentence: {support}\n'
                "Query sentence: {marked}\nAnswer: "
            )
        case "brief":
            return "{label}: {definition}\nExample: {support}\nSentence: {marked}\nAnswer: "
        case "alike":
            return "{support}\n{marked}\nThe same relation ({label})? "
        case "query-first":
            return "{marked}\nAs in: {support}\n{label}: "
        case "triple":
            return "{support}\n{text}\n{head} | {label} | {tail}: "
        case "question":
            return '{support}\n{marked}\nDoes "{label}" hold from the first to the second? '
        case "asked":
            return '{marked}\nDoes "{label}" ({definition}) hold from the first to the second? '
        case "defined":
            return "{label}: {definition}\nSentence: {marked}\nAnswer: "
        case "pair":
            return "{text}\n{head} | {label} | {tail}: "
        case _:
            return "{marked}\n{label}: "


YES_NO_RELATION = Space(
    layouts=dict.fromkeys(
        (
            *("paper", "brief", "alike", "query-first", "triple", "question", "bare"),
            *("asked", "defined", "pair"),
        ),
        (),
    ),
    names={},
    heads={
        "none": "",
        "name": "Relation extraction.\n\n",
        "task": "Say whether the relation holds in the sentence, as it does in the example. "
        "Answer yes or no.\n\n",
        "strict": "Two entities are marked. Say yes only if the sentence states this very relation "
        "from the subject to the object.\n\n",
    },
    template=_relation,
    target="answer",
    rules={"wording": ("plain", "lower", "quoted"), "marking": ("subject", "e1", "typed")},
    words=WORDS,
)


def _several(point: Point) -> str:
    match point["layout"]:
        case "fields":
            return "Text: {text}\nLabel: {label}\nAnswer: "
        case "question":
            return "{text}\nIs this about {label}? "
        case "holds":
            return '"{text}"\nDoes "{label}" hold? '
        case "bars":
            return "{text} | {label} | "
        case _:
            return "{text}\n{label}: "


SEVERAL = Space(
    layouts=dict.fromkeys(("fields", "question", "holds", "bars", "bare"), ()),
    names={},
    heads={
        "none": "",
        "name": "Text classification.\n\n",
        "list": "Labels: {labels}\n\n",
        "task": "Say whether the label holds for the text. Answer yes or no.\n\n",
        "define": "{definitions}\n\n",
    },
    template=_several,
    target="answer",
    rules={"wording": ("plain", "lower", "title", "quoted")},
    words=WORDS,
)
