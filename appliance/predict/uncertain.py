"""Which rows are most worth labelling next: those whose answers are least clear, and not alike.

This is margin sampling (Scheffer, Decomain and Wrobel, IDA 2001), without rows that are nearly
equal to one that was chosen or that is in the task already.
"""

from __future__ import annotations

import re
from collections.abc import Set

from appliance.predict.rows import Original
from appliance.scoring.predict import Answer
from appliance.task import Example
from appliance.text import near_duplicate_key

ALIKE = 0.8
"""The share of common words from which two texts are nearly alike (Jaccard)."""

KEPT = 20
"""For each row that is wanted, so many different ones are kept to choose from."""

_word = re.compile(r"\w+")

Entry = tuple[float, int, Original, str, Answer]


class Uncertain:
    """Keeps the rows with the least margins of all that it is shown, and of those that are nearly
    equal the least clear one. Of rows with equal margins the earlier one counts first."""

    def __init__(self, wanted: int, known: Set[str]) -> None:
        """``known`` holds the near-duplicate keys of texts that are in the task already."""
        self._wanted = wanted
        self._known = known
        self._kept: dict[str, Entry] = {}
        self._shown = 0

    def show(self, original: Original, row: Example, answer: Answer) -> None:
        self._shown += 1
        key = near_duplicate_key(row.text)
        if answer.margin is None or key in self._known:
            return
        entry = (answer.margin, self._shown, original, row.text, answer)
        self._kept[key] = min(entry, self._kept.get(key, entry), key=lambda one: one[:2])
        if len(self._kept) >= 2 * KEPT * self._wanted:
            self._kept = dict(self._least_clear()[: KEPT * self._wanted])

    def chosen(self) -> list[tuple[Original, Answer]]:
        """The rows, the least clear first; fewer than wanted where too many are alike."""
        found: list[tuple[Original, Answer]] = []
        seen: list[set[str]] = []
        for _, (_, _, original, text, answer) in self._least_clear():
            words = set(_word.findall(text.casefold()))
            if any(_alike(words, other) for other in seen):
                continue
            found.append((original, answer))
            seen.append(words)
            if len(found) == self._wanted:
                break
        return found

    def _least_clear(self) -> list[tuple[str, Entry]]:
        return sorted(self._kept.items(), key=lambda item: item[1][:2])


def _alike(one: set[str], other: set[str]) -> bool:
    return bool(one | other) and len(one & other) >= ALIKE * len(one | other)
