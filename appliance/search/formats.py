"""The format space of relation prompts: the shape that a small model reads matters more to it than
the wording, so the shape is searched (see docs/benchmarks.md).

A point is a set of named choices; ``build`` makes a prompt of it. Sources of randomness call
``choose(name, options)``, so that a seeded generator and optuna's trials draw from one definition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from appliance.prompt import Prompt, Section

Choose = Callable[[str, Sequence[str]], str]
Point = Mapping[str, str]

FIELD_NAMES = {
    "plain": ("Sentence", "Head", "Tail", "Relation"),
    "entities": ("Text", "Entity 1", "Entity 2", "Relation"),
    "roles": ("Text", "Subject", "Object", "Relation"),
    "question": ("Sentence", "From", "To", "Type"),
}
LAYOUTS = ("fields", "arrow", "tuple", "marked", "statement", "question", "pair-first")
SEPARATORS = {"line": "\n", "space": " ", "bar": " | ", "comma": ", "}
ARROWS = (" -> ", " | ", ", ", " / ", " to ")
CUES = (": ", " = ", " | ", " is ")
ENDS = {"line": "\n", "blank": "\n\n", "stop": ".\n", "rule": "\n---\n"}
HEADS = {
    "none": "",
    "name": "Relation extraction.\n\n",
    "list": "Relations: {labels}\n\n",
    "task": "Name the relation between the two entities: {labels}\n\n",
    "define": "{definitions}\n\n",
}
JOINS = {"comma": ", ", "bar": " | ", "lines": "\n"}
WORDINGS = ("plain", "lower", "title", "snake", "upper", "quoted")
ORDERS = ("given", "reversed", "label", "shortest", "longest")


def choose_point(choose: Choose, shot_sets: Sequence[str]) -> dict[str, str]:
    """Every choice of one point, those that its layout uses. ``shot_sets`` names sets of rows."""
    point = {"layout": choose("layout", LAYOUTS)}
    if point["layout"] == "fields":
        point["names"] = choose("names", tuple(FIELD_NAMES))
    if point["layout"] in ("arrow", "tuple", "pair-first"):
        point["arrow"] = choose("arrow", ARROWS)
    if point["layout"] in ("arrow", "marked", "pair-first"):
        point["cue"] = choose("cue", CUES)
    if point["layout"] != "pair-first":
        point["separator"] = choose("separator", tuple(SEPARATORS))
    point["end"] = choose("end", tuple(ENDS))
    point["head"] = choose("head", tuple(HEADS))
    if point["head"] in ("list", "task"):
        point["join"] = choose("join", tuple(JOINS))
    point["wording"] = choose("wording", WORDINGS)
    point["order"] = choose("order", ORDERS)
    if len(shot_sets) > 1:
        point["shots"] = choose("shots", tuple(shot_sets))
    return point


def build(point: Point, shots: Mapping[str, tuple[str, ...]]) -> Prompt:
    """The prompt of a point; ``shots`` maps the name of a shot set to its row ids."""
    head = HEADS[point["head"]]
    return msgspec.convert(
        {
            "sections": (Section("task", head),) if head else (),
            "example": example_template(point) + "{label}" + ENDS[point["end"]],
            "join": JOINS[point.get("join", "comma")],
            "wording": point["wording"],
            "order": point["order"],
            "shots": shots[point.get("shots", next(iter(shots)))] if shots else (),
        },
        Prompt,
    )


def example_template(point: Point) -> str:
    """The example up to its label."""
    gap = SEPARATORS[point.get("separator", "line")]
    arrow, cue = point.get("arrow", ""), point.get("cue", "")
    match point["layout"]:
        case "fields":
            text, head, tail, relation = FIELD_NAMES[point["names"]]
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
