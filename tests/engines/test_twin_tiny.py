"""The twin on a small random Llama in float32, where a naive loop can be trusted."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import msgspec
import naive_loop
import pytest

from models.engine import (
    Choice,
    Describe,
    Description,
    Differentiate,
    Generate,
    Gradients,
    Propose,
    Score,
    Scores,
    Segment,
)
from models.trie import BadRequest, build

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from models.twin import engine as twin  # noqa: E402
from models.twin import gradients, loss_scale  # noqa: E402
from models.twin.gradients import Slopes, backpropagate  # noqa: E402
from models.twin.load import TwinError, best_dtype, load_twin  # noqa: E402
from models.twin.owners import owners_of_nodes  # noqa: E402
from models.twin.pack import FULL, SLIDING, attention_kinds, cut, visible  # noqa: E402

VOCABULARY = 100
SPECIALS = {"<bos>": 0, "<eos>": 1}
BEAT = lambda done, total: None  # noqa: E731
GAP = lambda: None  # noqa: E731


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import tokenizers
    import transformers

    torch.set_num_threads(2)
    torch.manual_seed(7)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    folder = tmp_path_factory.mktemp("tiny")
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    words = SPECIALS | {f"w{i}": i for i in range(2, VOCABULARY - 2)}
    words_to_ids = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="w2"))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words_to_ids, bos_token="<bos>", eos_token="<eos>"
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def engine(folder):
    return twin.load(str(folder), beat=BEAT, dtype="float32", threads=2)


def a_request(
    weight: float = 0.5, inverse_temperature: float = 1.0, bias: tuple[float, ...] = ()
) -> Differentiate:
    """A prompt, two queries and a content-free one, three labels of one or two tokens and the end.

    Owners: 0 to 3 are prompt tokens; 4 is the answer cue (token 20) after every query.
    """
    labels = ((30, 40), (31, 32, 40), (33, 40))
    segments = [Segment(-1, (10, 11, 12, 13, 14))]
    owners: list[tuple[int, ...]] = [(0, 1, -1, 2, 3)]
    answers = []
    for query in ((50, 51, 20), (52, 20), (59, 20)):
        segments.append(Segment(0, query))
        owners.append((-1,) * (len(query) - 1) + (4,))
        parent = len(segments) - 1
        answers.append(tuple(range(parent + 1, parent + 4)))
        for label in labels:
            segments.append(Segment(parent, label, len(label)))
            owners.append((-1,) * len(label))
    first, second, free = answers
    choices = (
        Choice(first, free, 1, weight, inverse_temperature, bias),
        Choice(second, free, 0, weight, inverse_temperature, bias),
    )
    return Differentiate(tuple(segments), tuple(owners), choices, top=8)


def packed(model: Any, request: Differentiate, **options: Any) -> Slopes:
    trie = build(request.segments)
    owners = owners_of_nodes(request, trie)
    return backpropagate(model, trie, request.choices, owners, BEAT, GAP, **options)


@pytest.mark.parametrize(
    ("weight", "inverse_temperature", "bias"),
    [(0.0, 1.0, ()), (0.5, 0.25, ()), (1.0, 1.0, ()), (0.5, 0.5, (3.0, 0.0, -3.0))],
)
def test_packed_gradients_equal_those_of_a_naive_loop(engine, weight, inverse_temperature, bias):
    request = a_request(weight, inverse_temperature, bias)
    found = packed(engine.model, request)
    losses, gradient = found.losses, found.mean
    expected_losses, expected = naive_loop.gradient(engine.model, request)
    assert losses == pytest.approx(expected_losses, abs=1e-5)
    assert torch.cosine_similarity(gradient, expected, dim=1).min() >= 0.9999
    assert torch.allclose(gradient, expected, rtol=1e-3, atol=1e-6)


def counted(first: float, second: float) -> Differentiate:
    request = a_request()
    choices = (
        msgspec.structs.replace(choice, counts=counts)
        for choice, counts in zip(request.choices, (first, second), strict=True)
    )
    return msgspec.structs.replace(request, choices=tuple(choices))


def test_a_choice_has_the_part_in_the_gradient_that_it_counts(engine):
    request = counted(0.25, 1.0)
    found = packed(engine.model, request)
    losses, expected = naive_loop.gradient(engine.model, request)
    assert found.losses == pytest.approx(losses, abs=1e-5)
    assert torch.allclose(found.mean, expected, rtol=1e-3, atol=1e-6)
    assert not torch.allclose(found.mean, packed(engine.model, a_request()).mean, rtol=1e-2)
    twice = packed(engine.model, counted(0.5, 2.0))
    assert torch.allclose(found.mean, twice.mean, rtol=1e-5, atol=1e-8)


def test_an_answer_without_rivals_loses_by_its_own_probability(engine):
    """As with a written answer after reasoning: two questions, an answer of two tokens each."""
    segments = (Segment(-1, (10, 11)), Segment(0, (50, 51, 30, 40), 2), Segment(0, (52, 31, 40), 2))
    owners = ((0, 1), (-1,) * 4, (-1,) * 3)
    choices = (Choice((1,), (), 0, 0.0), Choice((2,), (), 0, 0.0))
    request = Differentiate(segments, owners, choices)
    found = packed(engine.model, request)
    losses, gradient = naive_loop.gradient(engine.model, request)
    assert found.losses == pytest.approx(losses, abs=1e-5) and min(losses) > 0
    assert torch.allclose(found.mean, gradient, rtol=1e-3, atol=1e-6)


def test_the_calibration_branch_contributes_to_the_gradient(engine):
    without = packed(engine.model, a_request(0.0)).mean
    whole = packed(engine.model, a_request(1.0)).mean
    assert torch.cosine_similarity(without, whole, dim=1).max() < 0.999


def test_gradients_equal_finite_differences(engine):
    request = a_request()
    gradient = packed(engine.model, request).mean
    for owner in range(5):
        coordinate = int(gradient[owner].abs().argmax())
        step = torch.zeros(5, 32)
        step[owner, coordinate] = 1e-2
        with torch.no_grad():
            rise = naive_loop.losses(engine.model, request, step).mean()
            fall = naive_loop.losses(engine.model, request, -step).mean()
        slope = float(rise - fall) / 2e-2
        assert slope == pytest.approx(float(gradient[owner, coordinate]), rel=0.03)


def test_splitting_into_packs_changes_nothing(engine):
    whole, split = (packed(engine.model, a_request(), probes=2, limit=n) for n in (1024, 12))
    assert split.decoded > whole.decoded
    assert split.losses == pytest.approx(whole.losses, abs=1e-5)
    for one, other in zip([whole.mean, *whole.probes], [split.mean, *split.probes], strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("start", [2.0**-14, 1.0, 2.0**10, 2.0**24])
def test_in_float16_gradients_are_scaled_until_they_fit(folder, engine, monkeypatch, start):
    """From a factor by which they would vanish to one by which they overflow."""
    monkeypatch.setattr(loss_scale, "START", start)
    half = twin.load(str(folder), beat=BEAT, dtype="float16", threads=2)
    exact, found = (packed(e.model, a_request(), probes=2) for e in (engine, half))
    assert found.losses == pytest.approx(exact.losses, abs=0.05)
    for one, other in zip([exact.mean, *exact.probes], [found.mean, *found.probes], strict=True):
        assert torch.cosine_similarity(one.flatten(), other.flatten(), dim=0) > 0.999
        assert float(other.norm()) == pytest.approx(float(one.norm()), rel=0.01)


def test_a_loss_scale_moves_until_gradients_suit_it():
    scale = loss_scale.LossScale(torch.float16)
    assert not scale.suits([torch.tensor([1e-4]), torch.tensor([2.0**-10])])
    assert scale.factor == loss_scale.START * 2.0**10
    assert not scale.suits([torch.tensor([1.0]), torch.tensor([torch.nan])])
    assert scale.factor == loss_scale.START * 2.0**6
    assert scale.suits([torch.tensor([2.0**-10])]), "once lowered it stays"
    while not scale.suits([torch.tensor([torch.nan])]):
        pass
    assert scale.factor == loss_scale.LEAST
    assert loss_scale.LossScale(torch.bfloat16).suits([torch.tensor([torch.inf])])


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB, max allowed: 9 GB)"),
    ],
)
def test_a_pack_that_memory_does_not_hold_is_halved(engine, monkeypatch, error):
    whole = packed(engine.model, a_request())
    embed, sizes = gradients.embed, []

    def tight(model, trie, pack):
        sizes.append(len(pack.groups))
        if len(pack.groups) > 1:
            raise error
        return embed(model, trie, pack)

    monkeypatch.setattr(gradients, "embed", tight)
    halved = packed(engine.model, a_request())
    assert sizes == [2, 1, 1]
    assert torch.allclose(halved.mean, whole.mean, atol=1e-5)
    assert halved.losses == pytest.approx(whole.losses, abs=1e-5)


def test_one_choice_that_memory_does_not_hold_is_reported_as_such(engine, monkeypatch):
    def full(model, trie, pack):
        raise MemoryError

    monkeypatch.setattr(gradients, "embed", full)
    with pytest.raises(MemoryError):
        engine.handle(a_request())


@pytest.mark.parametrize("counts", [(1.0, 1.0), (0.25, 1.0)])
def test_the_spread_is_how_far_choices_gradients_are_from_their_mean(engine, counts):
    request = counted(*counts)
    each = [
        packed(engine.model, msgspec.structs.replace(request, choices=(choice,))).mean
        for choice in request.choices
    ]
    shares = torch.tensor(counts) / sum(counts)
    mean = torch.einsum("c,cod->od", shares, torch.stack(each))
    squares = torch.stack([(one - mean).square().sum(1) for one in each])
    expected = (shares @ squares).sqrt()
    reply = engine.handle(msgspec.structs.replace(request, probes=300))
    assert reply.spreads == pytest.approx(expected.tolist(), rel=0.15)
    assert engine.handle(request).spreads == ()


def test_swaps_are_found_among_candidates_only(engine):
    every = engine.handle(msgspec.structs.replace(a_request(), top=VOCABULARY))
    sets = ((50, 51, 10), (), (1, 60), (70,), (60, 61, 62))
    reply = engine.handle(msgspec.structs.replace(a_request(), candidates=sets, top=2))
    for owner, (swaps, allowed) in enumerate(zip(reply.swaps, sets, strict=True)):
        expected = [swap for swap in every.swaps[owner] if swap[0] in allowed][:2]
        assert [token for token, _ in swaps] == [token for token, _ in expected]
        assert [gain for _, gain in swaps] == pytest.approx([g for _, g in expected], abs=1e-6)
    for sets, message in (
        (((5,),), "1 sets of candidates for 5 owners"),
        (((5, VOCABULARY), (), (), (), ()), "owner 0: token id 100 is outside the vocabulary"),
    ):
        with pytest.raises(BadRequest, match=message):
            engine.handle(msgspec.structs.replace(a_request(), candidates=sets))


def test_proposals_are_the_likeliest_next_tokens(engine):
    prefixes = ((10, 11, 12), (10, 11, 13, 14), (10, 11, 12))
    reply = engine.handle(Propose(prefixes, 4))
    assert reply.unique == reply.decoded == 5
    for prefix, found in zip(prefixes, reply.tokens, strict=True):
        logprobs = engine.model(torch.tensor([prefix])).logits[0, -1].log_softmax(-1)
        best = logprobs.topk(4)
        assert [token for token, _ in found] == best.indices.tolist()
        assert [value for _, value in found] == pytest.approx(best.values.tolist(), abs=1e-5)


def test_first_order_gain_predicts_the_sign_of_a_small_step(engine):
    request = a_request()
    swaps = engine.handle(request).swaps
    table = engine.model.get_input_embeddings().weight
    before = naive_loop.losses(engine.model, request, torch.zeros(5, 32)).mean().item()
    for owner, token in enumerate((10, 11, 13, 14, 20)):
        best, gain = swaps[owner][0]
        step = torch.zeros(5, 32)
        step[owner] = 1e-3 * (table[best] - table[token])
        fall = before - naive_loop.losses(engine.model, request, step).mean().item()
        assert gain > 0
        assert fall == pytest.approx(1e-3 * gain, rel=0.1, abs=1e-6)


def test_swaps_are_the_best_by_gain_without_specials_and_the_current_token(engine):
    request = msgspec.structs.replace(a_request(), top=VOCABULARY)
    gradient = packed(engine.model, request).mean
    table = engine.model.get_input_embeddings().weight
    unnamed = {VOCABULARY - 2, VOCABULARY - 1}
    for owner, current in enumerate((10, 11, 13, 14, 20)):
        swaps = engine.handle(request).swaps[owner]
        gains = (table[current] - table) @ gradient[owner]
        allowed = set(range(VOCABULARY)) - {current} - set(SPECIALS.values()) - unnamed
        assert [token for token, _ in swaps] == sorted(allowed, key=lambda t: -float(gains[t]))
        assert [gain for _, gain in swaps] == pytest.approx(
            [float(gains[token]) for token, _ in swaps], abs=1e-5
        )


def test_an_owner_that_no_loss_depends_on_has_no_swaps(engine):
    request = a_request()
    owners = list(request.owners)
    owners[4] = (-1, 7)  # the end of a label: it is read and never seen by another token
    reply = engine.handle(msgspec.structs.replace(request, owners=tuple(owners)))
    assert len(reply.norms) == 8
    assert reply.norms[5:] == (0.0, 0.0, 0.0)
    assert reply.swaps[5:] == ((), (), ())
    assert all(len(swaps) == 8 for swaps in reply.swaps[:5])


def test_equal_requests_give_equal_replies(engine):
    assert engine.handle(a_request()) == engine.handle(a_request())
    score = Score(a_request().segments)
    assert engine.handle(score) == engine.handle(score)


def test_frozen_weights_collect_no_gradient(engine):
    engine.handle(a_request())
    assert all(p.grad is None and not p.requires_grad for p in engine.model.parameters())


def test_scores_equal_those_of_every_sequence_on_its_own(engine):
    request = a_request()
    reply = engine.handle(Score(request.segments))
    readers = [number for number, segment in enumerate(request.segments) if segment.read]
    for number, found in zip(readers, reply.logprobs, strict=True):
        tokens, _ = naive_loop.spell(request, number)
        logprobs = engine.model(torch.tensor([tokens])).logits[0].log_softmax(-1)
        places = range(len(tokens) - request.segments[number].read, len(tokens))
        expected = [logprobs[place - 1, tokens[place]].item() for place in places]
        assert found == pytest.approx(expected, abs=1e-4)
    assert reply.unique == reply.decoded == 33 - 3 * 3  # ends of labels are read, never computed


def test_a_branch_does_not_see_another_branch(engine):
    segments = list(a_request().segments)
    before = engine.handle(Score(tuple(segments))).logprobs
    segments[1] = Segment(0, (50, 77, 20))
    after = engine.handle(Score(tuple(segments))).logprobs
    assert after[:3] != before[:3]
    for old, new in zip(before[3:], after[3:], strict=True):
        assert new == pytest.approx(old, abs=1e-5)


def test_every_node_sees_its_ancestors_and_itself_only():
    trie = build([Segment(-1, (1, 2)), Segment(0, (3, 4)), Segment(0, (5,)), Segment(-1, (6,))])
    (pack,) = cut(trie, [[3], [4], [5]], limit=8)
    assert visible(trie, pack).int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]


def test_packs_keep_groups_whole_and_repeat_only_the_common_path():
    stems = [Segment(-1, (1, 2, 3)), Segment(-1, (4, 5, 6))]
    branches = [Segment(i % 2, (10 + i, 30 + i)) for i in range(8)]
    trie = build([*stems, *branches])
    groups = trie.paths[2:]
    packs = cut(trie, groups, limit=8)
    assert sorted(group for pack in packs for group in pack.groups) == list(range(8))
    for pack in packs:
        assert len(pack.nodes) <= 8
        assert set(pack.readers) == {node for group in pack.groups for node in groups[group]}
        assert len({group % 2 for group in pack.groups}) == 1
    assert sum(len(pack.nodes) for pack in packs) == len(trie) + 2 * 3


def test_a_group_above_the_limit_is_a_pack_of_its_own():
    trie = build([Segment(-1, tuple(range(20))), Segment(-1, (50, 51))])
    packs = cut(trie, [trie.paths[0], trie.paths[1]], limit=8)
    assert [len(pack.nodes) for pack in packs] == [20, 2]


def test_the_twin_describes_itself(engine):
    reply = engine.handle(Describe())
    assert isinstance(reply, Description)
    assert (reply.context, reply.vocabulary, reply.specials) == (64, VOCABULARY, SPECIALS)
    assert (reply.bos, reply.eos) == (0, 1)
    assert reply.engine["dtype"] == "float32"


def test_progress_is_told_after_every_pack(folder):
    seen: list[tuple[int, int]] = []
    engine = twin.load(
        str(folder), beat=lambda done, total: seen.append((done, total)), dtype="float32"
    )
    seen.clear()
    engine.handle(a_request())
    assert seen == [(2, 2)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"choices": ()}, "no choices"),
        ({"owners": ((0,),)}, "owner lists"),
        ({"choices": (Choice((2, 3), (), 2, 0.0),)}, "gold 2 is none of 2 labels"),
        ({"choices": (Choice((2, 3), (10,), 0, 0.5),)}, "2 labels, 1 content-free"),
        ({"choices": (Choice((2, 3), (2, 3), 0, float("nan")),)}, "not between 0 and 1"),
        ({"choices": (Choice((2, 3), (), 0, 0.0, 0.0),)}, "inverse temperature 0.0 is not above 0"),
        ({"choices": (Choice((2, 3), (), 0, 0.0, 1.0, (1.0,)),)}, "2 labels, 1 biases"),
        ({"choices": (Choice((2, 3), (), 0, 0.0, 1.0, (1.0, float("inf"))),)}, "is not finite"),
        ({"choices": (Choice((2, 3), (), 0, 0.0, counts=0.0),)}, "counts 0.0, which is not above"),
        ({"choices": (Choice((2, 3), (), 0, 0.0, counts=float("inf")),)}, "counts inf, which is"),
        ({"choices": (Choice((2, 99), (), 0, 0.0),)}, "segment 99 is not in the request"),
        ({"choices": (Choice((0, 2), (), 0, 0.0),)}, "segment 0 reads no token"),
        ({"top": -1}, "top is -1"),
    ],
)
def test_a_malformed_gradient_request_is_refused(engine, change, words):
    with pytest.raises(BadRequest, match=words):
        engine.handle(msgspec.structs.replace(a_request(), **change))


def test_owners_that_disagree_on_a_shared_token_are_refused(engine):
    ends = [Segment(-1, (5, 6, 7), 1), Segment(-1, (5, 6, 8), 1)]
    choices = (Choice((0, 1), (), 0, 0.0),)
    request = Differentiate(tuple(ends), ((0, 1, -1), (0, 2, -1)), choices)
    with pytest.raises(BadRequest, match="belongs to owner 1 there and to 2 here"):
        engine.handle(request)
    reply = engine.handle(msgspec.structs.replace(request, owners=((0, 1, -1), (-1, -1, -1))))
    assert isinstance(reply, Gradients)


def test_an_owner_of_two_tokens_is_refused(engine):
    request = a_request()
    owners = ((0, 0, -1, 2, 3), *request.owners[1:])
    with pytest.raises(BadRequest, match="stands for two tokens, 10 and 11"):
        engine.handle(msgspec.structs.replace(request, owners=owners))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Score((Segment(-1, (1, VOCABULARY), 1),)), "outside the vocabulary"),
        (Score((Segment(-1, (1, -3), 1),)), "outside the vocabulary"),
        (Score((Segment(-1, (5,) * 65, 1),)), "65 tokens are longer than the twin's context of 64"),
        (Propose(((5,), ()), 1), "empty prefix"),
        (Generate(((5,),)), "cannot answer Generate"),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused(engine, request_, words):
    with pytest.raises(BadRequest, match=words):
        engine.handle(request_)


def test_a_request_that_reads_nothing_gets_an_empty_reply(engine):
    assert engine.handle(Score((Segment(-1, (5, 6)),))) == Scores((), 0, 0)


def test_what_layers_see_is_read_from_the_configuration():
    import transformers

    assert attention_kinds(transformers.LlamaConfig()) == {FULL}
    assert attention_kinds(transformers.MistralConfig(sliding_window=16)) == {SLIDING}
    assert attention_kinds(transformers.Qwen2Config(sliding_window=16)) == {FULL}
    assert attention_kinds(transformers.Gemma3TextConfig()) == {FULL, SLIDING}


@pytest.mark.parametrize("window", [16, 64, 4096])
def test_a_window_that_the_context_does_not_reach_beyond_needs_no_comparison(folder, window):
    import transformers

    config = transformers.MistralConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        sliding_window=window,
    )
    model = transformers.MistralForCausalLM(config).eval()
    tokeniser = transformers.AutoTokenizer.from_pretrained(folder)
    twin.TwinEngine(model, tokeniser, BEAT, GAP).verify()


def test_a_model_that_changes_logits_after_its_head_is_refused(folder):
    import transformers

    config = transformers.CohereConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        initializer_range=0.3,
        logit_scale=0.1,
    )
    model = transformers.CohereForCausalLM(config).eval()
    tokeniser = transformers.AutoTokenizer.from_pretrained(folder)
    with pytest.raises(TwinError, match="CohereForCausalLM cannot be used as a twin"):
        twin.TwinEngine(model, tokeniser, BEAT, GAP).verify()


def test_a_twin_whose_numbers_are_not_finite_is_refused(folder):
    damaged = twin.load(str(folder), beat=BEAT, dtype="float32")
    damaged.model.get_output_embeddings().weight[42, 7] = float("nan")
    with pytest.raises(TwinError, match=r"not finite.*strop models check"):
        damaged.handle(Score((Segment(-1, (5, 6, 7), 2),)))
    with pytest.raises(TwinError, match="not finite"):
        damaged.verify()


def test_a_folder_without_a_twin_is_refused(tmp_path):
    with pytest.raises(TwinError, match="no twin can be loaded"):
        load_twin(tmp_path, torch.float32)


def test_a_truncated_weights_file_is_refused(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(TwinError, match="no twin can be loaded"):
        load_twin(tmp_path, torch.float32)


def test_a_header_is_refused_before_anything_else_reads_it(folder, tmp_path, monkeypatch):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    monkeypatch.delattr("transformers.AutoModelForCausalLM.from_pretrained")
    with pytest.raises(TwinError, match=r"model\.safetensors"):
        load_twin(tmp_path, torch.float32)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU computes in float16")
def test_the_type_follows_the_processor(monkeypatch, tmp_path):
    flags = tmp_path / "cpuinfo"
    monkeypatch.setattr("models.twin.load.CPU_INFO", flags)
    assert best_dtype() == torch.float32
    flags.write_text("flags : fpu avx2 avx512f\n")
    assert best_dtype() == torch.float32
    flags.write_text("flags : fpu avx512_bf16\n")
    assert best_dtype() == torch.bfloat16


def test_the_benchmark_for_gpus_runs_at_a_tiny_shape_anywhere(capsys, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "bench")
    gpu_twin = importlib.import_module("gpu_twin")
    few = ["--questions", "6", "--question", "10", "--reasoning", "20"]
    gpu_twin.main(["--shapes", "tiny", *few])
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if "tiny" in line]
    assert [row[2].strip() for row in rows] == ["loop", "packed"]
    assert all(float(row[3]) > 0 for row in rows)


def test_the_benchmark_s_loop_and_packed_gradient_are_of_one_loss(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "bench")
    gpu_twin = importlib.import_module("gpu_twin")
    shape = gpu_twin.SHAPES["tiny"]
    examples = gpu_twin.made_up(shape, 3, 5, 7)
    model = gpu_twin.random_model(shape, torch.device("cpu"), torch.float32)
    request = gpu_twin.packed_request(examples)
    found = packed(model.requires_grad_(False), request)
    _, expected = naive_loop.gradient(model, request)
    assert torch.cosine_similarity(found.mean.flatten(), expected.flatten(), dim=0) > 0.9999
    assert gpu_twin.reference(model, examples) == 3 * len(examples[0])
