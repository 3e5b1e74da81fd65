"""What a chat template, or nothing, puts around a prompt's content and its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.encode.tokens import Tokeniser
from appliance.encode.turns import turns
from appliance.errors import InputError
from models.chat import ChatTemplateError


@dataclass(frozen=True)
class Frame:
    """``before`` + [``lead`` content ``trail``] + ``between`` + [``glue`` answer ``tail``] + end.

    What stands in one bracket is tokenised as one string. Without ``between`` both brackets are
    one: the answer continues the content's own string. A raw frame has no ``end``: there an answer
    ends with the prompt's separator. ``note`` is what a person should know of the template.
    """

    before: tuple[int, ...] = ()
    lead: str = ""
    trail: str = ""
    between: tuple[int, ...] = ()
    glue: str = ""
    tail: str = ""
    end: int | None = None
    note: str = ""


def raw_frame(tokeniser: Tokeniser) -> Frame:
    """Nothing but the token that starts every sequence, where the model asks for one."""
    return Frame(before=_begun(tokeniser, ()))


def chat_frame(tokeniser: Tokeniser) -> Frame:
    """The frame of one user turn that the assistant answers. Raises InputError where the model has
    no chat template that can be used."""
    model = tokeniser.description
    if not model.chat_template:
        raise InputError("this model has no chat template; use raw prompts with it")
    try:
        texts = turns(model.chat_template, model.bos_token, model.eos_token)
    except ChatTemplateError as error:
        raise InputError(f"this model's chat template cannot be used: {error}") from error
    *opening, lead = _split(tokeniser, texts.before)
    trail, *middle = _split(tokeniser, texts.between)
    tail, *ending = _split(tokeniser, texts.after)
    end = model.specials[ending[0]] if ending else model.eos
    if end is None:
        raise InputError(
            "this model's chat template ends an answer with no special token, and the model has no "
            "end-of-sequence token; use raw prompts with it"
        )
    return Frame(
        before=_begun(tokeniser, _ids(tokeniser, opening)),
        lead=lead,
        trail=trail,
        between=_ids(tokeniser, middle[:-1]),
        glue=middle[-1] if middle else "",
        tail=tail if ending else tail.rstrip(),
        end=end,
        note=texts.note,
    )


def opened(
    tokeniser: Tokeniser, frame: Frame, contents: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    """The token ids of each content up to where a model goes on.

    They end without a space, since the first word that is written takes it in.
    """
    if not frame.between:
        whole = [(frame.lead + text + frame.trail).rstrip(" ") for text in contents]
        return tuple((*frame.before, *ids) for ids, _ in tokeniser.encode(whole, closed=True))
    bodies = tokeniser.encode([frame.lead + text + frame.trail for text in contents], closed=True)
    [(glue, _)] = tokeniser.encode([frame.glue.rstrip(" ")], closed=True)
    return tuple((*frame.before, *ids, *frame.between, *glue) for ids, _ in bodies)


def _begun(tokeniser: Tokeniser, ids: tuple[int, ...]) -> tuple[int, ...]:
    """The ids after the token that starts every sequence, unless it is among them."""
    bos = tokeniser.description.bos
    return ids if bos is None or bos in ids else (bos, *ids)


def _split(tokeniser: Tokeniser, text: str) -> list[str]:
    """Literal text and special tokens in turn, literal first and last."""
    specials = sorted(filter(None, tokeniser.description.specials), key=len, reverse=True)
    return re.split("(" + "|".join(map(re.escape, specials)) + ")", text) if specials else [text]


def _ids(tokeniser: Tokeniser, parts: Sequence[str]) -> tuple[int, ...]:
    ids: list[int] = []
    for part in parts:
        special = tokeniser.description.specials.get(part)
        ids += tokeniser.encode([part], closed=True)[0][0] if special is None else (special,)
    return tuple(ids)
