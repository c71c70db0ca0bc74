"""What is read is archived in batches that wait for no more than there is to come."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from articles import NOON, digest

from service.archiving import Archived, Archivist
from service.articles.compose import Draft
from service.batches import BATCH, BATCH_WAIT, Batches
from service.reading import Ended
from storage.model import Entry, Outcome, PendingEntry, Resolution


class Desk:
    """Archives nothing, and remembers in which batches it should have."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def archive(self, readings: Sequence[Draft | Ended]) -> list[Archived | Ended]:
        self.batches.append(len(readings))
        return [reading for reading in readings if isinstance(reading, Ended)]


def archived(readings: int, under_way: int, *, patience: float) -> list[int]:
    """The batches in which so many readings are archived, of so many pages under way."""

    async def main() -> list[int]:
        desk, left = Desk(), [under_way]

        def settled(_: Any) -> None:
            left[0] -= 1

        batches = Batches(cast("Archivist", desk), lambda _: None, settled, lambda: left[0])
        async with asyncio.timeout(patience), asyncio.TaskGroup() as group:
            group.create_task(batches.run())
            waiting = [group.create_task(batches.archive(ended(number))) for number in range(readings)]
            await asyncio.wait(waiting)
            await batches.end()
        return desk.batches

    return asyncio.run(main())


def ended(number: int) -> Ended:
    entry = Entry(str(number), digest(str(number)), digest("c"))
    pending = PendingEntry(number, "rfi", "https://news.test/rss", 1, entry, NOON)
    return Ended(pending, Resolution(number, Outcome.FAILED, "no text"))


def test_the_last_pages_under_way_are_archived_at_once() -> None:
    assert archived(3, 3, patience=BATCH_WAIT / 2) == [3]


def test_a_batch_is_full_at_its_size_however_much_more_is_under_way() -> None:
    assert archived(2 * BATCH, 2 * BATCH + 7, patience=BATCH_WAIT / 2) == [BATCH, BATCH]


def test_a_batch_goes_without_pages_that_do_not_come() -> None:
    assert archived(3, 4, patience=3 * BATCH_WAIT) == [3]
