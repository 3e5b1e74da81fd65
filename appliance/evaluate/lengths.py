"""Whether a model takes the cases of a task under a prompt. Only lengths are looked at, so that may
be asked of the test split before it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.encode.renderer import Renderer
from appliance.evaluate.cost import longest
from appliance.evaluate.evaluator import BLOCK
from appliance.prompts.prompt import Prompt
from appliance.task import Case


def too_long(
    renderer: Renderer, prompt: Prompt, cases: Sequence[Case]
) -> Iterator[tuple[Case, int]]:
    """The cases that need more tokens than the model takes, what it may write included; and how
    many."""
    limit = renderer.tokeniser.description.context
    for start in range(0, len(cases), BLOCK):
        block = cases[start : start + BLOCK]
        written = longest(renderer, prompt, block)
        for case, length in zip(block, renderer.lengths(prompt, block), strict=True):
            if length + written > limit:
                yield case, length + written
