"""Random-weight models of a few hundred kilobytes, one a family, as the GGUF files people have.

llama.cpp loads each as it is, and transformers makes the twin out of the same file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np

CONTEXT = 2048
WIDTH, HIDDEN = 64, 128
WORDS = ("the", "of", "and", "to", "in", "is", "relation", "sentence", "head", "tail", "label")
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Family:
    """``norms`` are those beyond the two that every layer has, with their width."""

    name: str
    layers: int = 2
    heads: int = 4
    shared: int = 2
    depth: int = 16
    norms: dict[str, int] = field(default_factory=dict)
    window: int | None = None
    sentencepiece: bool = False


FAMILIES = {
    family.name: family
    for family in (
        Family("llama"),
        # transformers assumes heads of 128 here and of 256 below.
        Family("qwen3", depth=128, norms={"attn_q_norm": 128, "attn_k_norm": 128}),
        # Every sixth layer is not sliding.
        Family(
            "gemma3",
            layers=6,
            heads=1,
            shared=1,
            depth=256,
            norms={
                "attn_q_norm": 256,
                "attn_k_norm": 256,
                "post_attention_norm": WIDTH,
                "post_ffw_norm": WIDTH,
            },
            window=32,
            sentencepiece=True,
        ),
    )
}


def write(path: Path, family: Family, *, seed: int = 0, each: int = 0) -> Path:
    """The family's model in float32 at ``path``, in files of ``each`` tensors if that is given."""
    out = gguf.GGUFWriter(path, family.name, split_max_tensors=each)
    out.add_name(f"tiny {family.name}")
    out.add_license("apache-2.0")
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_block_count(family.layers)
    out.add_feed_forward_length(HIDDEN)
    out.add_head_count(family.heads)
    out.add_head_count_kv(family.shared)
    out.add_key_length(family.depth)
    out.add_value_length(family.depth)
    out.add_rope_dimension_count(family.depth)
    out.add_rope_freq_base(10_000.0)
    out.add_layer_norm_rms_eps(1e-6)
    if family.window:
        out.add_sliding_window(family.window)
    vocabulary = _sentencepiece(out) if family.sentencepiece else _bytes(out, family.name)
    out.add_vocab_size(vocabulary)
    _tensors(out, family, vocabulary, np.random.default_rng(seed))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def _tensors(
    out: gguf.GGUFWriter, family: Family, vocabulary: int, random: np.random.Generator
) -> None:
    def matrix(name: str, rows: int, columns: int) -> None:
        values = random.standard_normal((rows, columns)) * 1.5 / columns**0.5
        out.add_tensor(name, values.astype(np.float32))

    def norm(name: str, width: int) -> None:
        out.add_tensor(name, random.uniform(0.5, 1.5, width).astype(np.float32))

    matrix("token_embd.weight", vocabulary, WIDTH)
    norm("output_norm.weight", WIDTH)
    for layer in range(family.layers):
        block = f"blk.{layer}"
        for name in ("attn_norm", "ffn_norm"):
            norm(f"{block}.{name}.weight", WIDTH)
        for name, width in family.norms.items():
            norm(f"{block}.{name}.weight", width)
        matrix(f"{block}.attn_q.weight", family.heads * family.depth, WIDTH)
        matrix(f"{block}.attn_k.weight", family.shared * family.depth, WIDTH)
        matrix(f"{block}.attn_v.weight", family.shared * family.depth, WIDTH)
        matrix(f"{block}.attn_output.weight", WIDTH, family.heads * family.depth)
        matrix(f"{block}.ffn_gate.weight", HIDDEN, WIDTH)
        matrix(f"{block}.ffn_up.weight", HIDDEN, WIDTH)
        matrix(f"{block}.ffn_down.weight", WIDTH, HIDDEN)


def _bytes(out: gguf.GGUFWriter, name: str) -> int:
    """A byte-level BPE with the merges that spell a few words."""
    letters = list(_byte_letters().values())
    tokens, merges = [*letters], []
    for word in (f"Ġ{word}" for word in WORDS):
        for end in range(2, len(word) + 1):
            if word[:end] not in tokens:
                tokens.append(word[:end])
                merges.append(f"{word[: end - 1]} {word[end - 1]}")
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    first = len(tokens)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre({"llama": "smollm", "qwen3": "qwen2"}[name])
    out.add_token_list([*tokens, *specials])
    out.add_token_types([*[gguf.TokenType.NORMAL] * first, *[gguf.TokenType.CONTROL] * 3])
    out.add_token_merges(merges)
    out.add_bos_token_id(first + 1)
    out.add_eos_token_id(first + 2)
    out.add_add_bos_token(False)
    out.add_chat_template(CHAT)
    return first + len(specials)


def _sentencepiece(out: gguf.GGUFWriter) -> int:
    """Letters, the words and their beginnings, and a token for every other byte."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    raw = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = ["▁", "\n", *map(chr, range(33, 127))]
    begun = dict.fromkeys(f"▁{word}"[:end] for word in WORDS for end in range(2, len(word) + 2))
    words = [token for token in begun if token not in letters]
    kinds = gguf.TokenType
    types = [kinds.CONTROL] * len(specials) + [kinds.BYTE] * 256
    normal = [*words, *letters]
    tokens = [*specials, *raw, *normal]
    out.add_tokenizer_model("llama")
    out.add_tokenizer_pre("default")
    out.add_token_list(tokens)
    out.add_token_scores([0.0] * len(types) + [-float(i) for i in range(len(normal))])
    out.add_token_types([*types, *[kinds.NORMAL] * len(normal)])
    out.add_bos_token_id(2)
    out.add_eos_token_id(1)
    out.add_unk_token_id(3)
    out.add_pad_token_id(0)
    out.add_add_bos_token(True)
    out.add_add_space_prefix(False)
    out.add_chat_template(
        CHAT.replace("<|im_start|>", "<start_of_turn>").replace("<|im_end|>", "<end_of_turn>")
    )
    return len(tokens)


def _byte_letters() -> dict[int, str]:
    """GPT-2's printable stand-in for every byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (byte for byte in range(256) if byte not in plain)
    return {byte: chr(byte) for byte in plain} | {b: chr(256 + n) for n, b in enumerate(others)}
