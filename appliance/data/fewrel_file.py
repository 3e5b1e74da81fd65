"""FewRel's files (Han et al., EMNLP 2018): relations of tokenised sentences, and their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from appliance.data.check import (
    check_labels,
    check_names,
    decode,
    find_span,
    printable,
    quoted,
    refused,
)
from appliance.data.episodes_file import Relations
from appliance.task import Example, Label, Split

LAYOUT = "the layout is that of github.com/thunlp/FewRel"

_Entity = tuple[str, str, list[list[int]]]


class _Row(msgspec.Struct):
    """An entity is its name, its id and its mentions, each the indices of its tokens."""

    tokens: list[str]
    h: _Entity
    t: _Entity


class FewRel(msgspec.Struct, frozen=True):
    """The rows and the label of each relation, by its id in the file."""

    path: Path
    relations: Relations
    labels: Mapping[str, Label]

    def by_label(self, pids: Iterable[str]) -> dict[str, list[Example]]:
        return {self.labels[pid].name: list(self.relations[pid]) for pid in pids}


class Domains(msgspec.Struct, frozen=True):
    """One file for all splits, or another one for the test split."""

    first: FewRel
    other: FewRel | None = None

    def of(self, split: Split) -> FewRel:
        return self.other if self.other is not None and split == "test" else self.first

    @property
    def labels(self) -> dict[str, Label]:
        """By id of the relation."""
        return {**self.first.labels, **(self.other.labels if self.other else {})}


def read_domains(
    path: Path,
    names: Path,
    may_ship: bool,
    test: Path | None = None,
    test_names: Path | None = None,
) -> Domains:
    """Sentences (``{relation: [row]}``) with the names of ``pid2name.json``.

    Those of ``test`` have the names of ``test_names``. Without it those of ``names``, and a
    relation that has none there is called by its id, as in FewRel 2.0, underscores as spaces.

    Raises InputError that names the file, the relation and the row, and where the two files share a
    relation.
    """
    first = _read(path, names, may_ship)
    if test is None:
        return Domains(first)
    other = _read(test, test_names or names, may_ship, named=test_names is not None)
    if shared := sorted(set(first.relations) & set(other.relations)):
        what = f"relation {quoted(shared[0])} stands in {printable(str(path))} too"
        raise refused(test, f"{what}; those that are tested on have to be new")
    domains = Domains(first, other)
    both = [label.name for label in domains.labels.values()]
    check_names(test, both, None)
    return domains


def _read(path: Path, names: Path, may_ship: bool, *, named: bool = True) -> FewRel:
    raw = decode(path, dict[str, msgspec.Raw], LAYOUT)
    known = decode(names, dict[str, tuple[str, str]], LAYOUT)
    if named and (missing := [pid for pid in raw if pid not in known]):
        raise refused(names, f"no name for relation {quoted(missing[0])}; add [name, description]")
    labels = {pid: Label(*known.get(pid, (pid.replace("_", " "), ""))) for pid in raw}
    relations = {
        pid: _examples(path, pid, rows, labels[pid].name, may_ship) for pid, rows in raw.items()
    }
    counts = {labels[pid].name: len(rows) for pid, rows in relations.items()}
    check_labels(path, [label.name for label in labels.values()], None, counts)
    return FewRel(path, relations, labels)


def _examples(path: Path, pid: str, raw: bytes, label: str, may_ship: bool) -> list[Example]:
    place = f"relation {quoted(pid)}"
    try:
        rows = msgspec.json.decode(raw, type=list[_Row])
    except msgspec.DecodeError as error:
        raise refused(path, f"{place}: {error} ($[n] is row n); {LAYOUT}") from None
    examples = []
    for number, row in enumerate(rows):
        try:
            head, tail = _span(row.tokens, row.h), _span(row.tokens, row.t)
        except ValueError as error:
            raise refused(path, f"{place}, row {number}: {error}") from None
        examples.append(Example(" ".join(row.tokens), head, tail, label, may_ship))
    return examples


def _span(tokens: Sequence[str], entity: _Entity) -> tuple[int, int]:
    """Characters of the entity's first mention, from its first token to its last."""
    name, _, mentions = entity
    if not mentions or not mentions[0]:
        raise ValueError(f"{quoted(name)} has no mention; give the indices of its tokens")
    first, last = min(mentions[0]), max(mentions[0])
    if first < 0 or last >= len(tokens):
        raise ValueError(f"{quoted(name)} is outside the sentence of {len(tokens)} tokens")
    start = sum(len(token) + 1 for token in tokens[:first])
    return find_span(" ".join(tokens), [start, start + len(" ".join(tokens[first : last + 1]))])
