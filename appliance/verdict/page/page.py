"""A verdict as one page of HTML that needs no script and no network; its figures are in line."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from importlib.resources import files
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from appliance import __version__
from appliance.statistics.metrics import NAMES
from appliance.text import printable
from appliance.verdict.page import figures
from appliance.verdict.page.heat import heat
from appliance.verdict.page.methods import methods
from appliance.verdict.report import tables, words
from appliance.verdict.report.report import Report

MOST_FLIPS = 25
"""The number of changed cases that are shown of each kind."""


def page(report: Report) -> str:
    """Returns the whole document. Text out of rows and prompts is escaped twice: as HTML, and where
    a character is not visible by its escape sequence."""
    environment = SandboxedEnvironment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = _template("page.css")
    return environment.get_template("page.html").render(
        r=report,
        css=Markup(css),
        policy=_policy(css),
        version=__version__,
        most_flips=MOST_FLIPS,
        **_shown(report),
    )


def _shown(report: Report) -> dict[str, Any]:
    moods = {"better": "better", "worse": "worse"}
    sides = [("Seed", report.prompts.seed), ("Best", report.prompts.best)]
    return {
        "metric": NAMES[report.metric],
        "mood": moods.get(report.words, ""),
        "at": f"{datetime.fromisoformat(report.at):%d %B %Y, %H:%M %Z}",
        "headline": words.headline(report),
        "facts": words.facts(report, report.look, report.ranked),
        "asides": list(filter(None, (words.directions(report), words.multiple(report)))),
        "reliability": words.reliability(report),
        "separation": words.separation(report),
        "alike": words.alike(report),
        "dots": _dots(report),
        "leaks": words.leaks(report),
        "learnt": words.learnt(report),
        "methods": methods(report),
        "prompts": sides[:1] if report.stands else sides,
        "labels_left_out": max(sum(row.n > 0 for row in report.labels) - figures.MOST_LABELS, 0),
        "heat": heat(report.matrix) if report.matrix else [],
        "tables": {
            "figures": tables.figures(report),
            "labels": tables.labels(report),
            "types": tables.types(report),
            "parts": tables.parts(report),
        },
        "svg": {
            "sides": figures.values(report),
            "gain": "" if report.stands else figures.gain(report),
            "labels": figures.by_label(report.labels),
            "calibration": figures.calibration(report.reliability) if report.reliability else "",
            "coverage": figures.coverage(report.reliability) if report.reliability else "",
        },
    }


def _dots(report: Report) -> str:
    """The number of answers that a dot of the reliability diagram stands for, as a range."""
    counts = [b.n for b in report.reliability.bins] if report.reliability else [0]
    least, most = min(counts), max(counts)
    return str(least) if least == most else f"{least} to {most}"


def _template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _policy(css: str) -> str:
    """The content security policy: a browser may load and run nothing but this style sheet."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _visible(value: Any) -> Any:
    """Escapes the invisible characters of each line; markup stays as it is."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(map(printable, value.split("\n")))
