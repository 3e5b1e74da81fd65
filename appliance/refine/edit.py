"""Local edits of the spans that matter, by three operators.

``swap`` puts in the tokens with the largest first-order gains (HotFlip, Ebrahimi et al. 2018;
AutoPrompt). ``fluent`` puts in what the target model itself would write there (GradPO's prob
variant; GReaTer's proposals), ordered by first-order gain where it is known; the model reads a
rendering whose only rows are the prompt's demonstrations. ``delete`` leaves the span out.
A gradient only proposes: each edit is verified by a forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from appliance.errors import PromptError
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import literals
from appliance.prompts.units import literal_unit, occurrences, protected_words, replace
from appliance.refine.gradient import Gradient
from appliance.refine.locate import Span
from appliance.refine.vocabulary import Vocabulary
from appliance.task import Task

NEXT = 12
SWAPS = FLUENT = 3


class Edited(msgspec.Struct, frozen=True):
    """A prompt with one span of a ``section`` changed by an ``operator``."""

    prompt: Prompt
    operator: str
    section: str


Edit = Callable[[Vocabulary, Task, Prompt, Gradient, Sequence[Span]], list[Edited]]
"""Makes edits of the spans of a prompt, the most promising first."""


def local_edits(
    vocabulary: Vocabulary,
    task: Task,
    prompt: Prompt,
    found: Gradient,
    spans: Sequence[Span],
) -> list[Edited]:
    """Edits of all spans, the most promising span first. Those that leave no valid prompt, or that
    change nothing, are left out."""
    first = [min(span.tokens, key=lambda n: found.owners[n][1]) for span in spans]
    contexts = {at: found.before[n] for at, n in enumerate(first) if found.before[n]}
    likeliest = vocabulary.likeliest(contexts.values(), NEXT)
    fluent = dict(zip(contexts, likeliest, strict=True))
    edits: list[Edited] = []
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
            texts = vocabulary.spell(tokens)
            kept = [text for text in texts if text.encode() != original and _can_stand(text)]
            for text in kept[: SWAPS if operator == "swap" else FLUENT]:
                edits += _edit(prompt, span.literal, where, text, operator)
        edits += _edit(prompt, span.literal, (span.start, span.end), "", "delete")
    unique = {edit.prompt.id: edit for edit in reversed(edits) if edit.prompt.id != prompt.id}
    return list(reversed(unique.values()))


def _is_protected(task: Task, prompt: Prompt, span: Span) -> bool:
    """Whether the span overlaps a word in which answers are written."""
    text = literals(prompt)[span.literal].text
    bounds = (
        [len(text[:at].encode()) for at in found]
        for found in occurrences(protected_words(task, prompt), text)
    )
    return any(start < span.end and span.start < end for start, end in bounds)


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
) -> list[Edited]:
    owned = literals(prompt)[literal]
    data = owned.text.encode()
    changed = data[: where[0]] + text.encode() + data[where[1] :]
    try:
        edited = replace(prompt, literal_unit(prompt, literal), changed.decode())
    except (PromptError, UnicodeDecodeError):
        return []
    return [Edited(edited, operator, owned.where)]
