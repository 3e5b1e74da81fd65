"""Where things are: one data folder, ``STROP_HOME`` or the platform's own."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """Private to its owner; created 0700."""
    folder = Path(os.environ.get("STROP_HOME") or platformdirs.user_data_dir("strop"))
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def store_path() -> Path:
    return home() / "strop.sqlite"


def models_folder() -> Path:
    return home() / "models"


def runner_lock() -> Path:
    return home() / "runner.lock"


def runner_log() -> Path:
    return home() / "runner.log"
