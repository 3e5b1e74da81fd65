"""llama.cpp as `packaging/setup.sh` compiles it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

llama_cpp = pytest.importorskip("llama_cpp")


def test_the_processor_s_amx_is_used_where_the_compiler_knows_it():
    info = Path("/proc/cpuinfo")
    if not info.exists() or "amx_int8" not in info.read_text():
        pytest.skip("this processor has no AMX")
    compiler = [os.environ.get("CC", "cc"), "-march=native", "-dM", "-E", "-"]
    known = subprocess.run(compiler, input=b"", capture_output=True, check=False).stdout
    if b"__AMX_TILE__" not in known:
        pytest.skip("this compiler does not know AMX")
    assert b"AMX_INT8 = 1" in llama_cpp.llama_print_system_info()
