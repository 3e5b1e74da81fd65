"""Errors a person can act on. The command line shows the message alone, never a traceback."""

from __future__ import annotations


class StropError(Exception):
    """What went wrong, where, and what to do about it. ``exit_code`` is the process's."""

    exit_code = 1


class InputError(StropError):
    """What the person gave is wrong: a file, a row, an option."""

    exit_code = 2


class PromptError(InputError):
    """A prompt is malformed."""


class BudgetError(InputError):
    """The budget cannot pay for a search that means anything."""


class RetryableError(StropError):
    """Something stopped that can go on: resume it."""

    exit_code = 3
