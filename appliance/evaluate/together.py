"""Several prompts asked in one request."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.encode.renderer import Renderer
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence, read_states
from appliance.scoring.predict import Asked
from appliance.scoring.replies import read_scores
from appliance.task import Case
from models.engine import Hidden, Score, Scores, Segment, States


def evidence_together(
    ask: Asked, renderer: Renderer, prompts: Sequence[Prompt], cases: Sequence[Case]
) -> list[list[Evidence]]:
    """The evidence of each prompt, from one request for all those that read label words and one for
    all those that read hidden states. Nothing may be written under any of them. The engine finds
    what their renderings share."""
    hidden = [prompt for prompt in prompts if prompt.readout == "hidden"]
    words = [prompt for prompt in prompts if prompt.readout != "hidden"]
    of_hidden = iter(_states(ask, renderer, hidden, cases) if hidden else ())
    of_words = iter(_outcomes(ask, renderer, words, cases) if words else ())
    return [next(of_hidden if prompt.readout == "hidden" else of_words) for prompt in prompts]


def _outcomes(
    ask: Asked, renderer: Renderer, prompts: Sequence[Prompt], cases: Sequence[Case]
) -> list[list[Evidence]]:
    sheets = [renderer.sheet(prompt, cases) for prompt in prompts]
    segments: list[Segment] = []
    for sheet in sheets:
        segments += _moved(sheet.segments, len(segments))
    reply = ask.score(Score(tuple(segments)))
    found: list[list[Evidence]] = []
    at = 0
    for prompt, sheet in zip(prompts, sheets, strict=True):
        end = at + sum(segment.read > 0 for segment in sheet.segments)
        own = Scores(reply.logprobs[at:end], reply.unique, reply.decoded)
        found.append([*read_scores(renderer.task, prompt, sheet, own, cases)])
        at = end
    return found


def _states(
    ask: Asked, renderer: Renderer, prompts: Sequence[Prompt], cases: Sequence[Case]
) -> list[list[Evidence]]:
    segments: list[Segment] = []
    places: list[int] = []
    for prompt in prompts:
        request, first = renderer.hidden(prompt, cases), len(segments)
        segments += _moved(request.segments, first)
        places += (first + place for place in request.places)
    reply = ask.hidden(Hidden(tuple(segments), tuple(places)))
    size = 2 * reply.width * len(cases)
    return [
        [*read_states(renderer.task, cases, _part(reply, at * size, (at + 1) * size))]
        for at in range(len(prompts))
    ]


def _moved(segments: Sequence[Segment], by: int) -> list[Segment]:
    """The segments as they stand behind ``by`` others."""
    return [Segment(s.parent + by if s.parent >= 0 else -1, s.tokens, s.read) for s in segments]


def _part(reply: States, start: int, end: int) -> States:
    return States(reply.values[start:end], reply.width, reply.unique, reply.decoded)
