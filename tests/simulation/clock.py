"""A clock that is moved by hand."""

import time
from datetime import datetime


class Clock:
    """Calling it tells the time; it stands still until moved. Safe to read from any thread."""

    def __init__(self, start: datetime) -> None:
        self._start = self._now = start
        self._moved = time.monotonic()
        self._told = 0.0

    def __call__(self) -> datetime:
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Let it be ``moment``; never goes back."""
        self._now = max(self._now, moment)
        self._moved = time.monotonic()

    def monotonic(self) -> float:
        """Seconds since the start; never goes back.

        It goes on by itself between two moves, or who waits by it for a moment would wait for good.
        """
        seconds = (self._now - self._start).total_seconds() + time.monotonic() - self._moved
        self._told = max(self._told, seconds)
        return self._told
