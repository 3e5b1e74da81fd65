"""Instructions that a reasoner writes: what it is shown, and how its replies become prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from appliance.kinds import KINDS
from appliance.prompts.entities import write_json
from appliance.prompts.prompt import Prompt
from appliance.prompts.units import occurrences, protected_words, replace, section_unit
from appliance.task import BETWEEN, MULTIPLE, Case, Task

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
    """The prompt with another instruction in its task section. The section keeps its slots. Under a
    yes/no prompt it also keeps the sentences with words for yes and no that the instruction lacks;
    the labels of other prompts are listed by a slot."""
    words = protected_words(task, prompt) if prompt.form == "yesno" else ()
    lacking = [word for word in words if not any(occurrences([word], instruction))]
    return replace(prompt, section_unit(prompt, "task", lacking), instruction)


def shown(task: Task, case: Case) -> str:
    """A case with its right answer, as the reasoner reads it."""
    row = case.query
    pair = "" if row.head is None else f" ({row.head_text}; {row.tail_text})"
    question = f"\nQuestion: {row.question}" if row.question else ""
    return f"Input: {row.text}{pair}{question}\nAnswer: {_right(task, case)}"


def predicted_words(task: Task, predicted: str) -> str:
    """What a model predicted. Labels appear as the words that prompts write for them."""
    if predicted == MULTIPLE:
        return "several at once"
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
