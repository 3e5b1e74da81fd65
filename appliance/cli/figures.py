"""Numbers as they are shown: each with its n and its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.verdict import ALPHA, GAIN


def accuracy(value: float, n: int) -> str:
    """With Wilson's interval, from the accuracy over ``n`` cases."""
    if not n:
        return "not measured"
    from appliance.scoring.statistics import wilson

    found = wilson(round(value * n), n)
    return f"{value:.3f} [{found.low:.3f}, {found.high:.3f}] (n {n})"


def duration(seconds: float) -> str:
    """As m:ss or h:mm:ss."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def verdict(body: Mapping[str, Any]) -> str:
    """A verdict document in words. Where nothing beat the seed there is no gain to show."""
    seed, best = body["seed"], body["best"]
    measured = f"  measured on {body['model']} as {body['body']}; look {body['look']} at this split"
    if best["prompt"] == seed["prompt"]:
        return "\n".join(
            [
                f"verdict: {body['words']}: nothing better was found; the seed prompt stands",
                f"  seed prompt  {seed['prompt']}  accuracy {_measured(seed)}",
                measured,
            ]
        )
    low, high = body["interval"]
    counts = f"  at this look p counts below {body.get('alpha', ALPHA):.3g}"
    if power := body.get("power"):
        counts += (
            f"; on as many cases a true gain of {GAIN:g} would be proven {power:.0%} of the time"
        )
    return "\n".join(
        [
            f"verdict: {body['words']}",
            f"  seed prompt  {seed['prompt']}  accuracy {_measured(seed)}",
            f"  best prompt  {best['prompt']}  accuracy {_measured(best)}",
            f"  gain {body['gain']:+.3f}, 95 % interval [{low:+.3f}, {high:+.3f}], "
            f"n {body['n']} cases of the {body['split']} split; "
            f"{_test(body)} p = {body['p']:.2g}, {body['wins']} won and {body['losses']} lost",
            counts,
            measured,
        ]
    )


def _test(body: Mapping[str, Any]) -> str:
    """Whose p it is."""
    if clusters := body.get("clusters"):
        return f"sign-flip over {clusters} {body['unit']}s,"
    return "exact McNemar"


def _measured(side: Mapping[str, Any]) -> str:
    low, high = side["interval"]
    return f"{side['accuracy']:.3f}, 95 % interval [{low:.3f}, {high:.3f}], n {side['n']}"
