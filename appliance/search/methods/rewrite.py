"""``rewrite``: the reasoner is shown the leader's instruction with rows that it got wrong, and
writes a better one.

Source: ProTeGi (Pryzant et al., EMNLP 2023), its gradient and its edit in one request.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.kinds import KINDS
from appliance.prompts.prompt import Prompt
from appliance.search.candidate import Proposal
from appliance.search.frame import Method, Turns
from appliance.search.instructions import (
    MAX_TOKENS,
    SAMPLES,
    SHOWN,
    instructed,
    instructions,
    predicted_words,
    shown,
)
from appliance.search.lab import Failure, Lab
from appliance.task import Task

_TEXT = """This instruction tells a model how to {work}:

"{instruction}"

With it the model got these inputs wrong:

{rows}

Write a better instruction, in one or two sentences. Write only the instruction."""


def propose(lab: Lab) -> Turns:
    while True:
        leader = lab.leader
        wrong = lab.failures(leader, SHOWN)
        asked = question(lab.task, leader.prompt, wrong)
        replies = (
            lab.write(asked, n=SAMPLES, max_tokens=MAX_TOKENS, stop=("\n\n",)) if wrong else []
        )
        source = tuple(failure.case for failure in wrong)
        yield [
            Proposal(
                instructed(lab.task, leader.prompt, text), "rewrite", "task", (leader,), source
            )
            for text in instructions(replies)
        ]


def question(task: Task, prompt: Prompt, wrong: Sequence[Failure]) -> str:
    """The request for a better instruction in view of what went wrong."""
    rows = "\n".join(
        f"{shown(task, failure.case)}\nThe model said: {predicted_words(task, failure.predicted)}"
        for failure in wrong
    )
    instruction = prompt.section("task").replace("{labels}", "").strip() or "(none)"
    return _TEXT.format(work=KINDS[task.kind].work, instruction=instruction, rows=rows)


REWRITE = Method(propose, patience=3, written=SAMPLES)
