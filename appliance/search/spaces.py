"""Which formats a task's prompts are searched among."""

from __future__ import annotations

from appliance.prompt import Prompt
from appliance.search.formats import Space
from appliance.search.label_spaces import CLASSIFY, RELATION
from appliance.search.written_spaces import ANSWER, READING, SPANS
from appliance.search.yes_no_spaces import SEVERAL, YES_NO_RELATION
from appliance.task import Kind

SPACES: dict[Kind, Space] = {
    "relation": RELATION,
    "classify": CLASSIFY,
    "answer": ANSWER,
    "reading": READING,
    "spans": SPANS,
}


def space_of(kind: Kind, seed: Prompt) -> Space:
    """Formats of the seed prompt's form: yes/no prompts stay yes/no prompts."""
    if seed.form == "yesno":
        return YES_NO_RELATION if kind == "relation" else SEVERAL
    return SPACES[kind]
