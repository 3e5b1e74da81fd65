"""Tags in columns become entities in characters, in whatever scheme they are written."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from annotations import EXPORTS
from hypothesis import given
from hypothesis import strategies as st

from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, conll, tags
from appliance.errors import InputError

REAL = Path(__file__).parents[3] / "shared" / "data" / "wnut17"
needs_wnut = pytest.mark.skipif(not REAL.exists(), reason="no WNUT-17 in ../shared/data/wnut17")

kinds = st.sampled_from(["person", "creative-work", "LOC", "地名"])
words = st.text("ab.#-é中😀'", min_size=1, max_size=4).filter(lambda word: not word.startswith("-"))
chunks = st.tuples(st.one_of(st.none(), kinds), st.lists(words, min_size=1, max_size=3))
sentences = st.lists(st.lists(chunks, min_size=1, max_size=6), min_size=1, max_size=5)
Chunks = list[tuple[str | None, list[str]]]


def read(path: Path, content: str | bytes, **options: Any) -> list[tuple[str, dict[str, Any]]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems(path)
    rows = list(conll.rows(path, problems, **options))
    problems.raise_if_any()
    return rows


def refusal(path: Path, content: str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(path, content, **options)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "entities.conll"


def found(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["text"][start:end], kind) for start, end, kind in row["spans"]]


def tagged(scheme: str, sentence: Chunks) -> list[tuple[str, str]]:
    """Each word with its tag. A chunk without a type holds no entity."""
    written: list[tuple[str, str]] = []
    before = None
    for kind, chunk in sentence:
        for i, word in enumerate(chunk):
            first, last = i == 0, i == len(chunk) - 1
            if scheme == "IOB1":
                mark = "B" if first and kind == before else "I"
            elif first and last and scheme != "IOB2":
                mark = {"BIOES": "S", "BILOU": "U", "BMES": "S"}[scheme]
            elif first:
                mark = "B"
            elif last and scheme != "IOB2":
                mark = {"BIOES": "E", "BILOU": "L", "BMES": "E"}[scheme]
            else:
                mark = "M" if scheme == "BMES" else "I"
            written.append((word, f"{mark}-{kind}" if kind else "O"))
        before = kind
    return written


@given(
    written=sentences,
    scheme=st.sampled_from(["IOB1", "IOB2", "BIOES", "BILOU", "BMES"]),
    columns=st.integers(0, 2),
    delimiter=st.sampled_from(["\t", " "]),
    newline=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    blank=st.sampled_from(["", "\t", " \t "]),
)
def test_what_is_written_in_any_scheme_is_read(
    tmp_path_factory, written, scheme, columns, delimiter, newline, mark, blank
):
    out = []
    for sentence in written:
        for word, tag in tagged(scheme, sentence):
            out.append(delimiter.join([word, *["NN"] * columns, tag]))
        out.append(blank)
    path = tmp_path_factory.mktemp("conll") / "file"
    rows = read(path, mark + newline.join(out).encode())
    assert [row["text"] for _, row in rows] == [
        " ".join(word for _, chunk in sentence for word in chunk) for sentence in written
    ]
    for sentence, (_, row) in zip(written, rows, strict=True):
        assert found(row) == [(" ".join(chunk), kind) for kind, chunk in sentence if kind]


@pytest.mark.parametrize(
    ("given_tags", "entities"),
    [
        ("I-A I-A O", [(0, 1, "A")]),
        ("O I-A I-B", [(1, 1, "A"), (2, 2, "B")]),
        ("I-A B-A I-A", [(0, 0, "A"), (1, 2, "A")]),
        ("B-A I-B E-B", [(0, 0, "A"), (1, 2, "B")]),
        ("B-A O I-A", [(0, 0, "A"), (2, 2, "A")]),
        ("S-A I-A E-A E-A", [(0, 0, "A"), (1, 2, "A"), (3, 3, "A")]),
        ("U-A U-A L-A", [(0, 0, "A"), (1, 1, "A"), (2, 2, "A")]),
    ],
)
def test_tags_that_break_their_scheme_still_mark_entities(given_tags, entities):
    assert tags.entities(given_tags.split()) == entities


def test_sentences_without_entities_are_kept_and_places_are_lines(file):
    rows = read(file, "\n\nno\tO\none\tO\n\n\nIda\tB-person\n")
    assert rows == [
        ("line 3", {"text": "no one", "spans": []}),
        ("line 7", {"text": "Ida", "spans": [[0, 3, "person"]]}),
    ]


def test_documents_are_groups(file):
    content = (
        "-DOCSTART- -X- -X- O\n\nEU NNP I-NP I-ORG\n\nIt PRP O O\n-DOCSTART- -X- -X- O\nX N O O\n"
    )
    rows = read(file, content)
    one, also_one, two = (row["group"] for _, row in rows)
    assert one == also_one != two
    assert found(rows[0][1]) == [("EU", "ORG")]


@pytest.mark.parametrize("mark", ["-DOCSTART- -X- O", "# newdoc id = all", "\n# x = 1\n# newdoc"])
def test_one_mark_at_the_top_for_all_is_no_document(file, mark):
    """Label Studio writes it so: every sentence would stay together with every other."""
    rows = read(file, f"{mark}\nEU -X- _ B-ORG\n\nIt -X- _ O\n")
    assert [set(row) for _, row in rows] == [{"text", "spans"}] * 2


def test_an_export_of_label_studio_can_be_split():
    path = EXPORTS / "label_studio.conll"
    rows = [row for _, row in conll.rows(path, Problems(path))]
    assert [found(row) for row in rows[:2]] == [
        [("Ida Moe", "PER"), ("Acme", "ORG")],
        [("Bo Lind", "PER"), ("Borealis", "ORG")],
    ]
    assert len(rows) == 14 and not any("group" in row for row in rows)


def test_one_mark_between_two_documents_keeps_the_second_together(file):
    rows = read(file, "EU B-ORG\n\n-DOCSTART- O\n\nIt O\n\nX O\n")
    none, *second = (row.get("group") for _, row in rows)
    assert none is None and second[0] and len(set(second)) == 1


def test_a_document_is_the_same_in_each_file_and_others_are_not(tmp_path):
    def groups(*words: str) -> list[str]:
        content = "".join(f"-DOCSTART- O\n\n{word} O\n\nagain O\n\n" for word in words)
        return [row["group"] for _, row in read(tmp_path / "x", content)][::2]

    assert groups("a", "b") == groups("b", "a")[::-1]
    assert not set(groups("a", "b")) & set(groups("c", "d"))


def test_a_pipe_that_may_hold_documents_is_refused_and_not_read_halfway(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_text, args=("-DOCSTART- O\n\nEU B-ORG\n",))
    writer.start()
    with pytest.raises(InputError, match="can be read only once, as a pipe; save it as a file"):
        list(conll.rows(pipe, Problems(pipe)))
    writer.join()


@given(
    written=sentences,
    columns=st.permutations(["word", "tag", "other"]).map(list),
    delimiter=st.sampled_from(["\t", " "]),
)
def test_words_and_tags_may_stand_in_any_columns(tmp_path_factory, written, columns, delimiter):
    out = []
    for sentence in written:
        for word, tag in tagged("IOB2", sentence):
            cells = {"word": word, "tag": tag, "other": "x"}
            out.append(delimiter.join(cells[column] for column in columns))
        out.append("")
    places = {f"{name}_column": columns.index(name) + 1 for name in ("word", "tag")}
    rows = read(tmp_path_factory.mktemp("conll") / "file", "\n".join(out), **places)
    for sentence, (_, row) in zip(written, rows, strict=True):
        assert found(row) == [(" ".join(chunk), kind) for kind, chunk in sentence if kind]


def test_the_tag_is_the_last_column_that_is_not_the_word(file):
    assert found(read(file, "B-GENRE\tjazz\nO\tplease\n", word_column=2)[0][1]) == [
        ("jazz", "GENRE")
    ]


CONLL_U = """\
# newdoc id = a
# sent_id = 1
# text = Ida doesn't know Oslo.
1\tIda\tIda\tPROPN\t_\t_\t3\tnsubj\t_\tNER=B-person
2-3\tdoesn't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdoes\tdo\tAUX\t_\t_\t3\taux\t_\t_
3\tn't\tnot\tPART\t_\t_\t3\tadvmod\t_\tSpaceAfter=No
3.1\tto\tto\tPART\t_\t_\t_\t_\t_\tCopyOf=3
4\tOslo\tOslo\tPROPN\t_\t_\t3\tobj\t_\tSpaceAfter=No|ner=S-place
5\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\tner=O

