"""Stage 1's methods by name, one file each."""

from __future__ import annotations

from appliance.search.frame import Method
from appliance.search.methods.formats import FORMATS
from appliance.search.methods.induce import INDUCE
from appliance.search.methods.local import LOCAL
from appliance.search.methods.rewrite import REWRITE

METHODS: dict[str, Method] = {
    "formats": FORMATS,
    "induce": INDUCE,
    "rewrite": REWRITE,
    "local": LOCAL,
}
