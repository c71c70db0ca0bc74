"""Readings on their way to the archive: gathered into batches, archived one batch at a time.

pages that were read ── a bounded queue ──▶ batches of 50, or of what came in a second ──▶ Archivist

A batch waits for no more than is under way: the last page of a crawl is archived as soon as it is read.
"""

import asyncio
from collections.abc import Callable

from service.archiving import Archived, Archivist
from service.articles.compose import Draft
from service.reading import Ended

BATCH, BATCH_WAIT = 50, 1.0
"""Articles per commit, and seconds until a smaller batch is committed: what a commit costs hardly depends on its size,
and two cores read fewer than 50 pages in half a second."""

Settled = Callable[[Draft | Ended], None]
"""Hears of each reading that has been dealt with."""


class _Reading:
    """A page that was read, or is not to be, on its way to the archive."""

    def __init__(self, outcome: Draft | Ended) -> None:
        self.outcome = outcome
        self.settled = asyncio.Event()


class Batches:
    """The queue before the archive. Used from one event loop.

    Args:
        archivist: Archives a batch.
        tell: Hears of what became of each reading.
        settled: Hears of each reading once all of its batch is told.
        under_way: How many pages are being fetched, read or archived, those in the queue and the batch included.
    """

    def __init__(
        self,
        archivist: Archivist,
        tell: Callable[[Archived | Ended], None],
        settled: Settled,
        under_way: Callable[[], int],
    ) -> None:
        self._archivist = archivist
        self._tell = tell
        self._settled = settled
        self._under_way = under_way
        self._readings: asyncio.Queue[_Reading | None] = asyncio.Queue(2 * BATCH)
        self._since: float | None = None
        """When the batch under way was begun, by the loop's clock."""

    @property
    def waiting(self) -> int:
        """Readings in the queue."""
        return self._readings.qsize()

    @property
    def at_one(self) -> float:
        """Seconds for which the batch under way has been under way; 0 where none is."""
        return 0.0 if self._since is None else asyncio.get_running_loop().time() - self._since

    async def archive(self, outcome: Draft | Ended) -> None:
        """Have a reading archived; returns once it is. Waits for room in the queue first."""
        reading = _Reading(outcome)
        await self._readings.put(reading)
        await reading.settled.wait()

    async def drained(self) -> None:
        """Wait until nothing is left in the queue, nor under way."""
        await self._readings.join()

    async def end(self) -> None:
        """Have ``run`` end once what is in the queue is archived."""
        await self._readings.put(None)

    async def run(self) -> None:
        """Archive what comes, until ``end``. Raises StorageError."""
        last = False
        while not last:
            last = await self._archive_next()
        self._readings.task_done()  # the end's: what waits for all readings in a later run must not wait for it

    async def _archive_next(self) -> bool:
        """Archive a batch, and let go of its pages; returns whether it was the last."""
        batch = [reading for reading in [await self._readings.get()] if reading is not None]
        last = not batch
        try:
            async with asyncio.timeout(BATCH_WAIT):
                while not last and len(batch) < min(BATCH, self._under_way()):
                    reading = await self._readings.get()
                    if reading is None:
                        last = True
                    else:
                        batch.append(reading)
        except TimeoutError:
            pass  # a smaller batch, then
        self._since = asyncio.get_running_loop().time()
        for event in await self._archivist.archive([reading.outcome for reading in batch]) if batch else ():
            self._tell(event)
        self._since = None
        for reading in batch:
            self._settled(reading.outcome)
            reading.settled.set()
            self._readings.task_done()
        return last
