"""``strop doctor``: says whether this machine is fit for the work, and what to do if not."""

from __future__ import annotations

import click
import msgspec

from appliance.cli import exits
from appliance.cli.doctor import checks
from appliance.cli.options import example, json_option
from appliance.cli.output import Output, columns


@click.command(epilog=example("strop doctor", "strop doctor --json"))
@json_option
@click.pass_context
def doctor(context: click.Context) -> None:
    """Say whether this machine is fit, and what to do if not."""
    out: Output = context.obj
    found = checks.all()
    failed = [check for check in found if check.state == "fail"]
    rows = [(check.state, check.name, check.detail) for check in found]
    out.result(
        "strop/doctor/1",
        {"ok": not failed, "checks": [msgspec.to_builtins(check) for check in found]},
        columns(("state", "check", "found"), rows),
    )
    for check in found:
        if check.remedy:
            out.say(f"{check.state}: {check.name}: {check.remedy}")
    if failed:
        context.exit(exits.FAILED)
