"""Every call to a model is written down, replayed, remembered and priced."""

from __future__ import annotations

import pytest
from in_process import InProcess, MemoryJournal

from appliance.errors import StropError
from appliance.evaluate.workbench import (
    Body,
    Diverged,
    Entry,
    Interrupted,
    Prices,
    Unanswerable,
    Workbench,
    price,
)
from models.engine import (
    Continuation,
    Differentiate,
    Failed,
    Generate,
    Generated,
    Gradients,
    Proposals,
    Propose,
    Score,
    Scores,
    Segment,
    Texts,
    decode_reply,
    encode,
)
from models.protocol import RequestFailed

PRICES = Prices(prefill=0.5, sample=3.0, gradient=2.0)
BODIES = {
    "search": Body("m/q4", "q4 of m", PRICES),
    "serving": Body("m/q8", "q8 of m", Prices(prefill=1.0)),
}


class Parrot:
    """Answers with the number of the call, so that no two live replies are the same."""

    def __init__(self) -> None:
        self.count = 0

    def handle(self, request):
        self.count += 1
        match request:
            case Score():
                return Scores(((float(-self.count),),), unique=10, decoded=4)
            case Generate():
                said = Continuation(f"call {self.count}", (), True)
                return Generated(((said,),), unique=7, decoded=9, sampled=5)
            case Propose():
                return Proposals((((self.count, -1.0),),), unique=6, decoded=2)
            case Differentiate():
                return Gradients((1.0,), (1.0,), (), decoded=9)
        raise AssertionError(request)


def score(n: int) -> Score:
    return Score((Segment(-1, (1, n), 1),))


def bench(lines=None, memo=None, commands=()) -> Workbench:
    waiting = iter(commands)
    journal = MemoryJournal(lines, memo)
    return Workbench(InProcess(Parrot()), BODIES, journal, lambda: next(waiting, None))


def written(*numbers: int, commands=()) -> list[Entry]:
    """The journal of a run that scored these."""
    before = bench(commands=commands)
    for number in numbers:
        before.score("search", score(number))
    return before.journal.lines


def test_a_live_call_is_written_down_whole_with_its_reply_and_cost():
    live = bench()
    reply = live.score("search", score(1))
    [line] = live.journal.lines
    assert (line.kind, line.request, line.reply) == ("call", encode(score(1)), encode(reply))
    assert line.cost == live.spent == 5.0
    assert live.journal.spent == [5.0]


def test_replay_gives_the_replies_of_before_and_calls_no_model():
    lines = written(1, 2, 3)
    again = bench(lines)
    replies = [again.score("search", score(n)) for n in (1, 2, 3)]
    assert [encode(reply) for reply in replies] == [line.reply for line in lines]
    assert again.models.calls == [] and again.journal.lines == lines
    assert again.spent == 15.0


def test_after_the_journal_ends_calls_are_live_and_are_appended():
    again = bench(lines := written(1, 2))
    for n in (1, 2, 3):
        again.score("search", score(n))
    assert again.models.calls == [score(3)]
    assert again.journal.lines[:2] == lines and len(again.journal.lines) == 3
    assert again.journal.spent == [15.0]


@pytest.mark.parametrize(
    "ask",
    [
        lambda b: b.score("search", score(2)),
        lambda b: b.score("serving", score(1)),
        lambda b: b.propose("search", Propose(((1,),), 2)),
    ],
)
def test_another_request_or_another_body_than_the_journals_is_noticed(ask):
    again = bench(lines := written(1))
    with pytest.raises(Diverged, match="start a new run"):
        ask(again)
    assert again.models.calls == [] and again.journal.lines == lines and again.spent == 0


def test_a_memo_hit_is_copied_into_the_journal_and_priced_the_same():
    [line] = written(1)
    remembering = bench(memo={line.key: line.reply})
    assert encode(remembering.score("search", score(1))) == line.reply
    assert remembering.models.calls == []
    assert remembering.journal.lines == [line]
    assert remembering.spent == 5.0
    remembering.score("search", score(2))
    assert remembering.models.calls == [score(2)]


def test_a_memo_of_another_body_is_no_hit():
    [line] = written(1)
    other = bench(memo={line.key: line.reply})
    other.score("serving", score(1))
    assert other.models.calls == [score(1)]


@pytest.mark.parametrize("command", ["pause", "stop"])
def test_pause_and_stop_raise_after_they_are_written_down_and_before_the_call(command):
    interrupted = bench(commands=[None, command])
    interrupted.score("search", score(1))
    with pytest.raises(Interrupted) as caught:
        interrupted.score("search", score(2))
    assert caught.value.command == command
    assert [line.kind for line in interrupted.journal.lines] == ["call", command]
    assert interrupted.models.calls == [score(1)]
    assert interrupted.journal.spent == [5.0, 5.0]


@pytest.mark.parametrize("command", ["pause", "stop"])
def test_a_replayed_pause_or_stop_is_over(command):
    lines = [*written(1), Entry(command), *written(2)]
    again = bench(lines)
    again.score("search", score(1))
    again.score("search", score(2))
    assert again.models.calls == [] and not again.finishing


