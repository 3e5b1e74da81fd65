"""The ``strop`` command: loads the command line, which takes a moment, and runs it."""

from __future__ import annotations

import signal


def main() -> None:
    """Runs the command line. An interrupt while it loads ends the process without a word."""
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from appliance.cli import main as command_line

    signal.signal(signal.SIGINT, interrupted)
    command_line()
