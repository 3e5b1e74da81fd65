"""Asks before something is deleted."""

from __future__ import annotations

import sys

import click

from appliance.errors import StropError


def confirm(what: str, asked: str, *, yes: bool) -> None:
    """Returns where the person agrees or has agreed beforehand (``yes``). Raises StropError where
    they do not, UsageError where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what} would be removed and nobody can be asked: give --yes")
    if not click.confirm(asked, err=True):
        raise StropError("nothing was removed")
