"""Stage 2's methods by name, one file each."""

from __future__ import annotations

from collections.abc import Callable

from appliance.refine.methods import gradpo
from appliance.refine.workshop import Workshop
from appliance.search.frame import Turns

METHODS: dict[str, Callable[[Workshop], Turns]] = {"gradpo": gradpo.propose}
