"""Local edits of the spans that matter, from three sources.

``swap``: the vocabulary's largest first-order gains (HotFlip, Ebrahimi et al. 2018; AutoPrompt).
``fluent``: what the target model itself would write there (GradPO's prob variant; GReaTer's
proposals), read from a rendering in which no row stands but the prompt's demonstrations, ordered by
first-order gain where it is known. ``delete``: the span left out.
A gradient only proposes: each edit is verified by a forward pass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from appliance.encode.tokens import Tokeniser
from appliance.errors import PromptError
from appliance.evaluate.workbench import Workbench
from appliance.prompts.prompt import YES_NO, Prompt
from appliance.prompts.render import literals, replace_literal
from appliance.prompts.slots import label_words
from appliance.refine.gradient import Gradient
from appliance.refine.spans import Span
from appliance.task import Task
from models.engine import Propose

NEXT = 12
SWAPS = FLUENT = 3


class Edit(msgspec.Struct, frozen=True):
    prompt: Prompt
    operator: str
    section: str


def propose(
    bench: Workbench,
    tokeniser: Tokeniser,
    task: Task,
    prompt: Prompt,
    found: Gradient,
    spans: Sequence[Span],
) -> list[Edit]:
    """Edits of all spans, the most promising span first. Those that leave no valid prompt, or that
    change nothing, are left out."""
    first = [min(span.tokens, key=lambda n: found.owners[n][1]) for span in spans]
    contexts = [(at, found.before[n]) for at, n in enumerate(first) if found.before[n]]
    fluent: dict[int, list[int]] = {}
    if contexts:
        request = Propose(tuple(context for _, context in contexts), NEXT)
        replies = bench.propose("search", request).tokens
        for (at, _), likeliest in zip(contexts, replies, strict=True):
            fluent[at] = [token for token, _ in likeliest]
    edits: list[Edit] = []
    for at, span in enumerate(spans):
        if _is_protected(task, prompt, span):
            continue
        gains = dict(found.reply.swaps[span.peak])
        likely = sorted(fluent.get(at, []), key=lambda token: -gains.get(token, 0.0))
        original = literals(prompt)[span.literal].text.encode()[span.start : span.end]
        for operator, tokens, where in (
            ("swap", [t for t, gain in gains.items() if gain > 0], found.owners[span.peak][1:]),
            ("fluent", likely, (span.start, span.end)),
        ):
            texts = tokeniser.decode([[token] for token in tokens]) if tokens else []
            kept = [text for text in texts if text.encode() != original and _can_stand(text)]
            for text in kept[: SWAPS if operator == "swap" else FLUENT]:
                edits += _edit(prompt, span.literal, where, text, operator)
        edits += _edit(prompt, span.literal, (span.start, span.end), "", "delete")
    unique = {edit.prompt.id: edit for edit in reversed(edits) if edit.prompt.id != prompt.id}
    return list(reversed(unique.values()))


def _is_protected(task: Task, prompt: Prompt, span: Span) -> bool:
    """Whether the span reaches into a word that answers are written with: an instruction that names
    others would ask for what is not scored."""
    text = literals(prompt)[span.literal].text
    bounds = (
        [len(text[:at].encode()) for at in found.span()]
        for word in _answer_words(task, prompt)
        for found in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE)
    )
    return any(start < span.end and span.start < end for start, end in bounds)


def _answer_words(task: Task, prompt: Prompt) -> set[str]:
    """Labels both as the prompt's rule writes them and as they are."""
    if prompt.form == "yesno":
        return set(prompt.words or YES_NO)
    if prompt.form == "written":
        return set()
    names = [label.name for label in task.labels]
    return {*label_words(prompt, task, names), *map(task.words_of, names)}


def _can_stand(text: str) -> bool:
    return (
        bool(text)
        and "{" not in text
        and "}" not in text
        and "\ufffd" not in text
        and (text.isprintable() or text.isspace())
    )


def _edit(
    prompt: Prompt, literal: int, where: Sequence[int], text: str, operator: str
) -> list[Edit]:
    owned = literals(prompt)[literal]
    data = owned.text.encode()
    changed = data[: where[0]] + text.encode() + data[where[1] :]
    try:
        edited = replace_literal(prompt, literal, changed.decode())
    except (PromptError, UnicodeDecodeError):
        return []
    return [Edit(edited, operator, owned.where)]
