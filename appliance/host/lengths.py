"""A run is refused before it starts where the model cannot take a row of the task."""

from __future__ import annotations

from appliance.errors import InputError
from appliance.evaluate.lengths import too_long
from appliance.host.workload import Workload


def check_lengths(work: Workload, model: str) -> None:
    """Raises InputError for a case that is too long for the model under the seed prompt."""
    limit = work.renderer.tokeniser.description.context
    for split, cases in work.loaded.cases.items():
        for case, length in too_long(work.renderer, work.loaded.seed, cases):
            raise InputError(
                f"a {split} row is too long for {model}: with the seed prompt {length} tokens, "
                f'and it takes {limit}. The row begins "{case.query.text[:60]}"; shorten it or '
                "leave it out, or show fewer demonstrations"
            )
