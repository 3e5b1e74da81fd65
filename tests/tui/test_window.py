import asyncio
import html
import json
import re
import time
from collections import Counter

import msgspec
import pytest
from rich.cells import cell_len
from textual.widgets import DataTable, Input, OptionList

from appliance import locations
from appliance.prompts.prompt import Prompt, Section
from appliance.run import client
from appliance.run.events import Tried
from appliance.run.messages import Inputs
from models.catalog import Catalog
from store import commands, database, events, prompts, runs, sql, tasks, verdicts
from store.errors import StoreError
from store.journal import record
from store.records import EvaluationRecord, RunRecord
from tui.app import StropApp
from tui.feed import A_TICK, Feed
from tui.plot import Canvas
from tui.run_view import SHOWN, RunView
from tui.screens.new_run import NewRun
from tui.widgets.candidates import Candidates
from tui.words import duration, lines, p_value

SEED = Prompt(sections=(Section("task", "Name it: {labels}\n"),), example="{text}\n= {label}\n")
BEST = SEED.with_section("guidance", "Mind the order.\n")
FIGURES = {
    "prompt": SEED.id,
    "metric": "accuracy",
    "value": 0.5,
    "interval": [0.352, 0.648],
    "loss": 1.5,
    "n": 40,
}
CELL = 12.2
"""Width of a cell in a screenshot."""

SIZES = [(80, 24), (120, 40), (200, 60)]
VERDICT = {
    "metric": "accuracy",
    "test": "exact McNemar",
    "n": 280,
    "gain": 0.225,
    "interval": [0.165, 0.282],
    "p": 3e-9,
    "wins": 71,
    "losses": 8,
    "better": True,
    "words": "better",
    "seed": {"prompt": SEED.id, "value": 0.318, "interval": [0.266, 0.375], "n": 280},
    "best": {"prompt": BEST.id, "value": 0.543, "interval": [0.485, 0.6], "n": 280},
    "model": "tiny",
    "body": "Q4_1",
    "split": "test",
}


async def wait_for(pilot, predicate, what, seconds=10.0):
    """Lets the window work until ``predicate`` holds."""
    deadline = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < deadline, f"never came: {what}\n{shown(pilot.app)}"
        await pilot.pause()
        await asyncio.sleep(0.005)


async def wait_for_text(pilot, text):
    await wait_for(pilot, lambda: text in shown(pilot.app), text)


async def wait_until_gone(pilot, text):
    await wait_for(pilot, lambda: text not in shown(pilot.app), f"the end of {text}")


def shown(app) -> str:
    """What stands on the terminal, line after line."""
    rows: dict[int, str] = {}
    piece = r'<text [^>]*x="([\d.]+)" [^>]*-line-(\d+)\)">(.*?)</text>'
    for x, row, text in re.findall(piece, app.export_screenshot()):
        column = round(float(x) / CELL)
        before = rows.get(int(row), "").ljust(column)
        rows[int(row)] = before + html.unescape(text).replace("\xa0", " ")
    return "\n".join(row for _, row in sorted(rows.items()))


@pytest.fixture(autouse=True)
def woken(tmp_path, monkeypatch):
    monkeypatch.setenv("STROP_HOME", str(tmp_path))
    calls: list[None] = []
    monkeypatch.setattr(client, "wake_runner", lambda: calls.append(None))
    monkeypatch.setattr(client, "runner_is_alive", lambda: True)
    return calls


@pytest.fixture
def writer():
    """The store as the runner holds it: a connection of its own."""
    with database.open(locations.store_path()) as db:
        tasks.add(db, id="t1", name="notes", content="{}", split_hash="h", rows=[], cases=[])
        for prompt in (SEED, BEST):
            keep(db, prompt)
        yield db


@pytest.fixture
def db(writer):
    with database.open(locations.store_path()) as opened:
        yield opened


def keep(db, prompt: Prompt, task="t1") -> str:
    body = msgspec.json.encode(prompt).decode()
    prompts.add(db, id=prompt.id, task_id=task, content=body)
    return prompt.id


