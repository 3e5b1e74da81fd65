"""Text to tokens by the model's own tokeniser, and tokens to the literals that own them.

Each stretch between special tokens is tokenised as one string. Where the model's tokeniser allows
it, which is tried on a probe before the first stretch, a stretch is cut after a line break: what
lies between two cuts is tokenised once and remembered, so that a new candidate costs little but its
new lines.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain, pairwise

from appliance.prompts.pieces import DATA, Piece
from models.engine import Description, Detokenise, Texts, Tokenise, Tokens
from models.protocol import Models

_line_start = re.compile(r"(?<=\n)\w")
# What follows a cut or an answer in a prompt begins a word; tokenising it along keeps "\n\n" from
# becoming another token at the end of a string than it is in the middle of one.
_NEXT = "A"
MAX_LINES = 20_000
"""How many lines are remembered, at about 2 kB each, before all are forgotten."""

PROBE = (
    'Sentence: It\'s 42 %, "quoted" (so).\n\nHead: A-1/b\nTail: \tx  y \n \nRelation: part of\n'
    "<|im_start|>user\nÉtude № 7\r\nend</s>\n{label}\n==\n日本 - ok"
)
"""What two tokenisers must agree on before they are taken for one; it has hostile text in it."""

Encoded = tuple[tuple[int, ...], tuple[int, ...]]
"""Token ids, and for each the offset of its end in bytes of UTF-8."""

Line = tuple[str, bool]
"""What lies between two cuts, and whether a special token follows it."""

Owner = tuple[int, int, int]
"""A token of a literal: the literal's number, and the token's [start, end) in its bytes."""


class Tokeniser:
    """The tokeniser of one body, asked for when something is first encoded, and remembered by line.

    Encoding and decoding raise WorkerError where the model cannot answer.
    """

    def __init__(self, models: Models, body: str, description: Description) -> None:
        self.models = models
        self.body = body
        self.description = description
        self._lines: dict[Line, Encoded] = {}

    def encode(self, stretches: Sequence[str], *, closed: bool = False) -> list[Encoded]:
        """Ids and byte ends of each stretch.

        A closed stretch ends where a special token follows. An open one stands before more text: a
        token that would reach into what follows is left out.
        """
        cut = [_lines(stretch) if self._cuts else [stretch] for stretch in stretches]
        return self._encoded(cut, closed)

    def cut(self, text: str) -> tuple[str, str]:
        """The text up to its last safe cut, if any, and the line after it.

        A line break at the very end is no cut yet: what follows it might be white space.
        """
        rest = _lines(text)[-1] if self._cuts else text
        return text.removesuffix(rest), rest

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        """One text a sequence of ids, in which special tokens are empty."""
        reply = self.models.call(self.body, Detokenise(tuple(map(tuple, ids))))
        assert isinstance(reply, Texts)
        return list(reply.texts)

    @cached_property
    def _cuts(self) -> bool:
        """Whether the tokeniser gives the same ids where text is cut; the probe tells."""
        reply = self.models.call(self.body, Tokenise((PROBE + _NEXT,)))
        assert isinstance(reply, Tokens)
        size = len(PROBE.encode())
        whole = tuple(t for t, end in zip(reply.ids[0], reply.ends[0], strict=True) if end <= size)
        [(ids, _)] = self._encoded([_lines(PROBE)], closed=False)
        return ids == whole

    def _encoded(self, stretches: Sequence[Sequence[str]], closed: bool) -> list[Encoded]:
        """Each stretch given as the texts between its cuts."""
        keyed = [
            [(text, closed and at == len(texts) - 1) for at, text in enumerate(texts)]
            for texts in stretches
        ]
        self._learn(chain.from_iterable(keyed))
        return [self._join(lines) for lines in keyed]

    def _learn(self, lines: Iterable[Line]) -> None:
        wanted = dict.fromkeys(lines)
        if len(self._lines) > MAX_LINES:
            self._lines.clear()
        new = [line for line in wanted if line not in self._lines]
        if not new:
            return
        texts = tuple(text if closed else text + _NEXT for text, closed in new)
        reply = self.models.call(self.body, Tokenise(texts))
        assert isinstance(reply, Tokens)
        for line, ids, ends in zip(new, reply.ids, reply.ends, strict=True):
            size = len(line[0].encode())
            kept = bisect_right(ends, size)
            self._lines[line] = ids[:kept], ends[:kept]

    def _join(self, lines: list[Line]) -> Encoded:
        if len(lines) == 1:
            return self._lines[lines[0]]
        ids: list[int] = []
        ends: list[int] = []
        at = 0
        for line in lines:
            line_ids, line_ends = self._lines[line]
            ids += line_ids
            ends += (at + end for end in line_ends)
            at += len(line[0].encode())
        return tuple(ids), tuple(ends)


def _lines(text: str) -> list[str]:
    """The text cut where a line begins with a letter: tokenisers that set digits apart first make
    another token of a blank line before a digit."""
    starts = [at.start() for at in _line_start.finditer(text) if at[0].isalpha()]
    return [text[a:b] for a, b in pairwise([0, *starts, len(text)])]


def text_of(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def owners(pieces: Sequence[Piece], ends: Sequence[int]) -> list[Owner | None]:
    """For each token the literal it lies in and its byte span there; None for data and for a token
    that straddles the edge of a literal."""
    edges: list[tuple[int, int, int]] = []
    at = 0
    for piece in pieces:
        size = len(piece.text.encode())
        edges.append((at, at + size, piece.owner))
        at += size
    result: list[Owner | None] = []
    index = start = 0
    for end in ends:
        while index + 1 < len(edges) and edges[index][1] <= start:
            index += 1
        low, high, owner = edges[index]
        inside = owner != DATA and low <= start and end <= high
        result.append((owner, start - low, end - low) if inside else None)
        start = end
    return result
