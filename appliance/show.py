"""Prompts as a person reads them."""

from __future__ import annotations

import difflib

import msgspec

from appliance.prompt import Prompt
from appliance.render import render
from appliance.task import Case, Example, Task


def plain(prompt: Prompt) -> str:
    """Sections and example with their slots, then the rules that are not the default."""
    parts = [f"[{section.name}]\n{section.text.rstrip()}" for section in prompt.sections]
    parts.append(f"[example]\n{prompt.example.rstrip()}")
    rules = [
        f"labels written: {prompt.wording}, joined by {prompt.join!r}",
        f"separator: {prompt.separator!r}",
        f"demonstrations: {prompt.order}" + (f", {len(prompt.shots)} rows" if prompt.shots else ""),
        f"calibration weight: {prompt.weight:g}",
        f"label priors: {' '.join(f'{b:+.2f}' for b in prompt.prior) or 'none'}",
        f"mode: {prompt.mode}",
    ]
    return "\n\n".join([*parts, "[rules]\n" + "\n".join(rules)]) + "\n"


def rendered(prompt: Prompt, task: Task, case: Case, shots: tuple[Example, ...]) -> str:
    """What the model reads before a label: labels and demonstrations as ``case`` has them, the
    query left as slots. ``shots`` are the rows behind ``prompt.shots``."""
    prefix = "".join(piece.text for piece in render(prompt, task, case, shots).prefix)
    return prefix + prompt.example.partition("{label}")[0]


def demonstration(prompt: Prompt, task: Task, case: Case) -> str:
    """A case's query with its label, as the prompt would show it to the model."""
    bare = msgspec.structs.replace(prompt, sections=())
    alone = Case(case.query, case.labels)
    return "".join(piece.text for piece in render(bare, task, alone, (case.query,)).prefix)


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