def add_run(db, id, status="running", model="tiny", task="t1"):
    inputs = Inputs(
        task=task,
        split_hash="h",
        model=model,
        reasoner=model,
        minutes=10,
        seed=7,
        budget=600_000.0,
        verdict_cost=60_000.0,
        bodies={},
        plan={},
        version="0",
    )
    runs.create(
        db,
        id=id,
        task_id=task,
        inputs=msgspec.json.encode(inputs).decode(),
        seed_prompt=SEED.id,
        budget=600_000.0,
        status=status,
        stage="search",
    )


def give(db, run, verdict):
    runs.update(db, run, best_prompt=verdict["best"]["prompt"])
    verdicts.record(db, run_id=run, task_id="t1", content=json.dumps(verdict))


def add_event(db, run, kind, **body):
    events.append(db, kind, json.dumps(body), run)


def add_candidate(db, run, operator="instruct", outcome="kept", **figures):
    figures = FIGURES | figures
    add_event(db, run, "candidate", operator=operator, section="task", outcome=outcome, **figures)


def evaluation(run, seq, value=0.5, n=40, spent=None):
    spent = seq * 1000.0 if spent is None else spent
    low, high = max(value - 0.1, 0.0), min(value + 0.1, 1.0)
    return EvaluationRecord(run, seq, SEED.id, "search", "tuning", n, value, low, high, 1.5, spent)


def add_many_evaluations(db, run, first, count):
    with database.write(db):
        for seq in range(first, first + count):
            sql.insert(db, "evaluations", msgspec.structs.asdict(evaluation(run, seq)))


async def test_an_empty_store_says_what_to_type(db):
    async with StropApp(db).run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "strop models pull smollm2-135m")
        await wait_for_text(pilot, "strop demo")


async def test_runs_appear_newest_first_with_task_model_status_and_gain(db, writer):
    add_run(writer, "aa11", status="finished", model="older")
    give(writer, "aa11", VERDICT)
    add_run(writer, "bb22", model="newer")
    async with StropApp(db).run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "+0.225 better")
        text = shown(pilot.app)
        assert text.index("newer") < text.index("older")
        assert "running 0%" in text


async def test_a_run_added_while_the_window_is_open_appears_and_the_chosen_one_stays(db, writer):
    add_run(writer, "aa11", model="first")
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "run aa11")
        add_run(writer, "bb22", model="second")
        await wait_for(pilot, lambda: option_count(pilot) == 2, "two runs")
        await pilot.pause()
        assert "run aa11" in shown(pilot.app)
        await pilot.press("k")
        await wait_for_text(pilot, "run bb22")


def option_count(pilot):
    return pilot.app.screen.query_one(OptionList).option_count


async def test_what_the_runner_writes_moves_the_curve_the_table_and_the_progress(db, writer):
    add_run(writer, "aa11")
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "the curve begins with the first evaluation")
        runs.add_evaluation(writer, evaluation("aa11", 0, value=0.31))
        add_candidate(
            writer, "aa11", operator="describe", value=0.325, interval=[0.2, 0.48], loss=1.25, n=40
        )
        await wait_for_text(pilot, "1 evaluation, n 40 cases each")
        await wait_for_text(pilot, "describe")
        await wait_for_text(pilot, "0.325  40  0.20–0.48  1.250")

        runs.add_evaluation(writer, evaluation("aa11", 1, value=0.72, n=160, spent=150_000.0))
        add_event(writer, "aa11", "best", **FIGURES | {"value": 0.72, "n": 160})
        add_event(writer, "aa11", "note", text="racing six candidates")
        spend(writer, "aa11", 300_000.0)
        await wait_for_text(pilot, "2 evaluations, n 40 to 160 cases each")
        await wait_for_text(pilot, "5:00 of 11:00, 6:00 left")
        await wait_for_text(pilot, "racing six candidates")
        await wait_for_text(pilot, "0.75 ┤         ⣀⣀⣀⣀⣀⣀⣀⣀⣀⡀")


