"""The spaces of tasks whose answer is one of their labels."""

from __future__ import annotations

from appliance.search.spaces.space import (
    ORDERS,
    SEPARATORS,
    WORDINGS,
    Point,
    Space,
)

RULES = {"wording": WORDINGS, "order": ORDERS}

RELATION_NAMES = {
    "plain": ("Sentence", "Head", "Tail", "Relation"),
    "entities": ("Text", "Entity 1", "Entity 2", "Relation"),
    "roles": ("Text", "Subject", "Object", "Relation"),
    "question": ("Sentence", "From", "To", "Type"),
}


def _relation(point: Point) -> str:
    gap = SEPARATORS[point.get("separator", "line")]
    arrow, cue = point.get("arrow", ""), point.get("cue", "")
    match point["layout"]:
        case "fields":
            text, head, tail, relation = RELATION_NAMES[point["names"]]
            return f"{text}: {{text}}{gap}{head}: {{head}}{gap}{tail}: {{tail}}{gap}{relation}: "
        case "arrow":
            return f"{{text}}{gap}{{head}}{arrow}{{tail}}{cue}"
        case "tuple":
            return f"{{text}}{gap}({{head}}{arrow}{{tail}}{arrow}"
        case "marked":
            return f"{{text}}{gap}<{{head}}> <{{tail}}>{cue}"
        case "statement":
            return f'{{text}}{gap}The relation of "{{head}}" to "{{tail}}" is: '
        case "question":
            return f"{{text}}{gap}What is the relation between {{head}} and {{tail}}? "
        case "possessive":
            return f"{{text}}{gap}{{head}} is {{tail}}'s "
        case "asked":
            return f"{{text}}{gap}What is {{head}} to {{tail}}? {{head}} is {{tail}}'s "
        case "asked-first":
            return f"What is {{head}} to {{tail}}?\n{{text}}{gap}{{head}} is {{tail}}'s "
        case _:
            return f"{{head}}{arrow}{{tail}}: {{text}}{cue}"


CLASSIFY_NAMES = {
    "plain": ("Text", "Label"),
    "category": ("Text", "Category"),
    "input": ("Input", "Output"),
    "message": ("Message", "Class"),
}


def _classify(point: Point) -> str:
    gap, arrow = SEPARATORS[point.get("separator", "line")], point.get("arrow", "")
    match point["layout"]:
        case "fields":
            text, label = CLASSIFY_NAMES[point["names"]]
            return f"{text}: {{text}}{gap}{label}: "
        case "arrow":
            return f"{{text}}{arrow}"
        case "quoted":
            return f'"{{text}}"{arrow}'
        case "statement":
            return f"{{text}}{gap}This is: "
        case "answer":
            return f"{{text}}{gap}The correct answer is "
        case _:
            return f"{{text}}{gap}What is this about? "


RELATION = Space(
    layouts={
        "fields": ("names", "separator"),
        "arrow": ("arrow", "cue", "separator"),
        "tuple": ("arrow", "separator"),
        "marked": ("cue", "separator"),
        "statement": ("separator",),
        "question": ("separator",),
        "possessive": ("separator",),
        "asked": ("separator",),
        "asked-first": ("separator",),
        "pair-first": ("arrow", "cue"),
    },
    names=RELATION_NAMES,
    arrows=(" -> ", " | ", ", ", " / ", " to "),
    heads={
        "none": "",
        "name": "Relation extraction.\n\n",
        "list": "Relations: {labels}\n\n",
        "task": "Name the relation between the two entities: {labels}\n\n",
        "define": "{definitions}\n\n",
    },
    template=_relation,
    rules=RULES,
    channels=("{label}: {text}\n", "{label}\n{text} ({head}; {tail})\n\n", "{label} | {text}\n"),
)

CLASSIFY = Space(
    layouts={
        "fields": ("names", "separator"),
        "arrow": ("arrow",),
        "quoted": ("arrow",),
        "statement": ("separator",),
        "answer": ("separator",),
        "question": ("separator",),
    },
    names=CLASSIFY_NAMES,
    arrows=(" -> ", " = ", ": ", " | ", " => "),
    heads={
        "none": "",
        "name": "Text classification.\n\n",
        "list": "Labels: {labels}\n\n",
        "task": "Say which of these each text is about: {labels}\n\n",
        "define": "{definitions}\n\n",
    },
    template=_classify,
    rules=RULES,
    channels=("{label}: {text}\n", "{label}\n{text}\n\n", "{label} | {text}\n"),
)
