"""Finds cases that are too long for a model under a prompt. It looks at lengths alone, so the test
split may be checked before its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from appliance.encode.renderer import Renderer
from appliance.evaluate.cost import longest
from appliance.evaluate.evaluator import BLOCK
from appliance.prompts.prompt import Prompt
from appliance.task import Case


def too_long(
    renderer: Renderer, prompt: Prompt, cases: Sequence[Case]
) -> Iterator[tuple[Case, int]]:
    """The cases that need more tokens than the model takes, each with the number that it needs.
    Tokens that the model may write count. The first case is looked at alone: where a prompt is too
    long for all, that is known at once."""
    limit = renderer.tokeniser.description.context
    edges = [0, *range(1, len(cases), BLOCK), len(cases)]
    for start, end in pairwise(edges):
        block = cases[start:end]
        written = longest(renderer, prompt, block)
        for case, length in zip(block, renderer.lengths(prompt, block), strict=True):
            if length + written > limit:
                yield case, length + written
