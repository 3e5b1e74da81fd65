"""16 candidates that differ in one place, on 24 episodes: what one request saves over 16.

    python tests/bench/sharing.py --data DIR --model FILE.gguf

Late: the instruction stands between the demonstrations and the query. Early: it stands first. Tied:
the cue before every answer differs, in the demonstrations and the query. Both ways take turns,
eight episodes at a time.
"""

from __future__ import annotations

from collections.abc import Callable

from fewrel_workload import arguments, fewrel, opened, seconds

from appliance.encode.tokens import Tokeniser
from appliance.task import Case, Example
from models.engine import Score, Scores, Segment
from models.llama.engine import LlamaEngine

CANDIDATES = 16
EPISODES = 24
TURN = 8
WORDS = ("Name", "Give", "State", "Choose", "Find", "Tell", "Say", "Write")
KINDS = ("the relation", "how the first is related to the second")

Template = Callable[[int], tuple[str, str, str]]
"""Of a candidate's number: what stands first, what before the query, and the cue."""


def instruction(number: int) -> str:
    return f"{WORDS[number % len(WORDS)]} {KINDS[number // len(WORDS)]}, in a few words.\n\n"


TEMPLATES: dict[str, Template] = {
    "late": lambda number: ("", instruction(number), "->"),
    "early": lambda number: (instruction(number), "", "->"),
    "tied": lambda number: ("", "", f"({WORDS[number % len(WORDS)]} {number}) ->"),
}


def main() -> None:
    given = arguments(__doc__.splitlines()[0]).parse_args()
    engine, tokeniser = opened(given.model)
    cases = fewrel(given.data).cases["tuning"][:EPISODES]
    print("| edit | tokens, 16 requests | tokens, one | s, 16 requests | s, one | ratio |")
    print("|---|---|---|---|---|---|")
    for name, template in TEMPLATES.items():
        templates = [template(number) for number in range(CANDIDATES)]
        counts, taken = [0, 0], [0.0, 0.0]
        for start in range(0, EPISODES, TURN):
            some = cases[start : start + TURN]
            each = [segments(tokeniser, [one], some) for one in templates]
            for way, requests in enumerate((each, [segments(tokeniser, templates, some)])):
                found: list[Scores] = []
                taken[way] += seconds(lambda r=requests, f=found: ask(engine, r, f))
                counts[way] += sum(reply.decoded for reply in found)
        shown = f"{counts[0]} | {counts[1]} | {taken[0]:.1f} | {taken[1]:.1f}"
        print(f"| {name} | {shown} | {taken[1] / taken[0]:.2f} |")


def ask(engine: LlamaEngine, requests: list[tuple[Segment, ...]], found: list[Scores]) -> None:
    for request in requests:
        engine.context.clear()
        reply = engine.handle(Score(request))
        assert isinstance(reply, Scores)
        found.append(reply)


def segments(
    tokeniser: Tokeniser, templates: list[tuple[str, str, str]], cases: list[Case]
) -> tuple[Segment, ...]:
    """Whole sequences; what they share is found by the engine."""
    found = []
    for case in cases:
        for first, before, cue in templates:
            shown = "".join(f"{line(row, cue)} {row.label}\n\n" for row in case.support)
            prompt = f"{first}{shown}{before}{line(case.query, cue)}"
            start = len(tokeniser.encode([prompt], closed=True)[0][0])
            for label in case.labels:
                ids = tokeniser.encode([f"{prompt} {label}\n\n"])[0][0]
                found.append(Segment(-1, ids, len(ids) - start))
    return tuple(found)


def line(row: Example, cue: str) -> str:
    return f"{row.text}\n{row.head_text}, {row.tail_text} {cue}"


if __name__ == "__main__":
    main()
