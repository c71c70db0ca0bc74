"""How many requests are under way at once, over all hosts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

SLOW = 2.0
"""Seconds after which a request counts as slow."""
SLOW_SHARE = 8
"""How many times as many requests may be under way, slow ones included: each costs a connection and what has come."""


class Slots:
    """Hands out slots, inside one event loop, first come, first served.

    A slow request gives its slot to another before it ends: hosts that do not answer must not use up the slots of those
    that do. While too much of what was fetched waits to be read, no slot is given out: a slow reader or disk slows the
    network down instead of filling the memory.

    Args:
        count: Requests under way at once, slow ones not counted.
        kept_bodies: How many bodies may wait to be read before that.
        kept_bytes: How many bytes they may hold together.
    """

    def __init__(self, count: int, *, kept_bodies: int = 64, kept_bytes: int = 64_000_000) -> None:
        self._quick = asyncio.Semaphore(count)
        self._all = asyncio.Semaphore(count * SLOW_SHARE)
        self._most = kept_bodies, kept_bytes
        self.under_way = 0
        """Requests that have a slot, slow ones included."""
        self._kept = 0, 0
        self._has_room = asyncio.Event()
        self._has_room.set()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a slot, and keep it for the length of the block or until that has become slow."""
        async with self._all:
            await self._acquire()
            held = True
            self.under_way += 1

            def give_back() -> None:
                nonlocal held
                if held:
                    held = False
                    self._quick.release()

            slow = asyncio.get_running_loop().call_later(SLOW, give_back)
            try:
                yield
            finally:
                self.under_way -= 1
                slow.cancel()
                give_back()

    @property
    def waiting(self) -> tuple[int, int]:
        """How many bodies wait to be read, or are being read, and the bytes they hold together."""
        return self._kept

    @contextmanager
    def kept(self, size: int) -> Iterator[None]:
        """Within it, a body of ``size`` bytes waits to be read, or is being read."""
        self._count(1, size)
        try:
            yield
        finally:
            self._count(-1, -size)

    async def room(self) -> None:
        """Wait until not too much waits to be read."""
        await self._has_room.wait()

    async def _acquire(self) -> None:
        await self._quick.acquire()
        while not self._has_room.is_set():  # who had to wait for the one looks again whether the other still holds
            self._quick.release()
            await self._has_room.wait()
            await self._quick.acquire()

    def _count(self, bodies: int, size: int) -> None:
        self._kept = self._kept[0] + bodies, self._kept[1] + size
        if self._kept[0] < self._most[0] and self._kept[1] < self._most[1]:
            self._has_room.set()
        else:
            self._has_room.clear()
