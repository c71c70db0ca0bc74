"""Keeps ``veille run`` going as ``Restart=on-failure`` does: after a failure it is started again, seconds later."""

import signal
import subprocess
import threading
import time
from pathlib import Path

from command import VEILLE, environment

WRONG_SETTINGS = 78
"""Not started again after it, as the unit has it."""


class Supervisor:
    """The daemon, and whoever starts it again; ``with Supervisor(…):``.

    Args:
        directory: Where the catalogue is; what the daemon says goes to the file ``log`` there.
        surroundings: Environment variables that are none of its settings.
        restart: Seconds between an end and the next start.
        settings: Its settings, by their names in lower case.
    """

    def __init__(self, directory: Path, surroundings: dict[str, str], *, restart: float = 2.0, **settings: str) -> None:
        self._directory, self._restart = directory, restart
        self._environment = environment(**settings) | surroundings
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self.ends: list[int] = []
        """The exit codes of those that ended without being asked to."""

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        with self._lock:
            alive = self._process is not None and self._process.poll() is None
            return self._process.pid if alive and self._process else None

    def start(self) -> None:
        """Start, and keep going."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_going)
        self._thread.start()

    def stop(self, seconds: float = 60) -> int:
        """Have it end in good order; returns its exit code."""
        self._stopping.set()
        with self._lock:
            process = self._process
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        if self._thread is not None:
            self._thread.join(seconds)
        if process is not None and process.poll() is None:
            process.kill()
        return process.wait() if process is not None else 0

    def reload(self) -> None:
        """SIGHUP, where there is one to hear it; before it is ready it would end it, as systemd knows."""
        if self.pid is not None and self._is_ready():
            assert self._process is not None
            self._process.send_signal(signal.SIGHUP)

    def _is_ready(self) -> bool:
        """Whether the running one has said that it is watching."""
        return '"watching"' in (self._directory / "log").read_text(encoding="utf-8").rpartition("-- started --")[2]

    def _keep_going(self) -> None:
        while not self._stopping.is_set():
            with (self._directory / "log").open("ab") as log:
                log.write(b"-- started --\n")
                log.flush()
                with self._lock:
                    if self._stopping.is_set():
                        return
                    self._process = subprocess.Popen(
                        [VEILLE, "run"], cwd=self._directory, env=self._environment, stdout=log, stderr=log
                    )
            code = self._process.wait()
            if self._stopping.is_set() or code == 0:
                return
            self.ends.append(code)
            if code == WRONG_SETTINGS:
                return
            time.sleep(self._restart)

    def __enter__(self) -> "Supervisor":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
