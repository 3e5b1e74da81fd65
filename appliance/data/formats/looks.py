"""Tells by a record which other format a file has, for a person who named the wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats.stream import records
from appliance.data.read.columns import SPLIT, Row, required
from appliance.errors import InputError
from appliance.files import OtherFormat, refused
from appliance.kinds import KINDS
from appliance.text import quoted

PRODIGY = frozenset({"_input_hash", "_task_hash"})
REJECTED = ("reject", "ignore")
"""What Prodigy says of a row that is not right, beside "accept"."""

LOOKS: Mapping[frozenset[str], tuple[str, str]] = {
    frozenset({"data", "annotations"}): ("Label Studio's JSON", "label-studio FILE --kind KIND"),
    frozenset({"annotation_id", "annotator"}): (
        "an export of Label Studio",
        "label-studio FILE --kind KIND",
    ),
    PRODIGY: ("Prodigy's JSON Lines", "prodigy FILE --kind KIND"),
    frozenset({"text", "entities", "relations"}): (
        "doccano's JSON Lines",
        "doccano FILE --kind relation",
    ),
    frozenset({"text", "cats", "entities"}): (
        "doccano's JSON Lines",
        "doccano FILE --kind KIND",
    ),
    frozenset({"token", "subj_start", "obj_start"}): ("TACRED's JSON", "tacred FILE"),
    frozenset({"h", "t", "relation"}): ("OpenNRE's JSON Lines", "opennre FILE"),
    frozenset({"version", "data"}): ("SQuAD's JSON", "squad FILE"),
    frozenset({"canary", "examples"}): ("BIG-Bench Hard's JSON", "bbh FILE"),
    frozenset({"premises", "conclusion"}): ("FOLIO's JSON Lines", "folio FILE"),
}
"""Names of formats, and the commands that import them, by fields of their records."""

_json = re.compile(r'\s*\[?\s*\{\s*"')


def looks_like(record: Row) -> str | None:
    """What a record looks like, and how to import it; None if it could be anything."""
    found = next((look for fields, look in LOOKS.items() if fields <= record.keys()), None)
    match record:
        case {"text": str(), "label": [[int(), int(), str()], *_]} | {
            "text": str(),
            "labels": [[int(), int(), str()], *_],
        }:
            found = found or ("doccano's JSON Lines", "doccano FILE --kind spans")
        case {"tokens": [*_], "ner_tags": [*_]}:
            found = found or (
                "words with tags",
                "--kind spans --column text=tokens --column spans=ner_tags",
            )
    if found is None:
        return None
    name, how = found
    remedy = f"give {how}" if how.startswith("--") else f"import it with: strop task import {how}"
    return f"looks like {name}; {remedy}"


def recognised(
    path: Path, rows: Iterable[tuple[str, Row]], choices: Choices
) -> Iterator[tuple[str, Row]]:
    """Yields the rows.

    Raises InputError where the first one lacks a field and looks like another format. Rows of
    Prodigy are refused even if they lack none, because some of them may have been rejected. Whoever
    names columns knows the file, and is refused only at a row of Prodigy that was not accepted,
    unless its answer is what is to be predicted. A row that says it was rejected is refused as well
    where an export lacks Prodigy's own fields.
    """
    named = choices.columns.keys() - {SPLIT}
    wanted = required(choices.kind)
    gold = KINDS[choices.kind].gold
    asks_answer = choices.columns.get(gold) == "answer"
    says_so = not named and gold != "answer"
    for number, (where, row) in enumerate(rows):
        of_prodigy = row.keys() >= PRODIGY
        doubtful = of_prodigy or any(field not in row for field in wanted)
        if not number and not named and doubtful and (what := looks_like(row)):
            raise refused(path, what)
        answer = row.get("answer", "accept")
        rejected = answer != "accept" if of_prodigy else says_so and answer in REJECTED
        if rejected and not asks_answer:
            name, how = LOOKS[PRODIGY]
            said = f"{where}: looks like {name}, and its answer is {quoted(str(answer))}"
            raise refused(path, f"{said}; import it with: strop task import {how}")
        yield where, row


def refuse_json(path: Path, start: str) -> None:
    """Raises OtherFormat where a file that should not be JSON begins as JSON."""
    if not _json.match(start):
        return
    found = None
    # A pipe can be read only once, and was.
    if path.is_file():
        with suppress(InputError):
            rows = records(path, Problems(path), dict[str, Any], "")
            found = next((looks_like(record) for _, record in rows), None)
    plain = "looks like JSON; import it with: strop task import jsonl FILE"
    raise OtherFormat(path, found or plain, "jsonl")
