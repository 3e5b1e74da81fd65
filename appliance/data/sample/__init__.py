"""The sample task: few-shot relation extraction as a firm might need it.

``relations.jsonl`` holds the rows, ``labels.json`` the labels with their descriptions, and
``DATA_CARD.md`` says how both were made.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def path() -> Path:
    """The folder that holds the sample's files. Strop is installed unpacked, never from a zip."""
    return Path(str(resources.files(__name__)))
