"""What a chat template, or nothing, puts around a prompt's content and its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.encode.tokens import Tokeniser
from appliance.errors import InputError
from models.chat import ChatTemplateError, render_chat


@dataclass(frozen=True)
class Frame:
    """``before`` + [``lead`` content ``trail``] + ``between`` + [``glue`` answer] + ``end``.

    What stands in one bracket is tokenised as one string. A raw frame has no ``between``: there the
    answer continues the content's own string and ends with the prompt's separator.
    """

    before: tuple[int, ...] = ()
    lead: str = ""
    trail: str = ""
    between: tuple[int, ...] | None = None
    glue: str = ""
    end: int = -1


def raw_frame(tokeniser: Tokeniser) -> Frame:
    """Nothing but the token that starts every sequence, where the model asks for one."""
    bos = tokeniser.description.bos
    return Frame(before=() if bos is None else (bos,))


def chat_frame(tokeniser: Tokeniser) -> Frame:
    """The frame of one user turn that the assistant answers. Raises InputError where the model has
    no chat template that can be used."""
    description = tokeniser.description
    if not description.chat_template:
        raise InputError("this model has no chat template; use raw prompts with it")
    try:
        pieces = render_chat(description.chat_template, [("user", "x")], add_generation_prompt=True)
    except ChatTemplateError as error:
        raise InputError(f"this model's chat template cannot be used: {error}") from error
    at = next(i for i, (_, message) in enumerate(pieces) if message is not None)
    before, lead = _opening(tokeniser, "".join(text for text, _ in pieces[:at]))
    trail, between, glue = _closing(tokeniser, "".join(text for text, _ in pieces[at + 1 :]))
    end = between[0] if between else description.eos
    if end is None:
        raise InputError("this model's chat template has no token that ends a turn")
    return Frame(before, lead, trail, between, glue, end)


def _opening(tokeniser: Tokeniser, text: str) -> tuple[tuple[int, ...], str]:
    parts = _split(tokeniser, text)
    return _ids(tokeniser, parts[:-1]), parts[-1]


def _closing(tokeniser: Tokeniser, text: str) -> tuple[str, tuple[int, ...], str]:
    parts = _split(tokeniser, text)
    return parts[0], _ids(tokeniser, parts[1:-1]), parts[-1] if len(parts) > 1 else ""


def _split(tokeniser: Tokeniser, text: str) -> list[str]:
    """Literal text and special tokens in turn, literal first and last."""
    specials = sorted(filter(None, tokeniser.description.specials), key=len, reverse=True)
    return re.split("(" + "|".join(map(re.escape, specials)) + ")", text) if specials else [text]


def _ids(tokeniser: Tokeniser, parts: list[str]) -> tuple[int, ...]:
    ids: list[int] = []
    for part in parts:
        special = tokeniser.description.specials.get(part)
        ids += tokeniser.encode([part], closed=True)[0][0] if special is None else (special,)
    return tuple(ids)
