"""The command line: stdout is data, stderr is narration, exit codes are a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from appliance.cli import exits
from appliance.cli.doctor.doctor import doctor
from appliance.cli.models.models import models
from appliance.cli.options import example
from appliance.cli.output import Output
from appliance.cli.predict.predict import predict
from appliance.cli.prompts.evaluate import evaluate
from appliance.cli.prompts.prompt import prompt
from appliance.cli.runs.demo import demo
from appliance.cli.runs.replay import replay
from appliance.cli.runs.runs import runs
from appliance.cli.runs.tune import tune
from appliance.cli.task.task import task
from appliance.cli.verdict.verdict import verdict
from models.egress import refuse_network


class Root(click.Group):
    """Turns every way in which a command can end into one message and one exit code."""

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        arguments = list(sys.argv[1:] if args is None else args)
        options = arguments[: arguments.index("--")] if "--" in arguments else arguments
        out = Output("--json" in options)
        extra |= {"obj": out, "standalone_mode": False}
        try:
            sys.exit(super().main(arguments, prog_name or "strop", **extra) or exits.OK)
        except click.exceptions.NoArgsIsHelpError as error:
            out.help(error.format_message(), exits.USAGE)
            sys.exit(exits.USAGE)
        except (Exception, KeyboardInterrupt) as error:
            message, code = exits.explain(error)
            out.error(message, code, exits.details(error))
            sys.exit(code)


@click.group(
    cls=Root,
    invoke_without_command=True,
    epilog=example("strop demo", "strop tune sample --minutes 10 --seed 1", "strop"),
)
@click.version_option(package_name="strop")
@click.pass_context
def strop(context: click.Context) -> None:
    """Sharpens prompts for small local language models, offline.

    Without a command it opens the window.
    """
    if context.invoked_subcommand is not None:
        return
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise click.exceptions.NoArgsIsHelpError(context)
    from tui.app import run

    run()


for command in (demo, tune, runs, verdict, predict, evaluate, prompt, task, models, replay, doctor):
    strop.add_command(command)


def main() -> NoReturn:
    """The ``strop`` command. pip, which alone may use the network, is a process of its own."""
    refuse_network()
    strop.main()
