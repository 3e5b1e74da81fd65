"""Finds cases that are too long for a model under a prompt. It looks at lengths alone, so the test
split may be checked before its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from appliance.encode.renderer import Renderer
from appliance.errors import InputError
from appliance.evaluate.cost import longest
from appliance.evaluate.evaluator import BLOCK
from appliance.prompts.prompt import Prompt
from appliance.task import Case, Split

SHOWN = 10
"""The most rows that a message names."""


def lengths(renderer: Renderer, prompt: Prompt, cases: Sequence[Case]) -> Iterator[int]:
    """The tokens that each case needs; those that the model may write count. The first case is
    looked at alone: where a prompt is too long for all, that is known at once."""
    for start, end in pairwise([0, *range(1, len(cases), BLOCK), len(cases)]):
        block = cases[start:end]
        for case, length in zip(block, renderer.lengths(prompt, block), strict=True):
            yield length + longest(renderer, prompt, [case])


def fits(renderer: Renderer, prompt: Prompt, cases: Sequence[Case]) -> bool:
    """Whether the model's context holds every case."""
    limit = renderer.tokeniser.description.context
    return all(length <= limit for length in lengths(renderer, prompt, cases))


def check_lengths(
    renderer: Renderer, prompt: Prompt, splits: Mapping[Split, Sequence[Case]], model: str
) -> int:
    """Returns the most tokens that a case needs. Raises InputError with all the cases that need
    more than the model's context holds."""
    limit = renderer.tokeniser.description.context
    own = "".join([*(section.text for section in prompt.sections), prompt.example])
    [(ids, _)] = renderer.tokeniser.encode([own], closed=True)
    if len(ids) > limit:
        raise InputError(
            f"this prompt alone takes more than the {limit} tokens of the context of {model}; "
            "shorten it"
        )
    found = [
        (split, case, length)
        for split, cases in splits.items()
        for case, length in zip(cases, lengths(renderer, prompt, cases), strict=True)
    ]
    long = [(split, case, length) for split, case, length in found if length > limit]
    if not long:
        return max(length for _, _, length in found)
    lines = [f'{split}, {n} tokens: "{case.query.text[:60]}"' for split, case, n in long[:SHOWN]]
    if len(long) > SHOWN:
        lines.append(f"and {len(long) - SHOWN} more")
    remedy = "shorten the prompt or these rows, or leave them out"
    if prompt.shots or any(case.support for _, case, _ in long):
        remedy += ", or show fewer demonstrations"
    raise InputError(
        f"with this prompt {len(long)} of {len(found)} rows take more than the {limit} tokens of "
        f"the context of {model}; {remedy}:\n  " + "\n  ".join(lines)
    )
