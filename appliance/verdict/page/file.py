"""Where a page may be written."""

from __future__ import annotations

from pathlib import Path

from appliance.files import refused


def check(path: Path, force: bool) -> None:
    """Raises InputError where no file can be written, or where one is that may not be replaced."""
    if path.is_dir():
        raise refused(path, "is a folder; name the file in it")
    if not path.parent.is_dir():
        raise refused(path, "its folder does not exist; make it, or name another file")
    if path.exists() and not path.is_file():
        raise refused(path, "is no ordinary file; name another one")
    if path.exists() and not force:
        raise refused(path, "is there already; write over it with --force, or name another file")
