"""Whether the service is alive: the loop beats while it moves, the writer while it writes; on clocks nobody sets."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from service.settings import Settings
from service.units import format_size
from storage.lock import LOCK_NAME

BEAT = 0.5
"""Seconds between two beats of the loop."""
STILL, SILENT = 15.0, 90.0
"""Seconds without a beat after which the loop stands still, and the writer is silent: that beats twice a minute."""
JUMP = timedelta(seconds=2)
"""How much the clock must be off of a sudden to have been set: NTP slews it by far less."""


class Pulse:
    """When loop and writer last beat. Read from any thread."""

    def __init__(self) -> None:
        self._loop = self._writer = time.monotonic()
        self.work = 0.0
        """Seconds for which the runner has been at one and the same step, as of the last beat of the loop."""

    @property
    def loop(self) -> float:
        """Seconds since the loop last moved."""
        return time.monotonic() - self._loop

    @property
    def writer(self) -> float:
        """Seconds since something was last written, and has reached the disk."""
        return time.monotonic() - self._writer

    async def beat(self, on_beat: Callable[[], None]) -> None:
        """Beat for the loop, until cancelled."""
        while True:
            self._loop = time.monotonic()
            on_beat()
            await asyncio.sleep(BEAT)

    async def write(self, write: Callable[[], Awaitable[None]], every: float) -> None:
        """Beat for the writer: have it ``write`` every so many seconds, until cancelled. Raises what it raises."""
        while True:
            await write()
            self._writer = time.monotonic()
            await asyncio.sleep(every)


class ClockWatch:
    """Tells when the clock was set, against one that runs on while the machine sleeps and that nobody can set."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._before = self._both()

    def jump(self) -> timedelta:
        """By how much the clock was set since the last call; zero where it was not."""
        (wall, steady), self._before = self._before, self._both()
        off = (self._before[0] - wall) - timedelta(seconds=self._before[1] - steady)
        return off if abs(off) >= JUMP else timedelta(0)

    def _both(self) -> tuple[datetime, float]:
        return self._clock(), time.clock_gettime(time.CLOCK_BOOTTIME)


class Judge:
    """Says what is wrong with a service that runs, for its probes; from any thread."""

    def __init__(self, pulse: Pulse, settings: Settings) -> None:
        self._pulse = pulse
        self._settings = settings
        self._lock = _identity(settings.data_dir)

    def healthy(self) -> list[str]:
        """Why it should be started anew."""
        if self._pulse.loop > STILL:
            return [f"the event loop has not moved for {self._pulse.loop:.0f} s"]
        return []

    def ready(self) -> list[str]:
        """Why it cannot archive now."""
        directory, least = self._settings.data_dir, self._settings.min_free
        reasons = self.healthy()
        if self._pulse.writer > SILENT:
            reasons.append(f"nothing could be written for {self._pulse.writer:.0f} s")
        if self._pulse.work > SILENT:
            reasons.append(f"the archive has been at one batch, or at what is pending, for {self._pulse.work:.0f} s")
        if _identity(directory) != self._lock:
            return [*reasons, f"the data directory {directory} is gone, or another than the one that is locked"]
        free = shutil.disk_usage(directory).free
        if free < least:
            reasons.append(f"{format_size(free)} left on the disk, less than VEILLE_MIN_FREE={format_size(least)}")
        return reasons


def _identity(directory: Path) -> tuple[int, int] | None:
    """Which file the lock is, whatever its path; None where there is none."""
    try:
        file = (directory / LOCK_NAME).stat()
    except OSError:
        return None
    return file.st_dev, file.st_ino
