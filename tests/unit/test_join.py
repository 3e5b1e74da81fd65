"""A model in several files becomes one, the same, or nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from families import FAMILIES, write

from models.catalog import Catalog
from models.headers import HeaderError, read_gguf
from models.join import join, parts_of


@pytest.fixture
def parts(tmp_path) -> list[Path]:
    write(tmp_path / "model.gguf", FAMILIES["llama"], each=8)
    return sorted(tmp_path.glob("model-*.gguf"))


@pytest.fixture
def whole(tmp_path) -> Path:
    return write(tmp_path / "whole.gguf", FAMILIES["llama"])


def data_of(path: Path) -> dict[str, bytes]:
    header, content = read_gguf(path), path.read_bytes()
    return {
        tensor.name: content[header.data_offset + tensor.offset :][: tensor.size]
        for tensor in header.tensors
    }


def test_joined_parts_are_the_whole_model(parts, whole, tmp_path):
    assert len(parts) == 3 and parts_of(parts[0]) == parts
    join(parts, tmp_path / "joined.gguf")
    joined, expected = read_gguf(tmp_path / "joined.gguf"), read_gguf(whole)
    assert joined.tensors == expected.tensors and joined.metadata == expected.metadata
    assert data_of(tmp_path / "joined.gguf") == data_of(whole)


def test_a_whole_model_is_its_only_part(whole):
    assert parts_of(whole) == [whole]


def test_the_first_part_imports_all_as_one_file(parts, whole, tmp_path):
    catalog = Catalog(tmp_path / "models")
    model = catalog.add_gguf(parts[0], "split", licence=None, origin="a test")
    served = catalog.path("split") / model.serving
    assert data_of(served) == data_of(whole) and catalog.check("split") == []
    assert served.stat().st_mode & 0o777 == 0o600


def test_another_part_than_the_first_is_refused(parts):
    with pytest.raises(HeaderError, match="part 00002 of 3: give the first one"):
        parts_of(parts[1])


def test_a_part_under_another_name_is_refused(parts, tmp_path):
    renamed = parts[0].rename(tmp_path / "first.gguf")
    with pytest.raises(HeaderError, match="one of 3 parts, but not named"):
        parts_of(renamed)


def test_a_missing_part_is_named(parts, tmp_path):
    parts[2].unlink()
    with pytest.raises(HeaderError, match=r"00003-of-00003\.gguf: missing: the model has 3 parts"):
        parts_of(parts[0])
    catalog = Catalog(tmp_path / "models")
    with pytest.raises(HeaderError):
        catalog.add_gguf(parts[0], "split", licence=None, origin="a test")
    assert catalog.all() == []


def test_parts_in_another_order_or_of_another_model_are_refused(parts, tmp_path):
    with pytest.raises(HeaderError, match="part 3 of 3, not 2"):
        join([parts[0], parts[2], parts[1]], tmp_path / "out.gguf")
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "model.gguf", FAMILIES["qwen3"], each=8)
    shutil.copy(tmp_path / "other" / "model-00003-of-00003.gguf", parts[2])
    with pytest.raises(HeaderError, match="another model"):
        join(parts, tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()


def test_a_truncated_part_is_refused(parts, tmp_path):
    parts[1].write_bytes(parts[1].read_bytes()[:-100])
    with pytest.raises(HeaderError, match="truncated"):
        join(parts, tmp_path / "out.gguf")
