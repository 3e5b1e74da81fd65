"""What a model is asked and what it answers.

Every message is a frozen struct with exactly one encoding (msgpack, ``encode``), so that a request
can be hashed, kept in a journal and sent to a worker on this machine or another. A request names
token ids, never text with a meaning.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """A sequence of tokens that continues another segment: an edge in a tree of sequences.

    ``parent`` is the index of an earlier segment of the same request, or -1 at the root. ``read``
    is the number of tokens at the segment's end whose log-probability is wanted, given all before
    them.
    """

    parent: int
    tokens: tuple[int, ...]
    read: int = 0


class Tokenise(msgspec.Struct, frozen=True, tag="tokenise"):
    """Asks for the token ids of texts. Special-token text inside a text is plain text, never a
    special token."""

    texts: tuple[str, ...]


class Tokens(msgspec.Struct, frozen=True, tag="tokens"):
    """For each text its token ids, and for each id the offset of its end, in bytes of UTF-8."""

    ids: tuple[tuple[int, ...], ...]
    ends: tuple[tuple[int, ...], ...]


class Detokenise(msgspec.Struct, frozen=True, tag="detokenise"):
    """Asks for the texts of token ids. Special tokens become the empty string, broken UTF-8 becomes
    U+FFFD."""

    ids: tuple[tuple[int, ...], ...]


class Texts(msgspec.Struct, frozen=True, tag="texts"):
    texts: tuple[str, ...]


class Score(msgspec.Struct, frozen=True, tag="score"):
    """Asks for the log-probabilities of the tokens that the segments read."""

    segments: tuple[Segment, ...]


class Scores(msgspec.Struct, frozen=True, tag="scores"):
    """``logprobs`` holds one tuple (nats) for each segment with ``read`` > 0, in their order.

    ``unique`` is the number of nodes of the token trie that have to be computed. ``decoded`` is the
    number that were computed: a trunk that the last request left in memory is not computed again.
    """

    logprobs: tuple[tuple[float, ...], ...]
    unique: int
    decoded: int


class Generate(msgspec.Struct, frozen=True, tag="generate", omit_defaults=True):
    """Asks for ``n`` sampled continuations of each prompt; equal requests give equal replies.

    A temperature of 0 is greedy; a ``top_k`` of 0, a ``top_p`` of 1 and a ``min_p`` of 0 exclude
    nothing. Sampling stops at an end-of-generation token, at the first of ``stop`` (which is cut
    off) or after ``max_tokens``. ``grammar`` (GBNF with a rule ``root``) or ``schema`` (a JSON
    schema, as JSON) restricts what may be written.
    """

    prompts: tuple[tuple[int, ...], ...]
    n: int = 1
    max_tokens: int = 128
    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    grammar: str = ""
    schema: str = ""


class Continuation(msgspec.Struct, frozen=True, array_like=True):
    """``ids`` are all sampled tokens, including those of a stop string, but without an
    end-of-generation token. ``ended`` is false where ``max_tokens`` or the context cut it off."""

    text: str
    ids: tuple[int, ...]
    ended: bool


class Generated(msgspec.Struct, frozen=True, tag="generated"):
    """``written[i]`` are the continuations of prompt i.

    ``unique`` is the number of different prompt tokens, as nodes of a trie; ``sampled`` is the
    number of tokens drawn; ``decoded`` is the number of both that were computed.
    """

    written: tuple[tuple[Continuation, ...], ...]
    unique: int
    decoded: int
    sampled: int


class Propose(msgspec.Struct, frozen=True, tag="propose"):
    """Asks for the ``k`` most likely next tokens after each prefix."""

    prefixes: tuple[tuple[int, ...], ...]
    k: int


class Proposals(msgspec.Struct, frozen=True, tag="proposals"):
    """For each prefix ``k`` pairs (token id, log-probability), the most likely first."""

    tokens: tuple[tuple[tuple[int, float], ...], ...]
    unique: int
    decoded: int


class Hidden(msgspec.Struct, frozen=True, tag="hidden"):
    """Asks for the state that the output layer would read after the last token of each of the
    segments ``places``: the last layer's, normalised. Nothing is read of any other token, so every
    segment's ``read`` is 0."""

    segments: tuple[Segment, ...]
    places: tuple[int, ...]


