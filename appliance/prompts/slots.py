"""What a row puts into the slots of a prompt: its fields, its label, its entities marked."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.kinds import KINDS
from appliance.prompts.entities import tag_of, write_json, write_tags
from appliance.prompts.options import listed
from appliance.prompts.prompt import Prompt, Wording
from appliance.task import Example, Task


def values(prompt: Prompt, task: Task, row: Example) -> dict[str, str]:
    """What a row puts into each slot of an example."""
    return {
        "text": asked_text(prompt, row),
        "head": row.head_text,
        "tail": row.tail_text,
        "marked": marked(prompt, row) if "{marked}" in prompt.example + prompt.reverse else "",
        "question": row.question,
        "choices": prompt.join.join(option_words(prompt, row)),
        "reasoning": row.reasoning,
        "support": "",
        "answer": answer_of(prompt, task, row),
        **(about(prompt, task, row.label) if row.label else _several(prompt, task, row)),
    }


def _several(prompt: Prompt, task: Task, row: Example) -> dict[str, str]:
    """A row's labels at once, where it may have several and the prompt does not ask for each."""
    if not task.several or prompt.form != "choice":
        return {"label": "", "definition": ""}
    nothing = [label.name for label in task.labels if label.name == task.none]
    words = label_words(prompt, task, row.labels or nothing)
    words = words or [worded(prompt.wording, task.none or "none")]
    return {"label": prompt.join.join(words), "definition": ""}


def answer_of(prompt: Prompt, task: Task, row: Example) -> str:
    """The right answer as it is to be written."""
    if KINDS[task.kind].gold != "spans":
        right = row.answers[0] if row.answers else ""
        return dict(zip(row.choices, option_words(prompt, row), strict=True)).get(right, right)
    write = write_json if prompt.output == "json" else write_tags
    return write(row.spans, row.text)


def asked_text(prompt: Prompt, row: Example) -> str:
    """The text, without its list of options where the prompt writes these by their words."""
    parts = listed(row) if prompt.options == "words" else None
    return parts.question if parts else row.text


def option_words(prompt: Prompt, row: Example) -> tuple[str, ...]:
    """What the prompt writes for each of a question's options."""
    parts = listed(row) if prompt.options == "words" else None
    return parts.words if parts else row.choices


def marked(prompt: Prompt, row: Example) -> str:
    """The text with its two entities marked, as the relation literature does: by tags, by the
    markers of Baldini Soares et al. (ACL 2019), or by typed punctuation (Zhou and Chen, 2022)."""
    if row.head is None or row.tail is None:
        return row.text
    match prompt.marking:
        case "subject":
            around = ("<subject>", "</subject>"), ("<object>", "</object>")
        case "e1":
            around = ("[E1] ", " [/E1]"), ("[E2] ", " [/E2]")
        case _:
            head, tail = (
                f"* {kind.lower()} * " if kind else "" for kind in (row.head_type, row.tail_type)
            )
            around = (f"@ {head}", " @"), (f"# {tail.replace('*', '^')}", " #")
    text = row.text
    for (start, end), (before, after) in sorted(
        zip((row.head, row.tail), around, strict=True), reverse=True
    ):
        text = f"{text[:start]}{before}{text[start:end]}{after}{text[end:]}"
    return text


def about(prompt: Prompt, task: Task, label: str) -> dict[str, str]:
    """What a label puts into slots. A label that is none of the task's has no description."""
    known = any(entry.name == label for entry in task.labels)
    if not known:
        return {"label": worded(prompt.wording, label), "definition": ""}
    defined = task.description_of(label) if "{definition}" in prompt.example else ""
    return {"label": label_words(prompt, task, [label])[0], "definition": defined}


def label_words(prompt: Prompt, task: Task, labels: Sequence[str]) -> list[str]:
    """What the prompt writes for each of the labels."""
    if prompt.words and prompt.form == "choice":
        table = dict(zip((label.name for label in task.labels), prompt.words, strict=True))
        return [table[label] for label in labels]
    return [worded(prompt.wording, task.words_of(label)) for label in labels]


def written_the_same(prompt: Prompt, task: Task) -> tuple[str, str] | None:
    """Two labels of the task that the prompt writes the same, so that an answer could mean either;
    None where there are none."""
    names = [label.name for label in task.labels]
    written = label_words(prompt, task, names)
    if KINDS[task.kind].gold == "spans":
        written = names if prompt.output == "json" else [tag_of(name) for name in names]
    first: dict[str, str] = {}
    for name, words in zip(names, written, strict=True):
        if (other := first.setdefault(words, name)) != name:
            return other, name
    return None


def worded(wording: Wording, label: str) -> str:
    """A label written by a rule that any label can follow."""
    match wording:
        case "lower":
            return label.lower()
        case "upper":
            return label.upper()
        case "title":
            return label.title()
        case "snake":
            return "_".join(label.lower().split())
        case "quoted":
            return f'"{label}"'
        case _:
            return label
