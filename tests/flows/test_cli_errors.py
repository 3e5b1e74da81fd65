"""Bad input at the command line: one clear message, the right exit code, nothing half-written."""

from __future__ import annotations

import errno
import json
import os
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from scripted_answers import BEST, SEED, add_model, create_run, rows

from appliance import locations
from appliance.cli import strop
from store import database, prompts, tasks
from store.errors import StoreError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STROP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STROP_DEBUG", raising=False)
    return tmp_path / "home"


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(strop, [str(a) for a in arguments])
    assert "Traceback" not in result.output
    assert "\x1b" not in result.output
    return result


def refused(*arguments: object, code: int = 2) -> str:
    """The message, which must be the same on stderr and in the JSON document."""
    plain = run(*arguments)
    assert (plain.exit_code, plain.stdout) == (code, "")
    document = json.loads(run(*arguments, "--json").stdout)
    assert document["schema"] == "strop/error/1"
    assert document["exit_code"] == code
    assert document["error"] in plain.stderr
    return str(document["error"])


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    return path


def imported(tmp_path: Path) -> None:
    assert (
        run("task", "import", "jsonl", written(tmp_path, rows()), "--name", "firms").exit_code == 0
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "nowhere.jsonl: does not exist" in refused("task", "import", "jsonl", "nowhere.jsonl")


def test_wrong_columns_are_named_with_those_found(tmp_path: Path) -> None:
    path = written(tmp_path, rows().replace('"label"', '"relation"'))
    message = refused("task", "import", "jsonl", path)
    assert 'no column "label"' in message
    assert '"relation"' in message
    assert "--column label=NAME" in message


def test_a_mapped_column_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, rows().replace('"label"', '"relation"'))
    result = run("task", "import", "jsonl", path, "--column", "label=relation", "--json")
    assert json.loads(result.stdout)["rows"] == 16


def test_a_missing_choice_is_named_on_one_line() -> None:
    message = refused("eval", "abcd", "--task", "sample")
    assert "Missing option '--split'. Choose from: tuning, selection, test (see" in message


def test_texts_of_a_spreadsheet_are_imported_and_shown_as_they_will_be_read(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    lines = [f'"late; again {c}\x1b[31m";{label}' for c in "abcdefgh" for label in ("post", "bill")]
    path.write_text("\n".join(["Message;Desk", *lines]))
    options = ("--kind", "classify", "--column", "text=Message", "--column", "label=Desk")
    result = run("task", "import", "csv", path, *options, "--json")
    document = json.loads(result.stdout)
    assert (document["schema"], document["kind"]) == ("strop/task-import-csv/1", "classify")
    assert document["notes"][0] == (
        'read as utf-8, divided by semicolons; columns: "Message", "Desk"'
    )
    assert "  Text: late; again " in result.stderr and "\\x1b[31m" in result.stderr
    assert "  Label: post" in result.stderr or "  Label: bill" in result.stderr
    assert "classify, fixed" in run("task", "show", "tickets").stdout
    for wrong in ("tabs", '"', "\n"):
        message = refused("task", "import", "csv", path, "--delimiter", wrong)
        assert "give one character" in message


def test_a_column_without_its_name_is_a_usage_error(tmp_path: Path) -> None:
    path = written(tmp_path, rows())
    assert "FIELD=NAME" in refused("task", "import", "jsonl", path, "--column", "label")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (rows(("owns", "OWNS")), "labels that read the same"),
        (rows().replace('"label":"owns"', '"label":""', 1), "is empty"),
        (rows().replace('"head":"Firm0a"', '"head":[0,999]', 1), "outside the sentence"),
        (rows().replace('"head":"Firm0a"', '"head":"\\u001b[31mFirm"', 1), "does not occur"),
    ],
)
def test_a_bad_row_refuses_the_whole_file(tmp_path: Path, text: str, part: str) -> None:
    assert part in refused("task", "import", "jsonl", written(tmp_path, text))
    assert json.loads(run("task", "list", "--json").stdout)["tasks"] == []


def test_another_task_of_the_same_name_is_refused(tmp_path: Path) -> None:
    imported(tmp_path)
    path = written(tmp_path, rows(each=9))
    message = refused("task", "import", "jsonl", path, "--name", "firms")
    assert "choose another name" in message


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\nb", "-a", "", " ", "a\u202e"])
def test_a_task_name_that_cannot_be_shown_or_typed_is_refused(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, rows())
    assert "visible characters" in refused("task", "import", "jsonl", path, "--name", name)


@pytest.mark.parametrize("name", [b"a\x1b[2J", b"a\nb", b"-a", b"\xff"])
def test_a_file_name_that_cannot_name_a_task_is_refused_with_the_option_that_does(
    tmp_path: Path, name: bytes
) -> None:
    path = tmp_path / os.fsdecode(name + b".jsonl")
    path.write_text(rows())
    assert "--name" in refused("task", "import", "jsonl", path)
    assert run("task", "import", "jsonl", path, "--name", "firms").exit_code == 0


