"""The GGUF header reader: each rule refuses by name, and no bytes break it."""

from __future__ import annotations

import ctypes
import os
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from platformdirs import user_data_dir
from tiny_gguf import ARRAY, BOOL, F32, KEY_VALUES, STRING, TENSORS, U32, U64, build, with_values

from models.headers import HeaderError, Skipped, read_gguf
from models.headers.ggml import TENSOR_TYPES


def read(folder: Path, data: bytes):
    path = folder / "model.gguf"
    path.write_bytes(data)
    return read_gguf(path)


def refused(folder: Path, data: bytes, rule: str) -> HeaderError:
    with pytest.raises(HeaderError, match=rule) as caught:
        read(folder, data)
    assert str(folder / "model.gguf") in str(caught.value)
    assert f"(at byte {caught.value.offset})" in str(caught.value)
    return caught.value


def test_a_valid_file_says_what_it_is(tmp_path):
    header = read(tmp_path, build())
    assert (header.architecture, header.name, header.licence) == ("llama", "tiny", "apache-2.0")
    assert (header.context_length, header.vocabulary, header.quantisation) == (64, 4, "F32")
    assert (header.bos, header.eos, header.add_bos) == (0, 1, True)
    assert header.chat_template == "{{ messages[0].content }}"
    assert header.tensor_bytes == 128 + 34
    assert [tensor.shape for tensor in header.tensors] == [(8, 4), (32, 1)]
    assert header.data_offset + 162 == header.size


def test_arrays_and_long_strings_stay_in_the_file(tmp_path):
    header = read(tmp_path, build(with_values(("x.long", STRING, "x" * 5000))))
    assert header.metadata["tokenizer.ggml.tokens"] == Skipped("string", 4)
    assert header.metadata["tokenizer.ggml.token_type"] == Skipped("u32", 4)
    assert header.metadata["x.long"] == Skipped("string", 5000)


def test_version_2_is_read(tmp_path):
    assert read(tmp_path, build(version=2)).version == 2


def test_a_file_without_a_file_type_takes_the_type_most_bytes_have(tmp_path):
    values = [entry for entry in KEY_VALUES if entry[0] != "general.file_type"]
    tensors = [("a", [3200, 1], 8, 0)]
    assert read(tmp_path, build(values, tensors, data=3400)).quantisation == "Q8_0"


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(HeaderError, match="no such file"):
        read_gguf(tmp_path / "none.gguf")


def test_a_folder_and_a_pipe_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(HeaderError, match="not a regular file"):
            read_gguf(path)


def test_an_empty_file_is_refused(tmp_path):
    refused(tmp_path, b"", "truncated")


def test_another_magic_is_refused(tmp_path):
    refused(tmp_path, b"PK\x03\x04" + build()[4:], "not a GGUF file")


def test_version_1_and_a_later_one_are_refused(tmp_path):
    for version in (0, 1, 4):
        refused(tmp_path, build(version=version), f"GGUF version {version}")


def test_a_big_endian_file_is_refused(tmp_path):
    refused(tmp_path, build(version=3 << 24), "big-endian")


def test_one_part_of_a_split_model_is_refused_with_the_remedy(tmp_path):
    data = build(with_values(("split.count", U32, 3)))
    refused(tmp_path, data, "one part of a split model.*given the first")


def test_too_many_key_values_are_refused(tmp_path):
    data = bytearray(build())
    struct.pack_into("<Q", data, 16, 65_537)
    refused(tmp_path, bytes(data), "65537 key-values: more than 65536")


def test_a_key_that_is_too_long_is_refused(tmp_path):
    key = "k" * ((64 << 10) + 1)
    refused(tmp_path, build(with_values((key, BOOL, True))), "a key of 65537 bytes")


def test_a_string_longer_than_the_cap_is_refused(tmp_path):
    path = tmp_path / "model.gguf"
    data = build()
    at = data.index(b"tiny") - 8
    path.write_bytes(data[:at] + struct.pack("<Q", (64 << 20) + 1))
    os.truncate(path, 1 << 28)
    with pytest.raises(HeaderError, match="a string of 67108865 bytes"):
        read_gguf(path)


def test_a_string_longer_than_the_file_is_refused(tmp_path):
    data = build()
    at = data.index(b"tiny") - 8
    refused(tmp_path, data[:at] + struct.pack("<Q", 1 << 20) + data[at + 8 :], "truncated")


def test_a_key_or_string_that_is_not_utf8_is_refused(tmp_path):
    refused(tmp_path, build(with_values((b"\xff\xfe", BOOL, True))), "a key is not UTF-8")
    refused(tmp_path, build(with_values(("x", STRING, b"\xff"))), "the string of 'x' is not UTF-8")


def test_a_chat_template_above_one_megabyte_is_refused(tmp_path):
    data = build(with_values(("tokenizer.chat_template", STRING, "x" * ((1 << 20) + 1))))
    refused(tmp_path, data, "a chat template of 1048577 bytes")


def test_keys_and_strings_that_would_fill_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("models.headers.keyvalues.MAX_KEPT_TOTAL", 100)
    refused(tmp_path, build(), "keys and strings of more than 100 bytes")