def spend(db, run, spent):
    record(db, run, 0, kind="call", key="k", request=b"", reply=b"", cost=spent, spent=spent)


async def test_a_table_drawn_while_it_is_filled_cuts_no_figure_off(db, writer, monkeypatch):
    add_run(writer, "aa11")
    add_candidate(
        writer, "aa11", operator="describe", value=0.325, interval=[0.2, 0.48], loss=1.25, n=40
    )
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "describe")
        # The screen would draw what the store holds over what this test shows.
        monkeypatch.setattr(pilot.app.screen._feed, "poll", lambda: False)
        table = pilot.app.screen.query_one(Candidates)
        view = RunView("aa11")
        view.candidates.append(
            Tried(
                prompt=SEED.id,
                metric="accuracy",
                value=0.5,
                interval=(0.48, 0.52),
                loss=12.5,
                n=1600,
                operator="a_long_operator",
                section="task",
                outcome="kept",
            )
        )
        view.candidates_seen, view.measure = 2, "accuracy"
        table.show(view)
        shown(pilot.app)
        await pilot.pause()
        assert "a_long_operator  task        0.500  1600  0.48–0.52  12.500" in shown(pilot.app)


async def test_the_best_prompt_is_shown_as_text_and_follows_the_run(db, writer):
    add_run(writer, "aa11")
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "Name it: {labels}")
        await wait_for_text(pilot, "still the seed's")
        found = keep(writer, SEED.with_section("guidance", "Mind the direction.\n"))
        runs.update(writer, "aa11", best_prompt=found)
        await wait_for_text(pilot, "Mind the direction.")
        await wait_until_gone(pilot, "still the seed's")


@pytest.mark.parametrize("size", SIZES)
async def test_the_verdict_is_told_with_n_intervals_and_p_at_every_size(db, writer, size):
    add_run(writer, "aa11", status="finished")
    give(writer, "aa11", VERDICT)
    async with StropApp(db).run_test(size=size) as pilot:
        await wait_for_text(pilot, "gain +0.225 [+0.165, +0.282], p < 0.001")
        await wait_for_text(pilot, "seed prompt accuracy 0.318 [0.266, 0.375]")
        await wait_for_text(pilot, "best prompt accuracy 0.543 [0.485, 0.600]")
        await wait_for_text(pilot, "n = 280 test cases: 71 won, 8 lost")


@pytest.mark.parametrize("size", SIZES)
async def test_what_a_verdict_is_limited_to_and_why_it_claims_nothing_is_told(db, writer, size):
    add_run(writer, "aa11", status="finished")
    limited = VERDICT | {
        "metric": "micro_f1", "scope": "for these relations", "refused": "only 4 relations",
        "words": "no proven gain",
    }  # fmt: skip
    give(writer, "aa11", limited)
    async with StropApp(db).run_test(size=size) as pilot:
        await wait_for_text(pilot, "No proven gain, for these relations  gain +0.225")
        await wait_for_text(pilot, "best prompt micro-F1 0.543 [0.485, 0.600]")
        await wait_for_text(pilot, "nothing is claimed: only 4 relations")


async def test_figures_go_by_the_name_of_the_runs_own_metric(db, writer):
    add_run(writer, "aa11")
    runs.add_evaluation(writer, evaluation("aa11", 0, value=0.4))
    add_candidate(writer, "aa11", metric="span_f1", value=0.4, interval=[0.3, 0.5], n=40, loss=1.0)
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "span F1  ⠒⠒ best so far")
        table = pilot.app.screen.query_one(Candidates)
        assert "span F1" in [str(column.label) for column in table.columns.values()]
        assert "0.400  40  0.30–0.50  1.000" in shown(pilot.app)
        assert "accuracy" not in shown(pilot.app)


async def test_a_seed_that_stands_is_shown_no_gain_over_itself(db, writer):
    add_run(writer, "aa11", status="finished")
    stands = VERDICT | {"best": VERDICT["seed"], "words": "no proven gain", "gain": 0.0}
    give(writer, "aa11", stands)
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "nothing better was found: the seed prompt stands")
        text = shown(pilot.app)
        assert "gain +" not in text and "best prompt 0" not in text and "+0.000" not in text


