"""A file of lines that is given to the reader of another format is told what it looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data.choices import Choices
from appliance.data.formats.lines import refuse_lines
from appliance.data.read import jsonl, table
from appliance.data.read.rows import fixed_task
from appliance.errors import InputError

SEMEVAL = (
    '1\t"The <e1>child</e1> was in the <e2>crib</e2>."\nEntity-Destination(e1,e2)\nComment:\n\n'
)
CONLL = "".join(f"{word} NN {tag}\n" for word, tag in (("Ida", "B-PER"), ("is", "O"), ("in", "O")))
TAGS_FIRST = "B-PER\tIda\nO\tis\nO\tin\n"
CONLL_U = "# newdoc\n" + "".join(f"{n}\tw{n}" + "\t_" * 8 + "\n" for n in range(1, 5))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SEMEVAL, "looks like SemEval's relations; import it with: strop task import semeval FILE"),
        (CONLL, "looks like CoNLL columns; import it with: strop task import conll FILE"),
        (TAGS_FIRST, "strop task import conll FILE --word-column 2 --tag-column 1"),
        (CONLL_U, "looks like CoNLL-U; import it with: strop task import conll FILE"),
    ],
)
@pytest.mark.parametrize("source", [jsonl.source, table.source])
def test_it_is_told_what_it_looks_like_and_how_to_import_it(tmp_path, text, said, source: Any):
    path = tmp_path / "x.txt"
    path.write_text(text)
    choices = Choices(name="x", kind="spans")
    with pytest.raises(InputError) as refusal:
        fixed_task([source(path, choices)], choices)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "text,label\nIda is here,O\nBo is here,O\nCleo is here,O\n",
        "text\tlabel\na b\tB-PER\nc d\tO\ne f\tO\n",
        "Ida O\n",
        "",
        "cells of the thymus\tB-cell\nmemory of a cell\tB-cell\nmarrow and blood\tB-cell\n",
        "1\tThe <e1>child</e1> in the <e2>crib</e2>\tplace\n2\tA <e1>b</e1> <e2>c</e2>\tpart\n",
        "".join(f"{n}\tbilling\tlate" + "\tnone" * 7 + "\n" for n in range(1, 5)),
        '{"text": "a"}\n{"text": "b"}\n{"text": "c"}\n',
    ],
)
def test_a_table_and_json_are_not_taken_for_them(text):
    refuse_lines(Path("x"), text)


def test_a_table_whose_columns_are_named_is_read_by_these(tmp_path):
    path = tmp_path / "cells.tsv"
    path.write_text("thymus\tB-cell\nmarrow\tB-cell\nblood\tB-cell\nbone\tB-cell\n")
    named = Choices(name="x", kind="classify", columns={"text": "1", "label": "2"})
    with pytest.raises(InputError, match="looks like CoNLL columns"):
        table.source(path, Choices(name="x", kind="classify"), header=False)
    assert "divided by tabs" in table.source(path, named, header=False).note


@given(st.text())
def test_any_text_is_looked_at_without_an_error(text):
    try:
        refuse_lines(Path("x"), text)
    except InputError as error:
        assert "looks like" in str(error)
