"""What is left of a prompt without the numbers that a run fitted to it."""

from __future__ import annotations

from msgspec.structs import replace

from appliance.prompts.prompt import Prompt


def unfitted(prompt: Prompt) -> Prompt:
    """The prompt without its calibration, its probabilities, its map and its likeness."""
    return replace(
        prompt,
        weight=0.0,
        bias=(),
        channel_weight=0.0,
        threshold=0.0,
        temperature=1.0,
        intercept=0.0,
        abstain=0.0,
        map=None,
        likeness=None,
    )