async def test_a_damaged_run_is_told_of_and_the_others_are_shown(db, writer):
    add_run(writer, "aa11", status="finished")
    give(writer, "aa11", VERDICT)
    add_run(writer, "bb22", model="sound")
    with database.write(writer):
        writer.execute("DELETE FROM looks")
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "1 damaged: strop doctor")
        await wait_for_text(pilot, "sound")


async def test_a_prompt_that_was_altered_is_not_shown(db, writer):
    add_run(writer, "aa11")
    runs.update(writer, "aa11", best_prompt=BEST.id)
    with database.write(writer):
        content = msgspec.json.encode(SEED).decode()
        writer.execute("UPDATE prompts SET content = ? WHERE id = ?", (content, BEST.id))
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, f"prompt {BEST.id} is damaged")
        assert "Name it" not in shown(pilot.app)


async def test_a_later_look_at_the_same_test_cases_is_told(db, writer):
    for run in ("aa11", "bb22"):
        add_run(writer, run, status="finished")
        give(writer, run, VERDICT)
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "71 won, 8 lost, look 2 at them")


@pytest.mark.parametrize(
    ("key", "kind", "status"),
    [
        ("p", "pause", "running"),
        ("r", "resume", "paused"),
        ("s", "stop", "running"),
        ("f", "finish", "running"),
    ],
)
async def test_a_key_writes_its_command_and_wakes_the_runner(db, writer, woken, key, kind, status):
    add_run(writer, "aa11", status=status)
    async with StropApp(db).run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "run aa11")
        await pilot.press(key)
        await wait_for(pilot, lambda: commands.pending(writer, "aa11"), kind)
        (command,) = commands.pending(writer, "aa11")
        assert (command.kind, command.content, len(woken)) == (kind, "{}", 1)


async def test_a_finished_run_takes_no_command(db, writer):
    add_run(writer, "aa11", status="finished")
    async with StropApp(db).run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "run aa11")
        await pilot.press("p", "r", "s", "f")
        assert not commands.pending(writer, "aa11")


async def test_a_run_whose_runner_died_says_so_and_can_be_resumed(db, writer, monkeypatch):
    monkeypatch.setattr(client, "runner_is_alive", lambda: False)
    add_run(writer, "aa11")
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "The runner has ended")
        await pilot.press("r")
        await wait_for(pilot, lambda: commands.pending(writer, "aa11"), "resume")


async def test_the_error_of_a_failed_command_is_a_notification(db, writer):
    add_run(writer, "aa11")
    async with StropApp(db).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for_text(pilot, "run aa11")
        await pilot.press("p")
        (command,) = commands.pending(writer, "aa11")
        answer = json.dumps({"error": "the [b]disk[/b] is full", "exit_code": 1})
        commands.settle(writer, command.id, answer, failed=True)
        await wait_for_text(pilot, "the [b]disk[/b] is full")


async def test_a_command_that_cannot_be_written_is_a_notification(db, writer, monkeypatch):
    def refuse(*_):
        raise StoreError("the disk is full; free some space")

    monkeypatch.setattr(client, "enqueue", refuse)
    add_run(writer, "aa11")
    async with StropApp(db).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for_text(pilot, "run aa11")
        await pilot.press("p")
        await wait_for_text(pilot, "the disk is full")


@pytest.fixture
def models(monkeypatch):
    names = ["tiny"]

    class Named(msgspec.Struct):
        name: str

    monkeypatch.setattr(Catalog, "all", lambda self: [Named(name) for name in names])
    return names


async def open_new_run(pilot):
    await pilot.press("n")
    await wait_for(pilot, lambda: isinstance(pilot.app.screen, NewRun), "the new-run window")


