"""The sample task keeps every promise that its data card makes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from itertools import combinations
from typing import Any

import pytest

from appliance.data import sample
from appliance.data.choices import Choices
from appliance.data.read.jsonl import read_jsonl
from appliance.task import Label

Row = dict[str, Any]

META = json.loads((sample.path() / "labels.json").read_text(encoding="utf-8"))
LINES = (sample.path() / "relations.jsonl").read_text(encoding="utf-8").splitlines()
ROWS: list[Row] = [json.loads(line) for line in LINES]
CARD = (sample.path() / "DATA_CARD.md").read_text(encoding="utf-8")

NONE = "none of these"
LABELS = [label["name"] for label in META["labels"]]
RELATIONS = [name for name in LABELS if name != NONE]
BY_LABEL = {name: [row for row in ROWS if row["label"] == name] for name in LABELS}
REGISTERS = {"contract", "memo", "note", "audit", "mail", "minutes", "report"}
FIELDS = {"text", "head", "tail", "label", "may_ship", "register"}
FAMOUS = re.compile(
    r"\b(Accenture|AIG|Airbus|Aldi|Allianz|Amazon|Apple|AXA|BASF|Bayer|BMW|Bosch|Capgemini|Chubb"
    r"|Cisco|Danone|Deloitte|Dell|DHL|DNV|Ernst|FedEx|Generali|Google|Heineken|IBM|Ikea|Intel|KPMG"
    r"|Lidl|Lloyd|Maersk|Mazars|Meta|Microsoft|Munich Re|Nestlé|Nokia|Nvidia|Oracle|Philips|PwC"
    r"|Salesforce|Samsung|SAP|Shell|Siemens|Tesco|Tesla|Toyota|TÜV|Unilever|Volkswagen|Volvo"
    r"|Walmart|Zurich|Bezos|Biden|Gates|Macron|Merkel|Musk|Obama|Putin|Trump|Zuckerberg)\b"
)

each_label = pytest.mark.parametrize("label", LABELS)
each_relation = pytest.mark.parametrize("label", RELATIONS)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def pieces(row: Row) -> tuple[str, str, str]:
    """The text before, between and after the two entities."""
    (a, b), (c, d) = sorted([row["head"], row["tail"]])
    return row["text"][:a], row["text"][b:c], row["text"][d:]


def skeleton(row: Row) -> str:
    """The sentence without its entities and figures, as the near-duplicate rules see it."""
    first, second = ("HEAD", "TAIL") if row["head"] < row["tail"] else ("TAIL", "HEAD")
    before, between, after = pieces(row)
    return re.sub(r"\d", "0", f"{before}{first}{between}{second}{after}").lower()


def likeness(a: str, b: str) -> float:
    """Jaccard similarity of the two sets of tokens."""
    left, right = set(words(a)), set(words(b))
    return len(left & right) / len(left | right)


def mentions_more(row: Row) -> bool:
    """Whether a figure, or a capital that opens no sentence, stands outside the two entities."""
    tokens = " \0 ".join(pieces(row)).split()
    pairs = zip([".", *tokens], tokens, strict=False)
    return any(
        re.search(r"\d", token)
        or (token[0].isupper() and token != "I" and not re.search(r"[.!?:;-]$", previous))
        for previous, token in pairs
    )


def entity(row: Row, side: str) -> str:
    start, end = row[side]
    return str(row["text"][start:end])


def test_the_sample_imports_as_a_task_with_no_row_lost() -> None:
    labels = [Label(**label) for label in META["labels"]]
    imported = read_jsonl(
        sample.path() / "relations.jsonl",
        Choices(META["name"], none=META["none"], labels=labels),
    )
    assert len(imported.examples) == len(ROWS)
    assert all(example.may_ship for example in imported.examples)


def test_there_are_sixteen_relations_and_none_of_these() -> None:
    assert (META["name"], META["none"], META["licence"]) == ("sample", NONE, "Apache-2.0")
    assert META["origin"]
    assert len(set(RELATIONS)) == 16
    assert LABELS[-1] == NONE
    assert {row["label"] for row in ROWS} == set(LABELS)


def test_a_relation_has_a_short_plain_name_and_a_one_line_description() -> None:
    for label in META["labels"]:
        assert re.fullmatch(r"[a-z]+( [a-z]+){0,2}", label["name"])
        assert 20 <= len(label["description"]) <= 90
        assert "\n" not in label["description"]


@each_relation
def test_a_relation_has_at_least_thirty_sentences(label: str) -> None:
    assert len(BY_LABEL[label]) >= 30


def test_at_least_eighty_sentences_hold_no_listed_relation() -> None:
    assert len(BY_LABEL[NONE]) >= 80


def test_at_least_thirty_none_rows_are_direction_traps() -> None:
    traps = [row for row in ROWS if "trap" in row]
    assert len(traps) >= 30
    assert {(row["trap"], row["label"]) for row in traps} == {("inverse", NONE)}


def test_a_row_has_the_documented_fields_and_may_ship() -> None:
    for row in ROWS:
        assert FIELDS <= row.keys() <= FIELDS | {"trap"}
        assert row["may_ship"] is True
        assert row["register"] in REGISTERS


def test_spans_cut_whole_words_and_do_not_overlap() -> None:
    for row in ROWS:
        text = row["text"]
        for side in ("head", "tail"):
            start, end = row[side]
            assert 0 <= start < end <= len(text)
            assert entity(row, side) == entity(row, side).strip()
            assert not text[:start][-1:].isalnum()
            assert not text[end:][:1].isalnum()
        (_, first_end), (second_start, _) = sorted([row["head"], row["tail"]])
        assert first_end <= second_start


def test_text_is_clean() -> None:
    for row in ROWS:
        text = row["text"]
        assert text == unicodedata.normalize("NFC", text).strip()
        assert text.isprintable()
        assert not re.search(r"  |[\[\]{}<|]", text)


def test_no_sentence_stands_twice() -> None:
    assert max(Counter(row["text"].casefold() for row in ROWS).values()) == 1


@each_label
def test_no_pair_of_entities_stands_twice_in_a_label(label: str) -> None:
    pairs = Counter((entity(row, "head"), entity(row, "tail")) for row in BY_LABEL[label])
    assert [pair for pair, n in pairs.items() if n > 1] == []


def test_no_pair_of_entities_is_both_related_and_unrelated() -> None:
    related = {(entity(r, "head"), entity(r, "tail")) for r in ROWS if r["label"] != NONE}
    unrelated = {(entity(r, "head"), entity(r, "tail")) for r in BY_LABEL[NONE]}
    assert related & unrelated == set()


@each_label
def test_no_two_sentences_of_a_label_share_a_skeleton(label: str) -> None:
    skeletons = [skeleton(row) for row in BY_LABEL[label]]
    assert len(set(skeletons)) == len(skeletons)


def test_no_two_sentences_are_near_duplicates() -> None:
    skeletons = [skeleton(row) for row in ROWS]
    alike = [pair for pair in combinations(skeletons, 2) if likeness(*pair) > 0.7]
    assert alike == []


@each_label
def test_no_six_words_in_a_row_recur_in_more_than_three_sentences(label: str) -> None:
    windows: Counter[tuple[str, ...]] = Counter()
    for row in BY_LABEL[label]:
        runs = [words(re.sub(r"\d", "0", piece).lower()) for piece in pieces(row)]
        windows.update({tuple(run[i : i + 6]) for run in runs for i in range(len(run) - 5)})
    assert [window for window, n in windows.items() if n > 3] == []


@each_label
def test_the_tail_comes_first_in_a_quarter_of_the_sentences_and_the_head_too(label: str) -> None:
    rows = BY_LABEL[label]
    tail_first = sum(row["tail"] < row["head"] for row in rows) / len(rows)
    assert 0.25 <= tail_first <= 0.75


@each_label
def test_half_of_the_sentences_mention_more_than_their_two_entities(label: str) -> None:
    rows = BY_LABEL[label]
    assert sum(map(mentions_more, rows)) >= len(rows) / 2


@each_label
def test_every_label_has_every_register_at_least_twice(label: str) -> None:
    counts = Counter(row["register"] for row in BY_LABEL[label])
    assert counts.keys() == REGISTERS
    assert min(counts.values()) >= 2


@each_label
def test_every_label_has_short_and_long_sentences(label: str) -> None:
    lengths = sorted(len(row["text"]) for row in BY_LABEL[label])
    assert lengths[0] <= 80
    assert lengths[-1] >= 180


def test_no_row_names_a_famous_firm_or_person() -> None:
    assert [row["text"] for row in ROWS if FAMOUS.search(row["text"])] == []


def test_the_data_card_tells_the_true_counts() -> None:
    traps = sum("trap" in row for row in ROWS)
    assert f"| rows | {len(ROWS)} |" in CARD
    assert f"| direction traps | {traps} |" in CARD
    for label in LABELS:
        assert f"| {label} | {len(BY_LABEL[label])} |" in CARD
    for register, n in Counter(row["register"] for row in ROWS).items():
        assert f"| {register} | {n} |" in CARD
