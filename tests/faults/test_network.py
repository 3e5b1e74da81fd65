"""The processes beside the workers refuse the network too, before they do anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
REFUSED = [f"{way}: NetworkRefused" for way in ("tcp", "udp", "names", "old names")]

# Runs the process's own main, with one of its first steps replaced by attempts to get out.
_PROBE = """
import sys
from scripted import Scripted
import appliance.cli, appliance.run.runner, models.make_child, models.llama.quantise

def look(*_):
    print(*Scripted(None, None).do_network(), sep="\\n")
    sys.exit()

{step} = look
{main}
"""


@pytest.mark.parametrize(
    ("main", "step"),
    [
        ("appliance.run.runner.main()", "appliance.run.runner._locked"),
        ("appliance.cli.main()", "appliance.cli.strop.main"),
        ("models.make_child.main('body', 'a', 'b', 'Q8_0')", "models.llama.quantise.quantise"),
    ],
    ids=["the runner", "the command line", "the maker of bodies and twins"],
)
def test_the_network_is_refused_in(main, step):
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    found = subprocess.run(
        [sys.executable, "-P", "-c", _PROBE.format(main=main, step=step)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.stdout.splitlines() == [*REFUSED, "unix: open"], found.stderr