def test_an_array_longer_than_the_file_is_refused(tmp_path):
    for element in (U32, STRING):
        entry = struct.pack("<IQ", element, 2**63)
        data = build(with_values(("x", U32, 7)))
        at = data.index(b"x" + struct.pack("<II", U32, 7))
        hostile = data[: at + 1] + struct.pack("<I", ARRAY) + entry + data[at + 9 :]
        refused(tmp_path, hostile, "truncated: an array of 9223372036854775808 elements")


def test_an_array_of_arrays_is_refused(tmp_path):
    data = build(with_values(("x", ARRAY, (ARRAY, [(U32, [1])]))))
    refused(tmp_path, data, "array of arrays")


def test_more_strings_than_any_vocabulary_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("models.headers.keyvalues.MAX_ARRAY_STRINGS", 6)
    again = ("x", ARRAY, (STRING, ["a", "b", "c"]))
    refused(tmp_path, build(with_values(again)), "more than 6 strings in arrays")


def test_unknown_value_and_array_types_are_refused(tmp_path):
    data = build(with_values(("x", U32, 7)))
    at = data.index(b"x" + struct.pack("<II", U32, 7)) + 1
    refused(tmp_path, data[:at] + struct.pack("<I", 13) + data[at + 4 :], "unknown value type 13")
    array = struct.pack("<IIQ", ARRAY, 99, 0)
    refused(tmp_path, data[:at] + array + data[at + 8 :], "unknown array type 99")


def test_a_duplicate_key_is_refused(tmp_path):
    refused(tmp_path, build([*KEY_VALUES, ("general.name", STRING, "b")]), "duplicate key")


def test_a_duplicate_tensor_is_refused(tmp_path):
    tensors = [TENSORS[0], ("token_embd.weight", [8, 4], 0, 128)]
    refused(tmp_path, build(tensors=tensors, data=256), "duplicate tensor 'token_embd.weight'")


def test_no_tensors_and_too_many_tensors_are_refused(tmp_path):
    for count in (0, 65_537):
        data = bytearray(build())
        struct.pack_into("<Q", data, 8, count)
        refused(tmp_path, bytes(data), f"{count} tensors")


def test_a_tensor_name_that_llama_cpp_would_refuse_is_refused(tmp_path):
    refused(tmp_path, build(tensors=[("n" * 64, [8], 0, 0)]), "a tensor name of 64 bytes")


def test_zero_and_five_dimensions_are_refused(tmp_path):
    for shape in ([], [1] * 5):
        rule = f"{len(shape)} dimensions, not 1 to 4"
        refused(tmp_path, build(tensors=[("a", shape, 0, 0)]), rule)


def test_a_dimension_of_zero_is_refused(tmp_path):
    refused(tmp_path, build(tensors=[("a", [8, 0], 0, 0)]), "dimensions are above 0")


def test_a_product_of_dimensions_that_wraps_is_refused(tmp_path):
    for shape in ([2**32, 2**32], [2**63, 2], [2**16, 2**16, 2**16, 2**16]):
        refused(tmp_path, build(tensors=[("a", shape, 0, 0)]), "their product below 2\\^63")


def test_a_byte_size_that_would_wrap_is_only_truncated(tmp_path):
    refused(tmp_path, build(tensors=[("a", [2**61], 0, 0)]), "truncated: tensor 'a'")


def test_an_unknown_tensor_type_is_refused(tmp_path):
    for code in (4, 31, 10_000):
        refused(tmp_path, build(tensors=[("a", [32], code, 0)]), f"unknown type {code}")


def test_rows_that_are_no_whole_blocks_are_refused(tmp_path):
    refused(tmp_path, build(tensors=[("a", [33, 32], 8, 0)]), "no whole blocks of Q8_0")


def test_an_alignment_that_is_no_power_of_two_or_too_large_is_refused(tmp_path):
    for alignment in (0, 24, 1 << 21):
        data = build(with_values(("general.alignment", U32, alignment)))
        refused(tmp_path, data, f"alignment {alignment}")


def test_another_alignment_is_followed(tmp_path):
    values = with_values(("general.alignment", U32, 64))
    header = read(tmp_path, build(values, alignment=64))
    assert header.data_offset % 64 == 0


def test_an_offset_that_is_not_aligned_is_refused(tmp_path):
    refused(tmp_path, build(tensors=[TENSORS[0], ("b", [8], 0, 130)]), "offset 130 is not aligned")


def test_tensors_that_overlap_leave_a_hole_or_descend_are_refused(tmp_path):
    for first, second in ((0, 96), (0, 160), (64, 0)):
        tensors = [("a", [8, 4], 0, first), ("b", [8], 0, second)]
        refused(tmp_path, build(tensors=tensors, data=512), "overlap, leave a hole or do not asc")


def test_a_truncated_file_is_refused(tmp_path):
    data = build()
    refused(tmp_path, data[:-1], "truncated: tensor 'output.weight' ends at")