# newdoc id = b
1\tYes\tyes\tINTJ\t_\t_\t0\troot\t_\t_
"""


def test_conll_u_has_its_tags_in_the_last_column_and_ids_of_no_words(file):
    rows = [row for _, row in read(file, CONLL_U, word_column=2)]
    assert rows == [
        {
            "text": "Ida does n't Oslo .",
            "spans": [[0, 3, "person"], [13, 17, "place"]],
            "group": "document a",
        },
        {"text": "Yes", "spans": [], "group": "document b"},
    ]


def test_columns_that_cannot_be_are_refused(file):
    said = refusal(file, "Ida\tB-person\n", word_column=2, tag_column=2)
    assert "words and tags cannot both be in column 2; give --word-column and --tag-col" in said
    said = refusal(file, "B-person\tIda\nO\t \n", word_column=2)
    assert 'line 2: has no word in column 2: it has 1 (it reads "O")' in said


def test_a_column_of_tags_can_be_chosen(file):
    content = "Oslo\tB-outer\tO\nIda\tO\tB-inner\n"
    assert found(read(file, content)[0][1]) == [("Ida", "inner")]
    assert found(read(file, content, tag_column=2)[0][1]) == [("Oslo", "outer")]
    said = refusal(file, content, tag_column=4)
    assert 'line 1: has no tag in column 4: it has 3 (it reads "Oslo' in said


def test_comments_are_lines_without_a_tag(file):
    content = "# id 7\tdomain=en\n# sent = 1\n# O\n# B-tag\nIda _ _ B-person\n"
    assert [row["text"] for _, row in read(file, content)] == ["# # Ida"]


@pytest.mark.parametrize("comment", ["# text = I like vitamin O", "# O", "# sent_id = 1 B-tag"])
def test_a_line_without_a_tab_is_a_comment_where_tabs_divide(file, comment):
    content = f"{comment}\nIda\tB-person\n#\tO\n"
    assert [(place, row["text"]) for place, row in read(file, content)] == [("line 2", "Ida #")]


def test_words_may_hold_white_space_where_tabs_divide(file):
    ((_, row),) = read(file, "New York\tB-place\n\u00a0\tO\n")
    assert row == {"text": "New York \u00a0", "spans": [[0, 8, "place"]]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tO\nb\tB_person\n", 'line 2: "B_person" is no tag; write O, or B- or I- and the type'),
        ("a\tO\nb\tB-\n", 'line 2: "B-" is no tag'),
        ("a\to\n", 'line 1: "o" is no tag'),
        ("a\tO\n#hashtag\n", 'line 2: has no tag (it reads "#hashtag"); write the word, a tab and'),
        ("a\tO\n\tO\n", "line 2: has a tag but no word; remove the line, or write the word"),
    ],
)
def test_a_wrong_line_is_named_and_its_sentence_left_out(file, content, message):
    assert message in refusal(file, content)
    problems = Problems(file)
    file.write_text(content + "\nfine\tO\n")
    assert [row["text"] for _, row in conll.rows(file, problems)] == ["fine"]


def test_a_sentence_with_several_wrong_lines_is_one_wrong_row(file):
    assert "1 row is wrong" in refusal(file, "a\tx\nb\ty\nc\tO\n\nd\tO\n")


def test_rows_come_before_the_file_has_been_read_to_its_end(file):
    file.write_bytes(b"a\tO\n\n" * 200_000 + b"\xff\tO\n")
    rows = conll.rows(file, Problems(file))
    assert next(rows)[0] == "line 1"
    with pytest.raises(InputError, match="line 400001: byte 1000000 is not UTF-8"):
        list(rows)


def test_the_format_says_what_it_is():
    assert FORMATS["conll"] is conll
    assert (conll.KIND, conll.NONE) == ("spans", None)


@needs_wnut
@pytest.mark.parametrize(
    ("name", "rows", "begun"),
    [("emerging.dev.conll", 1009, 836), ("wnut17train.conll", 3394, 1975)],
)
def test_wnut_is_read_whole(name, rows, begun):
    """Every B- starts one entity, whose text is words of the file."""
    problems = Problems(REAL / name)
    found = [row for _, row in conll.rows(REAL / name, problems)]
    problems.raise_if_any()
    assert len(found) == rows
    marks: list[Any] = [mark for row in found for mark in row["spans"]]
    assert len(marks) == begun
    lines = [line.split("\t") for line in (REAL / name).read_text().splitlines() if line.strip()]
    by_type = Counter(tag[2:] for _, tag in lines if tag.startswith("B-"))
    assert Counter(kind for _, _, kind in marks) == by_type
    words = [word for word, tag in lines if tag != "O"]
    parts = [row["text"][a:b].split(" ") for row in found for a, b, _ in row["spans"]]
    assert [word for part in parts for word in part] == words
