"""What every test shares: a data folder of its own, and the real model where the machine has it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import platformdirs
import pytest

# tests/scripted.py is imported by name, also by the workers that tests start.
sys.path.insert(0, str(Path(__file__).parent))

# A shell has its background jobs ignore Ctrl-C, and nohup has what it runs ignore a lost terminal;
# what tests start would inherit either.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Read before any test changes the environment.
_HOME = Path(os.environ.get("STROP_HOME") or platformdirs.user_data_dir("strop"))
_MODELS = _HOME / "models"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own; the user's is never touched."""
    folder = tmp_path / "strop-home"
    monkeypatch.setenv("STROP_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The path of SmolLM2-135M's GGUF."""
    given = os.environ.get("STROP_TEST_MODEL")
    return Path(given) if given else _real("smollm2-135m", "`strop models pull smollm2-135m`")


@pytest.fixture(scope="session")
def qwen_coder() -> Path:
    """The path of the GGUF of Qwen2.5-Coder-0.5B-Instruct."""
    return _real("qwen2.5-coder-0.5b", "`strop models pull qwen2.5-coder-0.5b`")


@pytest.fixture(scope="session")
def gemma() -> Path:
    """The path of the GGUF of Gemma 3 270M, which was trained on no chat."""
    return _real("gemma-3-270m", "`python tests/get_gemma.py`")


def _real(name: str, command: str) -> Path:
    file = _MODELS / name / "serving.gguf"
    if not file.is_file():
        pytest.skip(f"no model at {file}: run {command}")
    return file
