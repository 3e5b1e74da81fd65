"""A verdict's page: whole, harmless and by itself, whatever stands in the rows."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import made_verdicts as made
import msgspec
import pytest

from appliance.calibrate.separation import Confused
from appliance.errors import InputError, StropError
from appliance.files import write_whole as write
from appliance.verdict.leaks import Leak
from appliance.verdict.page.file import check
from appliance.verdict.page.page import MOST_FLIPS, page
from appliance.verdict.page.svg import Drawing
from appliance.verdict.report.both import Both
from appliance.verdict.report.labels import Matrix
from appliance.verdict.report.report import Report, Shown

HOSTILE = (
    "<script>alert(1)</script><img src=http://a.example/x onerror=alert(2)>"
    "{{ 7 * 7 }}{% raw %}\"'&\x00\x1b]0;owned\x07\x9b31m\u202e\u200b\u2028"
)
VISIBLE = (r"\x00", r"\x1b]0;owned\x07\x9b31m", r"\u202e\u200b\u2028", "{{ 7 * 7 }}{% raw %}")
VOID = {"meta", "br", "img", "link", "input"}
KINDS = {
    "relation": made.relations,
    "episodes": made.episodes,
    "several": made.topics,
    "spans": made.entities,
    "reading": lambda: made.written("reading"),
    "answer": lambda: made.written("answer"),
}
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


class Read(HTMLParser):
    """A page as a browser reads it: its tags, its text, and whether what opens is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open[-1:] != ["style"] else ""

    def values(self, tag: str, attribute: str) -> list[str | None]:
        return [attributes.get(attribute) for name, attributes in self.tags if name == tag]


def hostile() -> Report:
    """A report in which everything that comes from a file is hostile."""
    found = made.relations()
    flip = msgspec.structs.replace(
        found.won[0], text=HOSTILE, about=HOSTILE, gold=HOSTILE, seed=HOSTILE, best=HOSTILE
    )
    shown = Shown("0" * 16, HOSTILE + "\nsecond line", HOSTILE)
    return msgspec.structs.replace(
        found,
        task=HOSTILE,
        model=HOSTILE,
        prompts=Both(shown, shown),
        labels=tuple(msgspec.structs.replace(row, label=HOSTILE) for row in found.labels),
        confused=(Confused(HOSTILE, HOSTILE, 3),),
        matrix=Matrix((HOSTILE,), (HOSTILE,), ((3,),)),
        won=(flip,),
        lost=(flip,),
        leaks=(Leak("0" * 16, "text", HOSTILE),),
    )


@pytest.fixture(scope="module", params=[*KINDS, "hostile"])
def text(request: pytest.FixtureRequest) -> str:
    return page({**KINDS, "hostile": hostile}[request.param]())


def test_what_opens_is_closed(text: str):
    assert text.startswith("<!DOCTYPE html>")
    assert Read(text).open == []


def test_a_page_loads_nothing_and_runs_nothing(text: str):
    read = Read(text)
    names = {name for name, _ in read.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "a"}
    given = {key for _, attributes in read.tags for key in attributes}
    assert not given & {"src", "href", "xlink:href", "action", "data", "poster", "srcset", "style"}
    assert not [key for key in given if key.startswith("on")]
    assert not re.search(r"url\(|@import|expression", style(text))


