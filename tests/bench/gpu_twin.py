"""Packed gradients over reasoning against a reference-shaped loop, at the shapes of real models.

    python tests/bench/gpu_twin.py --shapes 0.6B 4B 8B

Weights are random. 50 questions, each followed by 200 tokens of reasoning and its answer, behind
one prompt. The loop is shaped as the published code of GReaTer is described: one example a pass,
weights that gather gradients, logits of every position. Both in float16 on a GPU; the share is that
of the rate which this card reaches on a large product of matrices.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import torch
import transformers

from models.engine import Choice, Differentiate, Segment
from models.trie import build
from models.twin.gradients import backpropagate
from models.twin.load import prepared
from models.twin.owners import owners_of_nodes

PROMPT, ANSWER = 50, 15
PRODUCT = 8192
WARM_UP = 2


class Shape(NamedTuple):
    width: int
    layers: int
    heads: int
    shared: int
    depth: int
    hidden: int
    vocabulary: int


class Measurement(NamedTuple):
    """Seconds, tokens computed, and peak bytes on the GPU (0 on a CPU)."""

    seconds: float
    tokens: int
    peak: int


SHAPES = {
    "tiny": Shape(64, 2, 4, 2, 16, 128, 500),
    "0.6B": Shape(1024, 28, 16, 8, 128, 3072, 151_936),
    "4B": Shape(2560, 36, 32, 8, 128, 9728, 151_936),
    "8B": Shape(4096, 32, 32, 8, 128, 14_336, 128_256),
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=["0.6B"])
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--question", type=int, default=100, help="Tokens of a question.")
    parser.add_argument("--reasoning", type=int, default=200, help="Tokens of its reasoning.")
    given = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    rate = matrix_rate(device, dtype)
    print(f"{name_of(device)}, {dtype}: {rate / 1e12:.1f} TFLOP/s on {PRODUCT} x {PRODUCT}")
    print("| shape | way | s | tokens/s | share of rate | peak GB | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in given.shapes:
        examples = made_up(SHAPES[name], given.questions, given.question, given.reasoning)
        work, loop, packed = both(SHAPES[name], examples, device, dtype)
        for way, (seconds, tokens, peak) in (("loop", loop), ("packed", packed)):
            share = work * tokens / seconds / rate
            print(
                f"| {name} | {way} | {seconds:.2f} | {tokens / seconds:.0f} | {share:.1%} "
                f"| {peak / 1e9:.1f} | {loop[0] / seconds:.2f} |"
            )
        gc.collect()


def both(
    shape: Shape, examples: list[list[int]], device: torch.device, dtype: torch.dtype
) -> tuple[int, Measurement, Measurement]:
    """The operations that a token takes forth and back, weights frozen; the loop; the packed."""
    model = random_model(shape, device, dtype)
    table = model.get_input_embeddings().weight.numel()
    work = 4 * (sum(parameter.numel() for parameter in model.parameters()) - table)
    loop = measured(
        lambda: reference(model, examples), lambda: reference(model, examples[:WARM_UP])
    )
    for parameter in model.parameters():
        parameter.grad = None
    frozen, request = prepared(model), packed_request(examples)
    return work, loop, measured(lambda: pack(frozen, request), lambda: pack(frozen, request))


def made_up(shape: Shape, questions: int, length: int, reasoning: int) -> list[list[int]]:
    """Token ids of whole sequences, the prompt first and the answer last."""
    random = torch.Generator().manual_seed(0)
    own = length + reasoning + ANSWER
    prompt = torch.randint(10, shape.vocabulary, (PROMPT,), generator=random).tolist()
    rows = torch.randint(10, shape.vocabulary, (questions, own), generator=random).tolist()
    return [[*prompt, *row] for row in rows]


def random_model(shape: Shape, device: torch.device, dtype: torch.dtype) -> Any:
    config = transformers.LlamaConfig(
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.shared,
        head_dim=shape.depth,
        intermediate_size=shape.hidden,
        vocab_size=shape.vocabulary,
        max_position_embeddings=8192,
        tie_word_embeddings=False,
        attn_implementation="sdpa",
    )
    with torch.device(device):
        return transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)


def reference(model: Any, examples: list[list[int]]) -> int:
    """One example a pass; returns how many tokens that computes."""
    model.requires_grad_(True)
    table = model.get_input_embeddings().weight
    total = torch.zeros(PROMPT, table.shape[1], device=model.device)
    for example in examples:
        ids = torch.tensor(example, device=model.device)
        inputs = table[ids].detach().requires_grad_()
        logits = model(inputs_embeds=inputs[None], use_cache=False).logits[0]
        loss = torch.nn.functional.cross_entropy(
            logits[-ANSWER - 1 : -1].float(), ids[-ANSWER:], reduction="sum"
        )
        loss.backward()
        total += inputs.grad[:PROMPT].float()
    return sum(map(len, examples))


def packed_request(examples: list[list[int]]) -> Differentiate:
    prompt = Segment(-1, tuple(examples[0][:PROMPT]))
    branches = [Segment(0, tuple(example[PROMPT:]), ANSWER) for example in examples]
    owners = (tuple(range(PROMPT)), *(tuple(-1 for _ in branch.tokens) for branch in branches))
    choices = tuple(Choice((number + 1,), (), 0, 0.0) for number in range(len(examples)))
    return Differentiate((prompt, *branches), owners, choices)


def pack(model: Any, request: Differentiate) -> int:
    trie = build(request.segments)
    owners = owners_of_nodes(request, trie)
    found = backpropagate(
        model, trie, request.choices, owners, lambda done, total: None, lambda: None
    )
    return found.decoded


def measured(way: Callable[[], int], warm_up: Callable[[], int]) -> Measurement:
    warm_up()
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    start = perf_counter()
    tokens = way()
    if cuda:
        torch.cuda.synchronize()
    taken = perf_counter() - start
    return Measurement(taken, tokens, torch.cuda.max_memory_allocated() if cuda else 0)


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second on a large product of matrices; a small one on a CPU."""
    size = PRODUCT if device.type == "cuda" else 1024
    one = torch.randn(size, size, device=device, dtype=dtype)
    times = 20

    def multiply() -> int:
        for _ in range(times):
            one @ one
        return times

    seconds, _, _ = measured(multiply, multiply)
    return 2 * size**3 * times / seconds


def name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "CPU"


if __name__ == "__main__":
    main()
