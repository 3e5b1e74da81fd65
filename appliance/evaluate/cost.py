"""What evaluating a prompt will cost, before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.encode.renderer import Renderer
from appliance.evaluate.workbench import Prices
from appliance.prompts.prompt import Prompt
from appliance.scoring.written import REASONING, answers_are_written, longest_answer
from appliance.task import Case
from models.engine import Segment
from models.trie import build

WRITTEN = 0.5
"""The tokens that are usually written, as a share of those that may be."""


def expected_cost(
    renderer: Renderer, prompt: Prompt, cases: Sequence[Case], prices: Prices
) -> float:
    """The expected cost, in cost units, of asking the cases in one request of each kind."""
    read = renderer.tokens(prompt, cases)
    if not writes(renderer, prompt):
        return read * prices.prefill
    openings = build([Segment(-1, ids) for ids in renderer.openings(prompt, cases)])
    times = 2 if "reasoning" in prompt.slots else 1
    written = WRITTEN * longest(renderer, prompt, cases) * len(cases)
    return (read + times * len(openings)) * prices.prefill + written * prices.sample


def writes(renderer: Renderer, prompt: Prompt) -> bool:
    """Whether anything is written under the prompt."""
    return answers_are_written(renderer.task, prompt) or "reasoning" in prompt.slots


def longest(renderer: Renderer, prompt: Prompt, cases: Sequence[Case]) -> int:
    """The most tokens that may be written for any one of the cases."""
    if not writes(renderer, prompt):
        return 0
    reasoning = REASONING if "reasoning" in prompt.slots else 0
    return reasoning + longest_answer(renderer, prompt, cases)
