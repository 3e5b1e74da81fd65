"""``mutate``: local search, which changes one of the leader's rules, its shape or its
demonstrations."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from appliance.prompts.by_states import beginning
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

AT_ONCE = 8
"""Neighbours that differ only behind a row's text, where hidden states are read without any row in
the prompt: eight of them cost as much as two or three that are asked alone."""

DRAWS = 200
"""How many neighbours are drawn for these at most; a space may have fewer of them."""


def propose(lab: Lab, policy: Policy = UNIFORM) -> Turns:
    while True:
        leader = lab.leader
        prompt = leader.prompt
        space = lab.space_for(prompt)
        option = policy.choose(lab, options(prompt, lab.demonstrations, space))
        found = [mutate(prompt, option, lab.demonstrations, lab.random, space)]
        if option == "example":
            found += [(each, option) for each in behind_the_text(prompt, lab.random, space)]
        scored = yield [Proposal(each, "mutate", section, (leader,)) for each, section in found]
        for candidate in scored:
            policy.learn(option, candidate)


def behind_the_text(prompt: Prompt, random: Random, space: Space) -> list[Prompt]:
    """Neighbours of a prompt that differ from it only behind a row's text; none where that saves
    nothing."""
    if (start := beginning(prompt)) is None:
        return []
    drawn = (mutate(prompt, "example", {}, random, space)[0] for _ in range(DRAWS))
    alike = dict.fromkeys(each for each in drawn if beginning(each) == start)
    alike.pop(prompt, None)
    return list(alike)[: AT_ONCE - 1]


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
