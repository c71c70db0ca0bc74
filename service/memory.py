"""What is remembered of the sites asked: kept in the store, or until a command ends that must leave no trace."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from service.net.robots import RobotsCache
from service.offload import OneThread
from storage.model import RobotsFile
from storage.store import Store

Clock = Callable[[], datetime]
"""The time now, aware."""


class Memory(RobotsCache, Protocol):
    """What is remembered of the sites asked: their robots.txt files, and which of them asked for silence."""

    @property
    def holds(self) -> Mapping[str, float]:
        """Hosts that have asked for silence, and for how many seconds from now."""

    async def hold(self, host: str, seconds: float) -> None:
        """Remember that ``host`` asks for silence."""


class StoredMemory:
    """Kept in the store: a restart asks no site again before its time."""

    def __init__(self, store: Store, thread: OneThread, holds: Mapping[str, datetime], clock: Clock) -> None:
        self._store = store
        self._thread = thread
        self._clock = clock
        self.holds = _seconds_left(holds, clock())

    async def load(self, origin: str) -> RobotsFile | None:
        """The robots.txt as last saved."""
        return await self._thread(self._store.robots, origin)

    async def save(self, file: RobotsFile) -> None:
        """Keep a robots.txt."""
        await self._thread(self._store.save_robots, file)

    async def hold(self, host: str, seconds: float) -> None:
        """Keep a host's wish for silence."""
        await self._thread(self._store.hold, host, self._clock() + timedelta(seconds=seconds))


class PassingMemory:
    """Kept until the command ends, for one that must leave no trace."""

    def __init__(self, holds: Mapping[str, datetime], clock: Clock) -> None:
        self._files: dict[str, RobotsFile] = {}
        self.holds = _seconds_left(holds, clock())

    async def load(self, origin: str) -> RobotsFile | None:
        """The robots.txt as last saved."""
        return self._files.get(origin)

    async def save(self, file: RobotsFile) -> None:
        """Keep a robots.txt."""
        self._files[file.origin] = file

    async def hold(self, host: str, seconds: float) -> None:
        """Nothing to do: the hosts in use know."""


def _seconds_left(holds: Mapping[str, datetime], now: datetime) -> dict[str, float]:
    return {host: (until - now).total_seconds() for host, until in holds.items()}
