"""The child of ``models.make``: ``python -m models.make_child WHAT SOURCE TARGET KIND``."""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TextIO

from models.egress import refuse_network
from models.make import NO_ROOM, remove_unfinished
from models.memory import confine
from models.parent import end_with_parent


def main(what: str, source: str, target: str, kind: str, *, told: TextIO = sys.stdout) -> None:
    """Says in ``told`` why it fails, where one of this package's errors says so."""
    refuse_network()
    confine()
    leave = partial(remove_unfinished, Path(target))
    threading.Thread(target=end_with_parent, args=(0, leave), daemon=True).start()
    try:
        _make(what, Path(source), Path(target), kind)
    except Exception as error:
        if type(error).__module__.startswith("models."):
            print(error, file=told, flush=True)
        if isinstance(error, MemoryError):
            sys.exit(NO_ROOM)
        raise


def _make(what: str, source: Path, target: Path, kind: str) -> None:
    os.umask(0o077)  # its owner alone can read what is made, as with the rest of the model
    if what == "twin":
        from models.twin.load import make_twin

        make_twin(source, target)
    else:
        from models.llama.quantise import quantise

        quantise(source, target, kind)


if __name__ == "__main__":
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What native code prints belongs to stderr.
    main(*sys.argv[1:], told=told)
