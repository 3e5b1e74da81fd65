"""Prompts scored from the command line against a scripted runner: what is asked, shown, refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from scripted_answers import BEST, SEED, Refusal, ScriptedRunner, add_model, create_run, rows

from appliance import locations
from appliance.cli import strop
from appliance.prompts.prompt import Prompt
from appliance.run import client
from store import database
from store.records import CommandRecord

YES_NO = Prompt((), "{marked}\n{label}? {answer}\n")
SPLIT = ("--task", "firms", "--split", "selection")


@pytest.fixture(autouse=True)
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("STROP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(client, "POLL", 0.01)
    path = tmp_path / "firms.jsonl"
    path.write_text(rows())
    assert invoke("task", "import", "jsonl", path).exit_code == 0
    add_model()
    opened = database.open(locations.store_path())
    create_run(opened, "firms")
    yield opened
    opened.conn.close()


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(strop, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def entry(name: str, prompt: str, rank: int, n: int = 5, **more: Any) -> dict[str, Any]:
    """What the runner says of a prompt: the better its rank, the more of its five cases right."""
    right = 5 - rank
    cases = [
        {"case": f"c{i}", "gold": "owns", "predicted": "owns" if i < right else "employs",
         "credit": float(i < right), "exact": i < right, "tally": [1, 0, 0],
         "confidence": 0.75, "part": "", "loss": 0.5}
        for i in range(n)
    ]  # fmt: skip
    figures = {"value": right / 5, "low": 0.23, "high": 0.88, "n": n}
    rules = {"weight": 0.5, "bias": [0.5, -0.5], "channel_weight": 0.0, "threshold": 0.0}
    also = {"micro_f1": {"value": 0.25, "low": 0.125, "high": 0.375, "n": n}}
    return {
        "name": name, "prompt": prompt, "rank": rank, "behind": None, "also": also, "loss": 1.5,
        "cases": cases, **figures, **rules, **more,
    }  # fmt: skip


def answered(db: Any, command: CommandRecord) -> dict[str, Any]:
    """The prompts rank as they were given, and the third drops out."""
    body = json.loads(command.content)
    prompts = [
        entry(name, msgspec.convert(prompt, Prompt).id, rank)
        for rank, (name, prompt) in enumerate(body["prompts"].items(), 1)
    ]
    for late in prompts[2:]:
        late |= {"behind": 0.4, "n": 3, "cases": late["cases"][:3]}
    return {
        "task": body["task"], "metric": "accuracy", "split": body["split"], "seconds": 2.0,
        "tokens": 900, "prompts": prompts,
    }  # fmt: skip


def evaluated(*arguments: object) -> Result:
    with ScriptedRunner({"eval": answered}):
        return invoke("eval", *arguments, *SPLIT)


def asked(*arguments: object) -> dict[str, Any]:
    """The body of the command that is sent."""
    sent: list[dict[str, Any]] = []

    def answer(db: Any, command: CommandRecord) -> dict[str, Any]:
        sent.append(json.loads(command.content))
        raise Refusal("enough", 2)

    with ScriptedRunner({"eval": answer}):
        invoke("eval", *arguments)
    return sent[0]


def refusal(*arguments: object) -> str:
    """What is said of prompts that never reach the runner."""
    with ScriptedRunner({}):
        result = invoke("eval", *arguments, *SPLIT)
    assert result.exit_code == 2 and result.stdout == ""
    return result.stderr


def folder(tmp_path: Path, **prompts: Prompt | str) -> Path:
    path = tmp_path / "prompts"
    path.mkdir()
    for name, prompt in prompts.items():
        text = prompt if isinstance(prompt, str) else msgspec.json.encode(prompt).decode()
        (path / f"{name}.json").write_text(text)
    return path


def test_one_prompt_is_shown_with_its_figures_intervals_rules_and_speed():
    text = evaluated(SEED.id[:6]).stdout
    assert f"prompt  {SEED.id}" in text and "firms, selection split, n 5" in text
    assert "accuracy 0.800, 95 % interval [0.230, 0.880]" in text
    assert "micro-F1 0.250, 95 % interval [0.125, 0.375]" in text
    assert "loss    1.5000, calibration weight 0.5, label biases" in text
    assert "0:02, 900 tokens; 2.5 rows/s, 450 tokens/s" in text


def test_the_document_holds_every_answer():
    found = json.loads(evaluated(SEED.id, "--json").stdout)
    assert found["schema"] == "strop/eval/1"
    [only] = found["prompts"]
    assert only["prompt"] == SEED.id and len(only["cases"]) == 5
    assert only["cases"][4]["predicted"] == "employs"


def test_examples_are_shown_one_by_one_where_asked_for():
    assert "employs" not in evaluated(SEED.id).stdout
    text = evaluated(SEED.id, "--examples").stdout
    lines = [line.split() for line in text.splitlines() if line.startswith("c")]
    assert ["c0", "1.00", "0.75", "0.500", "owns", "owns"] in lines
    assert ["c4", "0.00", "0.75", "0.500", "owns", "employs"] in lines


def test_a_written_answer_has_no_probability_to_show_and_a_long_one_is_cut():
    def written(db: Any, command: CommandRecord) -> dict[str, Any]:
        found = answered(db, command)
        case = {
            **found["prompts"][0]["cases"][0],
            "confidence": None,
            "predicted": "x\n" + "y" * 99,
        }
        found["prompts"][0]["cases"] = [case]
        return found

    with ScriptedRunner({"eval": written}):
        text = invoke("eval", SEED.id, *SPLIT, "--examples").stdout
    [line] = [line for line in text.splitlines() if line.startswith("c0")]
    assert line.split() == ["c0", "1.00", "0.500", "owns", "x\\n" + "y" * 58 + "…"]


def test_many_prompts_are_ranked_and_who_dropped_out_is_told(tmp_path):
    path = folder(tmp_path, a=BEST, b=YES_NO, c=SEED)
    text = evaluated(path).stdout
    table = [line.split() for line in text.splitlines() if line[:1].isdigit()]
    assert [row[0] for row in table] == ["1.", "2.", "3."]
    assert [Path(row[1]).name for row in table] == ["a.json", "b.json", "c.json"]
    assert table[0][2:] == ["5", "0.800", "[0.230,", "0.880]", "1.500"]
    assert table[2][2] == "3" and text.splitlines()[-1].endswith("dropped out, behind by 0.400")
    assert "accuracy" in text and "3 prompts" in text and "6.5 rows/s" in text


def test_a_folder_is_its_json_files_in_order_and_ids_and_files_go_beside_it(tmp_path):
    path = folder(tmp_path, z=YES_NO, a=BEST)
    (path / "notes.txt").write_text("no prompt")
    body = asked(path, SEED.id[:5], *SPLIT, "--limit", 7)
    assert list(body["prompts"]) == [str(path / "a.json"), str(path / "z.json"), SEED.id]
    assert msgspec.convert(body["prompts"][SEED.id], Prompt) == SEED
    rest = {key: value for key, value in body.items() if key != "prompts"}
    assert rest == {
        "task": "firms", "split": "selection", "model": "tiny", "limit": 7, "first_yes": False,
    }  # fmt: skip


def test_a_prompt_is_taken_out_of_a_file_or_out_of_the_document_that_shows_it(tmp_path):
    shown = json.loads(invoke("prompt", "show", SEED.id, "--json").stdout)
    path = tmp_path / "prompt.json"
    for content in (shown["body"], shown):
        path.write_text(json.dumps(content))
        [prompt] = asked(path, *SPLIT)["prompts"].values()
        assert msgspec.convert(prompt, Prompt) == SEED


def test_an_empty_folder_is_refused_with_what_it_lacks(tmp_path):
    path = folder(tmp_path)
    assert "prompts: holds no .json file; name a folder of prompts" in refusal(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"example": "{text}"}', '{"schema": "x"}'])
def test_a_broken_file_in_a_folder_is_named(tmp_path, text):
    path = folder(tmp_path, a=SEED, broken=text, c=BEST)
    assert str(Path("prompts") / "broken.json") in refusal(path)


def test_a_prompt_that_is_given_twice_is_refused_with_both_names(tmp_path):
    path = folder(tmp_path, a=SEED, b=BEST, c=SEED)
    message = refusal(path)
    assert "c.json is the same prompt as" in message and "a.json; leave one of them out" in message
    assert f"{SEED.id} is given twice; leave one of them out" in refusal(SEED.id, SEED.id[:6])
    assert "is the same prompt as" in refusal(path / "a.json", SEED.id)


def test_the_first_yes_is_asked_for_and_only_of_yes_no_prompts(tmp_path):
    path = folder(tmp_path, a=SEED, b=YES_NO)
    assert asked(path, *SPLIT, "--first-yes")["first_yes"] is True
    assert "--first-yes is for prompts that ask yes or no" in refusal(SEED.id, "--first-yes")


def test_no_prompt_is_a_usage_error():
    result = invoke("eval", *SPLIT)
    assert result.exit_code == 2 and "PROMPT..." in result.stderr


def test_hostile_names_of_files_are_shown_escaped(tmp_path):
    path = folder(tmp_path, **{"a\x1b[31m": SEED, "b": BEST})
    assert "\x1b" not in evaluated(path).stdout
    assert "\x1b" not in refusal(path, SEED.id)


def test_a_document_is_printed_without_making_text_of_it(monkeypatch):
    monkeypatch.delattr("appliance.cli.prompts.evaluate._text")
    assert evaluated(SEED.id, "--json").exit_code == 0


@pytest.mark.parametrize("name", ["prior", "wieght"])
def test_a_prompt_with_a_field_that_nobody_knows_is_not_read_as_another(tmp_path, name):
    fields = {**msgspec.to_builtins(SEED), name: 0.5}
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(fields))
    assert f'mine.json: a prompt has no field "{name}"; it has sections, ' in refusal(path)


def test_a_field_that_nobody_knows_in_a_section_is_told_too(tmp_path):
    fields = msgspec.to_builtins(SEED)
    fields["sections"] = [{"name": "task", "text": "Say which.\n", "wieght": 1}]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(fields))
    assert 'mine.json: a section has no field "wieght"; it has name, text' in refusal(path)


@pytest.mark.parametrize("given", ["", " "])
def test_an_empty_name_is_not_the_current_folder(tmp_path, monkeypatch, given):
    monkeypatch.chdir(folder(tmp_path, a=SEED))
    assert "a PROMPT is empty; give an id" in refusal(given)


def test_a_file_that_does_not_end_in_json_is_told_so(tmp_path):
    (tmp_path / "p.txt").write_text("{}")
    assert "p.txt: a file of a prompt ends in .json; rename it" in refusal(tmp_path / "p.txt")


def test_a_file_that_is_too_large_for_any_model_is_refused_at_once(tmp_path):
    path = folder(tmp_path, a='{"sections": [' + " " * 32 * 10**6)
    assert "it has 32.0 MB, and a prompt has 32 MB at most" in refusal(path)
    wordy = msgspec.structs.replace(SEED, example="word " * 200_000 + SEED.example)
    (path := tmp_path / "wordy.json").write_bytes(msgspec.json.encode(wordy))
    assert "it has 1.0 MB, and a prompt's text has 1 MB at most" in refusal(path)
