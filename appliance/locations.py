"""Paths in the data folder, which is ``STROP_HOME`` or the platform's own."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from appliance.errors import InputError


def home() -> Path:
    """Returns the data folder. Where it is missing it is created, private to its owner (0700).

    A ``~`` at its beginning is the user's own folder, also where no shell has seen it. Raises
    InputError where it is a file, and for a user that this machine does not know.
    """
    given = os.environ.get("STROP_HOME") or platformdirs.user_data_dir("strop")
    folder = Path(os.path.expanduser(given))  # noqa: PTH111 (Path's own raises RuntimeError)
    if folder.parts[:1] and folder.parts[0].startswith("~"):
        raise InputError(f"{given}: there is no such user here; name a folder in STROP_HOME")
    if folder.is_file():
        raise InputError(f"{folder}: is a file; name a folder in STROP_HOME")
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def store_path() -> Path:
    return home() / "strop.sqlite"


def models_folder() -> Path:
    return home() / "models"


def runner_lock() -> Path:
    return home() / "runner.lock"


def askers_lock() -> Path:
    return home() / "askers.lock"


def runner_log() -> Path:
    return home() / "runner.log"
