"""``python -m systemd [--skip CHECK]``: builds the wheel, boots a machine, prints a line for each check."""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from systemd.machine import Machine, UnableError, obstacle
from systemd.trial import CHECKS, report

ROOT = Path(__file__).resolve().parents[2]
CANNOT = 77
"""Exit code where no container can be had; test suites take it for a skip."""


def main() -> int:
    """Returns 0 where all is well, 1 where a check failed, 77 where none could be made."""
    parser = argparse.ArgumentParser(prog="python -m systemd", description="The units under a systemd of their own.")
    names = [check.__name__ for check in CHECKS]
    parser.add_argument("--skip", action="append", default=[], choices=names, help="leave out a check")
    skip = frozenset(parser.parse_args().skip)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleared away then too
    began = time.monotonic()
    try:
        if reason := obstacle():
            raise UnableError(reason)
        with tempfile.TemporaryDirectory() as work, Machine(_wheel(Path(work)), ROOT / "deploy") as machine:
            _say(f"booted {time.monotonic() - began:6.1f} s  {machine.run('systemctl', '--version').splitlines()[0]}")
            failed = report(machine, _say, skip)
    except UnableError as error:
        _say(f"cannot be tried here: {error}")
        return CANNOT
    _say(f"{failed} failed, {time.monotonic() - began:.0f} s in all")
    return 1 if failed else 0


def _wheel(work: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", work, ROOT],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return next(work.glob("*.whl"))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
