"""The folders of the command line share what lies loose beside them, never each other's files."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CLI = Path(__file__).parents[2] / "appliance" / "cli"
FOLDERS = sorted(path.name for path in CLI.iterdir() if (path / "__init__.py").exists())
LOOSE = sorted(path.stem for path in CLI.glob("*.py") if path.stem != "__init__")


def imported_by(*files: Path) -> set[str]:
    """The folders of the command line that the files import from."""
    found: set[str] = set()
    for node in (n for file in files for n in ast.walk(ast.parse(file.read_text()))):
        if isinstance(node, ast.ImportFrom) and node.module == "appliance.cli":
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and f"{node.module}".startswith("appliance.cli."):
            found |= {f"{node.module}".split(".")[2]}
    return found & set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_no_other_folder(folder):
    assert imported_by(*(CLI / folder).rglob("*.py")) <= {folder}


@pytest.mark.parametrize("name", LOOSE)
def test_what_all_share_imports_no_folder(name):
    assert imported_by(CLI / f"{name}.py") == set()
