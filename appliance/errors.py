"""Errors a person can act on. The command line shows the message alone, never a traceback."""

from __future__ import annotations


class StropError(Exception):
    """An error whose message says what went wrong, where, and what to do about it.

    ``exit_code`` is the exit code of the process.
    """

    exit_code = 1


class InputError(StropError):
    """What the person gave is wrong: a file, a row, an option."""

    exit_code = 2


class PromptError(InputError):
    """A prompt is malformed."""


class BudgetError(InputError):
    """The budget is too small for a meaningful search."""


class DamagedError(StropError):
    """A record of the store is not what was written: the file was damaged or altered. ``problem``
    says which record and how."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; look with: strop doctor")
        self.problem = problem


class RetryableError(StropError):
    """The work stopped and can be resumed."""

    exit_code = 3
