"""The catalog: models come and go whole, and damage is found."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from tiny_gguf import build

import models.catalog
from models.catalog import Body, Catalog, CatalogError
from models.headers import HeaderError


@pytest.fixture
def catalog(tmp_path) -> Catalog:
    return Catalog(tmp_path / "data" / "models")


@pytest.fixture
def gguf(tmp_path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(build())
    return path


def add(catalog: Catalog, gguf: Path, name: str = "tiny"):
    return catalog.add_gguf(gguf, name, licence="Apache-2.0", origin="a test")


def left_over(catalog: Catalog) -> list[str]:
    return [path.name for path in catalog.folder.glob("*")]


def test_an_added_model_is_there_with_what_its_header_says(catalog, gguf):
    model = add(catalog, gguf)
    assert catalog.get("tiny") == model
    assert (model.architecture, model.context, model.size) == ("llama", 64, len(build()))
    assert model.sha256 == hashlib.sha256(build()).hexdigest()
    assert model.bodies == {"F32": Body(model.serving, model.sha256, "F32")}
    assert (model.search, model.twin_sha256, model.licence) == ("F32", None, "Apache-2.0")
    assert (catalog.path("tiny") / model.serving).read_bytes() == build()


def test_without_a_licence_the_one_that_the_file_states_is_recorded(catalog, gguf):
    assert catalog.add_gguf(gguf, "tiny", licence=None, origin="").licence == "apache-2.0"


def test_models_are_listed_by_name(catalog, gguf):
    assert catalog.all() == []
    for name in ("b", "a"):
        add(catalog, gguf, name)
    assert [model.name for model in catalog.all()] == ["a", "b"]


def test_nobody_else_can_read_the_folders_and_files(catalog, gguf):
    model = add(catalog, gguf)
    folder = catalog.path("tiny")
    for path in (catalog.folder, folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for file in (folder / "model.json", folder / model.serving):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_unknown_model_lists_those_here_and_how_to_pull(catalog, gguf):
    with pytest.raises(CatalogError, match=r"none yet.*strop models pull.*strop models import"):
        catalog.get("other")
    add(catalog, gguf)
    with pytest.raises(CatalogError, match="no model is named other; on this machine: tiny"):
        catalog.get("other")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/etc", "A", "a\nb", "a" * 65, ".a"]
)
def test_a_name_that_could_leave_the_folder_is_refused(catalog, gguf, name):
    for use in (catalog.get, catalog.remove, catalog.check, lambda n: add(catalog, gguf, n)):
        with pytest.raises(CatalogError, match="is no model name"):
            use(name)


def test_a_model_is_not_added_twice(catalog, gguf):
    model = add(catalog, gguf)
    with pytest.raises(CatalogError, match=r"already in .*strop models remove tiny"):
        add(catalog, gguf)
    assert catalog.get("tiny") == model


def test_a_bad_header_adds_nothing(catalog, gguf):
    gguf.write_bytes(build()[:-1])
    with pytest.raises(HeaderError, match="truncated"):
        add(catalog, gguf)
    assert left_over(catalog) == []


def test_a_full_disk_adds_nothing_and_says_so(catalog, gguf, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(models.catalog.os, "fsync", full)
    with pytest.raises(CatalogError, match="No space left on device; nothing was changed"):
        add(catalog, gguf)
    assert left_over(catalog) == []


def test_a_killed_add_leaves_no_model_and_the_next_one_works(catalog, gguf):
    code = (
        "import os, signal, sys, models.catalog as c\n"
        "from pathlib import Path\n"
        "c.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "c.Catalog(Path(sys.argv[1])).add_gguf(Path(sys.argv[2]), 'tiny', licence='', origin='')\n"
    )
    command = [sys.executable, "-c", code, str(catalog.folder), str(gguf)]
    root = Path(models.catalog.__file__).parents[1]
    assert subprocess.run(command, cwd=root).returncode == -9
    assert catalog.all() == []
    assert sorted(left_over(catalog)) == [".tiny.lock", ".tiny.staged"]
    add(catalog, gguf)
    assert left_over(catalog) == ["tiny"]
    assert catalog.check("tiny") == []


def test_an_update_replaces_the_record(catalog, gguf):
    model = add(catalog, gguf)
    faster = msgspec.structs.replace(model.bodies["F32"], prefill_tokens_per_s=812.5)
    changed = msgspec.structs.replace(model, bodies={"F32": faster}, twin_sha256="0" * 64)
    catalog.update(changed)
    assert catalog.get("tiny") == changed


def test_a_failed_update_keeps_the_record(catalog, gguf, monkeypatch):
    model = add(catalog, gguf)

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(models.catalog.os, "fsync", fail)
    with pytest.raises(CatalogError, match="nothing was changed"):
        catalog.update(msgspec.structs.replace(model, licence="MIT"))
    assert catalog.get("tiny") == model
    names = sorted(path.name for path in catalog.path("tiny").iterdir())
    assert names == ["model.json", model.serving]


def test_an_update_of_a_model_that_is_gone_is_refused(catalog, gguf):
    model = add(catalog, gguf)
    catalog.remove("tiny")
    with pytest.raises(CatalogError, match="no model is named tiny"):
        catalog.update(model)


def test_an_update_that_names_no_body_is_refused(catalog, gguf):
    model = add(catalog, gguf)
    with pytest.raises(CatalogError, match="search 'Q8_0' is unknown"):
        catalog.update(msgspec.structs.replace(model, search="Q8_0"))


def test_a_removed_model_is_gone_with_its_files(catalog, gguf):
    add(catalog, gguf)
    catalog.remove("tiny")
    assert catalog.all() == []
    assert left_over(catalog) == []


def test_a_sound_model_has_no_problems(catalog, gguf):
    add(catalog, gguf)
    assert catalog.check("tiny") == []


def test_a_check_finds_a_changed_byte(catalog, gguf):
    file = catalog.path("tiny") / add(catalog, gguf).serving
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    [problem] = catalog.check("tiny")
    assert str(file) in problem
    assert "sha256" in problem


def test_a_check_finds_a_truncated_and_a_missing_file(catalog, gguf):
    file = catalog.path("tiny") / add(catalog, gguf).serving
    os.truncate(file, 100)
    assert "truncated" in catalog.check("tiny")[0]
    file.unlink()
    assert "no such file" in catalog.check("tiny")[0]


def test_a_check_reads_the_twin(catalog, gguf):
    model, weights = add(catalog, gguf), catalog.path("tiny") / "twin" / "model.safetensors"
    sound = b"\x02" + bytes(7) + b"{}"
    recorded = hashlib.sha256(sound).hexdigest()
    catalog.update(msgspec.structs.replace(model, twin_sha256=recorded))
    assert catalog.check("tiny") == [f"{weights}: no such file"]
    weights.parent.mkdir()
    weights.write_bytes(sound.replace(b"{}", b"[]"))
    assert "does not start with {" in catalog.check("tiny")[0]
    weights.write_bytes(b"\x03" + sound[1:] + b" ")
    assert catalog.check("tiny") == [f"{weights}: its sha256 is not the recorded {recorded}"]
    weights.write_bytes(sound)
    assert catalog.check("tiny") == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda fields: {}, "cannot be read"),
        (lambda fields: fields | {"size": "big"}, "cannot be read"),
        (lambda fields: fields | {"name": "other"}, "the record of other"),
        (lambda fields: fields | {"serving": "other.gguf"}, "unknown"),
        (
            lambda fields: (
                fields | {"bodies": {"F32": fields["bodies"]["F32"] | {"file": "../../secret"}}}
            ),
            "no plain file name",
        ),
    ],
)
def test_a_damaged_record_is_refused_by_name(catalog, gguf, change, reason):
    add(catalog, gguf)
    record = catalog.path("tiny") / "model.json"
    record.write_text(json.dumps(change(json.loads(record.read_text()))))
    with pytest.raises(CatalogError, match=reason) as caught:
        catalog.get("tiny")
    assert str(record) in str(caught.value)
    assert "strop models remove tiny" in str(caught.value)


def test_a_record_that_is_not_json_or_too_large_is_refused(catalog, gguf):
    add(catalog, gguf)
    record = catalog.path("tiny") / "model.json"
    record.write_bytes(b"\xff")
    with pytest.raises(CatalogError, match="cannot be read"):
        catalog.get("tiny")
    os.truncate(record, (1 << 20) + 1)
    with pytest.raises(CatalogError, match="larger than"):
        catalog.get("tiny")


def test_a_damaged_record_leaves_the_other_models_usable_and_is_told(catalog, gguf):
    for name in ("bad", "empty", "good"):
        add(catalog, gguf, name)
    (catalog.path("bad") / "model.json").write_text("{")
    (catalog.path("empty") / "model.json").unlink()
    assert [model.name for model in catalog.all()] == ["good"]
    damaged = catalog.damaged()
    assert list(damaged) == ["bad", "empty"]
    assert "No such file" in damaged["empty"]
    assert catalog.check("bad") == [damaged["bad"]]
    catalog.remove("bad")
    catalog.remove("empty")
    assert catalog.damaged() == {}


def test_a_folder_that_no_model_can_have_is_no_damaged_model(catalog, gguf):
    add(catalog, gguf)
    (catalog.folder / "lost+found").mkdir()
    (catalog.folder / ".tiny.staged").mkdir()
    (catalog.folder / "notes.txt").write_text("mine")
    assert catalog.damaged() == {}


def test_a_lock_is_held_by_one_at_a_time_although_its_file_is_removed_each_time(catalog, gguf):
    """Each holder removes the file that others wait on, and those then lock another one."""
    inside = most = 0

    def hold(_: int) -> None:
        nonlocal inside, most
        with catalog._locked("tiny"):
            inside += 1
            most = max(most, inside)
            os.sched_yield()
            inside -= 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(hold, range(200)))
    assert most == 1 and left_over(catalog) == []
