"""Operators that ask a reasoner for instructions.

``induce``: the reasoner is shown inputs with their right answers and asked for the instruction
that led to them (APE, Zhou et al. 2022; the initialisation of Dual-Phase Accelerated Prompt
Optimization, Yang et al. 2024, rebuilt from descriptions). ``rewrite``: it is shown the instruction
with rows that it got wrong and asked for a better one (ProTeGi, Pryzant et al. 2023). Only rows
that may ship are shown: what a reasoner has read it may repeat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from random import Random

import msgspec

from appliance.encode.frame import chat_frame
from appliance.encode.tokens import Tokeniser
from appliance.evaluate.workbench import Unanswerable, Workbench
from appliance.prompts.prompt import Prompt
from appliance.scoring.entities import write_json
from appliance.search.race import Candidate
from appliance.task import (
    BETWEEN,
    GOLD,
    Case,
    Kind,
    Task,
)
from models.engine import Generate

SHOWN = 4
SAMPLES = 4
MAX_TOKENS = 72
MAX_CHARACTERS = 400

_INDUCE = """I gave a friend an instruction. With it the friend answered these inputs correctly.

{rows}

{possible}Write the instruction that I gave, in one or two sentences. Write only the instruction."""

_POSSIBLE = "The possible answers are: {labels}.\n"

_REWRITE = """This instruction tells a model how to {work}:

"{instruction}"

With it the model got these inputs wrong:

{rows}

Write a better instruction, in one or two sentences. Write only the instruction."""


WORK: dict[Kind, str] = {
    "relation": "name the relation between two entities",
    "classify": "label texts",
    "answer": "answer questions",
    "spans": "list the named entities of texts",
    "reading": "answer questions about passages",
}


class Asked(msgspec.Struct, frozen=True):
    """What the reasoner is asked, and the cases whose rows it is shown."""

    text: str
    cases: tuple[Case, ...]


Operator = Callable[[Task, Candidate, Sequence[Case], Random], Asked | None]


def induce(task: Task, leader: Candidate, cases: Sequence[Case], random: Random) -> Asked | None:
    """The request for an instruction that explains right answers."""
    shippable = [case for case in cases if case.query.may_ship]
    if not shippable:
        return None
    shown = random.sample(shippable, min(SHOWN, len(shippable)))
    options = dict.fromkeys(option for case in shown for option in case.options)
    possible = _POSSIBLE.format(labels=_worded(task, options)) if options else ""
    text = _INDUCE.format(rows="\n".join(_row(task, case) for case in shown), possible=possible)
    return Asked(text, tuple(shown))


def rewrite(task: Task, leader: Candidate, cases: Sequence[Case], random: Random) -> Asked | None:
    """The request for a better instruction in view of what went wrong."""
    wrong = [
        (case, outcome.predicted(leader.fit))
        for case, outcome in zip(cases, leader.scored, strict=False)
        if case.query.may_ship and not outcome.correct(leader.fit)
    ]
    if not wrong:
        return None
    shown = random.sample(wrong, min(SHOWN, len(wrong)))
    rows = "\n".join(
        f"{_row(task, case)}\nThe model said: {_said(task, predicted)}" for case, predicted in shown
    )
    instruction = leader.prompt.section("task").replace("{labels}", "").strip() or "(none)"
    text = _REWRITE.format(work=WORK[task.kind], instruction=instruction, rows=rows)
    return Asked(text, tuple(case for case, _ in shown))


def instructed(prompt: Prompt, instruction: str) -> Prompt:
    """The prompt with another instruction in its task section, which lists the labels if it did."""
    listed = " {labels}" if "{labels}" in prompt.section("task") else ""
    return prompt.with_section("task", f"{instruction}{listed}\n\n")


OPERATORS: dict[str, Operator] = {"induce": induce, "rewrite": rewrite}


def ask(bench: Workbench, reasoner: Tokeniser, text: str, seed: int) -> list[str]:
    """Instructions out of the reasoner's replies, cleaned; those that no prompt can hold are left
    out, so that the list may be empty."""
    frame = chat_frame(reasoner)
    body = reasoner.encode([frame.lead + text + frame.trail], closed=True)[0][0]
    glue = reasoner.encode([frame.glue], closed=True)[0][0] if frame.glue else ()
    prompt = (*frame.before, *body, *(frame.between or ()), *glue)
    request = Generate(
        prompts=(prompt,), n=SAMPLES, max_tokens=MAX_TOKENS, seed=seed, stop=("\n\n",)
    )
    try:
        [written] = bench.generate("reasoner", request).written
    except Unanswerable:
        return []
    return list(dict.fromkeys(filter(None, (clean(w.text) for w in written))))


def clean(reply: str) -> str:
    """The first paragraph of a reply as an instruction, or nothing."""
    text = reply.strip().split("\n\n")[0].strip()
    text = re.sub(r"^(sure|here|the instruction)[^:\n]{0,60}:\s*", "", text, flags=re.IGNORECASE)
    text = text.strip().strip("\"'` ").replace("{", "(").replace("}", ")")
    text = " ".join(text.split())
    return text if 10 <= len(text) <= MAX_CHARACTERS and text.isprintable() else ""


def _row(task: Task, case: Case) -> str:
    row = case.query
    pair = "" if row.head is None else f" ({row.head_text}; {row.tail_text})"
    question = f"\nQuestion: {row.question}" if row.question else ""
    return f"Input: {row.text}{pair}{question}\nAnswer: {_right(task, case)}"


def _right(task: Task, case: Case) -> str:
    row = case.query
    if row.answers:
        return row.answers[0]
    if task.kind == "spans":
        return write_json(row.spans, row.text)
    return _worded(task, row.labels if task.several else (case.options[case.gold],))


def _said(task: Task, predicted: str) -> str:
    return _worded(task, predicted.split(BETWEEN)) if GOLD[task.kind] == "label" else predicted


def _worded(task: Task, labels: Iterable[str]) -> str:
    return ", ".join(map(task.words_of, filter(None, labels))) or "none"
