"""SQuAD's exact match and token F1."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.scoring.reading import exact_match, token_f1, tokens


def published(text: str) -> str:
    """``normalize_answer`` of SQuAD's own script."""
    kept = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def published_f1(said: str, gold: str) -> float:
    one, other = published(said).split(), published(gold).split()
    shared = sum((Counter(one) & Counter(other)).values())
    return 2 * shared / (len(one) + len(other)) if shared else 0.0


words = st.lists(st.sampled_from(["the", "A", "an", "cat", "Cat's", "10-year", "$5", "it."]))
english = words.map(" ".join) | st.text(st.characters(codec="ascii"))


@given(english, english)
def test_english_scores_as_squad_s_own_script_scores_it(said, gold):
    assume(published(said) and published(gold))
    assert token_f1(said, [gold]) == pytest.approx(published_f1(said, gold))
    assert exact_match(said, [gold]) is (published(said) == published(gold))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The  cat's «mat»!", ["cats", "mat"]),
        ("1949年10月1日，北京", ["1949", "年", "10", "月", "1", "日", "北", "京"]),
        ("使用 Python 3.12 编写", [*"使用", "python", "312", *"编写"]),
        ("維生素 A", [*"維生素", "a"]),
        ("トヨタ々", [*"トヨタ々"]),
        ("ﾄﾖﾀ", [*"トヨタ"]),
        ("ไทย", [*"ไทย"]),
        ("ខ្មែរ", [*"ខ្មែរ"]),
        ("ລາວ", [*"ລາວ"]),
        ("မြန်", [*"မြန်"]),
        ("서울 시청", ["서울", "시청"]),
        ("в а доме", ["в", "а", "доме"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("١٩٤٩،", ["١٩٤٩"]),
        ("The The", ["the", "the"]),
        ("?!", ["?!"]),
        (" \n", []),
    ],
)
def test_tokens_are_words_or_characters_as_the_script_has_it(text, parts):
    assert tokens(text) == parts


@pytest.mark.parametrize(
    ("said", "gold", "exact", "f1"),
    [
        ("the cat", ["a dog", "Cat."], True, 1.0),
        ("big cat", ["cat", "a very big cat"], False, 0.8),
        ("cat cat", ["cat"], False, 2 / 3),
        ("北京市", ["北京"], False, 0.8),
        ("北 京", ["北京。"], True, 1.0),
        ("", ["the"], False, 0.0),
        ("the", ["cat"], False, 0.0),
        ("", [""], True, 1.0),
        ("cat", [], False, 0.0),
    ],
)
def test_the_best_of_the_right_answers_counts(said, gold, exact, f1):
    assert exact_match(said, gold) is exact
    assert token_f1(said, gold) == pytest.approx(f1)


@given(st.text(), st.text())
def test_f1_is_symmetric_and_is_1_where_the_match_is_exact(one, other):
    f1 = token_f1(one, [other])
    assert 0.0 <= f1 <= 1.0 and f1 == token_f1(other, [one])
    assert token_f1(one, [one]) == 1.0 and exact_match(one, [one])
    assert not exact_match(one, [other]) or f1 == 1.0
