"""Reads and writes files that a person names, or refuses them with a message that says why."""

from __future__ import annotations

import codecs
import errno
import os
import tempfile
from pathlib import Path

from appliance.errors import InputError, StropError
from appliance.text import printable


def write_whole(path: Path, text: str) -> None:
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


class OtherFormat(InputError):
    """A file is JSON where CSV is read, or the other way round. ``message`` says what it looks like
    and, after a semicolon, how to import it; ``format`` reads it, "jsonl" or "csv"."""

    def __init__(self, path: Path, message: str, format: str) -> None:
        super().__init__(str(refused(path, message)))
        self.path, self.what, self.format = path, message.partition(";")[0], format


def refused(path: Path, what: str) -> InputError:
    return InputError(f"{printable(str(path))}: {what}")


def read_bytes(path: Path) -> bytes:
    """Raises InputError where the file is missing, is a folder or cannot be read."""
    try:
        if path.is_dir():
            raise refused(path, "is a folder; name the file in it")
        return path.read_bytes()
    except FileNotFoundError:
        raise refused(path, "does not exist; check the path") from None
    except OSError as error:
        what = f"cannot be read ({error.strerror}); check the path and its permissions"
        raise refused(path, what) from None


def refuse_other_unicode(path: Path, data: bytes) -> None:
    """Raises InputError where a file that should be UTF-8 begins as UTF-16 or UTF-32."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise refused(path, "is UTF-16 or UTF-32, not UTF-8; save the file as UTF-8")


def read_utf8(path: Path, needed: str) -> str:
    """The whole text of a file. Raises InputError where it is missing, empty or not UTF-8.

    ``needed`` says what an empty file lacks.
    """
    data = read_bytes(path)
    refuse_other_unicode(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"line {line}: byte {error.start} is not UTF-8; save the file as UTF-8"
        raise refused(path, what) from None
    if not text.strip():
        raise refused(path, f"is empty; it needs {needed}")
    return text
