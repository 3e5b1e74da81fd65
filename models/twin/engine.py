"""The twin as an engine: what a worker loads and asks."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from models.engine import (
    Describe,
    Description,
    Detokenise,
    Differentiate,
    Hidden,
    Proposals,
    Propose,
    Reply,
    Request,
    Score,
    Scores,
    Segment,
    States,
    Texts,
)
from models.headers import HeaderError, read_safetensors
from models.memory import OVERHEAD
from models.memory import check as check_memory
from models.states import packed
from models.trie import BadRequest, build, prefixes, read_out
from models.twin.gradients import differentiate
from models.twin.load import (
    TwinError,
    best_dtype,
    device,
    load_tokeniser,
    load_twin,
    out_of_memory,
)
from models.twin.pack import (
    FULL,
    HEAD_ROWS,
    SLIDING,
    Beat,
    Gap,
    Pack,
    attention_kinds,
    check,
    context_length,
    embed,
    hidden,
    in_packs,
    log_probabilities,
)

DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
# In nats. Two orders of the same sums in bfloat16 differ by less, a different computation by more.
TOLERANCE = 0.25


def load(
    path: str, *, beat: Beat, gap: Gap = lambda: None, dtype: str = "", threads: int = 0
) -> TwinEngine:
    """Loads the twin in folder ``path``; without ``dtype`` in the best type for this machine, or in
    float32 where the model is too coarse in that, as Gemma is in bfloat16.

    Raises TwinError if it cannot be loaded or if its packed passes do not match its own pass.
    """
    # cuBLAS reads this when it starts; without it equal requests may give unequal replies.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    _keep_freed_memory()
    if threads:
        torch.set_num_threads(threads)
    folder = Path(path)
    chosen = DTYPES[dtype] if dtype else best_dtype()
    try:
        return _verified(folder, chosen, beat, gap)
    except TwinError:
        if dtype or chosen == torch.float32:
            raise
    return _verified(folder, torch.float32, beat, gap)


def _verified(folder: Path, dtype: torch.dtype, beat: Beat, gap: Gap) -> TwinEngine:
    if device().type != "cuda":
        check_memory(_weights(folder) * dtype.itemsize + OVERHEAD, f"the twin in {folder}")
    engine = TwinEngine(load_twin(folder, dtype), load_tokeniser(folder), beat, gap)
    try:
        engine.verify()
    except RuntimeError as error:
        if out_of_memory(error):
            raise MemoryError from error
        raise
    return engine


class TwinEngine:
    def __init__(self, model: Any, tokeniser: Any, beat: Beat, gap: Gap) -> None:
        self.model = model
        self.tokeniser = tokeniser
        self.beat = beat
        self.gap = gap
        vocabulary = model.get_input_embeddings().num_embeddings
        self.specials: dict[str, int] = {
            token.content: number
            for number, token in tokeniser.added_tokens_decoder.items()
            if token.special and number < vocabulary
        }
        unnamed = range(len(tokeniser), vocabulary)
        self.excluded = torch.zeros(vocabulary, dtype=torch.bool, device=model.device)
        self.excluded[[*self.specials.values(), *unnamed]] = True

    def handle(self, request: Request) -> Reply:
        """Raises BadRequest for what cannot be answered, TwinError for numbers that are not
        finite."""
        match request:
            case Score():
                return self.score(request)
            case Propose():
                return self.propose(request)
            case Hidden():
                return self.states(request)
            case Differentiate():
                return differentiate(self.model, request, self.excluded, self.beat, self.gap)
            case Detokenise():
                return Texts(tuple(map(self.text, request.ids)))
            case Describe():
                return self.describe()
            case _:
                raise BadRequest(f"the twin cannot answer {type(request).__name__}")

    def text(self, ids: Sequence[int]) -> str:
        """What the ids stand for in the twin's own vocabulary; special tokens have no text."""
        text: str = self.tokeniser.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    @torch.no_grad()
    def score(self, request: Score) -> Scores:
        trie = build(request.segments)
        check(self.model, trie)
        groups = [[trie.parents[node] for node in nodes] for nodes in trie.reads if nodes]
        found: dict[int, float] = {}

        def read(pack: Pack) -> None:
            place, values = log_probabilities(self.model, trie, pack, embed(self.model, trie, pack))
            found.update(zip(place, values.tolist(), strict=True))

        decoded = in_packs(trie, groups, read, self.beat, self.gap)
        if not all(map(math.isfinite, found.values())):
            raise TwinError(self._overflows())
        return Scores(
            logprobs=tuple(tuple(found[node] for node in nodes) for nodes in trie.reads if nodes),
            unique=sum(trie.needed(trie.wanted)),
            decoded=decoded,
        )

    @torch.no_grad()
    def propose(self, request: Propose) -> Proposals:
        trie = prefixes(request)
        check(self.model, trie)
        ends = [path[-1] for path in trie.paths]
        best: dict[int, tuple[tuple[int, float], ...]] = {}

        def read(pack: Pack) -> None:
            rows = hidden(self.model, trie, pack, embed(self.model, trie, pack))
            # The head runs in blocks, so that a matrix of all rows x vocabulary never exists.
            for start in range(0, len(rows), HEAD_ROWS):
                readers, some = pack.readers[start:][:HEAD_ROWS], rows[start:][:HEAD_ROWS]
                logprobs = self.model.get_output_embeddings()(some).float().log_softmax(-1)
                found = logprobs.topk(min(request.k, logprobs.shape[1]))
                for end, ids, values in zip(readers, found.indices, found.values, strict=True):
                    best[end] = tuple(zip(ids.tolist(), values.tolist(), strict=True))

        decoded = in_packs(trie, [[end] for end in ends], read, self.beat, self.gap)
        unique = sum(trie.needed(set(ends)))
        return Proposals(tuple(best[end] for end in ends), unique, decoded)

    @torch.no_grad()
    def states(self, request: Hidden) -> States:
        trie, ends = read_out(request)
        check(self.model, trie)
        found: dict[int, torch.Tensor] = {}

        def read(pack: Pack) -> None:
            rows = hidden(self.model, trie, pack, embed(self.model, trie, pack))
            found.update(zip(pack.readers, rows.float().cpu(), strict=True))

        decoded = in_packs(trie, [[end] for end in ends], read, self.beat, self.gap)
        if not all(torch.isfinite(row).all() for row in found.values()):
            raise TwinError(self._overflows())
        values = packed([found[end].numpy() for end in ends])
        width = self.model.config.get_text_config().hidden_size
        return States(values, width, sum(trie.needed(set(ends))), decoded)

    def _overflows(self) -> str:
        return (
            "the twin's numbers are not finite: its file is damaged, or overflows in "
            f"{self.model.dtype}; see `strop models check`"
        )

    def describe(self) -> Description:
        import transformers

        return Description(
            context=context_length(self.model.config),
            vocabulary=self.excluded.numel(),
            specials=self.specials,
            bos=self.tokeniser.bos_token_id,
            eos=self.tokeniser.eos_token_id,
            chat_template=self.tokeniser.chat_template or "",
            engine={
                "library": f"torch {torch.__version__}, transformers {transformers.__version__}",
                "device": str(self.model.device),
                "dtype": str(self.model.dtype).removeprefix("torch."),
                "threads": str(torch.get_num_threads()),
                "attention": str(self.model.config._attn_implementation),
            },
            bos_token=self.tokeniser.bos_token or "",
            eos_token=self.tokeniser.eos_token or "",
        )

    @torch.no_grad()
    def verify(self) -> None:
        """Compares two packed branches with the model's own causal pass. Raises TwinError.

        This catches what a packed pass would silently compute wrongly: layers that ignore the mask,
        logits that are capped or scaled after the head. The branches lie beyond the first sliding
        window, where the context is longer than that.
        """
        name = type(self.model).__name__
        kinds = attention_kinds(self.model.config)
        if unknown := kinds - {FULL, SLIDING}:
            raise TwinError(f"{name} cannot be used as a twin: its layers have {min(unknown)}")
        window = self.model.config.get_text_config().sliding_window if SLIDING in kinds else 0
        if window + 8 > context_length(self.model.config):
            window = 0
        stem = tuple(10 + at % 50 for at in range(window + 4))
        branches = ((14, 15, 16, 17), (18, 19, 20, 21))
        segments = (Segment(-1, stem), *(Segment(0, branch, 3) for branch in branches))
        packed = torch.tensor(self.score(Score(segments)).logprobs)
        ids = torch.tensor([stem + branch for branch in branches], device=self.model.device)
        whole = self.model(input_ids=ids, use_cache=False, logits_to_keep=4).logits
        own = whole.float().log_softmax(-1)[:, :-1].gather(2, ids[:, -3:, None])[..., 0].cpu()
        off = float((packed - own).abs().max())
        if not off < TOLERANCE:
            raise TwinError(f"{name} cannot be used as a twin: its packed scores are {off:.3g} off")


def _weights(folder: Path) -> int:
    """The number of weights in the folder's files. A refused file is left out here; ``load_twin``
    reports it."""
    count = 0
    for file in folder.glob("*.safetensors"):
        with suppress(HeaderError):
            count += sum(
                math.prod(entry.shape) for entry in read_safetensors(file).tensors.values()
            )
    return count


def _keep_freed_memory() -> None:
    """Makes glibc reuse large blocks instead of returning them after every operation.

    Fresh pages fault: a pass of 500 tokens took 200,000 to 570,000 faults and up to 1.5 times as
    long, on a virtual machine. The process keeps its peak memory until it ends.
    """
    mmap_max, trim_threshold = -4, -1  # malloc.h
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:  # another C library is slower, but correct
        return
    libc.mallopt(mmap_max, 0)
    libc.mallopt(trim_threshold, -1)
