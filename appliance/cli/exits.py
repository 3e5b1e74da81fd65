"""Exit codes, and what each error means to the person at the terminal."""

from __future__ import annotations

import errno
import os
import sqlite3
import traceback
from typing import Any

import click

from appliance import locations
from appliance.data.bad_rows import WrongRows
from appliance.errors import StropError
from models.catalog import CatalogError
from models.headers import HeaderError
from models.protocol import WorkerError
from models.pull import PullError
from store.database import now
from store.errors import NameTakenError, StoreError, in_words

OK, FAILED, USAGE, RETRY, NO_GAIN, INTERRUPTED = 0, 1, 2, 3, 4, 130

OPTIONAL = frozenset({"sqlite_utils", "rich", "textual", "scipy", "optuna"})
"""Modules of ``strop[tune]`` that a command line of the base install lacks."""


NO_ROOM = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "your disk quota is used up; free some space and try again",
    errno.EFBIG: "a file may not grow further; allow larger files (ulimit -f) and try again",
}
"""What to say where the system refuses to write, by the number of its error."""


class Detached(StropError):
    """The person left; what the runner does goes on."""

    exit_code = INTERRUPTED


def explain(error: BaseException) -> tuple[str, int]:
    """A message that says what to do, and the exit code. An unforeseen error goes to the log."""
    match error:
        case StropError():
            return str(error), error.exit_code
        case NameTakenError():
            return str(error), USAGE
        case StoreError() | CatalogError() | HeaderError() | PullError() | WorkerError():
            return str(error), FAILED
        case click.exceptions.NoArgsIsHelpError():
            return error.format_message(), USAGE
        case click.UsageError(ctx=click.Context() as context):
            hint = f"see `{context.command_path} --help`"
            message = " ".join(error.format_message().split())  # click lists choices on lines
            return f"{message} ({hint})", USAGE
        case click.ClickException():
            return error.format_message(), error.exit_code
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", INTERRUPTED
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] in OPTIONAL:
            return (
                f"{name} is not installed; install all of Strop: pip install 'strop[tune]'",
                FAILED,
            )
        case sqlite3.Error() if what := in_words(error, locations.store_path()):
            return f"{locations.store_path()}: {what}", FAILED
        case sqlite3.OperationalError():
            return f"{locations.store_path()}: {error}; look with: strop doctor", FAILED
        case OSError(errno=int(number)) if number in NO_ROOM:
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{NO_ROOM[number]}", FAILED
        case OSError(filename=str() as file, strerror=str() as reason):
            hint = "check its permissions, or set STROP_HOME to a folder of your own"
            return f"{file}: {reason}; {hint}", FAILED
        case _:
            return _unforeseen(error), FAILED


def details(error: BaseException) -> dict[str, Any]:
    """The fields of an error's JSON document beside its message: all the rows that are wrong."""
    return {"rows": list(error.rows)} if isinstance(error, WrongRows) else {}


def _unforeseen(error: BaseException) -> str:
    message = f"internal error: {type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("STROP_DEBUG") == "1":
        return f"{message}\n{trace}"
    try:
        log = locations.home() / "strop.log"
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{now()}\n{trace}\n")
    except (OSError, StropError):
        return f"{message}; for details, set STROP_DEBUG=1 and try again"
    return f"{' '.join(message.split())}, details in {log}"
