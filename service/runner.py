"""What is due, how much at once, back-pressure, draining: one shot or forever.

Per host one lane polls feeds and one lane fetches pages, one after the other where they answer; lanes of different
hosts run side by side. Pages wait for an extraction worker, readings for the archive, and while too many do, no request
begins (``service.net.slots``): a slow disk slows the network down instead of filling the memory.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from service.articles.compose import Draft
from service.batches import Batches
from service.errors import first_of
from service.events import Event, Listener, Load, Tally
from service.feeds import cadence
from service.net.slots import Slots
from service.net.urls import host
from service.pipeline import Pipeline
from service.reading import Ended, Fetched
from storage.model import Feed, FeedState, PendingEntry, Sealed

LANE_WINDOW, ALL_WINDOWS = 20, 2_000
"""Pending entries a lane reads from the store at a time, and about how many all lanes hold together, if each holds one:
an entry can carry a whole text, and there may be thousands of hosts with more waiting than the memory holds."""
LANES_ASKING = 32
"""Lanes that ask the store at once: what the first have been told is begun with before the thousandth has asked. Not
few: while the archive is at something long, they are all that is answered between two steps of it."""
LANE_PATIENCE = 2.0
"""Seconds until a host's next feed is polled beside one without an answer yet; requests take turns all the same."""
LULL, LONGEST_LULL = 2.0, 60.0
"""Seconds without a feed's answer, and in all, after which a one-shot crawl begins with the pages it knows of."""
LOOK_AGAIN = 0.5
"""Seconds until it looks for pages that later answers have brought."""
GRACE = 10.0
"""Seconds in which what is asked for at a stop may still come in; then it is given up, and stays pending."""


