"""``portfolio``: the formats that are known to work, in their order, a few at a time, and the seed
prompt with its states read."""

from __future__ import annotations

from appliance.prompts.by_states import by_states
from appliance.search.candidate import Proposal
from appliance.search.frame import Method, Turns
from appliance.search.lab import Lab
from appliance.search.portfolio import portfolio

AT_ONCE = 4


def propose(lab: Lab) -> Turns:
    seed = lab.seed_prompt.prompt
    known = portfolio(lab.task, seed, lab.learnt, lab.lettered)
    able = [each for each in known if each.readout in lab.readouts]
    prompts = [each.prompt(lab.demonstrations) for each in able]
    if "hidden" in lab.readouts and (read := by_states(seed)):
        prompts.append(read)
    for at in range(0, len(prompts), AT_ONCE):
        yield [
            Proposal(prompt, "portfolio", "example", (lab.seed_prompt,))
            for prompt in prompts[at : at + AT_ONCE]
        ]


PORTFOLIO = Method(propose)
