"""Which rows are most worth labelling next: those whose answers are least clear, and not alike.

This is margin sampling (Scheffer, Decomain and Wrobel, IDA 2001), without rows that are nearly
equal to one that was chosen or that is in the task already.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Set

from appliance.data.split.splits import near_duplicate_key
from appliance.predict.rows import Original
from appliance.scoring.predict import Answer
from appliance.task import Example

ALIKE = 0.8
"""The share of common words from which two texts are nearly alike (Jaccard)."""

KEPT = 20
"""For each row that is wanted, so many are kept to choose from."""

_word = re.compile(r"\w+")


class Uncertain:
    """Keeps the rows with the least margins of all that it is shown. Of rows with equal margins the
    earlier one counts first."""

    def __init__(self, wanted: int, known: Set[str]) -> None:
        self._wanted = wanted
        self._known = known
        self._kept: list[tuple[float, int, Original, str, Answer]] = []
        self._shown = 0

    def show(self, original: Original, row: Example, answer: Answer) -> None:
        """``known`` holds the near-duplicate keys of texts that are labelled already."""
        self._shown += 1
        if answer.runner_up is None or near_duplicate_key(row.text) in self._known:
            return
        entry = (-answer.runner_up.margin, -self._shown, original, row.text, answer)
        if len(self._kept) < KEPT * self._wanted:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    def chosen(self) -> list[tuple[Original, Answer]]:
        """The rows, the least clear first; fewer than wanted where too many are alike."""
        found: list[tuple[Original, Answer]] = []
        keys: set[str] = set()
        words: list[set[str]] = []
        for _, _, original, text, answer in sorted(self._kept, reverse=True):
            key, own = near_duplicate_key(text), set(_word.findall(text.casefold()))
            if key in keys or any(_alike(own, other) for other in words):
                continue
            found.append((original, answer))
            keys.add(key)
            words.append(own)
            if len(found) == self._wanted:
                break
        return found


def _alike(one: set[str], other: set[str]) -> bool:
    return bool(one | other) and len(one & other) >= ALIKE * len(one | other)
