"""Prompts as a person reads them."""

from __future__ import annotations

import difflib
import hashlib

import msgspec

from appliance.prompts.prompt import SLOT, Prompt
from appliance.prompts.render import asked, holds, render
from appliance.task import Case, Example, Task


def plain(prompt: Prompt) -> str:
    """Sections and example with their slots, then the rules; rare ones only where they are not the
    default."""
    parts = [f"[{section.name}]\n{section.text.rstrip()}" for section in prompt.sections]
    parts.append(f"[example]\n{prompt.example.rstrip()}")
    if prompt.reverse:
        parts.append(f"[channel]\n{prompt.reverse.rstrip()}")
    rules = [
        f"labels written: {prompt.wording}, joined by {prompt.join!r}",
        f"separator: {prompt.separator!r}",
        f"demonstrations: {prompt.order}{_shown(prompt)}",
        *_scoring(prompt),
        f"mode: {prompt.mode}",
    ]
    if prompt.words:
        rules.insert(1, f"words: {', '.join(prompt.words)}")
    if "{marked}" in prompt.example:
        rules.append(f"entities marked: {prompt.marking}")
    if prompt.output == "tags":
        rules.append("entities written: as tags")
    if prompt.options == "words":
        rules.append("options: written by their words, the list left out of the text")
    return "\n\n".join([*parts, "[rules]\n" + "\n".join(rules)]) + "\n"


def scoring(prompt: Prompt) -> str:
    """The scoring mode in the terms of the papers (docs/scoring.md), and whether answers that are
    written come after reasoning."""
    if prompt.readout == "hidden":
        fitted = f", {prompt.map.labels} x {prompt.map.width}" if prompt.map else ", not fitted yet"
        return f"hidden state, read by a linear map{fitted}"
    calibrations = [
        *(["contextual calibration"] if prompt.weight else []),
        *(["batch calibration"] if prompt.bias else []),
    ]
    if prompt.likeness:
        calibrations.append(f"{prompt.likeness.weight:g} times the likeness to the support")
    mode = " with ".join(["direct", " and ".join(calibrations)] if calibrations else ["direct"])
    if prompt.form == "written":
        answered = "after reasoning" if "reasoning" in prompt.slots else "at once"
        return f"answered {answered}" + (f", {mode}" if calibrations else "")
    if not prompt.channel_weight:
        return mode
    return f"{mode}, channel {prompt.channel_weight:g}" if prompt.channel_weight < 1 else "channel"


def _shown(prompt: Prompt) -> str:
    rows = prompt.shots
    return f", {len(rows)} rows: {' '.join(rows)}" if rows else ""


def _scoring(prompt: Prompt) -> list[str]:
    lines = [f"scoring: {scoring(prompt)}"]
    for name, fitted in (("map", prompt.map), ("likeness", prompt.likeness)):
        if fitted:
            numbers = hashlib.sha256(fitted.values).hexdigest()[:12]
            lines.append(f"{name}: numbers {numbers}, of the model file {fitted.model[:12]}")
    if prompt.likeness:
        lines.append(f"likeness reads: {prompt.likeness.head + prompt.likeness.example!r}")
    if prompt.readout == "words" and (prompt.form != "written" or prompt.weight or prompt.bias):
        lines += [
            f"calibration weight: {prompt.weight:g}",
            f"label biases: {' '.join(f'{b:+.2f}' for b in prompt.bias) or 'none'}",
        ]
    if prompt.form == "yesno":
        above = (
            f"as likely as no {prompt.intercept:+.2f} nats above that" if prompt.intercept else ""
        )
        lines.append(", ".join(filter(None, (f"yes above: {prompt.threshold:+.2f} nats", above))))
    if prompt.temperature != 1.0 or prompt.abstain:
        lines.append(
            f"temperature: {prompt.temperature:g}; withheld below probability {prompt.abstain:g}"
        )
    return lines


def rendered(prompt: Prompt, task: Task, case: Case, shots: tuple[Example, ...]) -> str:
    """What the model reads before an answer, or before the first of several yes/no questions.

    Labels and demonstrations are those of ``case``, and the query is left as slots. ``shots`` are
    the rows behind ``prompt.shots``.
    """
    question = render(prompt, task, case, shots)[0]
    stem = SLOT.sub(lambda slot: slot[1] or slot[0], prompt.stem)
    return "".join(piece.text for piece in question.prefix) + stem


def demonstration(prompt: Prompt, task: Task, case: Case) -> str:
    """A case's query with its right answer, as the prompt would show it to the model.

    Under a yes/no prompt it is the first label that holds, or the first label where none does.
    """
    bare = msgspec.structs.replace(prompt, sections=())
    questions = render(bare, task, case, (), case.query.reasoning)
    if prompt.form == "yesno":
        held = [holds(label, case.query) for label in asked(task, case)]
        number = held.index(True) if any(held) else 0
        question, right = questions[number], 0 if any(held) else 1
    else:
        question = questions[0]
        right = case.gold if len(question.answers) > 1 else 0
    return "".join(piece.text for piece in (*question.query, *question.answers[right]))


def diff(before: Prompt, after: Prompt) -> str:
    """A unified diff of the two as ``plain`` shows them; empty where it shows no difference."""
    lines = difflib.unified_diff(
        plain(before).splitlines(),
        plain(after).splitlines(),
        fromfile=before.id,
        tofile=after.id,
        lineterm="",
    )
    return "\n".join(lines)
