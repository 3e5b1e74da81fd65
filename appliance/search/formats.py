"""The format space of each kind of task: the shape that a small model reads matters more to it than
the wording, so the shape is searched (see docs/benchmarks.md).

A point is a set of named choices; ``build`` makes a prompt of it. Sources of randomness call
``choose(name, options)``, so that a seeded generator and optuna's trials draw from one definition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from appliance.prompt import Prompt, Section
from appliance.task import Kind

Choose = Callable[[str, Sequence[str]], str]
Point = Mapping[str, str]

SEPARATORS = {"line": "\n", "space": " ", "bar": " | ", "comma": ", "}
CUES = (": ", " = ", " | ", " is ")
ENDS = {"line": "\n", "blank": "\n\n", "stop": ".\n", "rule": "\n---\n"}
JOINS = {"comma": ", ", "bar": " | ", "lines": "\n"}
WORDINGS = ("plain", "lower", "title", "snake", "upper", "quoted")
ORDERS = ("given", "reversed", "label", "shortest", "longest")


class Space(NamedTuple):
    """What a prompt of one kind of task can look like. ``layouts`` has the choices that each
    layout's template takes, ``template`` makes the example up to its label of a point."""

    layouts: Mapping[str, tuple[str, ...]]
    names: Mapping[str, tuple[str, ...]]
    arrows: tuple[str, ...]
    heads: Mapping[str, str]
    template: Callable[[Point], str]


def choose_point(choose: Choose, shot_sets: Sequence[str], space: Space) -> dict[str, str]:
    """Every choice of one point, those that its layout uses. ``shot_sets`` names sets of rows."""
    point = {"layout": choose("layout", tuple(space.layouts))}
    options = {
        "names": tuple(space.names),
        "arrow": space.arrows,
        "cue": CUES,
        "separator": tuple(SEPARATORS),
    }
    for name in space.layouts[point["layout"]]:
        point[name] = choose(name, options[name])
    point["end"] = choose("end", tuple(ENDS))
    point["head"] = choose("head", tuple(space.heads))
    if point["head"] in ("list", "task"):
        point["join"] = choose("join", tuple(JOINS))
    point["wording"] = choose("wording", WORDINGS)
    point["order"] = choose("order", ORDERS)
    if len(shot_sets) > 1:
        point["shots"] = choose("shots", tuple(shot_sets))
    return point


def build(point: Point, shots: Mapping[str, tuple[str, ...]], space: Space) -> Prompt:
    """The prompt of a point; ``shots`` maps the name of a shot set to its row ids."""
    head = space.heads[point["head"]]
    return msgspec.convert(
        {
            "sections": (Section("task", head),) if head else (),
            "example": space.template(point) + "{label}" + ENDS[point["end"]],
            "join": JOINS[point.get("join", "comma")],
            "wording": point["wording"],
            "order": point["order"],
            "shots": shots[point.get("shots", next(iter(shots)))] if shots else (),
        },
        Prompt,
    )


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
        case _:
            return f"{{text}}{gap}What is this about? "


SPACES: dict[Kind, Space] = {
    "relation": Space(
        layouts={
            "fields": ("names", "separator"),
            "arrow": ("arrow", "cue", "separator"),
            "tuple": ("arrow", "separator"),
            "marked": ("cue", "separator"),
            "statement": ("separator",),
            "question": ("separator",),
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
    ),
    "classify": Space(
        layouts={
            "fields": ("names", "separator"),
            "arrow": ("arrow",),
            "quoted": ("arrow",),
            "statement": ("separator",),
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
    ),
}
