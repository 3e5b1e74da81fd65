"""``induce``: the reasoner is shown inputs with their right answers and writes the instruction that
led to them.

Sources: APE (Zhou et al., ICLR 2023); the initialisation of Dual-Phase Accelerated Prompt
Optimization (Yang et al. 2024), rebuilt from descriptions.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.search.candidate import Proposal
from appliance.search.frame import Method, Turns
from appliance.search.instructions import (
    MAX_TOKENS,
    SAMPLES,
    SHOWN,
    instructed,
    instructions,
    shown,
    worded,
)
from appliance.search.lab import Lab
from appliance.task import Case, Task

_TEXT = """I gave a friend an instruction. With it the friend answered these inputs correctly.

{rows}

{possible}Write the instruction that I gave, in one or two sentences. Write only the instruction."""

_POSSIBLE = "The possible answers are: {labels}.\n"


def propose(lab: Lab) -> Turns:
    while True:
        leader, cases = lab.leader, lab.examples(SHOWN)
        replies = (
            lab.write(question(lab.task, cases), n=SAMPLES, max_tokens=MAX_TOKENS, stop=("\n\n",))
            if cases
            else []
        )
        yield [
            Proposal(
                instructed(lab.task, leader.prompt, text), "induce", "task", (leader,), tuple(cases)
            )
            for text in instructions(replies)
        ]


def question(task: Task, cases: Sequence[Case]) -> str:
    """The request for an instruction that explains right answers."""
    options = dict.fromkeys(option for case in cases for option in case.options)
    possible = _POSSIBLE.format(labels=worded(task, options)) if options else ""
    return _TEXT.format(rows="\n".join(shown(task, case) for case in cases), possible=possible)


INDUCE = Method(propose, patience=3, written=SAMPLES)