async def test_a_new_run_is_written_as_a_tune_command_and_chosen_once_there(db, writer, models):
    add_run(writer, "aa11")
    async with StropApp(db).run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "run aa11")
        await open_new_run(pilot)
        pilot.app.screen.query_one("#minutes", Input).value = "2.5"
        pilot.app.screen.query_one("#seed", Input).value = "42"
        await pilot.click("#start")
        await wait_for(pilot, lambda: commands.pending(writer, None), "the command")
        (command,) = commands.pending(writer, None)
        expected = {"task": "notes", "model": "tiny", "minutes": 2.5, "seed": 42}
        assert (command.kind, json.loads(command.content)) == ("tune", expected)

        events.append(writer, "note", json.dumps({"text": "starting the model"}))
        await wait_for_text(pilot, "starting the model")
        add_run(writer, "bb22")
        commands.settle(writer, command.id, json.dumps({"run": "bb22"}))
        await wait_for_text(pilot, "run bb22")
        await wait_until_gone(pilot, "starting the model")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("minutes", "ten", 'Minutes: "ten" is no number; type'),
        ("minutes", "0", "the minutes are 0; give"),
        ("minutes", "1e9", "the minutes are 1e+09; give"),
        ("minutes", "inf", "is no number; type"),
        ("minutes", "", "is no number; type"),
        ("candidates", "many", 'Candidates: "many" is no whole number'),
        ("candidates", "3", "the candidates are 3; give"),
        ("seed", "-1", 'Seed: "-1" is no whole number'),
        ("seed", "1.5", "is no whole number"),
        ("seed", "[b]9[/b]", '"[b]9[/b]" is no whole number'),
    ],
)
async def test_a_bad_number_is_refused_where_it_was_typed(
    db, writer, models, field, value, message
):
    async with StropApp(db).run_test(size=(80, 24)) as pilot:
        await open_new_run(pilot)
        pilot.app.screen.query_one(f"#{field}", Input).value = value
        await pilot.click("#start")
        await wait_for_text(pilot, message)
        assert isinstance(pilot.app.screen, NewRun)
        assert not commands.pending(writer, None)
        await pilot.press("escape")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, NewRun), "the window")
        assert not commands.pending(writer, None)


async def test_without_a_model_a_new_run_says_what_to_type(db, models):
    models.clear()
    async with StropApp(db).run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("n")
        await wait_for_text(pilot, "There is no model yet")


async def test_hostile_text_is_shown_as_it_is(db, writer, models):
    body = {"content": "{}", "split_hash": "h", "rows": [], "cases": []}
    tasks.add(writer, id="t2", name="[red]T[/red]\x1b[31m", **body)
    keep(writer, SEED, "t2")
    hostile = SEED.with_section("guidance", "[red]A[/red] \x1b[2J\u202e [/] B\n")
    keep(writer, hostile, "t2")
    add_run(writer, "aa11", model="[/]", task="t2")
    runs.update(writer, "aa11", best_prompt=hostile.id)
    add_candidate(writer, "aa11", operator="[b]o[/b]\x07")
    add_event(writer, "aa11", "note", text="[link='x']note[/link]\r\n")
    async with StropApp(db).run_test(size=(200, 60)) as pilot:
        await wait_for_text(pilot, r"[red]A[/red] \x1b[2J\u202e [/] B")
        text = shown(pilot.app)
        assert r"[red]T[/red]\x1b[31m on [/], seed 7" in text
        assert r"[b]o[/b]\x07" in text
        assert r"[link='x']note[/link]\r\n" in text
        before = text.count(r"[red]T[/red]\x1b[31m")
        await open_new_run(pilot)
        await wait_for(
            pilot, lambda: shown(pilot.app).count(r"[red]T[/red]\x1b[31m") > before, "it"
        )


