"""Who may load what: windows and the store stay light, native code stays in the engines, and what
answers a row on a device needs little."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
NATIVE = ("torch", "llama_cpp", "transformers", "onnxruntime", "gguf")
DEVICE = (
    *(f"appliance.{room}" for room in ("task", "prompts", "encode", "scoring")),
    *(f"models.{module}" for module in ("protocol", "engine", "trie", "chat")),
)
"""What answers a row, but for the engine."""

HEAVY = ("numpy", "scipy", "torch", "optuna", "textual", "sqlite_utils", "jinja2")
ABOVE = (
    *(f"appliance.{room}" for room in ("cli", "run", "host", "tune", "verdict", "refine")),
    *(f"appliance.{room}" for room in ("search", "calibrate", "evaluate", "statistics", "data")),
    *("store", "tui", "models.pool", "models.child", "models.catalog"),
)

# Prints which of some modules are loaded once all modules named, and all below them, are.
_PROBE = """
import importlib, json, pkgutil, sys
names, watched = json.loads(sys.argv[1])
imported = []
for name in names:
    module = importlib.import_module(name)
    imported.append(name)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), name + "."):
        importlib.import_module(found.name)
        imported.append(found.name)
print(json.dumps([imported, [name for name in watched if name in sys.modules]]))
"""


def imported_and_loaded(
    *names: str, watched: Sequence[str] = NATIVE
) -> tuple[list[str], list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, json.dumps([names, watched])],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    imported, loaded = json.loads(done.stdout)
    return imported, loaded


@pytest.mark.parametrize("package", ["appliance", "tui", "store"])
def test_importing_the_whole_package_loads_no_native_library(package):
    imported, native = imported_and_loaded(package)
    files = {path for path in (REPOSITORY / package).rglob("*.py") if path.stem != "__main__"}
    assert len([name for name in imported if not name.endswith("__main__")]) == len(files)
    assert native == []


@pytest.mark.parametrize(
    "module",
    [
        *("protocol", "engine", "trie", "pool", "catalog", "headers", "chat", "pull", "egress"),
        *("wire", "worker"),
    ],
)
def test_the_light_modules_of_models_load_no_native_library(module):
    assert imported_and_loaded(f"models.{module}")[1] == []


def test_what_answers_a_row_loads_no_heavy_library_and_nothing_that_only_tuning_needs():
    imported, loaded = imported_and_loaded(*DEVICE, watched=(*NATIVE, *HEAVY, *ABOVE))
    assert {"appliance.scoring.predict", "appliance.encode.renderer"} <= set(imported)
    assert loaded == []


def test_the_engine_of_a_device_brings_only_what_llama_cpp_itself_imports():
    pytest.importorskip("llama_cpp")
    imported, loaded = imported_and_loaded(
        *DEVICE, "models.llama", watched=(*NATIVE, *HEAVY, *ABOVE)
    )
    assert "models.llama.engine" in imported
    assert {*loaded} <= {"llama_cpp", "numpy", "jinja2"}


def test_the_probe_sees_a_native_library_that_is_loaded():
    assert imported_and_loaded("gguf.constants")[1] == ["gguf"]


def test_the_contracts_between_packages_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