class States(msgspec.Struct, frozen=True, tag="states"):
    """``values`` are float16 [places, ``width``], little-endian. So engines that differ in the last
    digits hardly ever decide differently, and a journal keeps half the bytes."""

    values: bytes
    width: int
    unique: int
    decoded: int

    def each(self) -> list[bytes]:
        """The state of each place, float16 [width]."""
        size = 2 * self.width
        return [self.values[at : at + size] for at in range(0, len(self.values), size)]


class Choice(msgspec.Struct, frozen=True, array_like=True):
    """One decision between labels, for the gradient of its cross-entropy.

    ``plain[y]`` and ``free[y]`` are indices of segments. The tokens that they read spell label y,
    after the query and after the content-free query; s(y) and s0(y) are the log-probabilities of
    these tokens. The score of a label is inverse_temperature * (s(y) - weight * s0(y) - bias[y]);
    ``free`` and ``bias`` may be empty. A decision with a single label is a written answer: its loss
    is its negative score, in nats. ``counts`` is the decision's weight among all decisions.
    """

    plain: tuple[int, ...]
    free: tuple[int, ...]
    gold: int
    weight: float
    inverse_temperature: float = 1.0
    bias: tuple[float, ...] = ()
    counts: float = 1.0


class Differentiate(msgspec.Struct, frozen=True, tag="differentiate", omit_defaults=True):
    """Asks for the gradient of the mean cross-entropy of ``choices``, weighted by their ``counts``,
    with respect to token embeddings.

    ``owners[i]`` gives for every token of segment i the owner that collects its gradient, or -1 for
    none. All tokens of one owner are the same literal token in different renderings, so the owner's
    gradient is the sum over them. For each owner the reply has the ``top`` swaps with the largest
    first-order gain (the linear estimate of the fall in loss), from the vocabulary or from the
    owner's ``candidates`` where they are given.

    ``probes`` is the number of further backward passes, with a random sign for each choice, that
    estimate how far the choices' gradients are spread.
    """

    segments: tuple[Segment, ...]
    owners: tuple[tuple[int, ...], ...]
    choices: tuple[Choice, ...]
    top: int = 16
    candidates: tuple[tuple[int, ...], ...] = ()
    probes: int = 0


class Gradients(msgspec.Struct, frozen=True, tag="gradients"):
    """``losses`` are those of the choices, in nats. For each owner, ``norms`` has the L2 norm of
    the mean gradient and ``swaps`` the pairs (token id, gain). Where there were probes, ``spreads``
    has for each owner the estimated root mean square distance of one choice's gradient from the
    mean."""

    losses: tuple[float, ...]
    norms: tuple[float, ...]
    swaps: tuple[tuple[tuple[int, float], ...], ...]
    decoded: int
    spreads: tuple[float, ...] = ()


class Describe(msgspec.Struct, frozen=True, tag="describe"):
    """Asks a worker what it holds."""


class Description(msgspec.Struct, frozen=True, tag="description"):
    """A loaded model's properties. ``specials`` maps the text of each special token to its id.

    ``bos`` is the token that starts every sequence, None where the model asks for none.
    ``bos_token`` and ``eos_token`` are the texts that its chat template knows by these names, empty
    where it has none.
    """

    context: int
    vocabulary: int
    specials: dict[str, int]
    bos: int | None
    eos: int | None
    chat_template: str
    engine: dict[str, str]
    bos_token: str = ""
    eos_token: str = ""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """There is no answer. ``kind`` is bad_request, memory, engine (it failed) or cancelled."""

    kind: str
    message: str


Request = Tokenise | Detokenise | Score | Generate | Propose | Hidden | Differentiate | Describe
Reply = Tokens | Texts | Scores | Generated | Proposals | States | Gradients | Description | Failed

_encoder = msgspec.msgpack.Encoder(order="deterministic")
_reply: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def encode(message: Any) -> bytes:
    """The message's encoding; equal messages have equal bytes."""
    return _encoder.encode(message)


def decode_reply(data: bytes) -> Reply:
    return _reply.decode(data)


def digest(message: Any) -> str:
    """SHA-256 of the encoding, in hex."""
    return hashlib.sha256(encode(message)).hexdigest()
