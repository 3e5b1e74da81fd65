"""Renders chat templates, which are untrusted programs.

The template runs in jinja2's sandbox, inside a child process with limits on time and memory. It
sees sentinels (random strings) in place of the contents, so that content can never become template.
It runs twice, with different sentinels: text that it computes from a content shows as a difference
and is refused. Where a template branches on a content (whether it is empty, how it begins), the
sentinel decides, whatever the content is.

Run as a script, this file is that child; therefore it imports nothing else of this project.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

MAX_TEMPLATE_BYTES = 1 << 20
MAX_OUTPUT_BYTES = 4 << 20
CPU_SECONDS = 2
MEMORY_BYTES = 1 << 30
_WALL_SECONDS = 60
_OUT_OF_MEMORY = 3
ROLES = ("system", "user", "assistant")
DATE = date(2025, 1, 1)


class ChatTemplateError(Exception):
    """A chat template that cannot be used; the message says why."""


class Piece(NamedTuple):
    """A part of the rendering: the content of message ``message``, or template text (None)."""

    text: str
    message: int | None


def render_chat(
    template: str,
    messages: Sequence[tuple[str, str]],
    *,
    add_generation_prompt: bool,
    bos_token: str = "",
    eos_token: str = "",
    thinking: bool = False,
    today: date = DATE,
) -> list[Piece]:
    """Renders ``(role, content)`` messages into pieces whose texts join to the whole.

    The contents appear verbatim, so a template that only trims them is rendered untrimmed.
    ``thinking`` is what the template reads as ``enable_thinking`` (Qwen, SmolLM) or ``thinking``
    (Granite, DeepSeek). Raises ChatTemplateError for a template that fails, passes a limit, or
    drops, changes or repeats a content.
    """
    roles = tuple(role for role, _ in messages)
    if unknown := [role for role in roles if role not in ROLES]:
        raise ChatTemplateError(f"unknown role {unknown[0]!r}; known: {', '.join(ROLES)}")
    job = {
        "add_generation_prompt": add_generation_prompt,
        "bos_token": bos_token,
        "eos_token": eos_token,
        "thinking": thinking,
        "today": today.isoformat(),
    }
    skeleton = _skeleton(template, roles, tuple(job.items()))
    return [
        Piece(text if message is None else messages[message][1], message)
        for text, message in skeleton
    ]


@lru_cache(maxsize=64)
def _skeleton(
    template: str, roles: tuple[str, ...], job: tuple[tuple[str, Any], ...]
) -> tuple[Piece, ...]:
    """The pieces with empty contents. They depend on no content, so one run is enough for all."""
    if len(template.encode(errors="surrogatepass")) > MAX_TEMPLATE_BYTES:
        raise ChatTemplateError(f"the chat template is larger than {MAX_TEMPLATE_BYTES} bytes")
    sentinels = [[_sentinel(length) for _ in roles] for length in (16, 24)]
    conversations = [
        [{"role": role, "content": text} for role, text in zip(roles, run, strict=True)]
        for run in sentinels
    ]
    texts = _run_child({"template": template, "conversations": conversations, **dict(job)})
    first, second = (_split(text, run) for text, run in zip(texts, sentinels, strict=True))
    if first != second:
        raise ChatTemplateError("the chat template changes with the contents, or at random")
    return tuple(first)


def _sentinel(length: int) -> str:
    """An unguessable string with characters that every usual escape or case filter changes."""
    return f"{secrets.token_hex(length)}aZ\n<&\"'\\>é{secrets.token_hex(length)}"


def _split(text: str, sentinels: list[str]) -> list[Piece]:
    for message, sentinel in enumerate(sentinels):
        uses = text.count(sentinel)
        if uses != 1:
            what = "repeats" if uses else "drops or changes"
            raise ChatTemplateError(
                f"the chat template {what} the content of message {message + 1}"
            )
    if not sentinels:
        return [Piece(text, None)] if text else []
    parts = re.split("(" + "|".join(re.escape(sentinel) for sentinel in sentinels) + ")", text)
    pieces = [
        Piece("", sentinels.index(part)) if number % 2 else Piece(part, None)
        for number, part in enumerate(parts)
    ]
    return [piece for piece in pieces if piece.text or piece.message is not None]


def _run_child(job: dict[str, Any]) -> list[str]:
    try:
        # With -I, neither this folder nor the environment can put other code in front of jinja2.
        child = subprocess.run(
            [sys.executable, "-I", __file__],
            input=json.dumps(job).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_WALL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ChatTemplateError(f"the chat template ran longer than {_WALL_SECONDS} s") from None
    except OSError as error:
        raise ChatTemplateError(f"the template renderer did not start: {error}") from error
    if child.returncode < 0 or child.returncode == _OUT_OF_MEMORY:
        raise ChatTemplateError(
            f"the chat template took more than {CPU_SECONDS} s of computing "
            f"or {MEMORY_BYTES >> 20} MB of memory"
        )
    if child.returncode:
        raise ChatTemplateError(f"the template renderer ended with code {child.returncode}")
    reply = json.loads(child.stdout)
    if "error" in reply:
        raise ChatTemplateError(f"the chat template failed: {reply['error']}")
    texts: list[str] = reply["texts"]
    return texts


def _serve() -> None:
    """Runs in the child: reads one job from stdin and writes one reply to stdout. The process
    refuses sockets, and ends when it passes a limit."""
    import resource

    sys.addaudithook(_refuse_sockets)
    job = json.load(sys.stdin)
    for limit, value in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        # A limit is refused where a lower one holds already; macOS also refuses the one on memory.
        with contextlib.suppress(ValueError):
            resource.setrlimit(limit, (value, value))
    try:
        reply: dict[str, Any] = {"texts": [_render(job, run) for run in job["conversations"]]}
    except MemoryError:
        sys.exit(_OUT_OF_MEMORY)
    except Exception as error:
        # A template can raise any Python exception; its message is data, made safe for a terminal.
        words = f"{type(error).__name__}: {error}"[:500]
        reply = {"error": "".join(c if c.isprintable() else " " for c in words)}
    json.dump(reply, sys.stdout)


def _refuse_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith("socket."):
        raise PermissionError(f"{event} refused: a chat template uses no network")


def _render(job: dict[str, Any], messages: list[dict[str, str]]) -> str:
    """One rendering, with the tags, globals and filters that transformers gives to chat
    templates."""
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """The tags around what the assistant wrote. They matter to a trainer, not to the text."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    def tojson(value: Any, ensure_ascii: bool = False, **form: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, **form)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = date.fromisoformat(job["today"]).strftime
    stream = environment.from_string(job["template"]).generate(
        messages=messages,
        tools=None,
        documents=None,
        add_generation_prompt=job["add_generation_prompt"],
        bos_token=job["bos_token"],
        eos_token=job["eos_token"],
        enable_thinking=job["thinking"],
        thinking=job["thinking"],
    )
    parts, size = [], 0
    for part in stream:
        size += len(part.encode(errors="surrogatepass"))
        if size > MAX_OUTPUT_BYTES:
            raise TemplateError(f"more than {MAX_OUTPUT_BYTES} bytes of output")
        parts.append(part)
    return "".join(parts)


if __name__ == "__main__":
    _serve()
