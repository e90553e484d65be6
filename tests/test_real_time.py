"""Real time: the mock's own clocks run on in a test that has frozen time, whichever of the two was imported first."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime, timezone

import pytest
from support import plain_environment

SCRIPT = """
import time, freezegun

def look():
    return clock.monotonic(), clock.real_ms(), clock.wall_ms()

{before}
with freezegun.freeze_time("2030-01-01"):
    from mockserver import clock
    from mockserver.sandbox.waiting import Waiting
    first = look()
    Waiting(threads=5).delay("a", 0.05).wait()
    print(*first, *look())
"""
FROZEN_MS = datetime(2030, 1, 1, tzinfo=timezone.utc).timestamp() * 1000


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(
            "",
            id="frozen before the first import",
            marks=pytest.mark.skipif(not hasattr(time, "clock_gettime"), reason="freezegun freezes all that there is"),
        ),
        pytest.param("from mockserver import clock", id="frozen after it"),
        pytest.param("del time.clock_gettime\nfrom mockserver import clock", id="frozen after it, on other systems"),
    ],
)
def test_delays_end_and_limits_count_while_a_test_has_frozen_time(before: str) -> None:
    line = [sys.executable, "-c", SCRIPT.format(before=before)]
    started = time.time() * 1000
    done = subprocess.run(line, env=plain_environment(), capture_output=True, encoding="utf-8", timeout=20)
    assert done.stderr == ""
    monotonic, real, wall, later_monotonic, later_real, later_wall = map(float, done.stdout.split())
    assert 0.05 <= later_monotonic - monotonic < 20
    assert started - 1 <= real < later_real <= time.time() * 1000
    assert wall == later_wall == FROZEN_MS
