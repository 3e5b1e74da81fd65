"""Who may load what: windows and the store stay light, native code stays in the engines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
NATIVE = ("torch", "llama_cpp", "transformers", "onnxruntime", "gguf")

# Prints which of the native libraries are loaded once all modules named, and all below them, are.
_PROBE = """
import importlib, json, pkgutil, sys
names, native = json.loads(sys.argv[1])
imported = []
for name in names:
    module = importlib.import_module(name)
    imported.append(name)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), name + "."):
        importlib.import_module(found.name)
        imported.append(found.name)
print(json.dumps([imported, [name for name in native if name in sys.modules]]))
"""


def imported_and_native(*names: str) -> tuple[list[str], list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, json.dumps([names, NATIVE])],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    imported, native = json.loads(done.stdout)
    return imported, native


@pytest.mark.parametrize("package", ["appliance", "tui", "store"])
def test_importing_the_whole_package_loads_no_native_library(package):
    imported, native = imported_and_native(package)
    files = {path for path in (REPOSITORY / package).rglob("*.py") if path.stem != "__main__"}
    assert len([name for name in imported if not name.endswith("__main__")]) == len(files)
    assert native == []


@pytest.mark.parametrize(
    "module",
    ["engine", "trie", "pool", "catalog", "headers", "chat", "pull", "egress", "wire", "worker"],
)
def test_the_light_modules_of_models_load_no_native_library(module):
    assert imported_and_native(f"models.{module}")[1] == []


def test_the_probe_sees_a_native_library_that_is_loaded():
    assert imported_and_native("gguf.constants")[1] == ["gguf"]


def test_the_contracts_between_packages_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
