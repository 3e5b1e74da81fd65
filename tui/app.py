"""``strop`` with no arguments: one window on the store."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import App
from textual.filter import LineFilter

from appliance import locations
from store import database
from store.errors import StoreError
from tui.encodable import Encodable
from tui.screens.main import Main
from tui.words import counted

if TYPE_CHECKING:
    from sqlite_utils import Database


class StropApp(App[StoreError]):
    """Reads the store and writes commands; its result is the error that ended it, if one did."""

    TITLE = "Strop"
    CSS_PATH = "styles.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, db: Database, encoding: str = "utf-8") -> None:
        super().__init__()
        self._main = Main(db)
        self._encodable = Encodable(encoding)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._encodable]

    def get_default_screen(self) -> Main:
        return self._main

    async def action_quit(self) -> None:
        """Closes the window and says which runs go on."""
        active = self._main.active_runs
        if not active:
            self.exit()
            return
        going = "goes on" if len(active) == 1 else "go on"
        self.exit(
            message=Text(
                f"{counted(len(active), 'run')} {going} in the background; "
                f"follow with: strop runs watch {active[0].id}"
            )
        )


def run() -> None:
    """Opens the window until it is closed. Raises StoreError where the store cannot be read."""
    db = database.open(locations.store_path())
    try:
        encoding = getattr(sys.__stderr__, "encoding", None) or "utf-8"
        if error := StropApp(db, encoding).run():
            raise error
    finally:
        db.close()
