"""Tasks with fixed labels out of the public sets and the sample task, for the benchmarks beside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from appliance.data.tasks import sample
from appliance.kinds import Kind
from appliance.task import Example, Label, Task

NAMES = ("sample", "fewrel", "folio", "hyperbaton")


def tasks(
    data: Path, most: int, names: Sequence[str] = NAMES
) -> Iterator[tuple[Task, list[Example]]]:
    """Each task with at most ``most`` rows, always the same ones, of the sample task none that its
    verdicts are given on. ``data`` holds the folders fewrel, folio and bbh."""
    read = {"fewrel": fewrel, "folio": folio, "hyperbaton": hyperbaton}
    for name in names:
        if name == "sample":
            shipped = sample()
            cases = (*shipped.cases["tuning"], *shipped.cases["selection"])
            yield shipped.task, shuffled([case.query for case in cases])[:most]
            continue
        rows = shuffled(read[name](data))[:most]
        kind: Kind = "relation" if name == "fewrel" else "classify"
        labels = sorted({row.label for row in rows})
        yield Task(name, kind, "fixed", tuple(map(Label, labels))), rows


def shuffled(rows: Sequence[Example]) -> list[Example]:
    return Random(1).sample(rows, len(rows))


def fewrel(data: Path) -> list[Example]:
    names = json.loads((data / "fewrel/pid2name.json").read_text())
    relations = json.loads((data / "fewrel/val_wiki.json").read_text())
    return [relation(one, names[name][0]) for name, found in relations.items() for one in found]


def relation(one: dict[str, Any], label: str) -> Example:
    starts, text = [], ""
    for token in one["tokens"]:
        text += " " * bool(text)
        starts.append(len(text))
        text += token
    spans = []
    for side in ("h", "t"):
        places = one[side][2][0]
        last = places[-1]
        spans.append((starts[places[0]], starts[last] + len(one["tokens"][last])))
    return Example(text, spans[0], spans[1], label, may_ship=True)


def folio(data: Path) -> list[Example]:
    found = []
    for line in (data / "folio/folio-train.jsonl").read_text().splitlines():
        row = json.loads(line)
        premises = row["premises"]
        facts = premises if isinstance(premises, str) else "\n".join(premises)
        text = f"{facts}\nConclusion: {row['conclusion']}"
        label = row["label"].replace("Unknown", "Uncertain")
        found.append(Example(text, label=label, may_ship=True))
    return found


def hyperbaton(data: Path) -> list[Example]:
    examples = json.loads((data / "bbh/hyperbaton.json").read_text())["examples"]
    return [
        Example(one["input"], label=one["target"].strip("()"), may_ship=True) for one in examples
    ]
