"""A model of a chat family for tests, and the tokens by which an answer is scored."""

from __future__ import annotations

from chat_families import Family
from in_process import WordModel

from appliance.encode.renderer import Renderer
from appliance.encode.tokens import Tokeniser
from appliance.prompts.prompt import Prompt
from appliance.task import Case, Example, Task
from models.engine import Describe, Description, Reply, Request


class FamilyModel(WordModel):
    """A word model with a family's special tokens and template."""

    def __init__(self, family: Family) -> None:
        super().__init__(family.template)
        self.family = family
        self.vocabulary = list(dict.fromkeys((*family.specials, family.bos, family.eos)))
        self.named = len(self.vocabulary)

    def handle(self, request: Request) -> Reply:
        if not isinstance(request, Describe):
            return super().handle(request)
        family, ids = self.family, {text: i for i, text in enumerate(self.vocabulary[: self.named])}
        bos = ids[family.bos] if family.bos_added else None
        return Description(
            4096,
            10_000,
            ids,
            bos,
            ids[family.eos],
            self.template,
            {},
            bos_token=family.bos,
            eos_token=family.eos,
        )


def tokens_of(tokeniser: Tokeniser, user: str, answer: str) -> tuple[int, ...]:
    """All tokens by which an answer to one user turn is scored."""
    using = Renderer(Task("any", "answer", "fixed", ()), {}, tokeniser)
    bare = Prompt((), "{text}{answer}\n", mode="chat")
    sheet = using.sheet(bare, [Case(Example(user, answers=(answer,)))])
    [[[at]]] = sheet.plain
    tokens: tuple[int, ...] = ()
    while at >= 0:
        tokens, at = sheet.segments[at].tokens + tokens, sheet.segments[at].parent
    return tokens