def test_the_policy_allows_its_own_style_sheet_alone(text: str):
    (policy,) = [
        value for value in Read(text).values("meta", "content") if "default-src" in (value or "")
    ]
    digest = base64.b64encode(hashlib.sha256(style(text).encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_every_figure_is_xml_with_a_title_and_a_description(text: str):
    drawn = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    ids = []
    for svg in drawn:
        root = ET.fromstring(svg)
        title, description = root.find("title"), root.find("desc")
        assert title is not None and title.text and description is not None and description.text
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        ids += [title.get("id"), description.get("id")]
    assert drawn and len(ids) == len(set(ids))


def test_every_table_has_headings_with_a_scope(text: str):
    scopes = Read(text).values("th", "scope")
    assert scopes and set(scopes) <= {"row", "col"}


def test_hostile_text_is_shown_and_does_nothing():
    text = page(hostile())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
    read = Read(text)
    for shown in (*VISIBLE, "<script>alert(1)</script><img src=http://a.example/x"):
        assert read.text.count(shown) >= 12
    assert "49" not in read.text.partition("Run ")[0]
    assert "\nsecond line" in read.text


def test_the_verdict_comes_first_in_one_sentence():
    found = made.relations()
    text = page(found)
    assert text.index("No gain is proven: accuracy 0.550 against 0.446") < text.index("<svg")
    better = page(msgspec.structs.replace(found, better=True, words="better"))
    assert '<p class="headline better">' in better


@pytest.mark.parametrize(
    ("kind", "headings"),
    [
        ("relation", ["By label", "takes for what", "How far its probabilities", "Leak check"]),
        ("episodes", ["By sampled file", "By label", "Cases that changed"]),
        ("several", ["By label", "most frequent errors"]),
        ("spans", ["By type", "The prompts"]),
        ("reading", ["exact match", "token F1"]),
        ("answer", ["answers in which nothing could be found"]),
    ],
)
def test_a_kind_of_task_has_its_sections(kind: str, headings: list[str]):
    text = page(KINDS[kind]())
    assert [heading for heading in headings if heading not in text] == []
    assert ("By label" in text) == (kind in ("relation", "episodes", "several"))


def test_methods_that_no_figure_needs_are_not_told():
    shown = page(made.written("answer"))
    assert "exact McNemar" in shown and "Wilson" in shown
    assert "Guo et al." not in shown and "bootstrap" not in shown


def test_an_interval_s_method_is_named_where_cases_belong_together():
    apart, together = page(made.written("answer")), page(made.written("answer", grouped=True))
    assert "Newcombe" in apart and "BCa bootstrap" not in apart
    assert "BCa bootstrap" in together and "Newcombe" not in together
    assert "Here some belong together" in together and "Here some belong together" not in apart
    assert "sign-flip test" in together and "A randomisation test" in page(made.episodes())


def test_a_page_says_when_there_is_no_gain_to_show():
    found = made.relations()
    stands = page(msgspec.structs.replace(found, best=found.seed))
    assert "so the seed prompt stands" in stands
    assert 'class="figure gain"' not in stands and "Cases that changed" not in stands


def test_a_verdict_without_answers_has_a_page():
    judged = msgspec.structs.replace(made.relations(), answers=())
    bare = {"accuracy": None, "micro": None, "macro_f1": None, "labels": (), "matrix": None}
    bare |= {"confused": (), "reliability": None, "won": (), "lost": ()}
    assert "By label" not in page(msgspec.structs.replace(judged, **bare))


def test_changed_cases_beyond_the_first_are_counted():
    found = made.relations()
    assert f"And {len(found.won) - MOST_FLIPS} more:" in page(found)


def test_text_in_a_figure_is_escaped_once():
    drawing = Drawing("x", 10, 10, "<&", "d")
    drawing.text((0, 0), "a<b\x1b")
    assert "&lt;&amp;" in drawing.markup() and r"a&lt;b\x1b" in drawing.markup()


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
@pytest.mark.parametrize("make", [made.relations, hostile], ids=["relation", "hostile"])
def test_a_browser_has_nothing_to_complain_about(tmp_path: Path, make):
    file = tmp_path / "verdict.html"
    file.write_text(page(make()), encoding="utf-8")
    assert BROWSER is not None
    done = subprocess.run(
        [
            BROWSER,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            f"--user-data-dir={tmp_path / 'browser'}",
            *("--enable-logging=stderr", "--dump-dom", file.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "How these figures are computed" in done.stdout
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert done.stdout.count("<h2>") == file.read_text(encoding="utf-8").count("<h2>")


def test_a_page_is_written_for_its_owner_alone(tmp_path: Path):
    file = tmp_path / "verdict.html"
    check(file, force=False)
    write(file, "first")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    write(file, "second")
    assert file.read_text() == "second" and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "force", "message"),
    [
        ("here.html", False, "is there already; write over it with --force"),
        ("folder", True, "is a folder; name the file in it"),
        ("nowhere/verdict.html", False, "its folder does not exist; make it"),
        ("pipe", True, "is no ordinary file; name another one"),
    ],
)
def test_a_place_that_cannot_take_a_page_is_refused(
    tmp_path: Path, name: str, force: bool, message: str
):
    (tmp_path / "here.html").write_text("mine")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=re.escape(message)):
        check(tmp_path / name, force)
    assert (tmp_path / "here.html").read_text() == "mine"


def test_a_file_that_is_to_be_written_over_is_taken(tmp_path: Path):
    (tmp_path / "here.html").write_text("mine")
    check(tmp_path / "here.html", force=True)


def test_a_folder_that_refuses_a_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "x")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(StropError, match=r"cannot be written \(Permission denied\); choose a fol"):
        write(tmp_path / "verdict.html", "text")


def test_a_page_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch):
    file = tmp_path / "verdict.html"
    file.write_text("mine")

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StropError, match="Input/output error"):
        write(file, "text")
    assert file.read_text() == "mine" and list(tmp_path.iterdir()) == [file]


def style(text: str) -> str:
    return text.partition("<style>")[2].partition("</style>")[0]
