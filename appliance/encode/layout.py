"""Renderings of a block of cases as one request: shared text once, every answer a branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.encode.frame import Frame
from appliance.encode.tokens import (
    Owner,
    Tokeniser,
    owners,
    text_of,
)
from appliance.prompts.pieces import Piece
from appliance.prompts.render import Rendering
from models.engine import Segment


@dataclass
class Layout:
    """The segments of a request, and which of them spell what.

    ``plain[i][y]`` and ``free[i][y]`` are the segments that spell answer y of question i, the
    latter without content; ``free[i]`` is empty where nothing is calibrated by it. ``owners[s]``
    holds, for each token of segment s, its number in ``literal_tokens``, or -1 where it has no
    owner; it is empty where owners were not asked for.
    """

    segments: list[Segment] = field(default_factory=list)
    owners: list[tuple[int, ...]] = field(default_factory=list)
    plain: list[tuple[int, ...]] = field(default_factory=list)
    free: list[tuple[int, ...]] = field(default_factory=list)
    literal_tokens: dict[Owner, int] = field(default_factory=dict)

    def add(self, parent: int, ids: Sequence[int], owned: Sequence[Owner | None], read: int) -> int:
        """Appends a segment, the last ``read`` tokens of which are read, and returns its index."""
        self.segments.append(Segment(parent, tuple(ids), read))
        numbers = self.literal_tokens
        self.owners.append(
            tuple(-1 if o is None else numbers.setdefault(o, len(numbers)) for o in owned)
        )
        return len(self.segments) - 1


@dataclass(frozen=True)
class _Trunk:
    """What comes before the question. ``rest`` is its last line, where the question goes on."""

    segment: int
    pieces: tuple[Piece, ...]
    ends: tuple[int, ...]
    rest: str


def lay_out(
    tokeniser: Tokeniser, frame: Frame, renderings: Sequence[Rendering], *, owned: bool = False
) -> Layout:
    """One layout for the questions of a block of cases under one prompt.

    The owners of tokens are worked out only where tokens are ``owned``.
    """
    layout = Layout()
    trunks: dict[str, _Trunk] = {}
    frees: dict[tuple[int, str], tuple[int, ...]] = {}
    for rendering in renderings:
        pieces = (Piece(frame.lead), *rendering.prefix)
        text = text_of(pieces)
        if text not in trunks:
            trunks[text] = _plant(layout, tokeniser, frame, pieces, owned)
        trunk = trunks[text]
        layout.plain.append(
            _branch(layout, tokeniser, frame, trunk, rendering.query, rendering.answers, owned)
        )
        if not rendering.free:
            layout.free.append(())
            continue
        key = (trunk.segment, "\0".join(map(text_of, (rendering.free, *rendering.answers))))
        if key not in frees:
            frees[key] = _branch(
                layout, tokeniser, frame, trunk, rendering.free, rendering.answers, owned
            )
        layout.free.append(frees[key])
    return layout


def _plant(
    layout: Layout, tokeniser: Tokeniser, frame: Frame, pieces: tuple[Piece, ...], owned: bool
) -> _Trunk:
    complete, rest = tokeniser.cut(text_of(pieces))
    ids, ends = tokeniser.encode([complete])[0]
    owner = [*[None] * len(frame.before), *owners(pieces, ends)] if owned else []
    segment = layout.add(-1, (*frame.before, *ids), owner, 0)
    return _Trunk(segment, pieces, ends, rest)


def _branch(
    layout: Layout,
    tokeniser: Tokeniser,
    frame: Frame,
    trunk: _Trunk,
    question: tuple[Piece, ...],
    answers: tuple[tuple[Piece, ...], ...],
    owned: bool,
) -> tuple[int, ...]:
    """Adds the question once and each answer after it; returns the answers' segments, whose tokens
    are read."""
    asked = trunk.rest + text_of(question) + frame.trail
    end = () if frame.end is None else (frame.end,)
    if end:
        followed: Sequence[tuple[Piece, ...]] = ((),) * len(answers)
        said = [frame.glue + answer[0].text.strip() + frame.tail for answer in answers]
    else:
        followed = answers
        said = [text_of(answer) for answer in answers]
    # What all answers come after is tokenised once: questions may be long, and answers many.
    if frame.between:
        start = len(frame.glue.encode())
        [(body, ends)] = tokeniser.encode([asked], closed=True)
        written = tokeniser.encode(said, closed=True)
        sequences = [(*frame.between, *ids, *end) for ids, _ in written]
        owned_in = [ends] * len(answers)
    else:
        complete, rest = tokeniser.cut(asked)
        start, size = len(rest.encode()), len(complete.encode())
        [(body, ends)] = tokeniser.encode([complete])
        written = tokeniser.encode([rest + text for text in said], closed=bool(end))
        sequences = [(*ids, *end) for ids, _ in written]
        owned_in = [(*ends, *(size + at for at in own)) for _, own in written] if owned else []
    stem = _stem(sequences, [sum(at > start for at in own) + len(end) for _, own in written])
    owned_by = (
        [
            _owners(trunk, question, answer, own, len(body) + len(ids))
            for answer, own, ids in zip(followed, owned_in, sequences, strict=True)
        ]
        if owned
        else [[]] * len(answers)
    )
    shared = len(body) + stem
    parent = layout.add(trunk.segment, (*body, *sequences[0][:stem]), owned_by[0][:shared], 0)
    return tuple(
        layout.add(parent, ids[stem:], owner[shared:], len(ids) - stem)
        for ids, owner in zip(sequences, owned_by, strict=True)
    )


def _stem(sequences: Sequence[Sequence[int]], answers: Sequence[int]) -> int:
    """How many tokens come before every answer, given how many belong to each.

    All after them is read for every label: where one label's token takes in the space before it and
    another's does not, both pay for the space.
    """
    most = min(len(ids) - own for ids, own in zip(sequences, answers, strict=True))
    columns = enumerate(zip(*(ids[:most] for ids in sequences), strict=True))
    return next((at for at, column in columns if len(set(column)) > 1), most)


def _owners(
    trunk: _Trunk,
    question: tuple[Piece, ...],
    answer: tuple[Piece, ...],
    ends: Sequence[int],
    length: int,
) -> list[Owner | None]:
    """The owners of ``length`` tokens after the trunk; the chat template's own tokens, which come
    after the content, have none."""
    at = trunk.ends[-1] if trunk.ends else 0
    every = (*trunk.ends, *(at + end for end in ends))
    found = owners((*trunk.pieces, *question, *answer), every)[len(trunk.ends) :]
    return [*found, *[None] * (length - len(found))]
