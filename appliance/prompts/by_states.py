"""Prompts of which hidden states are read."""

from __future__ import annotations

from msgspec.structs import replace

from appliance.prompts.prompt import Prompt, Section
from appliance.prompts.unfitted import unfitted


def by_states(prompt: Prompt) -> Prompt | None:
    """The prompt with its hidden state read, without anything that was fitted to it. None for a
    prompt of which no state can be read: it asks yes or no, reasons, or leaves out the letters of
    options."""
    if prompt.form == "yesno" or "reasoning" in prompt.slots or prompt.options == "words":
        return None
    return replace(unfitted(prompt), readout="hidden", reverse="")


def beginning(prompt: Prompt) -> str | None:
    """What decides most of a prompt's rendering up to the end of a row's text. Prompts for which it
    is equal are asked together, so that most of a row is computed once. None where label words are
    read, since these cost most, and where rows are shown, since they are written as the row is,
    text and all."""
    if prompt.readout != "hidden" or prompt.shots:
        return None
    before = prompt.example.partition("{text}")[0]
    return repr((prompt.mode, prompt.sections, prompt.join, prompt.wording, before))


def read_alone(head: str, example: str) -> Prompt:
    """The prompt under which a row is read alone for its likeness to others."""
    sections = (Section("task", head),) if head else ()
    return Prompt(sections, example, readout="hidden")
