"""A language model of bytes for tests: it prefers labels that the query's text contains, more so
under some prompts than under others. Asked to write without chance it writes what stands in
brackets last, more often under some prompts than under others. Workers load it as
``scripted_model:load``.

Faults come from a folder: ``calls`` counts the calls ever answered, a file ``kill-runner`` or
``kill-worker`` holds the number of the call at which to kill, once, and ``fault-N`` what the worker
suffers at call N; "wait" lasts until there is a file ``go`` or the call is broken off.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from models.engine import (
    Continuation,
    Describe,
    Description,
    Detokenise,
    Differentiate,
    Generate,
    Generated,
    Gradients,
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
    Tokenise,
    Tokens,
)
from models.trie import Trie, build, read_out

WRITTEN = (
    "Name the relation that holds from the first entity to the second.",
    "Read the sentence and say how the two entities are related.",
    "Say which of the relations the sentence states.",
)
CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}<|assistant|>"
)

BRACKETS = re.compile(r"\((\w+)\)")
SENTENCE = re.compile(r"In \d+ \(\w+\) came to \w+\.")
"""A text of ``tiny_tasks``, which a model that writes tags repeats."""


WIDTH = 24
"""The numbers of a hidden state."""

Beat = Callable[[int, int], None]


def load(path: str, *, beat: Beat, gap: Callable[[], None]) -> ScriptedModel:
    return ScriptedModel(Path(os.environ["STROP_SCRIPT"]), beat, gap)


class ScriptedModel:
    def __init__(
        self,
        folder: Path,
        beat: Beat = lambda done, total: None,
        gap: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = folder
        self.beat = beat
        self.gap = gap

    def handle(self, request: Request) -> Reply:
        match request:
            case Describe():
                specials = {"<|user|>": 256, "<|end|>": 257, "<|assistant|>": 258}
                return Description(4096, 259, specials, None, 257, CHAT, {"library": "scripted"})
            case Tokenise(texts):
                ids = tuple(tuple(text.encode()) for text in texts)
                return Tokens(ids, tuple(tuple(range(1, len(text) + 1)) for text in ids))
            case Detokenise(ids):
                return Texts(
                    tuple(bytes(t for t in s if t < 256).decode(errors="replace") for s in ids)
                )
        self._count()
        match request:
            case Score(segments):
                read = [i for i, segment in enumerate(segments) if segment.read]
                trie = build(segments)
                unique = sum(trie.needed(trie.wanted))
                return Scores(tuple(_logprobs(segments, i) for i in read), unique, unique)
            case Generate(temperature=0.0):
                answers = [_answer(bytes(p).decode(), request) for p in request.prompts]
                written = tuple((Continuation(a, tuple(a.encode()), True),) for a in answers)
                total = len(build([Segment(-1, ids) for ids in request.prompts]))
                return Generated(written, total, total, sum(map(len, answers)))
            case Generate():
                texts = [WRITTEN[(request.seed + i) % len(WRITTEN)] for i in range(request.n)]
                each = tuple(Continuation(text, tuple(text.encode()), True) for text in texts)
                total, asked = sum(map(len, request.prompts)), len(request.prompts)
                return Generated((each,) * asked, total, total, 16 * request.n * asked)
            case Hidden(segments):
                trie, ends = read_out(request)
                texts = [bytes(_tokens(trie, end)).decode(errors="replace") for end in ends]
                values = b"".join(map(_state, texts))
                return States(values, WIDTH, len(trie), len(trie))
            case Propose(prefixes, k):
                letters = tuple((97 + i % 26, -1.0 - i) for i in range(k))
                total = sum(map(len, prefixes))
                return Proposals(tuple(letters for _ in prefixes), total, total)
            case Differentiate():
                owners = 1 + max((o for own in request.owners for o in own), default=-1)
                norms = tuple(_fraction(f"norm {owner}") for owner in range(owners))
                swaps = tuple(((65 + owner % 26, 0.5), (32, 0.1)) for owner in range(owners))
                losses = tuple(1.0 for _ in request.choices)
                return Gradients(losses, norms, swaps, len(build(request.segments)))
        raise AssertionError(request)

    def _count(self) -> None:
        with (self.folder / "calls").open("a") as calls:
            calls.write("x")
        count = (self.folder / "calls").stat().st_size
        for victim, pid in (("runner", os.getppid()), ("worker", os.getpid())):
            order = self.folder / f"kill-{victim}"
            if order.exists() and count >= int(order.read_text()):
                order.unlink()
                os.kill(pid, signal.SIGKILL)
        fault = self.folder / f"fault-{count}"
        if fault.exists():
            self._suffer(fault.read_text())

    def _suffer(self, fault: str) -> None:
        match fault:
            case "wait":
                while not (self.folder / "go").exists():
                    self.beat(0, 1)
                    self.gap()
                    time.sleep(0.005)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "abort":
                os.abort()
            case "memory":
                limit = 64 << 20
                resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
                bytes(16 * limit)


class Thinker(ScriptedModel):
    """Its template tells it to think, whatever it is asked for."""

    def handle(self, request: Request) -> Reply:
        reply = super().handle(request)
        if isinstance(reply, Description):
            return replace(reply, chat_template="Do <think>. " + CHAT)
        return reply


def _logprobs(segments: tuple[Segment, ...], number: int) -> tuple[float, ...]:
    own = segments[number].tokens
    read = segments[number].read
    before, parent = own[: len(own) - read], segments[number].parent
    while parent >= 0:
        before, parent = segments[parent].tokens + before, segments[parent].parent
    text = bytes(t for t in before if t < 256).decode(errors="replace")
    label = bytes(t for t in own[len(own) - read :] if t < 256).decode(errors="replace").strip()
    quality = _fraction(text[:40])
    hit = label.lower() in text[-160:].lower()
    total = -6.0 + (3.0 * quality if hit else 0.0) + _fraction(text + label)
    return (total, *[0.0] * (read - 1))


def _answer(prompt: str, request: Generate) -> str:
    """As the prompt's kind of answer is written: reasoning, words, entities as JSON or as tags."""
    right = _fraction(prompt[:40]) > _fraction(prompt[-60:])
    word = BRACKETS.findall(prompt)[-1] if right else "nobody"
    if request.stop != ("\n",):
        return f"It is ({word})."
    if not request.grammar:
        return word
    if "</" not in request.grammar:
        return f'[{{"type": "person", "text": "{word}"}}]'
    text = SENTENCE.findall(prompt)[-1]
    return text.replace(word, f"<person>{word}</person>")


def _fraction(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32


def _tokens(trie: Trie, node: int) -> list[int]:
    """The tokens from the root to a node, without specials."""
    tokens: list[int] = []
    while node >= 0:
        tokens.append(trie.tokens[node])
        node = trie.parents[node]
    return [token for token in reversed(tokens) if token < 256]


def _state(text: str) -> bytes:
    """A direction for each of the last words, added up: the words of a row can be read off it."""
    total = [0.0] * WIDTH
    for word in re.findall(r"\w+", text)[-12:]:
        for at in range(WIDTH):
            total[at] += _fraction(f"{word} {at}") - 0.5
    return struct.pack(f"<{WIDTH}e", *total)