@pytest.mark.parametrize("size", SIZES)
async def test_every_part_is_reachable_at_every_size(db, writer, models, size):
    body = {"content": "{}", "split_hash": "h", "rows": [], "cases": []}
    tasks.add(writer, id="t2", name="a task with a name " * 8, **body)
    keep(writer, SEED, "t2")
    add_run(writer, "aa11", task="t2")
    for seq in range(30):
        runs.add_evaluation(writer, evaluation("aa11", seq, value=seq / 30))
        add_candidate(writer, "aa11")
    async with StropApp(db).run_test(size=size) as pilot:
        await wait_for_text(pilot, "30 evaluations")
        await wait_for_text(pilot, "30 candidates")
        if size[0] < 110:
            assert "Name it: {labels}" not in shown(pilot.app)
            await pilot.press("v")
        await wait_for_text(pilot, "Name it: {labels}")
        await pilot.press("question_mark")
        await wait_for_text(pilot, "Closing this window stops nothing")
        await pilot.press("escape")
        await open_new_run(pilot)
        start = pilot.app.screen.query_one("#start").region
        assert pilot.app.screen.region.contains_region(start)


async def test_a_terminal_that_becomes_tiny_and_large_again_is_survived(db, writer):
    add_run(writer, "aa11")
    runs.add_evaluation(writer, evaluation("aa11", 0))
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "1 evaluation")
        await pilot.resize_terminal(10, 4)
        await pilot.pause()
        await pilot.resize_terminal(120, 40)
        await wait_for_text(pilot, "1 evaluation")


async def test_the_cursor_stays_on_its_candidate_while_others_come(db, writer):
    add_run(writer, "aa11")
    for number in range(5):
        add_candidate(writer, "aa11", operator=f"op{number}")
    async with StropApp(db).run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "5 candidates")
        table = pilot.app.screen.query_one(DataTable)
        table.focus()
        await pilot.press("down", "j")
        assert table.get_row_at(table.cursor_row)[1].plain == "op2"
        add_candidate(writer, "aa11", operator="op5")
        await wait_for_text(pilot, "6 candidates")
        assert table.get_row_at(0)[1].plain == "op5"
        assert table.get_row_at(table.cursor_row)[1].plain == "op2"


async def test_quitting_says_which_runs_go_on(db, writer, capsys):
    add_run(writer, "aa11")
    async with StropApp(db).run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "run aa11")
        await pilot.press("q")
    assert "1 run goes on in the background" in capsys.readouterr().err
    assert runs.get(writer, "aa11").status == "running"


async def test_a_store_that_cannot_be_read_closes_the_window_with_its_reason(db, monkeypatch):
    def refuse(_):
        raise StoreError("the file is damaged; put a backup in its place")

    app = StropApp(db)
    async with app.run_test(size=(80, 24)):
        monkeypatch.setattr(Feed, "poll", refuse)
        while app.return_value is None:
            await asyncio.sleep(0.005)
    assert "damaged" in str(app.return_value)


@pytest.fixture
def reads(monkeypatch):
    """How many rows of each kind were read."""
    counts: Counter[type] = Counter()
    real = sql.to_record

    def counting(kind, row):
        counts[kind] += 1
        return real(kind, row)

    monkeypatch.setattr(sql, "to_record", counting)
    return counts


def test_a_poll_reads_only_what_is_new(db, writer, reads):
    add_run(writer, "aa11")
    add_many_evaluations(writer, "aa11", 0, 5000)
    feed = Feed(db)
    feed.choose("aa11")
    while feed.poll():
        assert reads[EvaluationRecord] <= A_TICK
        reads.clear()
    assert len(feed.view.evaluations) == 5000

    reads.clear()
    assert not feed.poll()
    assert not reads
    add_many_evaluations(writer, "aa11", 5000, 3)
    assert feed.poll()
    assert reads == {EvaluationRecord: 3, RunRecord: 1}
    assert feed.view.last_seq == 5002


def test_a_chosen_run_is_caught_up_without_reading_all_its_events(db, writer, reads):
    add_run(writer, "aa11")
    with database.write(writer):
        body = FIGURES | {"operator": "o", "section": "task", "outcome": "kept"}
        for number in range(1000):
            values = {"run_id": "aa11", "at": "", "content": json.dumps(body), "kind": "candidate"}
            sql.insert(writer, "events", values)
            note = json.dumps({"text": f"note {number}"})
            sql.insert(writer, "events", {**values, "kind": "note", "content": note})
    feed = Feed(db)
    feed.choose("aa11")
    assert sum(reads.values()) == SHOWN + 1
    assert len(feed.view.candidates) == SHOWN
    assert feed.view.note == "note 999"


