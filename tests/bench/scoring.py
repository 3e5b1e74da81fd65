"""Labels scored in a tree: against the floor, and against other ways to ask the same file.

    python tests/bench/scoring.py --data DIR --model FILE.gguf [--twin FOLDER]

FewRel, 5-way 1-shot: one support set, 64 queries, 5 labels each. The floor is llama.cpp decoding as
many tokens in batches of the same size behind the same prefix: no branches, no logits, no lookups.
The first ways are run in turn, ``--repeats`` times, and ratios are medians of those within a turn;
with ``--twin`` two more once, on three queries, which takes minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean, median
from typing import Any

import llama_cpp
import torch
import transformers
from fewrel_workload import PROMPT, arguments, fewrel, opened, seconds, under_one_support

from appliance.encode.renderer import Renderer
from appliance.encode.tokens import Tokeniser, text_of
from appliance.prompts.render import render
from appliance.scoring.replies import read_scores
from appliance.statistics.metrics import estimate
from models.engine import Score
from models.llama.context import TRUNK, Context
from models.llama.engine import LlamaEngine

QUERIES = 64
ANSWER = 24
FEW = 3
"""Queries for the ways that take seconds each."""

Text = tuple[str, list[str]]
"""A prompt up to its answer, and the answers."""


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--twin", type=Path, help="Its folder: the slow ways are measured too.")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    imported = fewrel(given.data)
    task, cases = imported.task, under_one_support(imported, QUERIES)
    engine, tokeniser = opened(given.model)
    sheet = Renderer(task, {}, tokeniser).sheet(PROMPT, cases)
    request = Score(sheet.segments)
    reply = engine.handle(request)
    prefix = len(sheet.segments[0].tokens)
    texts = [
        (text_of((*r.prefix, *r.query)), [text_of(answer) for answer in r.answers])
        for r in chain(*(render(PROMPT, task, case, ()) for case in cases))
    ]
    ways: dict[str, Callable[[], Any]] = {
        "raw decode": lambda: decode(engine.context, prefix, reply.unique),
        "tree": lambda: score(engine, request),
        "greedy text": greedy(given.model, texts),
    }
    turns = [{name: seconds(way) for name, way in ways.items()} for _ in range(given.repeats)]
    slow = (
        {}
        if given.twin is None
        else {
            "transformers": padded(given.twin, tokeniser, texts[:FEW]),
            "echo": echo(given.model, texts[:FEW]),
        }
    )
    for name, way in slow.items():
        turns[0][name] = seconds(way) * QUERIES / FEW
    said = greedy(given.model, texts)()
    right = [text.strip() == case.query.label for text, case in zip(said, cases, strict=True)]
    scored = estimate(read_scores(task, PROMPT, sheet, reply, cases), PROMPT, "accuracy").value
    print(f"{prefix} tokens before {QUERIES} queries of 5 labels: {reply.unique} tokens computed")
    print(f"accuracy: labels scored {scored:.2f}, greedy text {fmean(right):.2f}")
    print("| way | queries/s | times as long as the tree | n |\n|---|---|---|---|")
    for name in turns[0]:
        taken = [turn[name] for turn in turns if name in turn]
        times = median(one / turn["tree"] for one, turn in zip(taken, turns, strict=False))
        print(f"| {name} | {QUERIES / median(taken):.3g} | {times:.3g} | {len(taken)} |")


def decode(context: Context, prefix: int, total: int) -> None:
    """As many tokens as the tree has, in batches right behind the prefix."""
    context.clear()
    for start in [*range(0, prefix, context.batch), *range(prefix, total, context.batch)]:
        end = min(start + context.batch, prefix if start < prefix else total)
        first = min(start, prefix)
        count = end - start
        tokens = range(100, 100 + count)
        context.forget(TRUNK, first)
        context.decode(tokens, range(first, first + count), [[TRUNK]] * count, [False] * count)


def score(engine: LlamaEngine, request: Score) -> None:
    engine.context.clear()
    engine.handle(request)


def greedy(path: Path, texts: Sequence[Text]) -> Callable[[], list[str]]:
    """How prompt optimisers ask: the answer as text, the prefix reused from query to query."""
    llm = completions(path, n_ctx=4096, logits_all=False)

    def complete(prompt: str) -> str:
        answer = llm.create_completion(prompt, max_tokens=ANSWER, temperature=0.0, stop=["\n"])
        return str(answer["choices"][0]["text"])

    return lambda: [complete(prompt) for prompt, _ in texts]


def echo(path: Path, texts: Sequence[Text]) -> Callable[[], None]:
    """How evaluation harnesses score a GGUF: one call a label, with logits everywhere."""
    llm = completions(path, n_ctx=1024, logits_all=True)

    def run() -> None:
        for prompt, answers in texts:
            for answer in answers:
                llm.reset()
                llm.create_completion(prompt + answer, max_tokens=1, echo=True, logprobs=1)

    return run


def completions(path: Path, *, n_ctx: int, logits_all: bool) -> llama_cpp.Llama:
    threads = len(os.sched_getaffinity(0))
    return llama_cpp.Llama(
        str(path),
        n_ctx=n_ctx,
        n_batch=512,
        n_threads=threads,
        n_threads_batch=threads,
        flash_attn=True,
        logits_all=logits_all,
        verbose=False,
    )


def padded(folder: Path, tokeniser: Tokeniser, texts: Sequence[Text]) -> Callable[[], None]:
    """A query's labels as one batch of whole sequences, right-padded; BF16."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    batches = [
        [ids for ids, _ in tokeniser.encode([p + a for a in answers])] for p, answers in texts
    ]

    @torch.no_grad()
    def run() -> None:
        for batch in batches:
            longest = max(map(len, batch))
            ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in batch])
            mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in batch])
            logits = model(input_ids=ids, attention_mask=mask).logits
            logits[:, :-1].float().log_softmax(-1).gather(2, ids[:, 1:, None])

    return run


if __name__ == "__main__":
    main()
