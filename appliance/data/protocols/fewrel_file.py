"""Reads FewRel's files (Han et al., EMNLP 2018): tokenised sentences by relation, and names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from appliance.data.bad_rows import Problems, Skipped
from appliance.data.decoding import decode, in_words
from appliance.data.formats.stream import decoded
from appliance.data.formats.text import span
from appliance.data.labels.names import check_counts, check_names
from appliance.data.protocols.episodes_file import Relations
from appliance.data.spans import find_span, overlap
from appliance.files import refused
from appliance.task import (
    Example,
    Label,
    Span,
    Split,
)
from appliance.text import printable, quoted

LAYOUT = (
    'the layout of github.com/thunlp/FewRel, {"RELATION": [{"tokens": [...], "h": ENTITY, "t": '
    "ENTITY}]}, an ENTITY being [name, id, [[token indices], ...]]"
)
NAMES = 'a file of names is {"RELATION": [name, description]}'

_Entity = tuple[str, str, list[list[int]]]


class _Row(msgspec.Struct):
    """An entity has a name, an id and mentions; a mention is the indices of its tokens."""

    tokens: list[str]
    h: _Entity
    t: _Entity


class FewRel(msgspec.Struct, frozen=True):
    """The rows and the label of each relation, by its id in the file.

    ``skipped`` are the wrong rows that were left out.
    """

    path: Path
    relations: Relations
    labels: Mapping[str, Label]
    skipped: Sequence[Skipped] = ()

    def by_label(self, pids: Iterable[str]) -> dict[str, list[Example]]:
        return {self.labels[pid].name: list(self.relations[pid].values()) for pid in pids}

    @property
    def rows(self) -> list[Example]:
        return [row for rows in self.relations.values() for row in rows.values()]


class Domains(msgspec.Struct, frozen=True):
    """One file for all splits, or a second one for the test split."""

    first: FewRel
    other: FewRel | None = None

    def of(self, split: Split) -> FewRel:
        return self.other if self.other is not None and split == "test" else self.first

    @property
    def labels(self) -> dict[str, Label]:
        """The labels of both files, by id of the relation."""
        return {**self.first.labels, **(self.other.labels if self.other else {})}

    @property
    def skipped(self) -> Sequence[Skipped]:
        if self.other is None:
            return self.first.skipped
        return [row.of(file.path) for file in (self.first, self.other) for row in file.skipped]


def read_domains(
    path: Path,
    names: Path,
    may_ship: bool,
    test: Path | None = None,
    test_names: Path | None = None,
    *,
    skip: bool = False,
) -> Domains:
    """Reads sentences (``{relation: [row]}``) and the relations' names (``pid2name.json``).

    The relations of ``test`` have the names of ``test_names``, or without it those of ``names``. A
    relation of ``test`` that has no name in ``names`` is then called by its id, with underscores as
    spaces, as in FewRel 2.0.

    Raises InputError that names the file, the relation and the row, unless wrong rows are to be
    skipped, and where the two files share a relation.
    """
    first = _read(path, names, may_ship, skip)
    if test is None:
        return Domains(first)
    other = _read(test, test_names or names, may_ship, skip, named=test_names is not None)
    if shared := sorted(set(first.relations) & set(other.relations)):
        what = f"relation {quoted(shared[0])} stands in {printable(str(path))} too"
        raise refused(test, f"{what}; those that are tested on have to be new")
    domains = Domains(first, other)
    check_names(test, list(domains.labels.values()), None)
    return domains


def _read(path: Path, names: Path, may_ship: bool, skip: bool, *, named: bool = True) -> FewRel:
    raw = decode(path, dict[str, msgspec.Raw], f"it needs {LAYOUT}")
    known = decode(names, dict[str, tuple[str, str]], NAMES)
    if named and (missing := [pid for pid in raw if pid not in known]):
        raise refused(names, f"no name for relation {quoted(missing[0])}; add [name, description]")
    labels = {pid: Label(*known.get(pid, (pid.replace("_", " "), ""))) for pid in raw}
    problems = Problems(path, skip=skip)
    relations = {
        pid: _examples(pid, rows, labels[pid].name, may_ship, problems) for pid, rows in raw.items()
    }
    problems.raise_if_any()
    counts = {labels[pid].name: len(rows) for pid, rows in relations.items()}
    check_names(path, list(labels.values()), None)
    check_counts(path, list(labels.values()), counts)
    return FewRel(path, relations, labels, tuple(problems.found))


def _examples(
    pid: str, raw: bytes, label: str, may_ship: bool, problems: Problems
) -> dict[int, Example]:
    """The rows by their numbers in the relation, from 0, without those that are wrong."""
    place = f"relation {quoted(pid)}"
    try:
        rows = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise refused(problems.path, f"{place}: {in_words(error)}; it needs {LAYOUT}") from None
    examples = {}
    for number, given in enumerate(rows):
        where = f"{place}, row {number}"
        if (row := decoded(where, given, problems, _Row, LAYOUT)) is None:
            continue
        try:
            head, tail = _span(row.tokens, row.h), _span(row.tokens, row.t)
            if overlap(head, tail):
                raise ValueError(
                    f"{quoted(row.h[0])} and {quoted(row.t[0])} share a token; mark two entities"
                )
        except ValueError as error:
            problems.add(where, str(error))
            continue
        examples[number] = Example(" ".join(row.tokens), head, tail, label, may_ship)
    return examples


def _span(tokens: Sequence[str], entity: _Entity) -> Span:
    """[start, end) in characters of the entity's first mention, from its first token to its last.

    Raises ValueError.
    """
    name, _, mentions = entity
    if not mentions or not mentions[0]:
        raise ValueError(f"{quoted(name)} has no mention; give the indices of its tokens")
    first, last = min(mentions[0]), max(mentions[0])
    if first < 0 or last >= len(tokens):
        raise ValueError(f"{quoted(name)} is outside the sentence of {len(tokens)} tokens")
    return find_span(" ".join(tokens), list(span(list(tokens), first, last)))