def test_events_between_opening_and_choosing_are_told_once(db, writer):
    add_run(writer, "aa11")
    add_candidate(writer, "aa11")
    feed = Feed(db)
    add_candidate(writer, "aa11")
    feed.choose("aa11")
    feed.poll()
    feed.poll()
    assert feed.view.candidates_seen == 2


def test_the_best_line_is_what_the_run_called_best_not_a_lucky_candidate(db, writer):
    add_run(writer, "aa11")
    runs.add_evaluation(writer, evaluation("aa11", 0, value=0.4, n=160, spent=10.0))
    runs.add_evaluation(writer, evaluation("aa11", 1, value=1.0, n=5, spent=20.0))
    add_event(writer, "aa11", "best", **FIGURES | {"value": 0.4, "n": 160})
    feed = Feed(db)
    feed.choose("aa11")
    feed.poll()
    assert feed.view.best_so_far() == [(10.0, 0.4)]


def test_an_evaluation_on_other_cases_is_no_point_of_the_curve(db, writer):
    add_run(writer, "aa11")
    chosen = msgspec.structs.replace(evaluation("aa11", 0), stage="selection", split="selection")
    runs.add_evaluation(writer, chosen)
    feed = Feed(db)
    feed.choose("aa11")
    feed.poll()
    assert feed.view.evaluations == []
    assert feed.view.last_seq == 0


def test_a_canvas_has_its_origin_at_the_lower_left():
    canvas = Canvas(2, 1)
    canvas.point(0.0, 0.0)
    canvas.point(1.0, 1.0)
    assert canvas.over(Canvas(2, 1)) == ["⡀⠈"]


def test_a_staircase_is_connected():
    canvas = Canvas(2, 1)
    canvas.staircase([(0.0, 0.0), (1.0, 1.0)])
    assert canvas.over(Canvas(2, 1)) == ["⣀⣸"]


def test_figures_are_written_for_people():
    assert [duration(ms) for ms in (0, 61_000, 3_725_000, -5)] == [
        "0:00",
        "1:01",
        "1:02:05",
        "0:00",
    ]
    assert p_value(0.0004) == "p < 0.001"
    assert p_value(0.04) == "p = 0.040"
    assert lines("a\x1bb\nc") == "a\\x1bb\nc"


@pytest.mark.parametrize("size", [(20, 6), (59, 40), (120, 19)])
async def test_a_window_without_room_says_how_much_it_needs(db, writer, size):
    add_run(writer, "aa11")
    async with StropApp(db).run_test(size=size) as pilot:
        await wait_for_text(pilot, "This needs 60x20")
        text = " ".join(shown(pilot.app).split())
        assert f"and has {size[0]}x{size[1]}. Enlarge it" in text and "strop runs list" in text
        assert "candidates" not in text
        await pilot.resize_terminal(60, 20)
        await wait_for_text(pilot, "candidates")
        assert "This needs" not in shown(pilot.app)


@pytest.mark.parametrize("size", SIZES)
async def test_a_terminal_without_unicode_is_drawn_in_its_own_characters(db, writer, size):
    add_run(writer, "aa11", status="finished")
    give(writer, "aa11", VERDICT)
    runs.add_evaluation(writer, evaluation("aa11", 0))
    add_candidate(writer, "aa11", operator="Größe 漢字")
    add_run(writer, "bb22")
    async with (
        StropApp(db).run_test(size=size) as fine,
        StropApp(db, "ascii").run_test(size=size) as plain,
    ):
        for pilot in (fine, plain):
            await wait_for_text(pilot, "+0.225 better")
            await pilot.press("j")
            await wait_for_text(pilot, "Gr")
        drawn, ascii_only = shown(fine.app).split("\n"), shown(plain.app).split("\n")
        assert "\n".join(ascii_only).isascii()
        assert "v notes" in "\n".join(ascii_only)
        assert [cell_len(line) for line in drawn] == [len(line) for line in ascii_only]
