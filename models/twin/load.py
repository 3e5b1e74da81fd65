"""Makes a twin once, keeps it as safetensors, and loads it again."""

from __future__ import annotations

import os
import shutil
from math import prod
from pathlib import Path
from typing import Any

import torch

from models.make import unfinished
from models.memory import OVERHEAD, MemoryShort, check

CPU_INFO = Path("/proc/cpuinfo")

SMALLER = "close other programs, or use a smaller model"

_HERE = {"local_files_only": True, "trust_remote_code": False}


class TwinError(RuntimeError):
    """A twin could not be made, loaded or trusted; the message says why and what to do."""


def make_twin(source: Path, folder: Path) -> None:
    """Makes the twin in ``folder`` (0700), with configuration and tokeniser, from a GGUF or from a
    folder of safetensors in Hugging Face's layout.

    ``folder`` appears completely or not at all; an existing one is kept as it is. A GGUF is
    dequantised to float16, which holds its weights to 2**-12, far below the quantisation error, in
    half the room of float32; safetensors keep their type. Raises HeaderError for a malformed file,
    MemoryShort where there is no room for a twin of a GGUF, TwinError for a file that transformers
    cannot read.
    """
    if folder.exists():
        return
    read = _of_safetensors if source.is_dir() else _of_gguf
    try:
        model, tokeniser = read(source)
    except TwinError:
        raise
    except (OSError, ValueError, KeyError, NotImplementedError, RuntimeError) as error:
        if out_of_memory(error):
            raise MemoryShort(f"{source}: memory does not hold its twin; {SMALLER}") from error
        # transformers tells what it is, and in further lines how to get a newer transformers.
        why = str(error).partition("\n")[0]
        raise TwinError(f"{source}: no twin can be made of this model: {why}") from error
    part = unfinished(folder)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700, parents=True)
    try:
        model.save_pretrained(part)
        tokeniser.save_pretrained(part)
        part.rename(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise TwinError(f"{folder}: the twin could not be written: {error}") from error


def _of_gguf(file: Path) -> tuple[Any, Any]:
    from models.headers import read_gguf

    numbers = [prod(tensor.shape) for tensor in read_gguf(file).tensors]
    # Each tensor is in float32 for a moment.
    needed = sum(numbers) * torch.float16.itemsize + max(numbers) * torch.float32.itemsize
    check(needed + OVERHEAD, f"the twin of {file}", SMALLER)
    transformers = _offline_transformers()
    from transformers import GgufConfig

    source = {"gguf_file": file.name, **_HERE}
    model = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent,
        dtype=torch.float16,
        quantization_config=GgufConfig(dequantize=True),
        **source,
    )
    return model, transformers.AutoTokenizer.from_pretrained(file.parent, **source)


def _of_safetensors(folder: Path) -> tuple[Any, Any]:
    from models.headers import read_safetensors

    weights = list(folder.glob("*.safetensors"))
    if not weights:
        raise TwinError(f"{folder}: there are no safetensors in it")
    for file in weights:
        read_safetensors(file)
    transformers = _offline_transformers()
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype="auto", use_safetensors=True, **_HERE
    )
    return model, transformers.AutoTokenizer.from_pretrained(folder, **_HERE)


def load_twin(folder: Path, dtype: torch.dtype) -> Any:
    """Loads the causal language model in ``folder``, frozen, on the GPU if there is one.

    Raises TwinError if the folder holds no twin or weights whose header is refused, and MemoryError
    where there is no room for it.
    """
    from models.headers import HeaderError, read_safetensors

    transformers = _offline_transformers()
    from safetensors import SafetensorError

    try:
        for weights in folder.glob("*.safetensors"):
            read_safetensors(weights)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            attn_implementation="sdpa",
            **_HERE,
        ).to(device())
    except (OSError, ValueError, RuntimeError, SafetensorError, HeaderError) as error:
        if out_of_memory(error):
            raise MemoryError from error
        raise TwinError(
            f"{folder}: no twin can be loaded: {error}; see `strop models check`"
        ) from error
    return prepared(model)


def prepared(model: Any) -> Any:
    """Returns the model with frozen weights, which get no gradient.

    Each layer is computed again in the backward pass instead of kept: a long shared prefix would
    otherwise take gigabytes (2.6 against 1.6 for 1,766 tokens of SmolLM2-135M, at equal speed).
    transformers does so in training mode only; the dropout that this mode switches on is set to 0.
    """
    model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.0
    return model.requires_grad_(False).train()


def load_tokeniser(folder: Path) -> Any:
    transformers = _offline_transformers()
    try:
        return transformers.AutoTokenizer.from_pretrained(folder, **_HERE)
    except (OSError, ValueError) as error:
        raise TwinError(f"{folder}: the tokeniser cannot be loaded: {error}") from error


def out_of_memory(error: Exception) -> bool:
    known = (MemoryError, torch.OutOfMemoryError)
    untyped = ("DefaultCPUAllocator", "MPS backend out of memory")
    return isinstance(error, known) or any(text in str(error) for text in untyped)


def device() -> torch.device:
    """An NVIDIA or Apple GPU if there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def best_dtype() -> torch.dtype:
    """float16 on a GPU, bfloat16 on a CPU with instructions for it, else float32."""
    if device().type != "cpu":
        return torch.float16
    flags = CPU_INFO.read_text().split() if CPU_INFO.exists() else []
    return torch.bfloat16 if {"avx512_bf16", "amx_bf16"} & set(flags) else torch.float32


def _offline_transformers() -> Any:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    return transformers
