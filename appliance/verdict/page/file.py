"""Writing a page to the disk: whole or not at all, and readable by its owner alone."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from appliance.errors import StropError
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


def write(path: Path, text: str) -> None:
    """Writes a file beside ``path`` with mode 0600, then puts it in its place. Raises StropError
    where that cannot be done, and leaves nothing behind."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        why = f"cannot be written ({error.strerror})"
        raise StropError(f"{refused(path, why)}; choose a folder that you may write to") from error
