"""The units under a systemd of their own, in a container; ``make test-systemd`` prints the same line by line."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from systemd.__main__ import CANNOT

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_the_units_hold_what_they_promise_under_systemd(record_property: Callable[[str, object], None]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "systemd"], cwd=TESTS, capture_output=True, text=True, timeout=400, check=False
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip().splitlines()[-1])
    for line in done.stdout.splitlines():
        record_property("measured", line)
    assert done.returncode == 0, done.stdout + done.stderr
