"""A report in sentences, for a reader who does not know how it was made."""

from __future__ import annotations

from appliance.statistics.clusters import Unit
from appliance.statistics.metrics import NAMES
from appliance.statistics.proportions import wilson
from appliance.text import quoted
from appliance.verdict.report.report import Ranked, Report
from appliance.verdict.report.tables import with_interval
from appliance.verdict.verdict import GAIN, Control, Paid, Verdict

UNITS: dict[Unit, str] = {
    "case": "cases",
    "group": "groups of rows",
    "relation": "relations",
    "query": "queries",
}

TESTS = {
    "exact McNemar": "exact McNemar test",
    "sign flip": "sign-flip test",
    "swap": "randomisation test, each case's two results swapped or not",
}


STATES = (
    "The best prompt holds numbers that were computed from rows, private ones too. They are no "
    "text, but somebody who has the model and guesses a row can test whether it was among these "
    "rows: {how}. Keep the prompt where the rows may be."
)
BY_MAP = "with some success where a label has a few rows, with hardly any where it has a hundred"
BY_LIKENESS = "well even where there are a thousand rows"
READINGS = {
    "words": "by their words, as other tools can do too",
    "hidden": "off hidden states by a map that belongs to the prompt: for devices that run Strop",
    "likeness": (
        "by their words and the likeness of hidden states, which belongs to the prompt: for "
        "devices that run Strop"
    ),
}


def headline(report: Report) -> str:
    """Returns the verdict as one sentence."""
    metric, on = NAMES[report.metric], f"on {report.n} cases of the {report.split} split"
    if report.stands:
        found = f"{metric} {with_interval(report.seed)} {on}"
        return f"Nothing better was found, so the seed prompt stands: {found}."
    scope = f" {report.scope}" if report.scope else ""
    measured = f"{metric} {report.best.value:.3f} against {report.seed.value:.3f} {on}"
    if report.refused:
        return f"Nothing is claimed{scope}, since {report.refused} ({measured})."
    if report.better:
        return f"The best prompt is better{scope}: {measured}."
    if report.words == "worse":
        return f"The best prompt is worse{scope}: {measured}."
    return f"No gain is proven{scope}: {measured}."


def facts(found: Verdict, look: int, ranked: Ranked | None) -> list[tuple[str, str]]:
    """Returns what the verdict rests on, as pairs of a name and a sentence. ``ranked`` is None
    where the run's plan is not at hand."""
    measured = f"{NAMES[found.metric]}, on {found.n} cases of the {found.split} split"
    pairs = [("Measured by", measured)]
    if found.clusters:
        together = f"{found.clusters} {UNITS[found.unit]}, each weighed as a whole"
        pairs.append(("Cases that belong together", together))
    if not found.stands:
        pairs += _tested(found, look)
    if found.paid:
        pairs.append(("Labels found less often than before", "; ".join(map(_paid, found.paid))))
    pairs += [(_capital(one.name), _control(one, found)) for one in found.controls]
    if found.reading:
        pairs.append(("How labels are read", READINGS[found.reading]))
    pairs.append(("Model", f"{found.model}, as {found.body}: the very file that serves"))
    if found.noise:
        again = f"of {found.noise.n} cases scored twice, in another order, {found.noise.changed} "
        again += f"got another answer; scores differed by up to {found.noise.largest:g} nats"
        pairs.append(("Engine noise", again))
    if ranked:
        rank = f"{ranked.spearman:.3f} (Spearman, n {ranked.n} label scores)"
        both = f"{ranked.search_body} ranked labels as {found.body} does, at {rank}"
        pairs.append(("The body that searched", both))
    return pairs


def directions(report: Report) -> str:
    """Returns how many errors are of direction alone; "" where no labels come in pairs."""
    if report.direction is None:
        return ""
    seed, best = report.direction.seed, report.direction.best
    return (
        f"Direction: of {best.n} cases whose label has an opposite the seed prompt got "
        f"{seed.errors} wrong, {seed.of_direction} of these in direction alone; the best prompt "
        f"got {best.errors} wrong, {best.of_direction} of these in direction alone."
    )


def multiple(report: Report) -> str:
    """Returns how many cases got a yes for several labels; "" where none did."""
    found = report.multiple
    if found is None or not (found.seed or found.best):
        return ""
    return (
        f"Several labels got a yes, which counts as wrong: in {found.seed} of {report.n} cases "
        f"with the seed prompt, in {found.best} with the best one."
    )


