"""Prompts as a person reads them."""

from __future__ import annotations

import difflib

from appliance.prompt import Prompt


def plain(prompt: Prompt) -> str:
    """Sections and example with their slots, then the rules that are not the default."""
    parts = [f"[{section.name}]\n{section.text.rstrip()}" for section in prompt.sections]
    parts.append(f"[example]\n{prompt.example.rstrip()}")
    rules = [
        f"labels written: {prompt.wording}, joined by {prompt.join!r}",
        f"separator: {prompt.separator!r}",
        f"demonstrations: {prompt.order}" + (f", {len(prompt.shots)} rows" if prompt.shots else ""),
        f"calibration weight: {prompt.weight:g}",
        f"mode: {prompt.mode}",
    ]
    return "\n\n".join([*parts, "[rules]\n" + "\n".join(rules)]) + "\n"


def diff(before: Prompt, after: Prompt) -> str:
    """A unified diff of the two as read; empty where they are the same."""
    lines = difflib.unified_diff(
        plain(before).splitlines(),
        plain(after).splitlines(),
        fromfile=before.id,
        tofile=after.id,
        lineterm="",
    )
    return "\n".join(lines)
