"""The one way from a prompt and cases to what a model says to them, in a run as on a device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from appliance.encode.renderer import Renderer
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import State, read_states
from appliance.scoring.hidden import read as read_hidden
from appliance.scoring.likeness import likenesses, with_likeness
from appliance.scoring.outcomes import Outcome, RunnerUp
from appliance.scoring.replies import read_scores, totals
from appliance.scoring.written import (
    answers_are_written,
    longest_answer,
    read,
    request,
    thinking,
    units,
)
from appliance.task import Case, Example
from models.engine import Generate, Generated, Hidden, Score, Scores, States


class Asked(Protocol):
    """One model that is asked: an engine on a device, a role of the workbench in a run."""

    def score(self, request: Score) -> Scores: ...
    def hidden(self, request: Hidden) -> States: ...
    def generate(self, request: Generate) -> Generated: ...


class Answer(msgspec.Struct, frozen=True):
    """The answer to a row.

    ``text`` is a label, several of them joined by ``task.BETWEEN``, one of the row's choices, or
    what was written, entities as JSON. It is ``task.MULTIPLE`` where yes is said of several labels
    and only one can hold. ``probability`` is that of the answer, None where it was written. An
    answer is ``withheld`` where its probability is below the prompt's abstention threshold.
    ``runner_up`` is what would have been answered next, None where nothing else was offered, and
    ``margin`` says how clear the answer is, from 0 to 1; None where it was written.
    """

    text: str
    probability: float | None
    withheld: bool
    runner_up: RunnerUp | None = None
    margin: float | None = None


def predict(
    ask: Asked,
    renderer: Renderer,
    prompt: Prompt,
    row: Example,
    *,
    labels: tuple[str, ...] | None = None,
    support: tuple[Example, ...] = (),
) -> Answer:
    """What the prompt answers to a row, of which nothing that is to be predicted is looked at.

    ``labels`` are those that the row may have, None for all of the task's; ``support`` are an
    episode's labelled rows. What ``ask`` and the renderer raise is passed on.
    """
    [answer] = predict_rows(ask, renderer, prompt, [row], labels=labels, support=support)
    return answer


def predict_rows(
    ask: Asked,
    renderer: Renderer,
    prompt: Prompt,
    rows: Sequence[Example],
    *,
    labels: tuple[str, ...] | None = None,
    support: tuple[Example, ...] = (),
) -> list[Answer]:
    """One answer a row, as ``predict`` gives it, out of one request for all of them."""
    task = renderer.task
    every = tuple(label.name for label in task.labels)
    names = every if labels is None else labels
    if prompt.bias and names != every:
        no_bias = task.none if prompt.form == "yesno" else None
        bias = dict(zip((y for y in every if y != no_bias), prompt.bias, strict=True))
        own = tuple(bias[name] for name in names if name != no_bias)
        prompt = msgspec.structs.replace(prompt, bias=own)
    if prompt.map and names != every:
        # The map belongs to states of prompts that list all labels.
        cases = [Case(without_gold(row), every, support) for row in rows]
        found = outcomes(ask, renderer, prompt, cases)
        possible = tuple(y for y in names if not (task.several and y == task.none))
        return [_answer(outcome.among(possible), prompt) for outcome in found]
    cases = [Case(without_gold(row), names, support) for row in rows]
    if answers_are_written(task, prompt):
        # The right answer is not known, so its loss, which an outcome holds, cannot be asked for.
        texts = _write(ask, renderer, prompt, cases, reason(ask, renderer, prompt, cases))
        return [
            Answer(read(task, prompt, case, text, nll=0.0).text, None, False)
            for case, text in zip(cases, texts, strict=True)
        ]
    return [_answer(outcome, prompt) for outcome in outcomes(ask, renderer, prompt, cases)]


def _answer(outcome: Outcome, prompt: Prompt) -> Answer:
    probability = outcome.confidence(prompt)
    withheld = probability is not None and probability < prompt.abstain
    return Answer(
        outcome.predicted(prompt),
        probability,
        withheld,
        outcome.runner_up(prompt),
        outcome.margin(prompt),
    )


def outcomes(
    ask: Asked, renderer: Renderer, prompt: Prompt, cases: Sequence[Case]
) -> list[Outcome]:
    """One outcome a case, out of one request of each kind that the prompt needs: for reasoning, for
    scores, for hidden states and for written answers."""
    task = renderer.task
    if prompt.readout == "hidden":
        return read_hidden(prompt, states(ask, renderer, prompt, cases))
    reasoning = reason(ask, renderer, prompt, cases)
    sheet = renderer.sheet(prompt, cases, reasoning)
    reply = ask.score(Score(sheet.segments))
    if not answers_are_written(task, prompt):
        found = read_scores(task, prompt, sheet, reply, cases)
        if prompt.likeness is None:
            return found
        return with_likeness(found, cases, likenesses(ask, renderer, prompt.likeness, cases))
    texts = _write(ask, renderer, prompt, cases, reasoning)
    total = totals(sheet, reply)
    return [
        read(task, prompt, case, text, -total[answer] / units(case))
        for case, text, [(answer,)] in zip(cases, texts, sheet.plain, strict=True)
    ]


def states(ask: Asked, renderer: Renderer, prompt: Prompt, cases: Sequence[Case]) -> list[State]:
    """The hidden state before each case's answer, out of one request."""
    return read_states(renderer.task, cases, ask.hidden(renderer.hidden(prompt, cases)))


def reason(
    ask: Asked, renderer: Renderer, prompt: Prompt, cases: Sequence[Case]
) -> list[str] | None:
    """What the model writes before each case's answer; None where the prompt asks for no
    reasoning."""
    if "reasoning" not in prompt.slots:
        return None
    wanted = thinking(prompt, renderer.openings(prompt, cases))
    return [continuation.text.strip() for [continuation] in ask.generate(wanted).written]


def answers_request(
    renderer: Renderer, prompt: Prompt, cases: Sequence[Case], reasoning: Sequence[str] | None
) -> Generate:
    """What asks for the answers to cases under a prompt that has them written."""
    openings = renderer.openings(prompt, cases, reasoning)
    return request(renderer.task, prompt, openings, longest_answer(renderer, prompt, cases))


def _write(
    ask: Asked,
    renderer: Renderer,
    prompt: Prompt,
    cases: Sequence[Case],
    reasoning: Sequence[str] | None,
) -> list[str]:
    wanted = answers_request(renderer, prompt, cases, reasoning)
    return [continuation.text for [continuation] in ask.generate(wanted).written]


def without_gold(row: Example) -> Example:
    """The row with nothing of what is to be predicted. A question with choices keeps one of them as
    its answer, since a case has a right option, which no answer depends on."""
    return msgspec.structs.replace(
        row, label="", labels=(), answers=row.choices[:1], reasoning="", spans=()
    )
