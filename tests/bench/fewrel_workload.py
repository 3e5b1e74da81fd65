"""What the engine benchmarks ask: FewRel episodes, rendered for one body."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from appliance.data import Imported
from appliance.data.protocols.fewrel import read_fewrel
from appliance.encode.tokens import Tokeniser
from appliance.prompts.prompt import Prompt, Section
from appliance.task import Case
from models.engine import Describe, Reply, Request
from models.llama.engine import LlamaEngine, load

INSTRUCTION = (
    "Below are sentences in which two things are named, and after each of them how the first is "
    "related to the second. Read what the sentence says of the two and nothing else, mind which of "
    "them comes first, and give the relation in the very words that the examples use. Where two "
    "relations seem to fit, take the one that the sentence states and not the one that it makes "
    "likely. Write nothing at all after the relation.\n\n"
)
PROMPT = Prompt(
    sections=(Section("task", INSTRUCTION),), example="{text}\n{head} -> {tail}: {label}\n\n"
)


class Direct:
    """``models.protocol.Models`` over one engine of this process."""

    def __init__(self, engine: LlamaEngine) -> None:
        self.engine = engine

    def call(self, name: str, request: Request) -> Reply:
        return self.engine.handle(request)


def arguments(summary: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--data", type=Path, required=True, help="Folder of FewRel.")
    parser.add_argument("--model", type=Path, required=True, help="A GGUF file.")
    return parser


def opened(path: Path) -> tuple[LlamaEngine, Tokeniser]:
    engine = load(str(path), beat=lambda done, total: None)
    return engine, Tokeniser(Direct(engine), "model", engine.handle(Describe()))


def fewrel(data: Path) -> Imported:
    return read_fewrel(
        data / "val_wiki.json",
        data / "pid2name.json",
        name="fewrel",
        episodes=data / "episodes-5way-1shot.json",
        seed=0,
    )


def under_one_support(imported: Imported, queries: int) -> list[Case]:
    """The first tuning episode's support, under queries of its relations."""
    first = imported.cases["tuning"][0]
    shown = {row.id for row in first.support}
    rows = [r for r in imported.examples if r.label in first.labels and r.id not in shown]
    return [Case(q, first.labels, first.support) for q in Random(0).sample(rows, queries)]


def seconds(way: Callable[[], Any]) -> float:
    start = perf_counter()
    way()
    return perf_counter() - start
