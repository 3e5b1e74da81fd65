"""The format space of a kind of task. The shape of a prompt matters more to a small model than the
wording, so the shape is searched (see docs/benchmarks.md).

A point is a set of named choices; ``build`` makes a prompt from it. Every choice is made by
``choose(name, options)``, so that a seeded generator and optuna's trials draw from one definition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import msgspec

from appliance.prompts.prompt import Prompt, Section

Choose = Callable[[str, Sequence[str]], str]
Point = Mapping[str, str]

SEPARATORS = {"line": "\n", "space": " ", "bar": " | ", "comma": ", "}
CUES = (": ", " = ", " | ", " is ")
ENDS = {"line": "\n", "blank": "\n\n", "stop": ".\n", "rule": "\n---\n"}
LINES = {"line": "\n", "blank": "\n\n", "rule": "\n---\n"}
"""Ends of answers that a model writes. A full stop is none, since it may belong to the answer."""

JOINS = {"comma": ", ", "bar": " | ", "lines": "\n"}
WORDINGS = ("plain", "lower", "title", "snake", "upper", "quoted")
ORDERS = ("given", "reversed", "label", "shortest", "longest")


class Space(NamedTuple):
    """What a prompt of one kind of task can look like. ``layouts`` maps each layout to the choices
    that its template takes; ``template`` makes the example of a point, up to its ``target``.
    ``rules`` are fields of a prompt with their values, ``words`` are what yes and no can be called,
    and ``channels`` are templates of a row given its label."""

    layouts: Mapping[str, tuple[str, ...]]
    names: Mapping[str, tuple[str, ...]]
    heads: Mapping[str, str]
    template: Callable[[Point], str]
    target: str = "label"
    arrows: tuple[str, ...] = ()
    extractors: tuple[str, ...] = ()
    ends: Mapping[str, str] = ENDS
    rules: Mapping[str, tuple[str, ...]] = {}
    words: Mapping[str, tuple[str, ...]] = {}
    channels: tuple[str, ...] = ()


def choose_point(choose: Choose, shot_sets: Sequence[str], space: Space) -> dict[str, str]:
    """A point with every choice that its layout uses. ``shot_sets`` names sets of rows."""
    point = {"layout": choose("layout", tuple(space.layouts))}
    options = _options(space)
    for name in space.layouts[point["layout"]]:
        point[name] = choose(name, options[name])
    point["end"] = choose("end", tuple(space.ends))
    point["head"] = choose("head", tuple(space.heads))
    if "{labels}" in space.heads[point["head"]]:
        point["join"] = choose("join", tuple(JOINS))
    for rule, values in space.rules.items():
        point[rule] = choose(rule, values)
    if space.words:
        point["words"] = choose("words", tuple(space.words))
    if len(shot_sets) > 1:
        point["shots"] = choose("shots", tuple(shot_sets))
    return point


def examples(space: Space) -> set[str]:
    """The example templates of all its points."""
    options = _options(space)
    return {
        example({"layout": layout, **dict(zip(names, values, strict=True))}, space, end)
        for layout, names in space.layouts.items()
        for *values, end in product(*(options[name] for name in names), space.ends.values())
    }


def _options(space: Space) -> dict[str, tuple[str, ...]]:
    """What the choices of a layout can be, by their names."""
    return {
        "names": tuple(space.names),
        "arrow": space.arrows,
        "cue": CUES,
        "extractor": space.extractors,
        "separator": tuple(SEPARATORS),
    }


def build(point: Point, shots: Mapping[str, tuple[str, ...]], space: Space) -> Prompt:
    """The prompt of a point; ``shots`` maps the name of a shot set to its row ids."""
    head = space.heads[point["head"]]
    return msgspec.convert(
        {
            "sections": (Section("task", head),) if head else (),
            "example": example(point, space),
            "join": JOINS[point.get("join", "comma")],
            "shots": shots[point.get("shots", next(iter(shots)))] if shots else (),
            "words": space.words[point["words"]] if space.words else (),
            **{rule: point[rule] for rule in space.rules},
        },
        Prompt,
    )


def example(point: Point, space: Space, end: str | None = None) -> str:
    """The example template of a point, with its own ``end`` unless one is given."""
    ending = space.ends[point["end"]] if end is None else end
    return f"{space.template(point)}{{{space.target}}}{ending}"
