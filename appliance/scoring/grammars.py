"""What a model may write where entities are asked for, as GBNF, llama.cpp's form of grammars."""

from __future__ import annotations

import json
from collections.abc import Sequence

from appliance.prompts.entities import tag_of

MAX_ENTITIES = 12
"""The most entities of a list: a small model may otherwise list them until its tokens are spent."""

MAX_CHARACTERS = 100
"""The most characters of one entity in a list."""


def json_grammar(types: Sequence[str]) -> str:
    """What ``prompts.entities.write_json`` writes, as GBNF: a list of entities of these types, or
    an empty one."""
    kinds = " | ".join(_literal(json.dumps(kind, ensure_ascii=False)) for kind in types)
    return rf"""
root ::= " "? "[" (item (", " item){{0,{MAX_ENTITIES - 1}}})? "]" "\n"*
item ::= "{{\"type\": " kind ", \"text\": \"" character{{1,{MAX_CHARACTERS}}} "\"}}"
kind ::= {kinds}
character ::= [^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{{4}})
"""


def tags_grammar(types: Sequence[str]) -> str:
    """What ``prompts.entities.write_tags`` writes, as GBNF: one line of text with tags of these
    types around parts of it, none within another."""
    names = map(tag_of, types)
    tagged = " | ".join(f'"<{name}>" character+ "</{name}>"' for name in names)
    return rf"""
root ::= (character | tagged)* "\n"*
tagged ::= {tagged}
character ::= [^<\n] | "<" [\\ 0-9=-]
"""


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