def test_every_truncation_is_refused(tmp_path):
    data = build()
    for length in range(0, len(data), 3):
        with pytest.raises(HeaderError):
            read(tmp_path, data[:length])


def test_a_file_that_is_no_language_model_is_refused(tmp_path):
    for missing, rule in (
        ("general.architecture", "general.architecture is missing"),
        ("llama.context_length", "llama.context_length is 0: no language model"),
        ("tokenizer.ggml.tokens", "tokenizer.ggml.tokens is missing"),
    ):
        values = [entry for entry in KEY_VALUES if entry[0] != missing]
        refused(tmp_path, build(values), rule)


def test_vocabulary_arrays_of_other_lengths_are_refused(tmp_path):
    data = build(with_values(("tokenizer.ggml.scores", ARRAY, (F32, [0.0] * 3))))
    refused(tmp_path, data, "scores does not match 4 tokens")


def test_a_special_token_outside_the_vocabulary_is_refused(tmp_path):
    data = build(with_values(("tokenizer.ggml.eos_token_id", U32, 4)))
    refused(tmp_path, data, "eos_token_id is 4, outside the vocabulary of 4")


def test_known_keys_of_another_type_are_refused(tmp_path):
    for entry, rule in (
        (("general.name", U32, 1), "general.name is not a string"),
        (("llama.context_length", STRING, "64"), "context_length is not an integer"),
        (("tokenizer.ggml.add_bos_token", U64, 1), "add_bos_token is not a bool"),
    ):
        refused(tmp_path, build(with_values(entry)), rule)


def test_a_huge_sparse_file_is_read_in_no_time(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(build(tensors=[("a", [2**33], 0, 0)]))
    os.truncate(path, 2**36)
    start = time.perf_counter()
    assert read_gguf(path).tensor_bytes == 2**35
    assert time.perf_counter() - start < 1


MUTATION = st.one_of(
    st.tuples(st.just("flip"), st.integers(0, 10_000), st.integers(1, 255)),
    st.tuples(st.just("cut"), st.integers(0, 10_000), st.just(0)),
    st.tuples(st.just("splice"), st.integers(0, 10_000), st.integers(0, 10_000)),
    st.tuples(st.just("u64"), st.integers(0, 10_000), st.integers(0, 2**64 - 1)),
)


def mutate(data: bytes, mutations: list[tuple[str, int, int]]) -> bytes:
    changed = bytearray(data)
    for how, at, extra in mutations:
        place = at % (len(changed) + 1)
        if how == "flip" and changed:
            changed[at % len(changed)] ^= extra
        elif how == "cut":
            del changed[place:]
        elif how == "splice":
            changed[place:place] = data[extra % len(data) :][:64]
        elif how == "u64":
            changed[place : place + 8] = struct.pack("<Q", extra)
    return bytes(changed)


@settings(max_examples=300, deadline=1000)
@given(mutations=st.lists(MUTATION, min_size=1, max_size=4))
def test_any_mutation_returns_a_header_or_is_refused(tmp_path_factory, mutations):
    path = tmp_path_factory.getbasetemp() / "mutated.gguf"
    path.write_bytes(mutate(build(), mutations))
    try:
        header = read_gguf(path)
    except HeaderError:
        return
    assert header.data_offset + header.tensor_bytes <= header.size


def test_block_sizes_are_those_of_llama_cpp():
    llama_cpp = pytest.importorskip("llama_cpp.llama_cpp")
    library = llama_cpp._lib
    library.ggml_type_name.restype = ctypes.c_char_p
    library.ggml_type_size.restype = ctypes.c_size_t
    library.ggml_blck_size.restype = ctypes.c_int64
    stored = {
        code: (library.ggml_blck_size(code), library.ggml_type_size(code))
        for code in range(llama_cpp.GGML_TYPE_COUNT)
    }
    assert {code: (layout.block, layout.size) for code, layout in TENSOR_TYPES.items()} == {
        code: sizes for code, sizes in stored.items() if sizes[0]
    }
    for code, layout in TENSOR_TYPES.items():
        assert library.ggml_type_name(code).decode().upper() == layout.name


@pytest.mark.model
def test_the_real_model_reads_as_the_gguf_package_reads_it():
    default = Path(user_data_dir("strop")) / "models/smollm2-135m/serving.gguf"
    path = Path(os.environ.get("STROP_TEST_MODEL", default))
    if not path.is_file():
        pytest.skip(f"no model at {path}: `strop models pull smollm2-135m`")
    gguf = pytest.importorskip("gguf")
    header, reader = read_gguf(path), gguf.GGUFReader(path)
    assert header.data_offset == reader.data_offset
    assert header.vocabulary == len(reader.fields["tokenizer.ggml.tokens"].data)
    assert header.chat_template == reader.fields["tokenizer.chat_template"].contents()
    assert [
        (tensor.name, tensor.shape, tensor.kind, tensor.offset + header.data_offset, tensor.size)
        for tensor in header.tensors
    ] == [
        (
            tensor.name,
            tuple(tensor.shape),
            tensor.tensor_type.name,
            tensor.data_offset,
            tensor.n_bytes,
        )
        for tensor in reader.tensors
    ]
