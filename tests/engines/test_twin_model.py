"""The twin of the real SmolLM2, made from its GGUF."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from models.engine import Choice, Detokenise, Differentiate, Score, Segment, Texts, Tokenise

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from models.make import unfinished  # noqa: E402
from models.twin import engine as twin  # noqa: E402
from models.twin import load as loading  # noqa: E402

pytestmark = pytest.mark.model
BEAT = lambda done, total: None  # noqa: E731


@pytest.fixture(scope="session")
def folder(smollm2, tmp_path_factory) -> Path:
    torch.set_num_threads(2)
    folder = tmp_path_factory.mktemp("twins") / "smollm2"
    (leftover := unfinished(folder)).mkdir()
    (leftover / "half").write_text("of a twin whose maker was killed")
    loading.make_twin(smollm2, folder)
    return folder


@pytest.fixture(scope="session")
def engine(folder):
    return twin.load(str(folder), beat=BEAT, dtype="float32", threads=2)


def sentences(engine) -> list[tuple[int, ...]]:
    texts = (
        "Sentence: The harbour office leases its cranes from Ostrand.\nRelation: lessor\n",
        "Sentence: The harbour office leases its cranes from Ostrand.\nRelation: supplier\n",
        "Sentence: Mirel Tann audits the accounts of the harbour office.\nRelation: auditor\n",
    )
    return [tuple(engine.tokeniser(text, add_special_tokens=False).input_ids) for text in texts]


def test_the_twin_stands_whole_in_a_private_folder_with_nothing_beside_it(folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]
    assert not list(folder.glob("*.bin")) + list(folder.glob("*.pt"))


def test_a_twin_that_stands_is_kept(smollm2, folder):
    before = (folder / "model.safetensors").stat().st_mtime_ns
    loading.make_twin(smollm2, folder)
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_real_log_probabilities_equal_those_of_every_sequence_on_its_own(engine):
    rows = sentences(engine)
    reply = engine.handle(Score(tuple(Segment(-1, row, len(row) - 1) for row in rows)))
    assert reply.unique < sum(map(len, rows))
    for row, found in zip(rows, reply.logprobs, strict=True):
        logprobs = engine.model(torch.tensor([row])).logits[0].log_softmax(-1)
        expected = [logprobs[i, token].item() for i, token in enumerate(row[1:])]
        assert found == pytest.approx(expected, abs=1e-3)


def test_the_twin_agrees_with_the_gguf_that_it_was_made_of(engine, smollm2):
    pytest.importorskip("llama_cpp")
    from models.llama import engine as llama

    request = Score(tuple(Segment(-1, row, len(row) - 1) for row in sentences(engine)))
    body = llama.load(str(smollm2), beat=BEAT, n_ctx=1024, threads=2)
    pairs = zip(engine.handle(request).logprobs, body.handle(request).logprobs, strict=True)
    off = [abs(a - b) for twin_row, row in pairs for a, b in zip(twin_row, row, strict=True)]
    assert sum(off) / len(off) < 0.15  # nats; llama.cpp rounds activations to 8 bits


def test_a_swap_by_gradient_lowers_the_real_loss(engine):
    right, wrong, _ = sentences(engine)
    shared = next(i for i, pair in enumerate(zip(right, wrong, strict=False)) if len(set(pair)) > 1)
    owners = tuple(i if i < shared else -1 for i in range(max(len(right), len(wrong))))

    def request(stem: tuple[int, ...]) -> Differentiate:
        segments = tuple(
            Segment(-1, stem + label, len(label)) for label in (right[shared:], wrong[shared:])
        )
        owned = tuple(owners[: len(segment.tokens)] for segment in segments)
        return Differentiate(segments, owned, (Choice((0, 1), (), 0, 0.0),))

    stem = right[:shared]
    before = engine.handle(request(stem))
    ranked = sorted(range(1, shared), key=lambda owner: -before.swaps[owner][0][1])
    swapped = ((*stem[:i], before.swaps[i][0][0], *stem[i + 1 :]) for i in ranked)
    assert any(engine.handle(request(other)).losses[0] < before.losses[0] for other in swapped)


def test_the_twin_knows_the_special_tokens_of_its_model(engine):
    assert engine.specials["<|im_start|>"] == 1
    assert engine.excluded[list(engine.specials.values())].all()
    assert int(engine.excluded.sum()) == len(engine.specials)


def test_a_truncated_gguf_leaves_nothing_behind(smollm2, tmp_path):
    short = tmp_path / "short.gguf"
    with smollm2.open("rb") as file:
        short.write_bytes(file.read(1 << 20))
    with pytest.raises(Exception, match=r"short\.gguf"):
        loading.make_twin(short, tmp_path / "twin")
    assert [entry.name for entry in tmp_path.iterdir()] == ["short.gguf"]


def test_the_twin_reads_tokens_as_the_text_that_llama_cpp_reads(engine, smollm2):
    from appliance.encode.tokens import PROBE
    from models.llama.engine import load

    llama = load(str(smollm2), beat=lambda done, total: None, n_ctx=1024)
    texts = (PROBE, "plain text, 12 items", "<|im_start|>user\nhi<|im_end|>")
    assert engine.handle(Detokenise(llama.handle(Tokenise(texts)).ids)) == Texts(texts)
