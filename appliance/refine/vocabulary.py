"""The target model's vocabulary: what it would write next, and what its tokens spell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from appliance.encode.tokens import Tokeniser
from appliance.evaluate.workbench import Workbench
from models.engine import Propose


class Vocabulary:
    def __init__(self, bench: Workbench, tokeniser: Tokeniser) -> None:
        self.bench = bench
        self.tokeniser = tokeniser

    def likeliest(self, prefixes: Iterable[Sequence[int]], k: int) -> list[list[int]]:
        """The ``k`` tokens that the search body finds likeliest after each prefix, in order."""
        asked = tuple(map(tuple, prefixes))
        if not asked:
            return []
        replies = self.bench.propose("search", Propose(asked, k)).tokens
        return [[token for token, _ in found] for found in replies]

    def spell(self, tokens: Sequence[int]) -> list[str]:
        """The text of each token by itself."""
        return self.tokeniser.decode([[token] for token in tokens]) if tokens else []
