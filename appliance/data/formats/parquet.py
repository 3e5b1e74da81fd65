"""Reads Parquet files, and folders that Hugging Face's ``save_to_disk`` wrote, through pyarrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from os import SEEK_END
from pathlib import Path
from typing import Any

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.decoding import decode, in_words
from appliance.data.formats.features import plain
from appliance.data.formats.text import Placed
from appliance.data.paths import flat
from appliance.files import refused
from appliance.text import printable, quoted

LAYOUT = "it has to be a .parquet file, or a folder that save_to_disk wrote"
MAGIC = b"PAR1"
"""How a Parquet file begins and ends."""

ROWS = 256
"""Rows turned into Python values at once."""

NO_DATA = (ValueError, OverflowError, RecursionError)
"""The errors raised by values that Python cannot hold."""


class _File(msgspec.Struct, frozen=True):
    filename: str


class _State(msgspec.Struct, frozen=True):
    files: list[_File] = msgspec.field(name="_data_files")
    indices: list[_File] | None = msgspec.field(name="_indices_data_files", default=None)


class _Info(msgspec.Struct, frozen=True):
    features: dict[str, Any] | None = None


class _Kept(msgspec.Struct, frozen=True):
    """What ``datasets`` keeps in a Parquet file's own metadata."""

    info: _Info = _Info()


class _Splits(msgspec.Struct, frozen=True):
    splits: list[str]


def rows(path: Path, problems: Problems, split: str | None = None) -> Iterator[Placed]:
    """Yields rows by the file's own columns; a field of a struct is called "struct.field".

    ``split`` names one split of a folder that holds several. No code in the data is ever run:
    pickled objects and Python extension types are not read. Raises InputError where pyarrow is
    missing or the data cannot be read further, maybe after some rows.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise refused(path, "needs pyarrow to be read; install it: pip install pyarrow") from None
    number = 0
    try:
        for batch, features in _batches(path, split):
            _check_names(path, batch.schema.names)
            for start in range(0, batch.num_rows, ROWS):
                part = batch.slice(start, ROWS)
                # Offsets in a damaged file may point outside its memory, and text may not be UTF-8.
                part.validate(full=True)
                for row in part.to_pylist():
                    number += 1
                    try:
                        yield f"row {number}", dict(flat(plain(row, features)))
                    except ValueError as error:
                        problems.add(f"row {number}", str(error))
    except (pa.ArrowException, msgspec.MsgspecError, OSError, *NO_DATA) as error:
        why = in_words(error) if isinstance(error, msgspec.DecodeError) else str(error)
        why = printable(why.partition("\n")[0])
        what = f"cannot be read after row {number}: {why}" if number else f"cannot be read: {why}"
        raise refused(path, f"{what}; {LAYOUT}") from None


def _batches(path: Path, split: str | None) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yields record batches, each with what is known of its columns."""
    if not path.exists():
        raise refused(path, "does not exist; check the path")
    folder = _folder(path, split)
    if folder is None:
        yield from _parquet(path)
        return
    state = decode(folder / "state.json", _State, LAYOUT)
    info = decode(folder / "dataset_info.json", _Info, LAYOUT)
    if state.indices:
        raise refused(path, "is a selection of other rows; save it after flatten_indices()")
    for name in [file.filename for file in state.files]:
        if not _is_inside(folder, name):
            raise refused(path, f"{quoted(name)} of its state.json is missing; copy all of it")
        yield from _stream(folder / name, info.features or {})


def _check_names(path: Path, names: Sequence[str]) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise refused(path, f"two columns are called {quoted(twice[0])}; rename one")


def _folder(path: Path, split: str | None) -> Path | None:
    """The folder with the rows; None where ``path`` is a file."""
    if path.is_dir() and (path / "dataset_dict.json").is_file():
        known = decode(path / "dataset_dict.json", _Splits, LAYOUT).splits
        if split not in known or not _is_inside(path, split):
            has = f"has the splits {', '.join(map(quoted, known))}"
            raise refused(path, f"{has}; name one of them: --split NAME, or give its folder")
        return path / split
    if split is not None:
        raise refused(path, "has no splits to choose from; leave out --split")
    if not path.is_dir():
        return None
    if not (path / "state.json").is_file():
        raise refused(path, f"is a folder without state.json; {LAYOUT}")
    return path


def _is_inside(folder: Path, name: str) -> bool:
    return Path(name).name == name and (folder / name).exists()


def _parquet(path: Path) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    import pyarrow.parquet as pq

    with path.open("rb") as raw:
        start = raw.read(len(MAGIC))
        raw.seek(max(0, raw.seek(0, SEEK_END) - len(MAGIC)))
        if (start, raw.read()) != (MAGIC, MAGIC):
            raise refused(path, f"is no Parquet file, or is cut off; {LAYOUT}")
    with pq.ParquetFile(path, pre_buffer=False) as file:
        metadata = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
        kept = msgspec.json.decode(metadata, type=_Kept)
        for batch in file.iter_batches(batch_size=ROWS):
            yield batch, kept.info.features or {}


def _stream(path: Path, features: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    import pyarrow as pa

    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
        for batch in reader:
            yield batch, features
