"""Answers that a model writes: what it is asked to write, and what was meant by it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.encode.renderer import Renderer
from appliance.kinds import KINDS
from appliance.prompts.entities import write_json
from appliance.prompts.prompt import Prompt, split_slots
from appliance.scoring import entities, matching, reading
from appliance.scoring.grammars import json_grammar, tags_grammar
from appliance.scoring.outcomes import Written
from appliance.task import Case, Task
from models.engine import Generate

REASONING = 96
"""The most tokens of reasoning."""

Tokens = tuple[int, ...]


def answers_are_written(task: Task, prompt: Prompt) -> bool:
    """Whether answers are written; they may be scored after reasoning that is written."""
    return prompt.form == "written" and task.match != "choice"


def longest_answer(renderer: Renderer, prompt: Prompt, cases: Sequence[Case]) -> int:
    """The most tokens that an answer to one of the cases may have; 0 where answers are scored."""
    task = renderer.task
    if not answers_are_written(task, prompt):
        return 0
    kind = KINDS[task.kind]
    # Text with tags may have these beyond the tokens of the text.
    tagged = kind.comparison == "entities" and prompt.output == "tags"
    return kind.longest + (renderer.longest_text(cases) if tagged else 0)


def thinking(prompt: Prompt, openings: Sequence[Tokens]) -> Generate:
    """Asks for the likeliest reasoning, up to where the prompt draws the answer out of it."""
    first = split_slots(prompt.example)[0][0].strip()
    stops = (prompt.extractor.strip(), first)
    return _written(openings, REASONING, tuple(dict.fromkeys(filter(None, stops))))


def request(task: Task, prompt: Prompt, openings: Sequence[Tokens], most: int) -> Generate:
    """Asks for the likeliest answers, each on one line of at most ``most`` tokens."""
    asked = _written(openings, most, ("\n",))
    if KINDS[task.kind].comparison != "entities":
        return asked
    types = [label.name for label in task.labels]
    grammar = json_grammar(types) if prompt.output == "json" else tags_grammar(types)
    return msgspec.structs.replace(asked, grammar=grammar)


def read(task: Task, prompt: Prompt, case: Case, written: str, nll: float) -> Written:
    """What was meant by ``written``, held against the right answer, whose loss is ``nll``: its
    negative log-probability by its ``units``, in nats."""
    row = case.query
    written = written.rstrip().removesuffix(prompt.separator.strip())
    match KINDS[task.kind].comparison:
        case "match":
            predicted = matching.predicted(written, task.match)
            right = matching.matches(predicted, row.answers, task.match)
            exact, credit = right, float(right)
        case "quote":
            predicted = written.strip()
            exact = reading.exact_match(predicted, row.answers)
            credit = reading.token_f1(predicted, row.answers)
        case _:
            return _entities(task, prompt, case, written, nll)
    counts = (1, 0, 0) if exact else (0, 1, 1)
    return Written(case.id, predicted, round(credit, 4), exact, counts, round(nll, 4))


def units(case: Case) -> int:
    """What the right answer's -log p is divided by: what it says, whatever a prompt's form and its
    separator make of it.

    An answer has one unit for each word and one for its end. Entities have one for each type, one
    for each word, and one for there being no other."""
    row = case.query
    predicted = [row.text[start:end] for start, end, _ in row.spans]
    words = sum(len(reading.tokens(text)) for text in (*predicted, *row.answers[:1]))
    return 1 + len(predicted) + words


def _entities(task: Task, prompt: Prompt, case: Case, written: str, nll: float) -> Written:
    types = [label.name for label in task.labels]
    parse = entities.read_json if prompt.output == "json" else entities.read_tags
    found = parse(written, case.query.text, types)
    counts = entities.counts(case.query.spans, found, case.query.text)
    hit, wrong, missed = counts
    credit = 2 * hit / (2 * hit + wrong + missed) if any(counts) else 1.0
    shown = write_json(found, case.query.text)
    exact = wrong == missed == 0
    return Written(case.id, shown, round(credit, 4), exact, counts, round(nll, 4))


def _written(openings: Sequence[Tokens], most: int, stops: tuple[str, ...]) -> Generate:
    return Generate(prompts=tuple(openings), max_tokens=most, temperature=0.0, stop=stops)
