"""How the labels of a task can be read: by their words, or off the hidden state."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from appliance.errors import InputError
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Readout
from appliance.search.portfolio import likeness_line
from appliance.task import shared_options

ONLY_WORDS = "for other tools, which read text: --readout words"


def readouts(loaded: Loaded, asked: Readout | None) -> tuple[Readout, ...]:
    """Those that a run may use: the one that was ``asked`` for, or all that the task allows. Raises
    InputError where it does not allow the one asked for."""
    why = unsuited(loaded)
    if asked == "hidden" and why:
        what = f"{loaded.task.name} cannot be read off hidden states: {why}"
        raise InputError(f"{what}; leave --readout out")
    if asked is not None:
        return (asked,)
    return ("words",) if why else ("words", "hidden")


def may_be_likened(loaded: Loaded, asked: Readout | None) -> bool:
    """Whether a label's score may have the likeness of the query to the label's support: in
    episodes, unless label words alone were ``asked`` for."""
    return (
        asked is None
        and loaded.task.protocol == "episodes"
        and loaded.seed.form != "written"
        and likeness_line(loaded.task.kind) is not None
    )


def how_read(loaded: Loaded, may_read: Sequence[Readout], *, likeness: bool) -> str:
    """What a run says at its start of how labels may be read, and for whom; empty where answers are
    written."""
    if loaded.task.match != "choice" and loaded.seed.form == "written":
        return ""
    if likeness:
        return (
            "Labels may be read by their words and the likeness of hidden states, for devices that "
            f"run Strop; {ONLY_WORDS}."
        )
    if "hidden" not in may_read:
        return "Labels are read by their words, as other tools can do too."
    if "words" not in may_read:
        return "Labels are read off hidden states, for devices that run Strop."
    return (
        "Labels may be read off hidden states, for devices that run Strop, or by their words; "
        f"{ONLY_WORDS}."
    )


def unsuited(loaded: Loaded) -> str:
    """Why no map from states to labels can be fitted; empty where one can."""
    task = loaded.task
    if task.match != "choice" and loaded.seed.form not in ("choice", "yesno"):
        return "its prompts do not ask for labels or options"
    if task.protocol == "episodes":
        return (
            "its episodes have labels of their own, for which label words and the likeness of "
            "hidden states are read together"
        )
    if not shared_options(chain.from_iterable(loaded.cases.values())):
        return "its cases have labels or options of their own"
    return ""
