"""A prompt whose labels are read by their words, with its hidden state read instead."""

from __future__ import annotations

from msgspec.structs import replace

from appliance.prompts.prompt import Prompt


def by_states(prompt: Prompt) -> Prompt | None:
    """The prompt with its hidden state read, without a map and without what was fitted to label
    words. None for a prompt of which no state can be read: it asks yes or no, or reasons."""
    if prompt.form == "yesno" or "reasoning" in prompt.slots:
        return None
    return replace(
        prompt,
        readout="hidden",
        reverse="",
        channel_weight=0.0,
        weight=0.0,
        bias=(),
        map=None,
    )
