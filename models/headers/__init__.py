"""Bounded readers of model-file headers, which run before every native loader.

Whatever the bytes, a reader returns a header or raises HeaderError, in bounded time and memory. It
never reads tensor data.
"""

from models.headers.bounded import HeaderError
from models.headers.gguf import GgufHeader, GgufPart, read_gguf, read_part
from models.headers.keyvalues import Skipped
from models.headers.onnx import OnnxHeader, read_onnx
from models.headers.onnx_tensors import OnnxTensor
from models.headers.safetensors import Entry, SafetensorsHeader, read_safetensors
from models.headers.tensors import Tensor

__all__ = [
    "Entry",
    "GgufHeader",
    "GgufPart",
    "HeaderError",
    "OnnxHeader",
    "OnnxTensor",
    "SafetensorsHeader",
    "Skipped",
    "Tensor",
    "read_gguf",
    "read_onnx",
    "read_part",
    "read_safetensors",
]
