"""A prompt whose labels are read by their words, with its hidden state read instead."""

from __future__ import annotations

from msgspec.structs import replace

from appliance.prompts.prompt import Prompt


def read_out(prompt: Prompt) -> Prompt:
    """The prompt with its hidden state read, without a map and without what was fitted to label
    words. Raises PromptError for a yes/no prompt."""
    return replace(
        prompt,
        readout="hidden",
        reverse="",
        channel_weight=0.0,
        weight=0.0,
        bias=(),
        map=None,
    )
