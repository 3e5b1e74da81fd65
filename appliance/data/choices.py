"""The options that a person gives for an import."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from appliance.kinds import KINDS, Kind, Metric
from appliance.task import Label, Match, Split


class Sizes(msgspec.Struct, frozen=True):
    """How many rows go to tuning, selection and test.

    ``shares`` are fractions of the rows. ``most`` limits the rows of each split, and the rows
    beyond a limit belong to no split; None means no limit.
    """

    shares: tuple[float, float, float] = (0.4, 0.2, 0.4)
    most: tuple[int, int, int] | None = (2_000, 1_000, 5_000)


class Choices(msgspec.Struct, frozen=True):
    """What a person says about the rows of an import.

    ``may_ship`` applies to rows that do not say themselves whether they may ship. ``columns`` maps
    a field to the file's own name for it, or to a path. ``label_columns`` are columns that have 1
    where the label of their name holds; ``class_names`` are the names of class numbers, from 0.
    ``none`` is the label that means none of the above; where it is not given, ``usual_none`` is, if
    that label occurs. ``labels`` gives order and descriptions, and then no others may occur;
    ``types`` is a file of the types that the entities of a relation can have. Rows of a task that
    is ``several`` have any number of labels; ``label_delimiter`` divides strings that stand for
    lists. ``seed`` and ``sizes`` decide the split, unless the rows say theirs: where ``columns``
    maps the field "split", or each split has a file of its own. ``split_values`` are values of that
    column beside the usual ones. With ``skip``, wrong rows are left out.
    """

    name: str
    kind: Kind = "relation"
    none: str | None = None
    usual_none: str | None = None
    may_ship: bool = False
    columns: Mapping[str, str] = {}
    label_columns: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    labels: Sequence[Label] | None = None
    types: Path | None = None
    several: bool = False
    label_delimiter: str | None = None
    metric: Metric | None = None
    match: Match | None = None
    sizes: Sizes = Sizes()
    seed: int = 0
    split_values: Mapping[str, Split] = {}
    skip: bool = False
    licence: str = ""
    origin: str = ""

    @property
    def one_label(self) -> bool:
        """Whether each row has exactly one label. Every label then has to be in every split."""
        return KINDS[self.kind].gold == "label" and not self.several

    @property
    def labelled(self) -> bool:
        """Whether rows have labels, or entities with types."""
        return KINDS[self.kind].gold in ("label", "spans")


def several(delimiter: str | None = None) -> str:
    """How to say that rows may have several labels, and what divides those in one string."""
    divided = f" --label-delimiter {shlex.quote(delimiter)}" if delimiter else ""
    return f"for several labels a text give --several{divided}"