def reliability(report: Report) -> str:
    """Returns how far probabilities can be believed; "" where answers have none."""
    found = report.reliability
    if found is None:
        return ""
    kept = found.withheld
    ece = (
        f"Expected calibration error {found.ece.value:.3f}, n {found.n} answers, at a temperature "
        f"of {found.temperature:.3g}; answers whose probabilities are right would show "
        f"{found.ece.expected:.3f}, and at most {found.ece.upper:.3f} in 19 of 20 such tests. "
    )
    if not kept.threshold:
        return f"{ece}No answer is withheld."
    given = f"Answers below a probability of {kept.threshold:.3g} are withheld on a device: "
    given += f"the share {with_interval(kept.coverage)} of {kept.coverage.n} is given"
    if kept.error is None:
        return f"{ece}{given}."
    return f"{ece}{given}, and {with_interval(kept.error)} of these {kept.error.n} are wrong."


def separation(report: Report) -> str:
    """Returns how well the best prompt's states tell the labels apart; "" where it reads none."""
    found = report.separation
    if found is None:
        return ""
    share = wilson(found.right, found.n)
    return (
        f"Of {found.n} tuning and selection rows, each read by a map that was fitted to the "
        f"others, the share {with_interval(share)} is read right."
    )


def alike(report: Report) -> str:
    """Returns what other prompts do that are read as the best one is; "" where there are none."""
    if not report.alike:
        return ""
    each = [
        f"{other.name} {other.value:.3f}, the best prompt {signed(other.gain)} "
        f"[{signed(other.interval[0])}, {signed(other.interval[1])}]"
        for other in report.alike
    ]
    n = report.alike[0].n
    how = (
        "Other prompts whose hidden states are read, by maps that were fitted to tuning rows, have"
        if report.separation
        else "With the likeness of queries to their support, fitted to tuning rows, others have"
    )
    return (
        f"{how} this share of {n} selection rows right, on which the best prompt was chosen: "
        f"{'; '.join(each)}."
    )


def leaks(report: Report) -> str:
    """Returns what the leak check found, and the number of rows that it searched."""
    rows = f"{report.private_rows} rows that may not ship"
    if not report.leaks:
        return f"The best prompt and the labels repeat nothing of {rows}."
    found = len({leak.row for leak in report.leaks})
    return f"The best prompt and the labels repeat something of {found} of {rows}:"


def learnt(report: Report) -> str:
    """Returns what the prompt's map or likeness gives away of the rows that it was fitted to; ""
    where it has neither."""
    best = report.prompts.best
    if not (best.has_map or best.has_likeness):
        return ""
    return STATES.format(how=BY_LIKENESS if best.has_likeness else BY_MAP)


def signed(figure: float, form: str = "+.3f") -> str:
    """Returns the figure with a plus or a true minus sign."""
    return format(figure, form).replace("-", "\N{MINUS SIGN}")


def _tested(found: Verdict, look: int) -> list[tuple[str, str]]:
    low, high = map(signed, found.interval)
    gained = f"{signed(found.gain)}, 95 % interval {low} to {high}; "
    gained += f"{found.wins} cases won, {found.losses} lost"
    proof = f"{TESTS.get(found.test, found.test)}, p = {found.p:.2g}; at this look at the test "
    proof += f"split, number {look}, p counts below {found.alpha:.3g}"
    pairs = [("Gain", gained), ("Test", proof)]
    if found.scope:
        pairs.append(("Scope", f"the verdict holds {found.scope}"))
    if found.refused:
        pairs.append(("Why nothing is claimed", found.refused))
    if found.power is not None:
        power = f"a true gain of {GAIN:g} would be proven {found.power:.0%} of the time "
        pairs.append(("Power", f"{power}on {found.n} cases"))
    return pairs


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _paid(label: Paid) -> str:
    return (
        f"{quoted(label.label)}, {label.after} of its {label.n} cases right instead of "
        f"{label.before} (p = {label.p:.2g})"
    )


def _control(control: Control, found: Verdict) -> str:
    """What a control does, and whether the prompt is worth its model."""
    figure = f"{control.value:.3f} [{control.interval[0]:.3f}, {control.interval[1]:.3f}]"
    low, high = map(signed, control.gain_interval)
    gained = f"the best prompt gains {signed(control.gain)} over it, 95 % interval {low} to {high}"
    doubt = "; that is no proven gain: such a prompt may not be worth its model"
    worth = "" if control.is_beaten(found.alpha) else doubt
    from_rows = f", learnt from {control.learnt:,} rows" if control.learnt else ""
    if control.learnt < control.rows:
        from_rows += f" of {control.rows:,}"
    figure += from_rows
    return f"{figure}, on the same {control.n} cases; {gained}, p = {control.p:.2g}{worth}"
