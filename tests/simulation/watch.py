"""The polling side of the real service over a world, jumping from one due time to the next.

Runner, poller, fetcher, robots.txt, parsing workers and database are the service's own, put together as
``service.app`` does but for their clock. Only the archiving has nothing to do: no story's page is fetched.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from service.articles.workers import Workers
from service.events import Event
from service.feeds.cadence import Limits
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.robots import Robots
from service.offload import OneThread
from service.pipeline import Pipeline
from service.polling import Poller
from service.runner import Runner
from simulation.clock import Clock
from simulation.world import World
from storage.database import open_database
from storage.model import Health, RobotsFile
from storage.store import Store

LIMITS = Limits(floor=timedelta(minutes=15), cap=timedelta(hours=24), start=timedelta(minutes=60))
"""The settings' defaults."""
STEP = 30.0
"""Simulated seconds between two looks at what is due."""
TICK = 1.0
"""Real seconds after which to look once more while polls are under way."""


class _Memory:
    """``service.app.StoredMemory`` under another clock."""

    def __init__(self, store: Store, thread: OneThread, clock: Clock) -> None:
        self._store, self._thread, self._clock = store, thread, clock

    async def load(self, origin: str) -> RobotsFile | None:
        return await self._thread(self._store.robots, origin)

    async def save(self, file: RobotsFile) -> None:
        await self._thread(self._store.save_robots, file)

    async def holds(self) -> dict[str, float]:
        now = self._clock()
        return {host: (until - now).total_seconds() for host, until in (await self._thread(self._store.holds)).items()}

    async def hold(self, host: str, seconds: float) -> None:
        await self._thread(self._store.hold, host, self._clock() + timedelta(seconds=seconds))


class _NoPages:
    """In the archivist's place: no entry's page is ever due."""

    async def pending_hosts(self) -> Sequence[str]:
        return ()


class Watch:
    """A runner that is driven by a simulated clock."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.polls = 0
        self.runner: Runner
        self._world = world
        self._clock = clock
        self._left = 0
        self._done = asyncio.Event()

    def listen(self, _: Event) -> None:
        """Hear of a poll's end."""
        self.polls += 1
        self._left -= 1
        if not self._left:
            self._done.set()

    async def until(self, moment: datetime) -> None:
        """Poll whatever becomes due before ``moment``, and let it be that moment."""
        while (due := self._next_due()) is not None and due < moment:
            late = -(due - self._world.start).total_seconds() % STEP
            self._clock.move_to(max(due + timedelta(seconds=late), self._clock()))
            self._left = len(self.runner.due())
            if not self._left:  # a silence (skipHours, skipDays) has begun since
                self._clock.move_to(self._clock() + timedelta(seconds=STEP))
                continue
            self._done.clear()
            while not self._done.is_set():  # the daemon looks again, too
                await self.runner.tick()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._done.wait(), TICK)
            await asyncio.sleep(0)  # lanes that have nothing left to do close now
        self._clock.move_to(moment)

    def _next_due(self) -> datetime | None:
        states = [self.runner.states.get(feed.name) for feed in self._world.feeds]
        dues = [
            (state.next_due if state else None) or self._clock()
            for state in states
            if state is None or state.health is not Health.GONE
        ]
        return min(dues, default=None)


@asynccontextmanager
async def watching(world: World, clock: Clock, database: Path, *, workers: int = 1) -> AsyncIterator[Watch]:
    """Within it, the service watches the world's feeds, knowing what the database knows of them."""
    store, thread = open_database(f"sqlite:///{database}"), OneThread("storage")
    memory = _Memory(store, thread, clock)
    fetcher = Fetcher(
        user_agent="veille/week",
        hosts=Hosts(0.0, await memory.holds(), memory.hold, clock=clock.monotonic),
        allowed=[AllowedNetwork.parse("127.0.0.0/8")],
        timeout=10.0,
    )
    parsers = Workers(workers)
    try:
        robots = Robots(fetcher, memory, "veille", clock)
        jitter = random.Random(1).random
        poller = Poller(store, thread, fetcher, robots, parsers, limits=LIMITS, jitter=jitter, clock=clock)
        watch = Watch(world, clock)
        watch.runner = Runner(
            Pipeline(poller, reader=cast("Any", None), archivist=cast("Any", _NoPages())),
            world.feeds,
            dict(await thread(store.feed_states)),
            slots=fetcher.slots,
            clock=clock,
            listen=watch.listen,
        )
        async with watch.runner.serving():
            yield watch
    finally:
        await fetcher.aclose()
        await parsers.stop()
        thread.close()
        store.close()
