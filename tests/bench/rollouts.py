"""64 rollouts of up to 128 tokens, side by side and one at a time.

    python tests/bench/rollouts.py --data DIR --model FILE.gguf

A question each, behind one instruction; temperature 0.8, so that both ways write about as much.
"""

from __future__ import annotations

from fewrel_workload import arguments, fewrel, opened, seconds, under_one_support

from models.engine import Generate, Generated
from models.llama.engine import LlamaEngine

ROLLOUTS = 64
LENGTH = 128
INSTRUCTION = (
    "Below are sentences in which two things are named. For each of them, say step by step how "
    "the first is related to the second: what each of them is, what the sentence says of them, "
    "and which of the usual relations between such things that is.\n\n"
)


def main() -> None:
    given = arguments(__doc__.splitlines()[0]).parse_args()
    engine, tokeniser = opened(given.model)
    rows = [case.query for case in under_one_support(fewrel(given.data), ROLLOUTS)]
    asked = [
        f"{INSTRUCTION}{row.text}\nFirst: {row.head_text}\nSecond: {row.tail_text}\nSteps:"
        for row in rows
    ]
    prompts = [ids for ids, _ in tokeniser.encode(asked)]
    print("| way | s | tokens sampled | tokens/s |\n|---|---|---|---|")
    speeds = {}
    for name, groups in (("at once", [prompts]), ("one at a time", [[p] for p in prompts])):
        written: list[Generated] = []
        taken = seconds(lambda groups=groups, written=written: write(engine, groups, written))
        sampled = sum(reply.sampled for reply in written)
        speeds[name] = sampled / taken
        print(f"| {name} | {taken:.1f} | {sampled} | {speeds[name]:.0f} |")
    print(f"at once over one at a time: {speeds['at once'] / speeds['one at a time']:.2f}")


def write(engine: LlamaEngine, groups: list[list[tuple[int, ...]]], found: list[Generated]) -> None:
    for seed, group in enumerate(groups):
        request = Generate(tuple(group), max_tokens=LENGTH, seed=seed)
        reply = engine.handle(request)
        assert isinstance(reply, Generated)
        found.append(reply)


if __name__ == "__main__":
    main()
