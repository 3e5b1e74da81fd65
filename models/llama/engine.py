"""The llama.cpp body as an engine: what a worker loads and asks."""

from __future__ import annotations

from pathlib import Path

import llama_cpp as C

from models.engine import (
    Describe,
    Description,
    Detokenise,
    Generate,
    Hidden,
    Propose,
    Reply,
    Request,
    Score,
    Texts,
    Tokenise,
    Tokens,
)
from models.headers import read_gguf
from models.llama.context import Context, Model
from models.llama.decode import Beat, Gap
from models.llama.generate import generate
from models.llama.hidden import hidden
from models.llama.score import propose, score
from models.llama.streams import Streams
from models.llama.text import Vocabulary
from models.memory import BATCH, CELLS, check, needed_by_gguf
from models.processors import processors
from models.trie import BadRequest

ALL_LAYERS = 999

WRITING = 4
"""How many times the cells of its first context a model may take for continuations."""


def load(
    path: str,
    *,
    beat: Beat,
    gap: Gap = lambda: None,
    n_ctx: int = CELLS,
    batch: int = BATCH,
    threads: int = 0,
    gpu_layers: int | None = None,
) -> LlamaEngine:
    """Loads the model. Raises HeaderError and MemoryShort before native code sees the file,
    EngineError where llama.cpp cannot load it. Where llama.cpp was built for a card, ``gpu_layers``
    layers go to it, or all if that is None."""
    if not C.llama_supports_gpu_offload():
        gpu_layers = 0
    elif gpu_layers is None:
        gpu_layers = ALL_LAYERS
    needed = needed_by_gguf(read_gguf(Path(path)), n_ctx, batch)
    if not gpu_layers:
        check(needed, f"{path} with a context of {n_ctx} tokens")
    model = Model(Path(path), gpu_layers)
    threads = threads or processors()
    context = Context(model, n_ctx=n_ctx, batch=batch, threads=threads)
    streams = Streams(model, cells=WRITING * n_ctx, batch=batch, threads=threads)
    return LlamaEngine(context, streams, beat, gap)


class LlamaEngine:
    def __init__(self, context: Context, streams: Streams, beat: Beat, gap: Gap) -> None:
        self.context = context
        self.streams = streams
        self.vocabulary = Vocabulary(context.model.vocab)
        self.beat = beat
        self.gap = gap

    def handle(self, request: Request) -> Reply:
        match request:
            case Tokenise():
                ids = [self.vocabulary.ids(text) for text in request.texts]
                pairs = zip(request.texts, ids, strict=True)
                ends = (tuple(self.vocabulary.ends(text, tokens)) for text, tokens in pairs)
                return Tokens(ids=tuple(map(tuple, ids)), ends=tuple(ends))
            case Detokenise():
                return Texts(texts=tuple(self.vocabulary.text(ids) for ids in request.ids))
            case Score():
                return score(self.context, request, self.beat, self.gap)
            case Generate():
                return generate(
                    self.context, self.streams, self.vocabulary, request, self.beat, self.gap
                )
            case Propose():
                return propose(self.context, request, self.beat, self.gap)
            case Hidden():
                return hidden(self.context, request, self.beat, self.gap)
            case Describe():
                return self.describe()
            case _:
                raise BadRequest(f"llama.cpp cannot answer {type(request).__name__}")

    def describe(self) -> Description:
        template = C.llama_model_chat_template(self.context.model.handle, None)
        return Description(
            context=self.context.longest,
            vocabulary=self.context.n_vocab,
            specials=self.vocabulary.specials,
            bos=self.vocabulary.bos,
            eos=self.vocabulary.eos,
            chat_template=(template or b"").decode(errors="replace"),
            engine={
                "library": f"llama-cpp-python {C.__version__}",
                "system": C.llama_print_system_info().decode(),
                "batch": str(self.context.batch),
                "threads": str(self.context.threads),
                "flash_attention": "on",
                "gpu_layers": str(self.context.model.gpu_layers),
            },
            bos_token=self.vocabulary.bos_token,
            eos_token=self.vocabulary.eos_token,
        )
