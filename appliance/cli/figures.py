"""Numbers as they are shown: each with its n and its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.scoring.metrics import NAMES
from appliance.verdict import ALPHA, GAIN


def estimate(value: float, low: float, high: float, n: int) -> str:
    return f"{value:.3f} [{low:.3f}, {high:.3f}] (n {n})" if n else "not measured"


def duration(seconds: float) -> str:
    """As m:ss or h:mm:ss."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def verdict(body: Mapping[str, Any]) -> str:
    """A verdict document in words. Where nothing beat the seed there is no gain to show."""
    seed, best = body["seed"], body["best"]
    ends = [f"  measured on {body['model']} as {body['body']}; look {body['look']} at this split"]
    if noise := body.get("noise"):
        ends.insert(
            0,
            f"  of {noise['n']} cases scored twice, in another order, "
            f"{noise['changed']} got another answer; scores differed by up to "
            f"{noise.get('largest', 0.0):g} nats",
        )
    if best["prompt"] == seed["prompt"]:
        stands = f"verdict: {body['words']}: nothing better was found; the seed prompt stands"
        return "\n".join([stands, _side("seed", body), *ends])
    low, high = body["interval"]
    scope = f", {body['scope']}" if body.get("scope") else ""
    counts = f"  at this look p counts below {body.get('alpha', ALPHA):.3g}"
    if power := body.get("power"):
        counts += (
            f"; on as many cases a true gain of {GAIN:g} would be proven {power:.0%} of the time"
        )
    refused = [f"  nothing is claimed: {body['refused']}"] if body.get("refused") else []
    return "\n".join(
        [
            f"verdict: {body['words']}{scope}",
            _side("seed", body),
            _side("best", body),
            f"  gain {body['gain']:+.3f}, 95 % interval [{low:+.3f}, {high:+.3f}], "
            f"n {body['n']} cases of the {body['split']} split; "
            f"{_test(body)}: p = {body['p']:.2g}, {body['wins']} won and {body['losses']} lost",
            *refused,
            counts,
            *ends,
        ]
    )


def _test(body: Mapping[str, Any]) -> str:
    """Whose p it is."""
    from appliance.report.words import TESTS, UNITS

    test = TESTS[body["test"]]
    clusters = body.get("clusters")
    return f"{test}, over {clusters} {UNITS[body['unit']]}" if clusters else test


def _side(name: str, body: Mapping[str, Any]) -> str:
    side = body[name]
    low, high = side["interval"]
    measured = f"{NAMES[body['metric']]} {side['value']:.3f}"
    return (
        f"  {name} prompt  {side['prompt']}  {measured}, "
        f"95 % interval [{low:.3f}, {high:.3f}], n {side['n']}"
    )