def test_a_task_name_is_quoted_in_the_command_that_follows(tmp_path: Path) -> None:
    path = tmp_path / "Ann's firms.jsonl"
    path.write_text(rows())
    said = run("task", "import", "jsonl", path).stderr
    command = next(line for line in said.splitlines() if "strop tune" in line)
    assert shlex.split(command.partition(": ")[2])[:3] == ["strop", "tune", "Ann's firms"]


def test_an_unknown_task_is_answered_with_the_nearest(tmp_path: Path) -> None:
    imported(tmp_path)
    for command in (["tune", "frims"], ["task", "show", "frims"]):
        assert 'did you mean "firms"?' in refused(*command)


def test_without_a_model_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    imported(tmp_path)
    for command in (["tune", "firms"], ["demo"], ["models", "check"]):
        assert "strop models pull smollm2-135m" in refused(*command)


def test_an_unknown_model_is_answered_with_the_nearest(tmp_path: Path) -> None:
    imported(tmp_path)
    add_model("smollm2")
    assert 'did you mean "smollm2"?' in refused("tune", "firms", "--model", "smolm2")
    assert "smollm2-135m" in refused("models", "pull", "smollm")


@pytest.mark.parametrize("command", ["show", "watch", "pause", "stop", "finish"])
def test_an_unknown_run_is_answered_with_those_there_are(tmp_path: Path, command: str) -> None:
    imported(tmp_path)
    create_run(database.open(locations.store_path()), "firms")
    assert 'here: "ab12cd34"' in refused("runs", command, "zz")


def test_an_unknown_prompt_is_answered_with_those_there_are(tmp_path: Path) -> None:
    imported(tmp_path)
    create_run(database.open(locations.store_path()), "firms")
    for command in (["prompt", "show", "zz"], ["prompt", "diff", SEED.id, "zz"]):
        assert SEED.id in refused(*command)


def test_an_ambiguous_beginning_is_a_usage_error(tmp_path: Path) -> None:
    imported(tmp_path)
    db = database.open(locations.store_path())
    create_run(db, "firms")
    task = tasks.all(db)[0].id
    body = msgspec.json.encode(BEST).decode()
    prompts.add(db, id=SEED.id[:4] + "x", task_id=task, content=body)
    assert "type more" in refused("prompt", "show", SEED.id[:4])


def test_a_prompt_file_that_is_none_is_refused(tmp_path: Path) -> None:
    imported(tmp_path)
    add_model()
    path = tmp_path / "prompt.json"
    path.write_text('{"sections": [], "example": "{text}{label}"}')
    message = refused("eval", path, "--task", "firms", "--split", "tuning")
    assert "prompt.json" in message
    assert "separator" in message


@pytest.mark.parametrize("text", ["", '{"schema": "strop/prompt-show/1"}', "[" * 100_000])
def test_a_prompt_file_without_a_prompt_is_told_what_would_be_one(
    tmp_path: Path, text: str
) -> None:
    imported(tmp_path)
    path = tmp_path / "prompt.json"
    path.write_text(text)
    message = refused("eval", path, "--task", "firms", "--split", "tuning")
    assert "strop prompt show ID --json" in message
    assert "row" not in message


def test_a_resumed_run_takes_no_other_inputs(tmp_path: Path) -> None:
    imported(tmp_path)
    create_run(database.open(locations.store_path()), "firms", "paused")
    for option, value in (("minutes", 10), ("seed", 1), ("model", "m"), ("reasoner", "m")):
        assert f"leave out --{option}," in refused("tune", "--resume", "ab", f"--{option}", value)


def test_usage_errors_are_documents_too() -> None:
    assert "--bogus" in refused("runs", "list", "--bogus")
    assert "--resume" in refused("tune")
    assert "--resume" in refused("tune", "firms", "--resume", "ab")


def test_a_group_without_a_command_is_a_document_too() -> None:
    result = run("runs", "--json")
    assert json.loads(result.stdout)["exit_code"] == result.exit_code == 2


def test_an_unforeseen_error_is_one_line_and_a_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_tasks(monkeypatch, ValueError("boom\n\x1b[31m"))
    message = refused("task", "list", code=1)
    assert message.startswith("internal error: ValueError: boom")
    assert "\n" not in message
    log = home / "strop.log"
    assert str(log) in message
    assert log.stat().st_mode & 0o777 == 0o600
    assert "Traceback" in log.read_text()


def test_strop_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STROP_DEBUG", "1")
    break_tasks(monkeypatch, ValueError("boom"))
    result = CliRunner().invoke(strop, ["task", "list"])
    assert result.exit_code == 1
    assert "Traceback" in result.stderr


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (StoreError("strop.sqlite: the disk is full; free some space"), "the disk is full"),
        (OSError(errno.ENOSPC, "No space left on device", "strop.sqlite"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), "set STROP_HOME"),
        (ModuleNotFoundError("No module", name="sqlite_utils"), "pip install 'strop[tune]'"),
    ],
)
def test_what_the_machine_refuses_is_said_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, error: Exception, part: str
) -> None:
    break_tasks(monkeypatch, error)
    assert part in refused("task", "list", code=1)


