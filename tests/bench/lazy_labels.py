"""What could be saved by not reading hopeless labels to their ends, on what runs asked for.

    python tests/bench/lazy_labels.py

It asks no model: it reads the label scores in the journals of the runs in the data folder of
``STROP_HOME``. Log-probabilities are not positive, so the sum over a label's first tokens bounds
its score from above. The label with the highest bound is read on, and every other one whose bound
is at most M nats below, until all that are left unread are further behind. No probability is then
wrong by more than L exp(-M) among L labels; at M = 0 the answer alone is known. The table has the
share of the labels' tokens that are read.

The last figures are those of a shorter score: of the tokens of a label that tell it from all others
alone. Beside the share that is read stand the mean rank correlation of a question's labels by this
score and by the whole one, and how often both put the same label first.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from math import fsum, log
from statistics import fmean

import msgspec

from appliance import locations
from appliance.statistics.proportions import rank_agreement
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
    apart: dict[str, list[tuple[float, float]]] = {}
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
            telling = told_apart([ids for ids, _ in labels])
            found["apart"] += len(nodes(labels, telling))
            apart.setdefault(run, []).append(agreement(labels, telling))
        found["all"] += sum(trie.needed(trie.wanted))
    for run, found in totals.items():
        if found["labels"]:
            shares = "  ".join(f"{e}: {found[str(e)] / found['labels']:.2f}" for e in ERRORS)
            of_all = found["labels"] / found["all"]
            rank, same = (fmean(each) for each in zip(*apart[run], strict=True))
            print(
                f"{run}: labels are {of_all:.2f} of {found['all']} tokens; read by bound {shares}; "
                f"told apart by {found['apart'] / found['labels']:.2f}, rank {rank:.3f}, "
                f"same answer {same:.3f}, n {len(apart[run])}"
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


def told_apart(labels: Sequence[tuple[int, ...]]) -> list[int]:
    """How many tokens of each label tell it from all others."""
    starts = Counter(ids[:at] for ids in labels for at in range(1, len(ids) + 1))
    return [
        next((at for at in range(1, len(ids)) if starts[ids[:at]] == 1), len(ids)) for ids in labels
    ]


def agreement(labels: Sequence[Label], read: Sequence[int]) -> tuple[float, float]:
    """The rank correlation of the labels' scores by their first tokens with those by all, and
    whether the same one is first."""
    short = [fsum(own[:at]) for (_, own), at in zip(labels, read, strict=True)]
    whole = [fsum(own) for _, own in labels]
    same = short.index(max(short)) == whole.index(max(whole))
    return rank_agreement(short, whole).spearman, float(same)


def nodes(labels: Sequence[Label], read: Sequence[int]) -> set[tuple[int, ...]]:
    """The tokens that have to be computed: all before the last one that is read."""
    return {ids[:at] for (ids, _), own in zip(labels, read, strict=True) for at in range(1, own)}


if __name__ == "__main__":
    main()
