"""A child process that does not outlive the process that started it."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

_POLL = 1000  # ms between two checks of the parent


def end_with_parent(pipe: int, leave: Callable[[], None] = lambda: None) -> None:
    """Does ``leave`` and ends this process once its parent is gone, even in the middle of a native
    call; it runs in a thread of its own. The parent holds the other end of the ``pipe``.

    A hang-up of the pipe shows the parent's end at once; a change of parent shows it where a stray
    copy of the pipe is still open. Linux's PR_SET_PDEATHSIG does not help: it fires at the end of
    the *thread* that started the child.
    """
    parent = os.getppid()
    poll = select.poll()
    poll.register(pipe, 0)
    while not poll.poll(_POLL) and os.getppid() == parent:
        pass
    leave()
    os._exit(0)
