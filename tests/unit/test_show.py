"""Prompts as a person reads them."""

from __future__ import annotations

import msgspec
import pytest
from in_process import PROMPT, TASK, case, row

from appliance.prompts.likeness import Likeness
from appliance.prompts.linear_map import LinearMap
from appliance.prompts.render import render
from appliance.prompts.show import diff, plain, rendered


def test_a_rendered_prompt_is_what_stands_before_a_label_but_for_the_query():
    prompt = PROMPT.with_section("guidance", "{definitions}\n\n")
    prompt = msgspec.structs.replace(prompt, wording="quoted", order="reversed")
    shots = (row("Ada", "Ostrand"), row("Bo", "Norvex", "author", before="{label} of {text}: "))
    asked = case(row("Cy", "Halden"), row("Di", "Kestrel", "supplier of"))
    [whole] = render(prompt, TASK, asked, shots)
    text = "".join(piece.text for piece in (*whole.prefix, *whole.query))
    shown = rendered(prompt, TASK, asked, shots)
    query = shown.rpartition("Sentence: ")[2]
    assert query == "{text}\nHead: {head}\nTail: {tail}\nRelation: "
    values = {"text": asked.query.text, "head": "Cy", "tail": "Halden"}
    assert shown.removesuffix(query) + query.format(**values) == text
    assert "{label} of {text}: Bo set up Norvex." in shown


def test_what_corrects_the_scores_is_shown():
    assert "calibration weight: 0\nlabel biases: none\n" in plain(PROMPT)
    fitted = msgspec.structs.replace(PROMPT, weight=0.25, bias=(1.0, -0.256, 0.0))
    assert "calibration weight: 0.25\nlabel biases: +1.00 -0.26 +0.00\n" in plain(fitted)


READ = msgspec.structs.replace(
    PROMPT, readout="hidden", map=LinearMap("ab" * 32, 1, bytes(4 * 2 * 3))
)
OTHERS = {
    "the rows that it shows": (
        msgspec.structs.replace(PROMPT, shots=("r1", "r2")),
        msgspec.structs.replace(PROMPT, shots=("r1", "r3")),
    ),
    "how entities are written": (PROMPT, msgspec.structs.replace(PROMPT, output="tags")),
    "a number of its map": (
        READ,
        msgspec.structs.replace(READ, map=LinearMap("ab" * 32, 1, bytes(20) + b"\0\0\x80?")),
    ),
    "the file that its map belongs to": (
        READ,
        msgspec.structs.replace(READ, map=LinearMap("cd" * 32, 1, bytes(4 * 2 * 3))),
    ),
    "the line that its likeness reads": tuple(
        msgspec.structs.replace(PROMPT, likeness=Likeness("ab" * 32, 1, bytes(4), line))
        for line in ("{text} {label}\n", "{text}: {label}\n")
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_prompts_that_differ_have_a_difference_to_show(what):
    before, after = OTHERS[what]
    assert before.id != after.id
    changes = diff(before, after).splitlines()[2:]
    assert len([line for line in changes if line[0] in "+-"]) in (1, 2)
