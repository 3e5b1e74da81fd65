"""The reasoner: a local model that writes what a method asks it for."""

from __future__ import annotations

from typing import Any

from appliance.encode.frame import chat_frame
from appliance.encode.tokens import Tokeniser
from appliance.evaluate.workbench import Unanswerable, Workbench
from models.engine import Generate


class Reasoner:
    def __init__(self, bench: Workbench, tokeniser: Tokeniser) -> None:
        self.bench = bench
        self.tokeniser = tokeniser

    def write(
        self,
        text: str,
        *,
        n: int,
        max_tokens: int,
        seed: int,
        temperature: float | None,
        stop: tuple[str, ...],
        grammar: str,
    ) -> list[str]:
        """``n`` whole replies to one user turn; none where the model cannot take the text."""
        frame = chat_frame(self.tokeniser)
        body = self.tokeniser.encode([frame.lead + text + frame.trail], closed=True)[0][0]
        glue = self.tokeniser.encode([frame.glue], closed=True)[0][0] if frame.glue else ()
        prompt = (*frame.before, *body, *(frame.between or ()), *glue)
        rules: dict[str, Any] = {"temperature": temperature, "grammar": grammar or None}
        given = {name: value for name, value in rules.items() if value is not None}
        request = Generate((prompt,), n=n, max_tokens=max_tokens, seed=seed, stop=stop, **given)
        try:
            [written] = self.bench.generate("reasoner", request).written
        except Unanswerable:
            return []
        return [one.text for one in written]
