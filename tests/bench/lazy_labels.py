"""What could be saved by not reading hopeless labels to their ends, on what runs asked for.

    python tests/bench/lazy_labels.py

It asks no model: it reads the label scores in the journals of the runs in the data folder of
``STROP_HOME``. Log-probabilities are not positive, so the sum over a label's first tokens bounds
its score from above. The label with the highest bound is read on, and every other one whose bound
is at most M nats below, until all that are left unread are further behind. No probability is then
wrong by more than L exp(-M) among L labels; at M = 0 the answer alone is known. The table has the
share of the labels' tokens that are read.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from math import log

import msgspec

from appliance import locations
from models.engine import Score, Scores, decode_reply
from models.trie import build
from store import database

LEAST = 5
"""Labels of a question, below which there is nothing to save."""

ERRORS = (None, 0.1, 0.01, 0.001)
"""Bounds of the error of a probability; None asks for the answer alone."""

Label = tuple[tuple[int, ...], tuple[float, ...]]
"""The tokens of a label with their log-probabilities."""


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    db = database.open(locations.store_path())
    totals: dict[str, Counter[str]] = {}
    rows = db.execute("SELECT run_id, request, reply FROM journal WHERE kind = 'call'")
    for run, request, reply in rows.fetchall():
        asked = scored(request)
        said = decode_reply(reply)
        if asked is None or not isinstance(said, Scores):
            continue
        trie = build(asked.segments)
        found = totals.setdefault(run, Counter())
        for labels in questions(asked, said):
            found["labels"] += len(nodes(labels, [len(ids) for ids, _ in labels]))
            for error in ERRORS:
                behind = 0.0 if error is None else log(len(labels) / error)
                found[str(error)] += len(nodes(labels, lengths(labels, behind)))
        found["all"] += sum(trie.needed(trie.wanted))
    for run, found in totals.items():
        if found["labels"]:
            shares = "  ".join(f"{e}: {found[str(e)] / found['labels']:.2f}" for e in ERRORS)
            of_all = found["labels"] / found["all"]
            print(
                f"{run}: labels are {of_all:.2f} of {found['all']} tokens; read by bound {shares}"
            )


def scored(request: bytes) -> Score | None:
    try:
        return msgspec.msgpack.decode(request, type=Score)
    except msgspec.ValidationError:
        return None


def questions(asked: Score, said: Scores) -> Iterator[list[Label]]:
    """The labels of each question."""
    read = (segment for segment in asked.segments if segment.read)
    by_parent: dict[int, list[Label]] = {}
    for segment, logprobs in zip(read, said.logprobs, strict=True):
        by_parent.setdefault(segment.parent, []).append((segment.tokens, logprobs))
    yield from (labels for labels in by_parent.values() if len(labels) >= LEAST)


def lengths(labels: Sequence[Label], behind: float) -> list[int]:
    """How many tokens of each label are read. The first costs nothing."""
    read = [1] * len(labels)
    bounds = [logprobs[0] for _, logprobs in labels]
    while True:
        least = max(bounds) - behind
        more = [
            at for at, (ids, _) in enumerate(labels) if read[at] < len(ids) and bounds[at] >= least
        ]
        if not more:
            return read
        for at in more:
            bounds[at] += labels[at][1][read[at]]
            read[at] += 1


def nodes(labels: Sequence[Label], read: Sequence[int]) -> set[tuple[int, ...]]:
    """The tokens that have to be computed: all before the last one that is read."""
    return {ids[:at] for (ids, _), own in zip(labels, read, strict=True) for at in range(1, own)}


if __name__ == "__main__":
    main()
