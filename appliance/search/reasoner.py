"""The reasoner: a local model that writes what a method asks it for."""

from __future__ import annotations

from typing import Any

from appliance.encode.frame import chat_frame, opened
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
        prompts = opened(self.tokeniser, chat_frame(self.tokeniser), [text])
        rules: dict[str, Any] = {"temperature": temperature, "grammar": grammar or None}
        given = {name: value for name, value in rules.items() if value is not None}
        request = Generate(prompts, n=n, max_tokens=max_tokens, seed=seed, stop=stop, **given)
        try:
            [written] = self.bench.generate("reasoner", request).written
        except Unanswerable:
            return []
        return [one.text for one in written]