class Runner:
    """Runs a pipeline over a catalogue's feeds. Used from one event loop; ``stop`` may be called at any time."""

    def __init__(
        self,
        pipeline: Pipeline,
        feeds: Sequence[Feed],
        states: dict[str, FeedState],
        *,
        slots: Slots,
        clock: Callable[[], datetime],
        listen: Listener,
        calls: Callable[[], int] = int,
    ) -> None:
        self._pipeline = pipeline
        self._feeds = {feed.name: feed for feed in feeds}
        self.states = states
        """The newest state of every feed polled before."""
        self.tally = Tally()
        self._clock = clock
        self._listen = listen
        self._slots = slots
        self._calls = calls
        self._batches = Batches(pipeline.archivist, self._tell, self._on_settled, lambda: len(self._in_flight))
        self._to_poll: dict[str, deque[tuple[Feed, bool]]] = {}
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._polling: dict[str, asyncio.Task[None]] = {}
        self._lanes_asking = asyncio.Semaphore(LANES_ASKING)
        self._opening: asyncio.Task[None] | None = None
        self._asking: float | None = None
        """Since when the store is asked what is pending, by the loop's clock."""
        self._extracting: set[asyncio.Task[None]] = set()
        self._in_flight: dict[int, str] = {}
        """Pending entries that were taken up, by number, and their lanes."""
        self._asked: set[str] = set()
        """Feeds in a queue or being polled, by name: no feed is polled twice at once, whatever its address."""
        self._settled = 0
        self._heard = 0.0
        """When a feed last answered, by the loop's clock."""
        self._stopping = False
        self._group: asyncio.TaskGroup

    # -- the ways to run -----------------------------------------------------------------------------------------------

    async def crawl(self, feeds: Sequence[Feed], *, force: bool = False) -> None:
        """One shot: poll these feeds, then archive everything pending; returns when all of it has settled.

        Raises:
            StorageError: nothing more could be remembered; what was committed stands.
        """
        async with self._working():
            self._poll(feeds, force=force)
            await self._lull()
            settled, polling = -1, True
            # what a lead left to its siblings is due only once that has settled
            while (polling or settled < self._settled) and not self._stopping:
                settled, polling = self._settled, bool(self._polling)
                await self._open_lanes()
                if self._polling:
                    await asyncio.wait(self._polling.values(), timeout=LOOK_AGAIN)
                elif not polling:
                    await _all(self._lanes)
                    await self._drained()

    async def _lull(self) -> None:
        """Wait until the feeds have answered, or only those are left that take long.

        An article that stands in several feeds is to name them all; but no feed may hold up the articles of the others.
        """
        now = asyncio.get_running_loop().time
        longest, self._heard = now() + LONGEST_LULL, now()
        while self._polling and now() < min(longest, self._heard + LULL):
            await asyncio.wait(self._polling.values(), timeout=LOOK_AGAIN)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Within it, ``tick`` keeps the work going; at its end everything under way is drained."""
        async with self._working():
            yield

    async def tick(self) -> None:
        """Start what has become due. Never waits for it, nor for the store to say what it is."""
        if self._stopping:
            return
        self._poll([feed for feed in self.due() if feed.name not in self._asked], force=False)
        if self._opening is None or self._opening.done():
            self._opening = self._group.create_task(self._open_lanes())

    async def seal(self) -> list[Sealed]:
        """Seal the archive's finished files, work going on beside it, until told to stop; see ``Archivist.seal``."""
        return await self._pipeline.archivist.seal(lambda: self._stopping)

    def due(self, feeds: Iterable[Feed] | None = None, *, early: bool = False) -> list[Feed]:
        """Those of ``feeds`` whose time has come (``early``: or not), of all enabled ones without it.

        Feeds that are gone never are.
        """
        candidates = [feed for feed in self._feeds.values() if feed.enabled] if feeds is None else feeds
        is_due = self._pipeline.poller.is_alive if early else self._pipeline.poller.is_due
        return [feed for feed in candidates if is_due(feed, self.states.get(feed.name))]

    def stop(self) -> None:
        """Begin nothing more; what is under way is still archived, as far as it comes in within ``GRACE``."""
        self._stopping = True
        asyncio.get_running_loop().call_later(GRACE, self._give_up)

    def replace_feeds(self, feeds: Iterable[Feed]) -> None:
        """Use another catalogue from now on."""
        self._feeds = {feed.name: feed for feed in feeds}

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The catalogue in use."""
        return tuple(self._feeds.values())

    def shift(self, jump: timedelta) -> None:
        """Have no feed polled sooner or later because the clock was set."""
        self.states = {name: cadence.after_clock_jump(state, jump) for name, state in self.states.items()}

    def standstill(self) -> float:
        """Seconds for which the archive has been at one batch, or at saying what is pending, whichever is longer."""
        asking = 0.0 if self._asking is None else asyncio.get_running_loop().time() - self._asking
        return max(asking, self._batches.at_one)

    def load(self) -> Load:
        """How much is under way."""
        bodies, size = self._slots.waiting
        return Load(
            feeds_queued=sum(map(len, self._to_poll.values())),
            requests=self._slots.under_way,
            pages=len(self._in_flight),
            bodies=bodies,
            body_bytes=size,
            readings=self._batches.waiting,
            worker_calls=self._calls(),
        )

    # -- inside --------------------------------------------------------------------------------------------------------

    def _give_up(self) -> None:
        for task in (*self._polling.values(), *self._lanes.values()):
            task.cancel()

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        try:
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self._batches.run())
                yield
                await _all(self._polling)
                await _all(self._lanes)
                await self._drained()
                await self._batches.end()
        except* Exception as errors:  # noqa: BLE001  one error says more than the group it came in
            error = first_of(errors)
            raise error from error.__cause__  # it says why; the group would only say where from

    async def _drained(self) -> None:
        while self._extracting:
            await asyncio.wait(self._extracting)
        await self._batches.drained()

    def _poll(self, feeds: Iterable[Feed], *, force: bool) -> None:
        for feed in feeds:
            self._asked.add(feed.name)
            self._to_poll.setdefault(host(feed.url), deque()).append((feed, force))
        for name in self._to_poll.keys() - self._polling.keys():
            self._start(self._polling, name, self._poll_lane(name))

    def _start(self, lanes: dict[str, asyncio.Task[None]], name: str, work: Coroutine[Any, Any, None]) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            if lanes.get(name) is task:
                del lanes[name]

        task = lanes[name] = self._group.create_task(work)
        task.add_done_callback(ended)

    async def _poll_lane(self, name: str) -> None:
        waiting, under_way = self._to_poll[name], set[asyncio.Task[None]]()
        try:
            while (waiting and not self._stopping) or under_way:
                if waiting and not self._stopping:
                    task = self._group.create_task(self._poll_one(*waiting.popleft()))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                # one that has been led on to a silent host does not hold up the next: this one's turn is free again
                await asyncio.wait(under_way, timeout=LANE_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            for task in under_way:
                task.cancel()
            raise
        # both at once: whoever adds a feed between the two would find a lane that takes no more
        del self._to_poll[name], self._polling[name]

    async def _poll_one(self, feed: Feed, force: bool) -> None:
        if self._feeds.get(feed.name) == feed:  # else the catalogue has changed meanwhile
            poll = await self._pipeline.poller.poll(feed, self.states.get(feed.name), force=force)
            self._heard = asyncio.get_running_loop().time()
            self.states[feed.name] = poll.state
            self._tell(poll)
        self._asked.discard(feed.name)

    async def _open_lanes(self) -> None:
        self._asking = asyncio.get_running_loop().time()
        hosts = await self._pipeline.archivist.pending_hosts()
        self._asking = None
        for name in hosts:
            if name not in self._lanes and not self._stopping:
                self._start(self._lanes, name, self._page_lane(name))

    async def _page_lane(self, name: str) -> None:
        after = 0
        while not self._stopping:
            # what is in flight now may have been settled by the time its turn in the window comes
            in_flight = {number for number, lane in self._in_flight.items() if lane == name}
            window = await self._next_pending(name, after)
            for pending in window:
                after = pending.number
                if pending.number not in in_flight and not self._stopping:
                    await self._page(name, pending)
            if not window:
                return

    async def _next_pending(self, name: str, after: int) -> Sequence[PendingEntry]:
        async with self._lanes_asking:
            if self._stopping:
                return ()
            size = max(1, min(LANE_WINDOW, ALL_WINDOWS // len(self._lanes)))
            return await self._pipeline.archivist.pending(name, size, after)

    async def _page(self, name: str, pending: PendingEntry) -> None:
        feed = self._feeds.get(pending.feed) or Feed(pending.feed, pending.feed_url)
        self._in_flight[pending.number] = name
        try:
            fetched = await self._pipeline.reader.fetch(pending, feed)
        except BaseException:
            self._in_flight.pop(pending.number, None)
            raise
        task = self._group.create_task(self._extract(fetched))
        self._extracting.add(task)
        task.add_done_callback(self._extracting.discard)
        await asyncio.sleep(0)  # let it be counted among what waits
        await self._slots.room()

    async def _extract(self, fetched: Fetched | Ended) -> None:
        try:
            with self._slots.kept(fetched.size):  # to the last: a slow archive must hold up the network too
                outcome = fetched if isinstance(fetched, Ended) else await self._pipeline.reader.read(fetched)
                await self._batches.archive(outcome)
        except BaseException:
            self._in_flight.pop(fetched.pending.number, None)
            raise

    def _on_settled(self, outcome: Draft | Ended) -> None:
        self._in_flight.pop(outcome.pending.number, None)
        self._settled += 1

    def _tell(self, event: Event) -> None:
        self.tally.add(event)
        self._listen(event)


async def _all(tasks: dict[str, asyncio.Task[None]]) -> None:
    while tasks:
        await asyncio.wait(tasks.values())
