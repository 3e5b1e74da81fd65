"""One user turn and the answer to it, as a chat template writes them.

The template is rendered up to where the model goes on (with the generation prompt), and with an
answer in the conversation. The second rendering shows what leads to an answer and what ends it.
"""

from __future__ import annotations

from typing import NamedTuple

from models.chat import ChatTemplateError, render_chat

CLOSING = {"<think>": "</think>", "<thought>": "</thought>", "[THINK]": "[/THINK]"}
"""How models begin and end their thoughts."""

CANNOT_SWITCH = (
    "its chat template cannot switch thinking off: answers are scored without a thought, and what "
    "it writes may begin with one"
)


class Turns(NamedTuple):
    """``before`` content ``between`` answer ``after``; ``note`` is what a person should know."""

    before: str
    between: str
    after: str
    note: str


def turns(template: str, bos_token: str = "", eos_token: str = "") -> Turns:
    """What stands around a user's content and the answer, which comes after any thought.

    Raises ChatTemplateError for a template that cannot be used.
    """

    def rendered(*roles: str, thinking: bool = False) -> list[str]:
        pieces = render_chat(
            template,
            [(role, "x") for role in roles],
            add_generation_prompt=roles[-1] == "user",
            bos_token=bos_token,
            eos_token=eos_token,
            thinking=thinking,
        )
        contents = [at for at, (_, message) in enumerate(pieces) if message is not None]
        edges = zip([-1, *contents], [*contents, len(pieces)], strict=True)
        return ["".join(text for text, _ in pieces[a + 1 : b]) for a, b in edges]

    before, begun = rendered("user")
    _, between, after = rendered("user", "assistant")
    if _mentions_thought(begun) and not _mentions_thought(between):
        between = begun
    between = _closed(between)
    off = _mentions_thought(between) or not _mentions_thought(template)
    switched = off or rendered("user", thinking=True) != [before, begun]
    return Turns(before, between, after, "" if switched else CANNOT_SWITCH)


def note(template: str) -> str:
    """What a person should know of a chat template before it is used."""
    try:
        return turns(template).note
    except ChatTemplateError as error:
        return f"its chat template cannot be used: {error}"


def _mentions_thought(text: str) -> bool:
    return any(mark in text for pair in CLOSING.items() for mark in pair)


def _closed(text: str) -> str:
    """The text with a thought that it leaves open made an empty one."""
    for opening, closing in CLOSING.items():
        before, mark, thought = text.rpartition(opening)
        if mark and closing not in thought:
            return f"{before}{opening}\n\n{closing}\n\n"
    return text
