"""The bounded reader of ONNX models (onnx/onnx, onnx.proto): graphs and tensors, never data."""

from __future__ import annotations

from pathlib import Path

import msgspec

from models.headers.bounded import open_bounded
from models.headers.onnx_tensors import MAX_NAME, OnnxTensor, Tensors
from models.headers.protobuf import Field, Reader

MAX_BYTES = 2**31 - 1
"""The most bytes of one protobuf message; larger models keep their tensors in files beside it."""

MAX_NODES = 200_000
MAX_DEPTH = 8
"""How deeply graphs may be nested in attributes of nodes."""

_INPUT, _OUTPUT = 11, 12


class OnnxHeader(msgspec.Struct, frozen=True):
    """``opsets`` maps an operator domain ("" is ONNX's own) to its version. ``files`` are the files
    beside the model that hold tensor data. ``size`` is that of the model's own file, in bytes."""

    ir_version: int
    opsets: dict[str, int]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: dict[str, OnnxTensor]
    files: tuple[str, ...]
    nodes: int
    size: int


def read_onnx(path: Path) -> OnnxHeader:
    """The checked header of an ONNX model; raises HeaderError naming the broken rule.

    Tensor data outside the model is accepted in plain files of the model's own folder only.
    """
    with open_bounded(path) as cursor:
        if cursor.size > MAX_BYTES:
            cursor.refuse(f"a model of {cursor.size} bytes: more than {MAX_BYTES}")
        return _Model(Reader(cursor), path.parent).read()


class _Model:
    def __init__(self, reader: Reader, folder: Path) -> None:
        self.reader = reader
        self.cursor = reader.cursor
        self.reads = Tensors(reader, folder)
        self.tensors: dict[str, OnnxTensor] = {}
        self.ends: dict[int, list[str]] = {_INPUT: [], _OUTPUT: []}
        self.nodes = 0

    def read(self) -> OnnxHeader:
        version, graphs = 0, 0
        opsets: dict[str, int] = {}
        for field in self.reader.fields(self.cursor.size, "the model"):
            match field.number:
                case 1:
                    version = self.reader.number(field, "ir_version")
                case 7:
                    graphs += 1
                    self._graph(field, 0)
                case 8:
                    domain, opsets_version = self._opset(field)
                    opsets[domain] = opsets_version
                case 20:
                    self.cursor.refuse("training information: only models for inference are read")
                case 25:
                    for part in self.reader.inside(field, "a function"):
                        if part.number == 7:
                            self._node(part, 0)
        if version < 1:
            self.cursor.refuse("no ir_version: this is no ONNX model", 0)
        if graphs != 1:
            self.cursor.refuse(f"{graphs} graphs; a model has one", 0)
        if not opsets:
            self.cursor.refuse("no operator set is imported", 0)
        return OnnxHeader(
            ir_version=version,
            opsets=opsets,
            inputs=tuple(self.ends[_INPUT]),
            outputs=tuple(self.ends[_OUTPUT]),
            tensors=self.tensors,
            files=tuple(self.reads.files),
            nodes=self.nodes,
            size=self.cursor.size,
        )

    def _opset(self, message: Field) -> tuple[str, int]:
        domain, version = "", 0
        for field in self.reader.inside(message, "an operator set"):
            if field.number == 1:
                domain = self.reader.text(field, MAX_NAME, "the domain of an operator set")
            elif field.number == 2:
                version = self.reader.number(field, "the version of an operator set")
        return domain, version

    def _graph(self, message: Field, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.cursor.refuse(f"graphs inside each other, more than {MAX_DEPTH} deep")
        for field in self.reader.inside(message, "a graph"):
            match field.number:
                case 1:
                    self._node(field, depth)
                case 5:
                    name, tensor = self.reads.read(field)
                    if depth == 0 and self.tensors.setdefault(name, tensor) is not tensor:
                        self.cursor.refuse(f"two tensors named {name[:80]!r}", field.start)
                case 11 | 12 if depth == 0:
                    for part in self.reader.inside(field, "an input or output"):
                        if part.number == 1:
                            name = self.reader.text(part, MAX_NAME, "the name of an input")
                            self.ends[field.number].append(name)
                case 15:
                    self.cursor.refuse("sparse tensors are not read", field.start)

    def _node(self, message: Field, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.cursor.refuse(f"more than {MAX_NODES} nodes")
        operator = ""
        for field in self.reader.inside(message, "a node"):
            if field.number == 4:
                operator = self.reader.text(field, MAX_NAME, "the operator of a node")
            elif field.number == 5:
                self._attribute(field, depth)
        if not operator:
            self.cursor.refuse("a node without an operator", message.start)

    def _attribute(self, message: Field, depth: int) -> None:
        for field in self.reader.inside(message, "an attribute"):
            match field.number:
                case 5 | 10:
                    self.reads.read(field)
                case 6 | 11:
                    self._graph(field, depth + 1)
                case 22 | 23:
                    self.cursor.refuse("sparse tensors are not read", field.start)
