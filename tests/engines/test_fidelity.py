"""A body is as near to another as their next-token distributions are."""

from __future__ import annotations

import numpy as np
import pytest
from families import FAMILIES, write

from appliance.host.fidelity import PROBE, fidelity
from models.engine import Propose, Tokenise
from models.llama.quantise import quantise

pytest.importorskip("llama_cpp")
from models.llama.engine import LlamaEngine, load

VOCABULARY = 299


class Bodies:
    def __init__(self, **engines: LlamaEngine) -> None:
        self.engines = engines

    def call(self, name, request):
        return self.engines[name].handle(request)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory) -> Bodies:
    folder = tmp_path_factory.mktemp("bodies")
    whole = write(folder / "f32.gguf", FAMILIES["llama"])
    for kind in ("Q8_0", "Q4_0"):
        quantise(whole, folder / f"{kind.lower()}.gguf", kind)
    return Bodies(
        **{
            path.stem: load(str(path), beat=lambda d, t: None, n_ctx=1024, batch=256, threads=1)
            for path in folder.glob("*.gguf")
        }
    )


@pytest.fixture(scope="module")
def tokens(bodies) -> tuple[int, ...]:
    return bodies.call("f32", Tokenise((PROBE[:200],))).ids[0]


def test_a_body_is_itself(bodies, tokens):
    found = fidelity(bodies, "f32", "f32", tokens)
    assert found.divergence == pytest.approx(0, abs=1e-5)
    assert (found.agreement, found.positions) == (1.0, len(tokens))


def test_what_is_quantised_more_is_further_away(bodies, tokens):
    eight, four = (fidelity(bodies, "f32", name, tokens) for name in ("q8_0", "q4_0"))
    assert 0 < eight.divergence < four.divergence
    assert eight.agreement > four.agreement


def test_the_divergence_is_at_most_that_of_the_whole_distributions(bodies, tokens):
    few = tokens[:20]
    prefixes = tuple(few[:end] for end in range(1, len(few) + 1))

    def whole(name: str) -> np.ndarray:
        """Log-probabilities [positions, vocabulary]."""
        found = np.zeros((len(few), VOCABULARY))
        for row, proposed in enumerate(bodies.call(name, Propose(prefixes, VOCABULARY)).tokens):
            for token, logprob in proposed:
                found[row, token] = logprob
        return found

    p, q = whole("f32"), whole("q4_0")
    exact = (np.exp(p) * (p - q)).sum(axis=1).mean()
    found = fidelity(bodies, "f32", "q4_0", few).divergence
    assert exact / 2 < found <= exact * (1 + 1e-3)
    assert fidelity(bodies, "f32", "q4_0", few).agreement == np.mean(p.argmax(1) == q.argmax(1))