def break_tasks(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(db: Any) -> Any:
        raise error

    monkeypatch.setattr(tasks, "all", fail)


def test_a_data_folder_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STROP_HOME", str(tmp_path / "file" / "home"))
    assert "set STROP_HOME" in refused("task", "list", code=1)


def test_a_file_in_the_place_of_the_data_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STROP_HOME", str(tmp_path / "file"))
    assert "file: is a file; name a folder" in refused("task", "list")
    checks = json.loads(run("doctor", "--json").stdout)["checks"]
    found = next(check for check in checks if check["name"] == "data folder")
    assert (found["state"], found["remedy"]) == ("fail", "name a folder in STROP_HOME")


@pytest.mark.parametrize(("mode", "state"), [(0o755, "warn"), (0o710, "warn"), (0o700, "ok")])
def test_the_doctor_warns_of_a_data_folder_that_others_can_look_into(
    home: Path, mode: int, state: str
) -> None:
    home.mkdir()
    home.chmod(mode)
    result = run("doctor", "--json")
    checks = json.loads(result.stdout)["checks"]
    found = next(check for check in checks if check["name"] == "data folder")
    assert found["state"] == state
    assert ("chmod 700" in found["remedy"]) == (state == "warn")
    assert home.stat().st_mode & 0o777 == mode


def test_the_doctor_fails_where_the_data_folder_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STROP_HOME", str(tmp_path / "file" / "home"))
    result = run("doctor", "--json")
    assert result.exit_code == 1
    states = {check["name"]: check["state"] for check in json.loads(result.stdout)["checks"]}
    assert states["data folder"] == "fail"


def test_a_store_that_is_damaged_inside_is_said_with_a_remedy(tmp_path: Path, home: Path) -> None:
    imported(tmp_path)
    store = home / "strop.sqlite"
    with sqlite3.connect(store) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'tasks'"
        page = connection.execute(query).fetchone()[0] - 1
    content = bytearray(store.read_bytes())
    content[4096 * page : 4096 * (page + 1)] = b"\xff" * 4096
    store.write_bytes(content)
    message = refused("task", "list", code=1)
    assert message.startswith(f"{store}: the file is damaged; move it away")


def test_the_doctor_shows_in_one_line_what_is_wrong_with_a_store(
    tmp_path: Path, home: Path
) -> None:
    """A page too many, and a count of free pages that does not add up."""
    imported(tmp_path)
    store = home / "strop.sqlite"
    content = bytearray(store.read_bytes()) + bytes(4096)
    content[28:32] = (len(content) // 4096).to_bytes(4)
    content[36:40] = (7).to_bytes(4)
    store.write_bytes(content)
    checks = json.loads(run("doctor", "--json").stdout)["checks"]
    detail = next(check["detail"] for check in checks if check["name"] == "store")
    assert detail.startswith("the file is damaged: ")
    assert detail.count("the file is damaged: ") == 2
    assert "***" not in detail
    assert "\n" not in detail


def test_a_store_that_was_emptied_is_told_of_before_a_new_one_begins(home: Path) -> None:
    home.mkdir()
    (home / "strop.sqlite").touch()
    checks = {c["name"]: c for c in json.loads(run("doctor", "--json").stdout)["checks"]}
    assert (checks["store"]["state"], "is empty" in checks["store"]["detail"]) == ("warn", True)
    told = "strop.sqlite was empty, so a new store begins; if it held tasks, put a copy back"
    assert told in run("task", "list").stderr
    assert told not in run("task", "list").stderr


def test_a_data_folder_that_no_shell_has_read_is_in_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STROP_HOME", "~/kept/strop")
    assert run("task", "list").exit_code == 0
    assert (tmp_path / "kept" / "strop" / "strop.sqlite").exists()
    monkeypatch.setenv("STROP_HOME", "~nobody-here/strop")
    assert "there is no such user here; name a folder" in refused("task", "list")


def test_the_doctor_says_what_to_do_about_a_file_that_is_no_store(home: Path) -> None:
    home.mkdir()
    (home / "strop.sqlite").write_text("no database " * 100)
    result = run("doctor", "--json")
    assert result.exit_code == 1
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert "not a SQLite file" in checks["store"]["detail"]
    assert checks["store"]["remedy"].startswith("move it away")


@pytest.mark.parametrize("arguments", ["task list --json", "runs list --bogus --json", "doctor"])
def test_a_closed_stdout_is_an_error_without_a_traceback(home: Path, arguments: str) -> None:
    program = f"{shlex.quote(sys.executable)} -c 'from appliance.cli import main; main()'"
    closed = ["sh", "-c", f"{program} {arguments} >&-"]
    found = subprocess.run(closed, capture_output=True, text=True)
    assert found.returncode in (1, 2)
    assert ("stdout is closed" in found.stderr) == (found.returncode == 1)
    assert "Traceback" not in found.stderr
    assert "internal" not in found.stderr


def test_a_full_disk_under_stdout_is_an_error_without_a_traceback(home: Path) -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [
                sys.executable,
                "-c",
                "from appliance.cli import main; main()",
                "task",
                "list",
                "--json",
            ],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert found.returncode == 1
    assert "disk is full" in found.stderr
    assert "Traceback" not in found.stderr
