"""GSM8K's JSON Lines (Cobbe et al., 2021): reasoning that ends in "#### N"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.formats.stream import records
from appliance.data.formats.text import Placed
from appliance.kinds import Kind
from appliance.text import quoted

KIND: Kind = "answer"
NONE: str | None = None
ORIGIN = "GSM8K, github.com/openai/grade-school-math"
LICENCE = "MIT"
LAYOUT = 'an object a line with question and answer, the latter ending in "#### " and a number'

_calculator = re.compile(r"<<[^<>\n]*>>")
_number = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")


class _Row(msgspec.Struct, frozen=True):
    question: str
    answer: str


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Yields questions with their reasoning, without calculator marks, and its resulting number."""
    for where, row in records(path, problems, _Row, LAYOUT):
        reasoning, mark, answer = row.answer.rpartition("####")
        number = _number.fullmatch(answer.strip())
        if mark and number:
            found: dict[str, object] = {
                "text": row.question,
                "answer": number[0].replace(",", ""),
            }
            reasoning = _calculator.sub("", reasoning).strip()
            yield where, found | ({"reasoning": reasoning} if reasoning else {})
        else:
            what = f'answer: ends in {quoted(row.answer[-20:])}, not in "#### " and a number'
            problems.add(where, f"{what}; write it as in #### 1,450 or #### 0.5")
