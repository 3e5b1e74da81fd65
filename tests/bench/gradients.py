"""The packed gradient against a loop with a sequence for every query and label.

    python tests/bench/gradients.py --data DIR --model FILE.gguf --twin FOLDER

16 queries of one FewRel episode, 5 labels, calibrated. The loop is kind: it computes each content-
free sequence once, though every query needs it, and its weights are frozen.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

import torch
from fewrel_workload import PROMPT, arguments, fewrel, opened, seconds, under_one_support

from appliance.encode.layout import Layout
from appliance.encode.renderer import Renderer
from models.engine import Choice, Differentiate
from models.twin.engine import TwinEngine, load

QUERIES = 16
REPEATS = 3


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--twin", type=Path, required=True)
    given = parser.parse_args()
    imported = fewrel(given.data)
    cases = under_one_support(imported, QUERIES)
    _, tokeniser = opened(given.model)
    layout = Renderer(imported.task, {}, tokeniser).sheet(PROMPT, cases, owned=True).layout
    choices = tuple(
        Choice(plain, free, case.gold, 0.5)
        for plain, free, case in zip(layout.plain, layout.free, cases, strict=True)
    )
    request = Differentiate(tuple(layout.segments), tuple(layout.owners), choices)
    twin = load(str(given.twin), beat=lambda done, total: None)
    reply = twin.handle(request)
    packed = [seconds(lambda: twin.handle(request)) for _ in range(REPEATS)]
    answers = dict.fromkeys(s for c in choices for s in (*c.plain, *c.free))
    loop = seconds(lambda: [differentiate(twin, layout, segment) for segment in answers])
    print(
        f"{reply.decoded} tokens packed; {len(answers)} sequences in the loop; {twin.model.dtype}"
    )
    print("| way | s | times as long |\n|---|---|---|")
    print(f"| packed (median of {REPEATS}) | {median(packed):.2f} | 1 |")
    print(f"| a sequence each | {loop:.1f} | {loop / median(packed):.1f} |")


def differentiate(twin: TwinEngine, layout: Layout, segment: int) -> None:
    """The gradient of one answer's score in the embeddings of its whole sequence."""
    read = layout.segments[segment].read
    tokens: tuple[int, ...] = ()
    while segment >= 0:
        tokens = layout.segments[segment].tokens + tokens
        segment = layout.segments[segment].parent
    ids = torch.tensor(tokens)
    inputs = twin.model.get_input_embeddings()(ids).detach().requires_grad_()
    logits = twin.model(inputs_embeds=inputs[None], use_cache=False).logits[0]
    logprobs = logits[-read - 1 : -1].float().log_softmax(-1)
    score = logprobs.gather(1, ids[-read:, None]).sum()
    torch.autograd.grad(score, inputs)


if __name__ == "__main__":
    main()
