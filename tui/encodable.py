"""The window on a terminal whose encoding lacks the characters that it is drawn with."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

DRAWN = str.maketrans("─━│┃…▶‖■✗✓·–›⠒⠂", "--||.>=#xv-->-.")
"""What a line, a mark or a dot becomes."""

LINES, BLOCKS, DOTS = range(0x2500, 0x2580), range(0x2580, 0x25A0), range(0x2800, 0x2900)


class Encodable(LineFilter):
    """Draws with what an encoding has. Every character keeps its width, so that nothing moves."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self.encoding = encoding

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(self._drawn(s.text), s.style, s.control) for s in segments]

    def _drawn(self, text: str) -> str:
        return text if self._has(text) else "".join(map(self._character, text))

    def _character(self, character: str) -> str:
        if self._has(character):
            return character
        number, drawn = ord(character), character.translate(DRAWN)
        if self._has(drawn):
            return drawn
        if number in LINES:
            return "+"
        if number in BLOCKS:
            return "#"
        if number in DOTS:
            return "*"
        return "?" * cell_len(character)

    def _has(self, text: str) -> bool:
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True