def test_finish_is_written_down_and_the_call_is_still_made():
    finishing = bench(commands=[None, "finish"])
    finishing.score("search", score(1))
    assert not finishing.finishing
    finishing.score("search", score(2))
    assert finishing.finishing
    assert [line.kind for line in finishing.journal.lines] == ["call", "finish", "call"]


def test_finish_is_replayed_at_its_place():
    again = bench(written(1, 2, 3, commands=[None, "finish"]))
    seen = []
    for n in (1, 2, 3):
        again.score("search", score(n))
        seen.append(again.finishing)
    assert seen == [False, True, True]
    assert again.models.calls == []


def test_a_finish_that_the_run_did_not_live_to_obey_holds_from_the_next_call():
    lines = written(1)
    again = bench([*lines, Entry("finish")])
    again.score("search", score(1))
    assert not again.finishing
    again.score("search", score(2))
    assert again.finishing and again.models.calls == [score(2)]


def test_nobody_is_asked_what_the_user_wants_while_replaying():
    asked = []
    journal = MemoryJournal(written(1, 2))
    again = Workbench(InProcess(Parrot()), BODIES, journal, lambda: asked.append(again.spent))
    for n in (1, 2, 3):
        again.score("search", score(n))
    assert asked == [10.0]


def test_each_kind_of_reply_has_its_price():
    live = bench()
    live.score("search", score(1))
    assert live.spent == 10 * 0.5
    live.generate("search", Generate(((1,),)))
    assert live.spent == 5 + 7 * 0.5 + 5 * 3
    live.propose("search", Propose(((1,),), 2))
    assert live.spent == 23.5 + 6 * 0.5
    live.gradients("search", Differentiate((), (), ()))
    assert live.spent == 26.5 + 9 * 2
    live.score("serving", score(1))
    assert live.spent == 44.5 + 10


def test_what_was_in_memory_costs_as_much_as_what_was_not():
    costs = {price(PRICES, Scores(((-1.0,),), unique=8, decoded=n)) for n in (0, 3, 8)}
    assert costs == {4.0}
    assert price(PRICES, Texts(("x",))) == 0


def test_the_same_request_to_two_bodies_has_two_keys():
    live = bench()
    live.score("search", score(1))
    live.score("serving", score(1))
    assert len({line.key for line in live.journal.lines}) == 2


def test_a_reply_of_another_kind_is_reported_with_the_role():
    class Wrong:
        def handle(self, request):
            return Generated((), 1, 1, 1)

    live = Workbench(InProcess(Wrong()), BODIES, MemoryJournal(), lambda: None)
    with pytest.raises(StropError, match="the search model answered Generated to a Scores"):
        live.score("search", score(1))


def test_a_model_that_fails_leaves_nothing_in_the_journal():
    class Broken:
        def handle(self, request):
            raise RuntimeError("out of memory")

    live = Workbench(InProcess(Broken()), BODIES, MemoryJournal(), lambda: None)
    with pytest.raises(RuntimeError):
        live.score("search", score(1))
    assert live.journal.lines == [] and live.spent == 0


class Refusing(Parrot):
    """Fails the first call in the way it is told to."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def handle(self, request):
        reply = super().handle(request)
        if self.count == 1:
            raise RequestFailed(self.kind, "5000 tokens do not fit into 4096")
        return reply


def refusing(kind: str) -> Workbench:
    return Workbench(InProcess(Refusing(kind)), BODIES, MemoryJournal(), lambda: None)


def test_a_bad_request_is_written_down_at_no_cost_and_replayed_as_such():
    live = refusing("bad_request")
    with pytest.raises(Unanswerable, match="5000 tokens do not fit into 4096"):
        live.score("search", score(1))
    [line] = live.journal.lines
    assert line.cost == live.spent == 0 and line.request == encode(score(1))
    assert decode_reply(line.reply) == Failed("bad_request", "5000 tokens do not fit into 4096")
    live.score("search", score(2))
    assert len(live.journal.lines) == 2 and live.spent == 5.0
    again = bench(live.journal.lines)
    with pytest.raises(Unanswerable, match="5000 tokens do not fit into 4096"):
        again.score("search", score(1))
    again.score("search", score(2))
    assert again.models.calls == [] and again.spent == 5.0


def test_a_remembered_bad_request_is_not_asked_again():
    live = refusing("bad_request")
    with pytest.raises(Unanswerable):
        live.score("search", score(1))
    [line] = live.journal.lines
    remembering = bench(memo={line.key: line.reply})
    with pytest.raises(Unanswerable):
        remembering.score("search", score(1))
    assert remembering.models.calls == [] and remembering.journal.lines == [line]


@pytest.mark.parametrize("kind", ["memory", "engine"])
def test_any_other_failure_is_raised_and_not_written_down(kind):
    live = refusing(kind)
    with pytest.raises(RequestFailed) as caught:
        live.score("search", score(1))
    assert caught.value.kind == kind
    assert live.journal.lines == [] and live.spent == 0


def test_journalled_replies_are_decoded_as_they_were():
    [line] = written(1)
    assert decode_reply(line.reply) == Scores(((-1.0,),), 10, 4)
