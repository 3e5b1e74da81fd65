"""Made-up files in the layouts of FewRel and of TACRED."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count, product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from appliance.data.protocols.fs_tacred import HELD

PIDS = [f"P{n}" for n in range(8)]
NAMES = ("train", "dev", "test")
NONE = "no_relation"


def words() -> Iterator[str]:
    """No digits, in which sentences may not differ alone."""
    return ("".join(letters) for letters in product(ascii_lowercase, repeat=3))


class FewRelFiles:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        name = words()
        self.rows = {pid: [self._row(next(name)) for _ in range(40)] for pid in PIDS}
        self.other = {pid: [self._row(next(name)) for _ in range(12)] for pid in ("Q1", "Q2", "Q3")}
        self.names = {pid: [f"name of {pid}", ""] for pid in (*PIDS, "Q1", "Q2", "Q3")}
        self.lists: Any = {"tuning": PIDS[:2], "selection": PIDS[2:4], "test": PIDS[4:7]}

    @staticmethod
    def _row(name: str) -> dict[str, Any]:
        tokens = [name, "joined", f"the{name}", "."]
        return {"tokens": tokens, "h": [name, "Q", [[0]]], "t": ["club", "Q", [[2]]]}

    def write(self) -> dict[str, Path]:
        """By name: rows, names, lists and other."""
        paths = {x: self.folder / f"{x}.json" for x in ("rows", "names", "lists", "other")}
        for name, path in paths.items():
            path.write_text(json.dumps(getattr(self, name)))
        return paths


class TacredFiles:
    """Three files with all relations in each, as in TACRED; the names of 25 are made up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tuned = [f"per:tuned_{letter}" for letter in ascii_lowercase[:25]]
        self.relations = sorted([*tuned, *HELD["selection"], *HELD["test"]])
        name, number = words(), count()
        self.rows = {
            file: [
                self._row(next(name), relation, next(number))
                for relation in self.relations
                for _ in range(8)
            ]
            + [self._row(next(name), NONE, next(number)) for _ in range(300)]
            for file in NAMES
        }

    @staticmethod
    def _row(name: str, relation: str, number: int) -> dict[str, Any]:
        return {
            "id": str(number),
            "docid": f"doc {number}",
            "relation": relation,
            "token": ["Then", name, "joined", "-LRB-", "Ost", "-RRB-"],
            "subj_start": 1,
            "subj_end": 1,
            "obj_start": 4,
            "obj_end": 4,
            "subj_type": "PERSON",
            "obj_type": "CITY",
        }

    def write(self) -> list[Path]:
        paths = [self.folder / f"{name}.json" for name in NAMES]
        for path, name in zip(paths, NAMES, strict=True):
            path.write_text(json.dumps(self.rows[name]))
        return paths
