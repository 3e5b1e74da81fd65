"""Operators that ask a reasoner for instructions.

``induce``: the reasoner is shown inputs with their right answers and asked for the instruction
that led to them (APE, Zhou et al. 2022; the initialisation of Dual-Phase Accelerated Prompt
Optimization, Yang et al. 2024, rebuilt from descriptions). ``rewrite``: it is shown the instruction
with rows that it got wrong and asked for a better one (ProTeGi, Pryzant et al. 2023; Dual-Phase's
sentence revision).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from appliance.frame import chat_frame
from appliance.render import worded
from appliance.search.contest import Candidate
from appliance.task import Case
from appliance.tokens import Tokeniser
from appliance.workbench import Workbench
from models.engine import Generate

SHOWN = 4
SAMPLES = 4
MAX_TOKENS = 72
MAX_CHARACTERS = 400

_INDUCE = """I gave a friend an instruction. With it the friend answered these inputs correctly.

{rows}

The possible answers are: {labels}.
Write the instruction that I gave, in one or two sentences. Write only the instruction."""

_REWRITE = """This instruction tells a model how to name the relation between two entities:

"{instruction}"

With it the model got these inputs wrong:

{rows}

Write a better instruction, in one or two sentences. Write only the instruction."""

Operator = Callable[[Candidate, Sequence[Case], Random], str]


def induce(leader: Candidate, cases: Sequence[Case], random: Random) -> str:
    """The request for an instruction that explains right answers."""
    shown = random.sample(list(cases), min(SHOWN, len(cases)))
    labels = ", ".join(dict.fromkeys(case.query.label for case in cases))
    return _INDUCE.format(rows="\n".join(map(_row, shown)), labels=labels)


def rewrite(leader: Candidate, cases: Sequence[Case], random: Random) -> str:
    """The request for a better instruction in view of what went wrong."""
    weight = leader.weight
    wrong = [
        f"{_row(case)}\nThe model said: {worded('plain', case.labels[scored.choice(weight)])}"
        for case, scored in zip(cases, leader.scored, strict=False)
        if not scored.correct(weight)
    ]
    shown = random.sample(wrong, min(SHOWN, len(wrong)))
    instruction = leader.prompt.section("task").replace("{labels}", "").strip() or "(none)"
    return _REWRITE.format(instruction=instruction, rows="\n".join(shown))


OPERATORS: dict[str, Operator] = {"induce": induce, "rewrite": rewrite}


def ask(bench: Workbench, reasoner: Tokeniser, text: str, seed: int) -> list[str]:
    """Instructions out of the reasoner's replies, cleaned; those that no prompt can hold are left
    out, so that the list may be empty."""
    frame = chat_frame(reasoner)
    body = reasoner.encode([frame.lead + text + frame.trail], closed=True)[0][0]
    glue = reasoner.encode([frame.glue], closed=True)[0][0] if frame.glue else ()
    prompt = (*frame.before, *body, *(frame.between or ()), *glue)
    request = Generate(prompt=prompt, n=SAMPLES, max_tokens=MAX_TOKENS, seed=seed, stop=("\n\n",))
    cleaned = (clean(reply) for reply in bench.generate("reasoner", request).texts)
    return list(dict.fromkeys(filter(None, cleaned)))


def clean(reply: str) -> str:
    """The first paragraph of a reply as an instruction, or nothing."""
    text = reply.strip().split("\n\n")[0].strip()
    text = re.sub(r"^(sure|here|the instruction)[^:\n]{0,60}:\s*", "", text, flags=re.IGNORECASE)
    text = text.strip().strip("\"'` ").replace("{", "(").replace("}", ")")
    text = " ".join(text.split())
    return text if 10 <= len(text) <= MAX_CHARACTERS and text.isprintable() else ""


def _row(case: Case) -> str:
    query = case.query
    return f"Input: {query.text} ({query.head_text}; {query.tail_text})\nAnswer: {query.label}"
