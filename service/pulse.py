"""Whether the service is alive: the loop beats while it moves, the writer while it writes; on clocks nobody sets."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

BEAT = 0.5
"""Seconds between two beats of the loop."""
JUMP = timedelta(seconds=2)
"""How much the clock must be off of a sudden to have been set: NTP slews it by far less."""


class Pulse:
    """When loop and writer last beat. Read from any thread."""

    def __init__(self) -> None:
        self._loop = self._writer = time.monotonic()

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
