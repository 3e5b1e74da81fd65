"""What several commands share: options, examples, and the way into the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from appliance import locations
from models.catalog import Catalog
from store import database

if TYPE_CHECKING:
    from sqlite_utils import Database

F = TypeVar("F", bound=Callable[..., Any])


def example(*lines: str) -> str:
    """An epilog that click leaves as it stands."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def json_option(command: F) -> F:
    """Adds ``--json``. The root command looks for it, so that wrong usage is a document too."""
    option = click.option(
        "--json", is_flag=True, expose_value=False, help="Print one JSON document on stdout."
    )
    return option(command)


def model_option(command: F) -> F:
    return click.option("--model", metavar="NAME", help="Target model; may be left out.")(command)


def open_store() -> Database:
    """Opens the store; it is closed at the end of the command. Says where a file that was emptied
    becomes a new one."""
    context, path = click.get_current_context(), locations.store_path()
    if path.exists() and not path.stat().st_size:
        context.obj.say(
            f"{path} was empty, so a new store begins; if it held tasks, put a copy back"
        )
    db = database.open(path)
    context.call_on_close(db.conn.close)
    return db


def catalog() -> Catalog:
    return Catalog(locations.models_folder())
