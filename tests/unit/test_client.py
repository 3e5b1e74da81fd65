"""What a window does to reach the runner."""

from __future__ import annotations

import os
import stat

from appliance import locations
from appliance.run import client


def test_nobody_else_can_read_the_log_of_the_runner(monkeypatch):
    monkeypatch.setattr(client, "_started", None)
    monkeypatch.setattr(client.subprocess, "Popen", lambda *_, **__: None)
    before = os.umask(0o022)
    try:
        client.wake_runner()
    finally:
        os.umask(before)
    assert stat.S_IMODE(locations.runner_log().stat().st_mode) == 0o600
