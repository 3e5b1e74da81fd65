"""FS-TACRED (Sabo et al., TACL 2021): few-shot TACRED, most queries none of the above."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from appliance.data import Imported
from appliance.data.bad_rows import Problems, Skipped
from appliance.data.choices import Choices
from appliance.data.formats import tacred
from appliance.data.labels.types import with_types
from appliance.data.protocols.common import (
    FILES,
    NO_RELATION,
    QUERIES,
    Files,
    Rows,
    apart,
    episodic,
    foreign_as_none,
    seeded_files,
)
from appliance.data.protocols.episodes import Design
from appliance.data.read.columns import Defect
from appliance.data.read.examples import Reader
from appliance.files import refused
from appliance.task import (
    SPLITS,
    Example,
    Label,
    Split,
    Task,
)
from appliance.text import quoted

WAYS = 5
HELD: dict[Split, frozenset[str]] = {
    "selection": frozenset(
        {
            "org:country_of_headquarters",
            "org:founded",
            "org:parents",
            "per:age",
            "per:alternate_names",
            "per:stateorprovince_of_death",
        }
    ),
    "test": frozenset(
        {
            "org:founded_by",
            "org:member_of",
            "org:top_members/employees",
            "per:children",
            "per:city_of_death",
            "per:date_of_birth",
            "per:origin",
            "per:schools_attended",
            "per:siblings",
            "per:stateorprovinces_of_residence",
        }
    ),
}
"""The relations held out for selection and for the test, from the third split of the published
``categories_split.json``."""

TUNED = 25
"""The number of TACRED's other relations, which are tuned on."""


def read_fs_tacred(
    train: Path,
    dev: Path,
    test: Path,
    *,
    name: str,
    shots: int = 1,
    types: Path | None = None,
    files: Files = FILES,
    skip: bool = False,
) -> Imported:
    """Makes a task of FS-TACRED's episodes from the three files of a licensed TACRED copy.

    ``formats.tacred`` reads the files. The task has 3 tuning, 3 selection and 5 test files of 5-way
    episodes with 3 queries each, and is measured by micro-F1.

    In each split the rows of relations that are not its own are relabelled ``no_relation``;
    TACRED's own ``no_relation`` rows stay. Ways are drawn uniformly. A query is drawn in proportion
    to the rows of its label in the whole split; it is none of the above where its label is not a
    way. The only seeds are the published ones. ``types`` is a file of the entity types that each
    relation can hold between.

    Rows of a split whose sentence stands in a later split are left out. No row may ship: the
    licence forbids it. Raises InputError that names the file and its rows, unless wrong ones are to
    be skipped (``skip``), and where a split lacks one of its relations.
    """
    paths: dict[Split, Path] = {"tuning": train, "selection": dev, "test": test}
    skipped: list[Skipped] = []
    rows = {split: _examples(path, skip, skipped) for split, path in paths.items()}
    tuned = {row.label for row in rows["tuning"]} - {NO_RELATION}.union(*HELD.values())
    own: dict[Split, Collection[str]] = {"tuning": tuned, **HELD}
    whole: dict[Split, Rows] = {
        split: foreign_as_none(rows[split], own[split], NO_RELATION) for split in SPLITS
    }
    for split, path in paths.items():
        _check(path, split, own[split], whole[split])
    parts, notes = apart(whole)
    design = Design(WAYS, shots, QUERIES, NO_RELATION, None, by_size=True)
    labels = [Label(label) for split in SPLITS for label in sorted(own[split])]
    task = Task(
        name=name,
        kind="relation",
        protocol="episodes",
        labels=(*with_types(types, labels), Label(NO_RELATION)),
        none=NO_RELATION,
        metric="micro_f1",
        licence=tacred.LICENCE,
        origin=tacred.ORIGIN,
        benchmark=f"FS-TACRED, {WAYS}-way {shots}-shot, {files}",
    )
    drawn = seeded_files(parts, dict.fromkeys(SPLITS, design), files)
    return episodic(task, drawn, (files.told, *notes), skipped=skipped)


def _examples(path: Path, skip: bool, skipped: list[Skipped]) -> list[Example]:
    problems = Problems(path, skip=skip)
    found = list(_read(path, problems))
    problems.raise_if_any()
    skipped += (row.of(path) for row in problems.found)
    return found


def _read(path: Path, problems: Problems) -> Iterator[Example]:
    reader = Reader(Choices(path.stem, kind="relation"))
    for where, row in tacred.rows(path, problems):
        try:
            yield reader.example(row)
        except Defect as defect:
            problems.add(f"{where}, {defect.column}", defect.what)


def _check(path: Path, split: Split, own: Collection[str], rows: Rows) -> None:
    remedy = "give the files train, dev and test of TACRED, in this order"
    if missing := sorted(set(own) - set(rows)):
        what = f"has no row of {quoted(missing[0])}, a relation of FS-TACRED's {split} split"
        raise refused(path, f"{what}; {remedy}")
    if split == "tuning" and len(own) != TUNED:
        what = f"has {len(own)} relations to tune on, and FS-TACRED has {TUNED}"
        raise refused(path, f"{what}; {remedy}")
