"""Prompts as a person reads them."""

from __future__ import annotations

import msgspec
from in_process import PROMPT, TASK, case, row

from appliance.prompts.render import render
from appliance.prompts.show import plain, rendered


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
