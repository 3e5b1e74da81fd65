"""Instructions that a reasoner writes: what it is shown, and how its replies become prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from appliance.kinds import KINDS
from appliance.prompts.entities import write_json
from appliance.prompts.prompt import Prompt
from appliance.prompts.units import protected_words, replace, section_unit
from appliance.task import BETWEEN, Case, Task

SHOWN = 4
"""Rows that the reasoner is shown."""

SAMPLES = 4
"""Instructions that the reasoner writes at once."""

MAX_TOKENS = 72
"""The most tokens of an instruction."""

MAX_CHARACTERS = 400


def instructions(replies: Sequence[str]) -> list[str]:
    """The different instructions among some replies, cleaned."""
    return list(dict.fromkeys(filter(None, map(clean, replies))))


def clean(reply: str) -> str:
    """The first paragraph of a reply as an instruction; empty where no prompt can hold it."""
    text = reply.strip().split("\n\n")[0].strip()
    text = re.sub(r"^(sure|here|the instruction)[^:\n]{0,60}:\s*", "", text, flags=re.IGNORECASE)
    text = text.strip().strip("\"'` ").replace("{", "(").replace("}", ")")
    text = " ".join(text.split())
    return text if 10 <= len(text) <= MAX_CHARACTERS and text.isprintable() else ""


def instructed(task: Task, prompt: Prompt, instruction: str) -> Prompt:
    """The prompt with another instruction in its task section. It keeps its slots, and the
    sentences that hold the words in which answers are written."""
    return replace(prompt, section_unit(prompt, "task", protected_words(task, prompt)), instruction)


def shown(task: Task, case: Case) -> str:
    """A case with its right answer, as the reasoner reads it."""
    row = case.query
    pair = "" if row.head is None else f" ({row.head_text}; {row.tail_text})"
    question = f"\nQuestion: {row.question}" if row.question else ""
    return f"Input: {row.text}{pair}{question}\nAnswer: {_right(task, case)}"


def predicted_words(task: Task, predicted: str) -> str:
    """What a model predicted. Labels appear as the words that prompts write for them."""
    return worded(task, predicted.split(BETWEEN)) if KINDS[task.kind].gold == "label" else predicted


def worded(task: Task, labels: Iterable[str]) -> str:
    return ", ".join(map(task.words_of, filter(None, labels))) or "none"


def _right(task: Task, case: Case) -> str:
    row = case.query
    if row.answers:
        return row.answers[0]
    if KINDS[task.kind].gold == "spans":
        return write_json(row.spans, row.text)
    return worded(task, row.labels if task.several else (case.options[case.gold],))
