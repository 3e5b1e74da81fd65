"""Keeps this process off the network: the libraries' offline switches, and a guard below them."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

_NAMES = frozenset(
    f"socket.{name}" for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo")
)
_ADDRESSES = frozenset(f"socket.{name}" for name in ("connect", "bind", "sendto", "sendmsg"))
# A socket made from a descriptor has the family -1 until its first use, which is checked too.
_LOCAL = frozenset({int(socket.AF_UNIX), -1})

_guarded = False


class NetworkRefused(PermissionError):
    """Something in this process tried to use the network."""


def refuse_network() -> None:
    """Refuses every socket but Unix ones in this process, for as long as it lives.

    Call it before any hub library is imported: they read their offline switches on import. The
    guard is an audit hook (PEP 578): it sees what goes through Python's ``socket`` module, not
    sockets that native code opens by itself.
    """
    global _guarded
    os.environ.update(OFFLINE)
    if not _guarded:
        sys.addaudithook(_refuse)
        _guarded = True


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    refused = (
        event in _NAMES
        or (event == "socket.__new__" and arguments[1] not in _LOCAL)
        or (event in _ADDRESSES and arguments[0].family not in _LOCAL)
    )
    if refused:
        raise NetworkRefused(f"{event} refused: Strop uses no network here")
