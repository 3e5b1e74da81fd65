"""What a prompt says of private rows is found, whatever its case and punctuation."""

from __future__ import annotations

import msgspec
import pytest
from in_process import PROMPT, row

from appliance.task import Example, Label
from appliance.verdict.leaks import Leak, leaks

PRIVATE = row("Mirel Tann", "Vell Yard", before="After the flood of March ")


def saying(text: str):
    return PROMPT.with_section("guidance", text)


def test_a_prompt_that_says_nothing_of_private_rows_leaks_nothing():
    assert leaks(PROMPT, (), [PRIVATE]) == []
    assert leaks(saying("After the flood, mind the direction.\n"), (), [PRIVATE]) == []


@pytest.mark.parametrize(
    "text",
    [
        "As in: after the FLOOD of March, name the founder.\n",
        "As in: After—the flood\nof “March”: name the founder.\n",
        "As in: after the ﬂood of march.\n",
    ],
)
def test_five_words_of_a_row_are_found_in_whatever_writing(text):
    assert leaks(saying(text), (), [PRIVATE]) == [
        Leak(PRIVATE.id, "text", "after the flood of march")
    ]


def test_what_is_written_for_a_label_is_looked_at_too():
    labels = [Label("founder", words="after the flood of March")]
    assert leaks(PROMPT, labels, [PRIVATE]) == [
        Leak(PRIVATE.id, "text", "after the flood of march", "labels")
    ]


def test_the_longest_stretch_is_told():
    said = saying("Never say: the flood of March Mirel Tann set up anything.\n")
    [leak] = leaks(said, (), [PRIVATE])
    assert leak.words == "the flood of march mirel tann set up"


def test_an_entity_is_found_as_whole_words():
    assert leaks(saying("Ask Mirel Tann.\n"), (), [PRIVATE])[0] == Leak(
        PRIVATE.id, "entity", "mirel tann"
    )
    assert leaks(saying("Ask Mirel Tanner.\n"), (), [PRIVATE]) == []


def test_a_demonstration_that_may_not_ship_is_found():
    shown = msgspec.structs.replace(PROMPT, shots=(PRIVATE.id,))
    assert leaks(shown, (), [PRIVATE])[0].what == "demonstration"
    assert leaks(shown, (), [msgspec.structs.replace(PRIVATE, may_ship=True)]) == []


def test_rows_that_may_ship_are_nobody_s_secret():
    assert leaks(saying(PRIVATE.text), (), [msgspec.structs.replace(PRIVATE, may_ship=True)]) == []


def test_a_short_row_counts_whole():
    short = Example("Pump leaks", None, None, "repair")
    assert leaks(saying("Say pump leaks.\n"), (), [short]) == [Leak(short.id, "text", "pump leaks")]
    assert leaks(saying("Say pump.\n"), (), [short]) == []


def test_what_labels_are_called_and_said_to_mean_is_searched_too():
    told = Label("founder", "as in: after the flood of March, say")
    assert leaks(PROMPT, [told], [PRIVATE]) == [
        Leak(PRIVATE.id, "text", "after the flood of march", "labels")
    ]
    worded = msgspec.structs.replace(PROMPT, words=("Mirel Tann", "b", "c"))
    assert leaks(worded, (), [PRIVATE]) == [Leak(PRIVATE.id, "entity", "mirel tann", "labels")]


def test_a_golden_row_that_may_not_ship_is_found():
    assert leaks(PROMPT, (), [PRIVATE], {PRIVATE.id}) == [
        Leak(PRIVATE.id, "golden", PRIVATE.text, "golden rows")
    ]


def test_a_question_a_reasoning_and_named_entities_are_no_less_private():
    asked = Example("A passage.", question="Who mends the pumps of the northern depot?")
    reasoned = Example("A sum.", reasoning="Two boxes hold three apples and a pear each.")
    named = Example("We met Ada Park in town.", spans=((7, 15, "person"),))
    prompt = saying("Who mends the pumps of it? Boxes hold three apples and; ask Ada Park.\n")
    assert leaks(prompt, (), [asked, reasoned, named]) == [
        Leak(asked.id, "text", "who mends the pumps of"),
        Leak(reasoned.id, "text", "boxes hold three apples and"),
        Leak(named.id, "entity", "ada park"),
    ]


def test_a_stretch_does_not_reach_from_one_part_of_a_prompt_into_the_next():
    apart = PROMPT.with_section("guidance", "after the flood").with_section("output", "of march")
    assert leaks(apart, (), [PRIVATE]) == []


