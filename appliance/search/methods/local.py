"""``mutate``: local search, which changes one of the leader's rules, its shape or its
demonstrations."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from appliance.prompts.prompt import Prompt
from appliance.search.candidate import Proposal
from appliance.search.frame import Method, Turns
from appliance.search.lab import Lab
from appliance.search.policy import Policy, Uniform
from appliance.search.shots import Demonstrations, other_shots
from appliance.search.spaces.space import JOINS, Space, choose_point, example

SECTION_OF = {"wording": "labels", "order": "demonstrations"}
"""The section in which a rule of a prompt shows. All other rules show in the example."""

UNIFORM = Uniform()


def propose(lab: Lab, policy: Policy = UNIFORM) -> Turns:
    while True:
        leader = lab.leader
        prompt = leader.prompt
        space = lab.space_for(prompt)
        option = policy.choose(lab, options(prompt, lab.demonstrations, space))
        changed, section = mutate(prompt, option, lab.demonstrations, lab.random, space)
        [candidate] = yield [Proposal(changed, "mutate", section, (leader,))]
        policy.learn(option, candidate)


def options(prompt: Prompt, demonstrations: Demonstrations, space: Space) -> list[str]:
    """The parts of a prompt that can be changed. One that stands several times is likelier."""
    if prompt.readout == "hidden":
        shows = {"order": bool(prompt.shots)}
        shows["wording"] = shows["order"] or "{labels}" in prompt.section("task")
        found = ["example", "task", *(["end"] if prompt.shots else [])]
        found += [rule for rule, is_seen in shows.items() if is_seen and rule in space.rules]
    else:
        found = ["example", "end", "task", *space.rules]
    if "{labels}" in prompt.section("task"):
        found.append("join")
    if space.words:
        found.append("words")
    if space.channels and prompt.mode == "raw" and prompt.readout == "words":
        found.append("channel")
    if any(demonstrations.values()):
        # Most of what a fixed task's prompt can still gain lies in which rows it shows.
        found += ["shots"] * 4
    return found


def mutate(
    prompt: Prompt, option: str, demonstrations: Demonstrations, random: Random, space: Space
) -> tuple[Prompt, str]:
    """A neighbour of a prompt, and the section that differs."""
    match option:
        case "example":
            point = choose_point(lambda _, options: random.choice(list(options)), (), space)
            return replace(prompt, example=example(point, space, prompt.separator)), option
        case "end":
            end = space.ends[random.choice(list(space.ends))]
            return replace(prompt, example=f"{prompt.stem}{{{prompt.target}}}{end}"), "example"
        case "task":
            return prompt.with_section(
                "task", space.heads[random.choice(list(space.heads))]
            ), option
        case "join":
            return replace(prompt, join=JOINS[random.choice(list(JOINS))]), "labels"
        case "words":
            return replace(prompt, words=space.words[random.choice(list(space.words))]), "labels"
        case "channel":
            return replace(
                prompt, reverse=random.choice(("", *space.channels)), channel_weight=0.0
            ), option
        case "shots":
            return replace(
                prompt, shots=other_shots(prompt.shots, demonstrations, random)
            ), "demonstrations"
        case rule:
            value = random.choice(space.rules[rule])
            return replace(prompt, **{rule: value}), SECTION_OF.get(rule, "example")


LOCAL = Method(propose, patience=60)
