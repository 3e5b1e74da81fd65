"""Measures how near two bodies of one model are, by the next tokens that they expect after each
token of a text."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, log

import msgspec

from models.engine import Proposals, Propose, Score, Scores, Segment, Tokenise, Tokens
from models.protocol import Models

LIKELIEST = 64
PROBE = (
    "The annual inspection of the northern depot took place on a rainy Tuesday. Two of the three "
    "pumps had been replaced since spring, and the third, which is older than the building, was "
    "still leaking at its upper valve. Whoever signs for the store room should know that the keys "
    "are kept by the night porter. The report lists 14 open points: nine are repairs, four are "
    "questions for the supplier, and one is a complaint about noise. What remains to be done "
    "before winter is to insulate the pipes, to order filters, and to ask the council for a permit."
)


class Fidelity(msgspec.Struct, frozen=True):
    """Says how near a body is to another one, the reference, over ``positions`` of a text.

    ``divergence`` is the mean Kullback-Leibler divergence of the reference's next-token
    distribution from the body's, in nats. The reference's ``LIKELIEST`` tokens count one by one
    and all others as one, so it is never more than that of the whole distributions. ``agreement``
    is the share of positions at which both find the same token likeliest.
    """

    divergence: float
    agreement: float
    positions: int


def fidelity(models: Models, reference: str, body: str, tokens: Sequence[int]) -> Fidelity:
    """``reference`` and ``body`` name workers with one vocabulary; ``tokens`` are the text's."""
    prefixes = tuple(tuple(tokens[:end]) for end in range(1, len(tokens) + 1))
    expected = models.call(reference, Propose(prefixes, LIKELIEST))
    likeliest = models.call(body, Propose(prefixes, 1))
    trunk = [Segment(at - 1, (token,)) for at, token in enumerate(tokens)]
    assert isinstance(expected, Proposals) and isinstance(likeliest, Proposals)
    wanted = [
        Segment(at, (token,), 1)
        for at, proposed in enumerate(expected.tokens)
        for token, _ in proposed
    ]
    scores = models.call(body, Score((*trunk, *wanted)))
    assert isinstance(scores, Scores)
    found = iter(scores.logprobs)
    divergences = [
        _divergence([p for _, p in proposed], [next(found)[0] for _ in proposed])
        for proposed in expected.tokens
    ]
    pairs = zip(expected.tokens, likeliest.tokens, strict=True)
    same = sum(one[0][0] == other[0][0] for one, other in pairs)
    return Fidelity(fsum(divergences) / len(tokens), same / len(tokens), len(tokens))


def probe(models: Models, worker: str) -> tuple[int, ...]:
    """Returns the probe text as tokens of a model."""
    reply = models.call(worker, Tokenise((PROBE,)))
    assert isinstance(reply, Tokens)
    return reply.ids[0]


def _divergence(expected: Sequence[float], found: Sequence[float]) -> float:
    """Compares log-probabilities of the same tokens; the rest of each distribution counts as one
    more token."""
    total = fsum(exp(p) * (p - q) for p, q in zip(expected, found, strict=True))
    rests = [max(1.0 - fsum(map(exp, logs)), 1e-9) for logs in (expected, found)]
    return max(total + rests[0] * (log(rests[0]) - log(rests[1])), 0.0)
