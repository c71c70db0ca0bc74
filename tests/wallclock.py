"""A wall clock that a test sets under a running process; its monotonic clock, and those of files, are true."""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "faults" / "wallclock.c"


def missing() -> str | None:
    """Why there can be none; None where there can."""
    return None if shutil.which("cc") else "a C compiler is missing: apt-get install gcc libc6-dev"


class WallClock:
    """The wall clock of every process that is started with ``environment``."""

    def __init__(self, directory: Path) -> None:
        library, self._file = directory / "wallclock.so", directory / "wallclock"
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, SOURCE], check=True, timeout=60)
        self.environment = {"LD_PRELOAD": str(library), "WALLCLOCK_FILE": str(self._file)}
        self.set(0)

    def set(self, ahead: int) -> None:
        """Set the clock so many seconds ahead of the true one."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{ahead}\n", encoding="ascii")
        draft.replace(self._file)
