"""Columns as in the CoNLL shared tasks: one word and its tag a line, in any of the usual
schemes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import chain, groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from appliance.data.bad_rows import Problems
from appliance.data.formats.lines import TAG_FIRST, has_tags_first
from appliance.data.formats.looks import refuse_json
from appliance.data.formats.tags import checked, row
from appliance.data.formats.text import Placed, chunks, lines
from appliance.files import refused
from appliance.kinds import Kind
from appliance.text import quoted

KIND: Kind = "spans"
NONE: str | None = None
ORIGIN = ""
LICENCE = ""
LAYOUT = (
    "a word and its tag (O, B-TYPE, I-TYPE) on each line, the tag in the last column, and a blank "
    "line after each sentence"
)

Word = tuple[str, str]

_mark = re.compile(r"-DOCSTART-.*|# newdoc\b(?:\s+id\s*=\s*(?P<id>.*\S))?.*")
"""A line that begins a document, maybe with its id."""

_no_word = re.compile(r"\d+[-.]\d+")
"""An id of CoNLL-U that belongs to no word: a range of words, or a word that is not in the text."""

_named_tag = re.compile(r"(?:^|.*\|)NER=([^|]*).*", re.IGNORECASE)
"""The tag in the last column of CoNLL-U, as in "NER=B-person|SpaceAfter=No"."""

CONLL_U = 10
"""The number of columns of CoNLL-U."""


class Columns(NamedTuple):
    """Where the word and its tag stand, from 1. Without ``tag`` it is the last other column."""

    word: int = 1
    tag: int | None = None


class _Document(NamedTuple):
    """A document by its ``number``, from 1, or 0 before the first mark, and its ``id`` if any."""

    number: int = 0
    id: str | None = None


class _Sentence(NamedTuple):
    """The words of a sentence, and the place of the first one."""

    where: str
    words: list[Word]
    document: _Document


def rows(
    path: Path, problems: Problems, word_column: int | None = None, tag_column: int | None = None
) -> Iterator[Placed]:
    """Yields sentences with their entities, grouped by document where several are marked.

    The group is the id of the document, else a hash of its words, so that documents of different
    files have different groups.
    The text is the words joined by spaces. Columns count from 1; without ``word_column`` the first
    one has the words, and without ``tag_column`` the last other one has the tags. Raises
    InputError where both are the same column.
    """
    columns = Columns(word_column or 1, tag_column)
    if columns.word == columns.tag:
        what = f"words and tags cannot both be in column {columns.tag}"
        raise refused(path, f"{what}; give --word-column and --tag-column")
    text = chunks(path, LAYOUT)
    first = next(text)
    refuse_json(path, first)
    if word_column is None and tag_column is None and has_tags_first(first):
        raise refused(path, f"has its tags in the first column; give {TAG_FIRST}")
    headed = _begins_with_mark(first) and not _has_documents(path)
    if headed:
        problems.count("marks of a document that stand at the top for all, and say nothing")
    found = _sentences(chain([first], text), problems, columns)
    for document, sentences in groupby(found, attrgetter("document")):
        if headed or not document.number:
            yield from map(_placed, sentences)
        else:
            yield from _grouped(document, list(map(_placed, sentences)))


def _placed(sentence: _Sentence) -> Placed:
    words, marks = zip(*sentence.words, strict=True)
    return sentence.where, row(words, marks)


def _grouped(document: _Document, placed: list[Placed]) -> Iterator[Placed]:
    """Yields the sentences of a document with their group."""
    texts = "\n".join(str(found["text"]) for _, found in placed)
    name = document.id or hashlib.sha256(texts.encode()).hexdigest()[:12]
    for where, found in placed:
        yield where, {**found, "group": f"document {name}"}


def _begins_with_mark(text: str) -> bool:
    """Whether a document is marked before the first word."""
    for _, line in lines([text]):
        if _mark.fullmatch(line):
            return True
        if line.strip() and not line.startswith("#"):
            return False
    return False


def _has_documents(path: Path) -> bool:
    """Whether several documents are marked: some tools write one mark at the top for all.

    Raises InputError where the file can be read only once.
    """
    if not path.is_file():
        raise refused(path, "can be read only once, as a pipe; save it as a file")
    marks = (line for _, line in lines(chunks(path, LAYOUT)) if _mark.fullmatch(line))
    return len(list(islice(marks, 2))) > 1


def _sentences(text: Iterable[str], problems: Problems, columns: Columns) -> Iterator[_Sentence]:
    block: list[tuple[int, str]] = []
    document = _Document()
    for number, line in chain(lines(text), [(0, "")]):
        mark = _mark.fullmatch(line)
        if not mark and line.strip():
            block.append((number, line.rstrip(" \t")))
            continue
        try:
            if words := _words(block, columns):
                yield _Sentence(f"line {words[0][0]}", [word for _, word in words], document)
        except _WrongLine as error:
            problems.add(f"line {error.number}", str(error))
        block = []
        if mark:
            document = _Document(document.number + 1, mark["id"])


class _WrongLine(Exception):
    """Says what is wrong with the line of this ``number``."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(what)
        self.number = number


def _words(block: list[tuple[int, str]], columns: Columns) -> list[tuple[int, Word]]:
    """The words with the numbers of their lines. Raises _WrongLine.

    A line that begins with "# " is a comment where it has no tag, or where it has no tab and other
    lines have one.
    """
    tabs = any("\t" in line for _, line in block if not line.startswith("# "))
    found: list[tuple[int, Word]] = []
    widths = set()
    for number, line in block:
        commented = line.startswith("# ")
        if commented and tabs and "\t" not in line:
            continue
        cells = line.split("\t") if "\t" in line else re.split(" +", line.lstrip(" "))
        if columns.word > 1 and _no_word.fullmatch(cells[0]):
            continue
        try:
            found.append((number, _word(line, cells, columns)))
        except ValueError as error:
            if not commented:
                raise _WrongLine(number, str(error)) from None
        widths.add(len(cells))
    ids = [word for _, (word, _) in found if not _no_word.fullmatch(word)]
    numbers = [str(number) for number in range(1, len(ids) + 1)]
    if widths == {CONLL_U} and ids and ids == numbers:
        what = "looks like CoNLL-U, whose words are in column 2; give --word-column 2"
        raise _WrongLine(found[0][0], what)
    return found


def _word(line: str, cells: list[str], columns: Columns) -> Word:
    """The word and its tag. Raises ValueError."""
    last = len(cells) - (len(cells) == columns.word)
    at = last if columns.tag is None else columns.tag
    for what, column in (("has no tag in column", at), ("has no word in column", columns.word)):
        if column > len(cells):
            raise ValueError(f"{what} {column}: it has {len(cells)} (it reads {quoted(line)})")
    tag = cells[at - 1].strip(" ") if at else ""
    if not tag:
        what = f"has no tag (it reads {quoted(line)})"
        raise ValueError(f"{what}; write the word, a tab and its tag")
    if "\t" in line and at == len(cells) == CONLL_U:
        named = _named_tag.fullmatch(tag)
        tag = named[1] if named else "O" if tag == "_" or "=" in tag else tag
    word = cells[columns.word - 1]
    if not word:
        raise ValueError("has a tag but no word; remove the line, or write the word")
    return word, checked(tag)
