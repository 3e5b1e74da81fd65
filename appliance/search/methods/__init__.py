"""Stage 1's methods by name, one file each."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.errors import InputError
from appliance.search.frame import Method
from appliance.search.methods.formats import FORMATS
from appliance.search.methods.induce import INDUCE
from appliance.search.methods.local import LOCAL
from appliance.search.methods.portfolio import PORTFOLIO
from appliance.search.methods.rewrite import REWRITE

METHODS: dict[str, Method] = {
    "portfolio": PORTFOLIO,
    "formats": FORMATS,
    "induce": INDUCE,
    "rewrite": REWRITE,
    "local": LOCAL,
}


def check_methods(names: Sequence[str], *, can_ask: bool = True) -> None:
    """Raises InputError for a name that no method has, and where all of the named methods ask a
    reasoner and there is none."""
    if unknown := [name for name in names if name not in METHODS]:
        known = ", ".join(METHODS)
        raise InputError(f"there is no search method {unknown[0]!r}; choose among {known}")
    if names and not can_ask and all(METHODS[name].written for name in names):
        raise InputError(
            f"{', '.join(names)} ask a reasoner, and this model has no chat template to be asked "
            "in; name a reasoner, or choose other methods"
        )
