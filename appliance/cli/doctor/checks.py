"""The checks of ``strop doctor``. None of them changes anything or loads a native library."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal

import msgspec

from appliance import locations
from appliance.data import check as content
from appliance.errors import InputError
from appliance.run import check as runs
from appliance.run.client import runner_is_alive
from models.catalog import TWIN, Catalog, Model, again
from models.egress import OFFLINE
from models.processors import processors
from store import check, database
from store.errors import StoreError

GIB = 1 << 30
ENOUGH_MEMORY = 3 * GIB
ENOUGH_DISK = 2 * GIB
LEAST_DISK = GIB // 5
X86 = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8")
ARM = ("asimd", "asimddp", "i8mm", "bf16", "sve")
PULL = "get a model: strop models pull smollm2-135m"

SHOWN = 5
"""The most problems of the store that are named."""

State = Literal["ok", "warn", "fail"]


class Check(msgspec.Struct, frozen=True):
    name: str
    state: State
    detail: str
    remedy: str = ""


def all() -> list[Check]:
    """Every check, in the order in which a person would mend what is wrong."""
    found = [_python(), *_packages(), _processor(), _memory(), _offline()]
    try:
        home = locations.home()
        found += [_disk(home), _folder(home), *_store(), *_models(), _runner()]
    except OSError as error:
        remedy = "give yourself the right to write there, or set STROP_HOME to another folder"
        found.append(Check("data folder", "fail", f"{error.filename}: {error.strerror}", remedy))
    except InputError as error:
        what, _, remedy = str(error).partition("; ")
        found.append(Check("data folder", "fail", what, remedy))
    return found


def _python() -> Check:
    fit = sys.version_info >= (3, 11)
    remedy = "" if fit else "install Python 3.11 or later"
    return Check("Python", "ok" if fit else "fail", platform.python_version(), remedy)


def _packages() -> Iterator[Check]:
    """Checks the packages that Strop's metadata requires, including those of the extra ``tune``."""
    try:
        required = metadata.requires("strop") or []
    except metadata.PackageNotFoundError:
        yield Check("strop", "warn", "not installed", "pip install 'strop[tune]'")
        return
    for requirement in required:
        name, extra = re.split(r"[^\w.-]", requirement)[0], requirement.partition(";")[2]
        if extra and "tune" not in extra:
            continue
        try:
            yield Check(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, "fail", "not installed", "pip install 'strop[tune]'")


def _processor() -> Check:
    machine = platform.machine()
    words = set(_read("/proc/cpuinfo").split())
    flags = [flag for flag in (*X86, *ARM) if flag in words]
    detail = f"{processors()} x {machine}: {' '.join(flags) or 'flags unknown'}"
    if machine == "x86_64" and flags and "avx2" not in flags:
        return Check(
            "processor", "warn", detail, "without AVX2 everything takes several times longer"
        )
    return Check("processor", "ok", detail)


def _memory() -> Check:
    found = re.search(r"MemAvailable:\s+(\d+) kB", _read("/proc/meminfo"))
    if not found:
        return Check("memory", "warn", "unknown", "see that 3 GB are free")
    free = int(found[1]) * 1024
    fit = free >= ENOUGH_MEMORY
    remedy = "" if fit else "close other programs: a run takes up to 3 GB"
    return Check("memory", "ok" if fit else "warn", f"{free / GIB:.1f} GiB free", remedy)


def _disk(home: Path) -> Check:
    free = shutil.disk_usage(home).free
    state: State = "ok" if free >= ENOUGH_DISK else "warn" if free >= LEAST_DISK else "fail"
    remedy = "" if state == "ok" else f"free some space: a model and its bodies take 2 GB in {home}"
    return Check("disk", state, f"{free / GIB:.1f} GiB free", remedy)


def _folder(home: Path) -> Check:
    mode = stat.S_IMODE(home.stat().st_mode)
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        remedy = "give yourself the right to write there, or set STROP_HOME to another folder"
        return Check("data folder", "fail", f"{home} cannot be written", remedy)
    state: State = "warn" if mode & 0o077 else "ok"
    remedy = f"others can look in: chmod 700 {shlex.quote(str(home))}" if state == "warn" else ""
    return Check("data folder", state, f"{home} ({mode:o})", remedy)


def _store() -> Iterator[Check]:
    """Checks the file, then what is in it."""
    path = locations.store_path()
    if not path.exists():
        yield Check("store", "ok", "none yet")
        return
    if not path.stat().st_size:
        yield Check("store", "warn", f"{path} is empty", "if it held tasks, put a copy of it back")
        return
    try:
        db = database.open(path)
    except StoreError as error:
        what, _, remedy = str(error).partition("; ")
        yield Check("store", "fail", what, remedy)
        return
    try:
        if problems := check.check(db):
            remedy = f"put a copy of {path} back, or move it away, and Strop begins a new one"
            yield Check("store", "fail", _told(problems), remedy)
            return
        yield Check("store", "ok", f"{path}, {path.stat().st_size / 1e6:.1f} MB")
        damage = [error.problem for error in (*content.damage(db), *runs.damage(db))]
    finally:
        db.conn.close()
    remedy = f"put a copy of {path} back, or remove the task that it belongs to: strop task remove"
    yield (
        Check("records", "fail", _told(damage), remedy)
        if damage
        else Check("records", "ok", "as written")
    )


def _told(problems: Sequence[str]) -> str:
    more = f" (and {len(problems) - SHOWN} more)" if len(problems) > SHOWN else ""
    return "; ".join(problems[:SHOWN]) + more


def _models() -> Iterator[Check]:
    catalog = Catalog(locations.models_folder())
    models, damaged = catalog.all(), catalog.damaged()
    if not models and not damaged:
        yield Check("models", "warn", "none yet", PULL)
    for name, problem in damaged.items():
        what, _, remedy = problem.partition("; ")
        yield Check(f"model {name}", "fail", what, remedy)
    for model in models:
        problems = _sizes(catalog.path(model.name), model)
        remedy = again(model.name) if problems else ""
        detail = "; ".join(problems) or f"{model.size / 1e6:.0f} MB, {model.architecture}"
        yield Check(f"model {model.name}", "fail" if problems else "ok", detail, remedy)


def _sizes(folder: Path, model: Model) -> list[str]:
    """Finds missing files and a serving file of another size.

    Only ``strop models check`` reads the files whole.
    """
    names = [body.file for body in model.bodies.values()] + ([TWIN] if model.twin_sha256 else [])
    problems = [f"{name} is missing" for name in names if not (folder / name).exists()]
    serving = folder / model.serving
    if serving.exists() and serving.stat().st_size != model.size:
        problems.append(f"{model.serving} has {serving.stat().st_size} bytes, not {model.size}")
    return problems


def _runner() -> Check:
    return Check("runner", "ok", "at work" if runner_is_alive() else "idle: starts when needed")


def _offline() -> Check:
    unset = [name for name, value in OFFLINE.items() if os.environ.get(name) != value]
    if unset:
        return Check("offline", "warn", f"not set: {', '.join(unset)}", "start it as `strop`")
    return Check("offline", "ok", ", ".join(OFFLINE))


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
