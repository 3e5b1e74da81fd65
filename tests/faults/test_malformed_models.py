"""Five hundred damaged files of each format: a refusal by name or an answer, never a dead parent.

Each is read here by the bounded reader, with a limit on time. What it lets pass is loaded in a
child, as a worker would; the child may die of it and is started again for the files that are left.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import tiny_onnx
from families import FAMILIES, write
from loading_child import END

from models.headers import HeaderError, read_gguf, read_onnx, read_safetensors

FILES = 500
SECONDS = 5.0
TESTS = Path(__file__).parent.parent


def gguf(folder: Path) -> bytes:
    return write(folder / "whole.gguf", FAMILIES["llama"]).read_bytes()


def safetensors(folder: Path) -> bytes:
    numpy = pytest.importorskip("safetensors.numpy")
    import numpy as np

    arrays = {f"layer.{i}.weight": np.ones((4, 3 + i), np.float16) for i in range(12)}
    numpy.save_file(arrays, folder / "whole.safetensors", {"format": "pt"})
    return (folder / "whole.safetensors").read_bytes()


def onnx(folder: Path) -> bytes:
    pytest.importorskip("onnxruntime")
    return tiny_onnx.build()


def damage(data: bytes, random: Random, header: int) -> bytes:
    """One to four faults, most of them among the first ``header`` bytes."""
    found = bytearray(data)
    for _ in range(random.randint(1, 4)):
        end = header if random.random() < 0.9 else len(found)
        place = random.randrange(max(min(end, len(found)), 1))
        match random.choice(["byte", "bit", "number", "cut", "grow", "drop", "repeat"]):
            case "byte":
                found[place : place + 1] = random.randbytes(1)
            case "bit":
                if place < len(found):
                    found[place] ^= 1 << random.randrange(8)
            case "number":
                size = random.choice([4, 8])
                value = random.choice([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1])
                found[place : place + size] = (value % 2 ** (8 * size)).to_bytes(size, "little")
            case "cut":
                del found[max(place, 1) :]
            case "grow":
                found += random.randbytes(random.randint(1, 64))
            case "drop":
                del found[place : place + random.randint(1, 16)]
            case "repeat":
                found[place:place] = found[place : place + random.randint(1, 64)]
    return bytes(found)


@pytest.mark.parametrize(
    ("make", "read", "header"),
    [(gguf, read_gguf, 12_000), (safetensors, read_safetensors, 1_000), (onnx, read_onnx, 10_000)],
    ids=["gguf", "safetensors", "onnx"],
)
def test_damaged_files_are_refused_by_name_or_answered(
    tmp_path: Path, make: Callable[[Path], bytes], read: Callable[[Path], object], header: int
) -> None:
    whole, kind = make(tmp_path), make.__name__
    accepted, refused = [], []
    for number in range(FILES):
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(damage(whole, Random(number), header))
        start = time.monotonic()
        try:
            read(path)
        except HeaderError as error:
            refused.append(error.rule)
        else:
            accepted.append(path)
        assert time.monotonic() - start < SECONDS, f"{path} takes long"
    assert len(refused) > FILES // 2 and all(rule.strip() for rule in refused)
    ends = load(kind, accepted)
    assert len(ends) == len(accepted)


def load(kind: str, files: list[Path]) -> list[str]:
    """What became of each file; a child that dies says so of the one it died of."""
    ends: list[str] = []
    while len(ends) < len(files):
        command = [sys.executable, str(TESTS / "loading_child.py"), kind, *files[len(ends) :]]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS * len(files)
        )
        ends += [line for line in done.stdout.splitlines() if line.startswith(END)]
        if done.returncode:
            ends.append(f"ended with {done.returncode}")
    return ends
