"""Loads model files one after the other as Strop's workers do, a line for each: what became of it.

``python tests/loading_child.py FORMAT FILE...``; native code may end it at any file.
"""

from __future__ import annotations

import sys

END = "=>"
"""What the lines begin with; libraries print some of their own."""


def load_gguf(path: str) -> None:
    from models.engine import Score, Segment
    from models.llama.engine import load

    engine = load(path, beat=lambda done, total: None, n_ctx=768, batch=256, threads=1)
    engine.handle(Score((Segment(-1, (10, 20, 30), 2),)))


def load_safetensors(path: str) -> None:
    from pathlib import Path

    from safetensors.torch import load_file

    from models.headers import read_safetensors

    read_safetensors(Path(path))
    for tensor in load_file(path).values():
        tensor.double().sum().item()


def load_onnx(path: str) -> None:
    from pathlib import Path

    import numpy as np
    import onnxruntime

    from models.headers import read_onnx

    read_onnx(Path(path))
    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    session.run(None, {"x": np.ones((2, 3), np.float32)})


if __name__ == "__main__":
    load = {"gguf": load_gguf, "safetensors": load_safetensors, "onnx": load_onnx}[sys.argv[1]]
    for file in sys.argv[2:]:
        try:
            load(file)
        except Exception as error:
            print(END, ascii(f"{type(error).__name__}: {error}"), flush=True)
        else:
            print(END, "loaded", flush=True)