ADMITTED = "患者张伟三月五日因胸痛入院，次日转入心内科。"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("例如：患者张伟，三月五日因胸痛入院，次日转入。", ["患者张伟三月五日因胸痛入院次日转入"]),
        ("例如：三月五日因胸痛入院，次。", ["三月五日因胸痛入院次"]),
        ("例如：三月五日因胸痛入院，后。", []),
    ],
)
def test_of_chinese_ten_characters_in_a_row_are_found(said, found):
    assert [leak.words for leak in leaks(saying(said), (), [Example(ADMITTED)])] == found


def test_of_thai_twenty_characters_in_a_row_are_found():
    row = Example("ผู้ป่วยเข้ารับการรักษาในโรงพยาบาลเมื่อวันที่ห้ามีนาคม")
    [leak] = leaks(saying("เช่น เข้ารับการรักษาในโรงพยาบาล ครับ\n"), (), [row])
    assert leak.words == "เข้ารับการรักษาในโรงพยาบาล"
    assert leaks(saying("ชื่อโรงพยาบาล ครับ\n"), (), [row]) == []


def test_a_text_in_two_scripts_is_searched_as_one():
    row = Example("客户 Mirel Tann 的合同编号 IBM-77 已到期。")
    [leak] = leaks(saying("例如 Mirel Tann 的合同编号 IBM-77\n"), (), [row])
    assert leak.words == "mirel tann 的合同编号 ibm 77"


def test_a_character_that_cannot_be_seen_hides_nothing():
    said = saying("After the flo\u00adod of\u200b March, say.\n")
    assert leaks(said, (), [PRIVATE])[0].words == "after the flood of march"


@pytest.mark.parametrize(
    ("entity", "said", "found"),
    [
        ("IBM", "Ask IBM.", ["IBM"]),
        ("IBM", "Ask ibm or IBMs.", []),
        ("Bob", "Ask Bob's firm.", ["Bob"]),
        ("oil", "Ask of oil and Oil.", []),
        ("X", "X is the head.", []),
        ("42", "In 42 words.", []),
        ("张伟", "例如张伟的合同", ["张伟"]),
    ],
)
def test_an_entity_of_two_or_three_characters_is_found_in_its_own_case(entity, said, found):
    row = Example(f"Call {entity} now.", spans=((5, 5 + len(entity), "name"),))
    assert [leak.words for leak in leaks(saying(f"{said}\n"), (), [row])] == found


def test_a_short_word_without_capitals_that_many_texts_have_is_no_secret():
    rows = [Example(f"{place}公司", spans=((2, 4, "kind"),)) for place in ("北京", "上海", "广州")]
    assert len(leaks(saying("公司的名称\n"), (), rows)) == 3
    more = [*rows, Example("天津公司", spans=((2, 4, "kind"),), may_ship=True)]
    assert leaks(saying("公司的名称\n"), (), more) == []


def test_a_right_answer_and_a_choice_are_no_less_private():
    asked = Example("Who runs it?", answers=("Vell Yard", "the yard at Vell, north of Ostrand"))
    offered = Example("Which?", answers=("Halden Mutual",), choices=("Halden Mutual", "Ostrand"))
    prompt = saying("Not Vell Yard, the yard at Vell north; Halden Mutual.\n")
    assert leaks(prompt, (), [asked, offered]) == [
        Leak(asked.id, "answer", "the yard at vell north"),
        Leak(offered.id, "answer", "halden mutual"),
    ]
    assert leaks(saying("Ask Ostrand.\n"), (), [offered]) == [Leak(offered.id, "choice", "ostrand")]


@pytest.mark.parametrize("answer", ["yes", "A", "12", "2019", "Yes", "valid"])
def test_answers_that_many_rows_have_or_that_say_little_are_no_secret(answer):
    rows = [Example(f"Question {i}?", answers=(answer,), choices=(answer,)) for i in range(4)]
    assert leaks(saying(f"Say {answer}: A, 12, 2019, yes.\n"), (), rows) == []


def test_a_number_of_six_digits_is_no_accident():
    row = Example("Whom to call?", answers=("0551-23 467",))
    assert leaks(saying("Call 0551-23-467.\n"), (), [row])[0].words == "0551 23 467"


def test_questions_on_one_passage_have_their_answer_from_one_text():
    rows = [Example("A passage.", question=f"Who {i}?", answers=("Mirel Tann",)) for i in range(9)]
    assert len(leaks(saying("Ask Mirel Tann.\n"), (), rows)) == 9
