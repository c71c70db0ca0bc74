"""The benchmarks run: what they print is read by people, and would be missed too late."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parents[2] / "bench"


def test_the_benchmark_of_the_index_drives_the_store_and_makes_no_mistake() -> None:
    done = subprocess.run(
        [sys.executable, BENCH / "dedup.py", "--sizes", "0.01", "--articles", "100", "--stores", "sqlite"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "sqlite" in done.stdout
    assert "mistaken" not in done.stdout
