"""The child of ``models.make``: ``python -m models.make_child WHAT SOURCE TARGET KIND``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from models.egress import refuse_network


def main(what: str, source: str, target: str, kind: str) -> None:
    refuse_network()
    os.umask(0o077)  # its owner alone can read what is made, as with the rest of the model
    if what == "twin":
        from models.twin.load import make_twin

        make_twin(Path(source), Path(target))
    else:
        from models.llama.quantise import quantise

        quantise(Path(source), Path(target), kind)


if __name__ == "__main__":
    main(*sys.argv[1:])
