"""What a division of rows comes to."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from appliance.data.split.index import Numbers
from appliance.task import Split


class Division(msgspec.Struct, frozen=True):
    """``parts`` are the numbers of the rows of each split, ``spare`` is how many rows the limits of
    the splits left out, and ``notes`` are for the person who imports."""

    parts: Mapping[Split, Numbers]
    spare: int
    notes: tuple[str, ...] = ()
