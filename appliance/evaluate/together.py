"""Several prompts asked in one request."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.encode.renderer import Renderer
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome
from appliance.scoring.predict import Asked
from appliance.scoring.replies import read_scores
from appliance.task import Case
from models.engine import Score, Scores, Segment


def outcomes_together(
    ask: Asked, renderer: Renderer, prompts: Sequence[Prompt], cases: Sequence[Case]
) -> list[list[Outcome]]:
    """The outcomes of each prompt, from one request. Nothing may be written under any of them. The
    engine finds what their renderings share."""
    sheets = [renderer.sheet(prompt, cases) for prompt in prompts]
    segments: list[Segment] = []
    for sheet in sheets:
        first = len(segments)
        segments += (
            Segment(s.parent + first if s.parent >= 0 else -1, s.tokens, s.read)
            for s in sheet.segments
        )
    reply = ask.score(Score(tuple(segments)))
    found, at = [], 0
    for prompt, sheet in zip(prompts, sheets, strict=True):
        end = at + sum(segment.read > 0 for segment in sheet.segments)
        own = Scores(reply.logprobs[at:end], reply.unique, reply.decoded)
        found.append(read_scores(renderer.task, prompt, sheet, own, cases))
        at = end
    return found
