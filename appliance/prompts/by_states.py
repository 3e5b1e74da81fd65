"""Prompts of which hidden states are read."""

from __future__ import annotations

from msgspec.structs import replace

from appliance.prompts.prompt import Prompt, Section


def by_states(prompt: Prompt) -> Prompt | None:
    """The prompt with its hidden state read, without a map and without what was fitted to label
    words. None for a prompt of which no state can be read: it asks yes or no, reasons, or leaves
    out the letters of options."""
    if prompt.form == "yesno" or "reasoning" in prompt.slots or prompt.options == "words":
        return None
    return replace(
        prompt,
        readout="hidden",
        reverse="",
        channel_weight=0.0,
        weight=0.0,
        bias=(),
        map=None,
        likeness=None,
    )


def beginning(prompt: Prompt) -> str | None:
    """What the renderings of a prompt depend on up to a row's text and with it. Of prompts with the
    same one most of a row is computed once. None where label words are read, since these cost most,
    and where rows are shown, since they are written as the row is, text and all."""
    if prompt.readout != "hidden" or prompt.shots:
        return None
    before = prompt.example.partition("{text}")[0]
    return repr((prompt.mode, prompt.sections, prompt.join, prompt.wording, before))


def read_alone(head: str, example: str) -> Prompt:
    """The prompt under which a row is read alone for its likeness to others."""
    sections = (Section("task", head),) if head else ()
    return Prompt(sections, example, readout="hidden")
