"""However much waits for its article, the work begins with little of it, and goes on so."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from articles import digest

from service import runner
from service.archiving import Archivist
from service.articles.paragraphs import Learned
from service.events import Event
from service.net.slots import Slots
from service.offload import OneThread
from service.pipeline import Pipeline
from service.reading import Ended
from storage.archive import Archive
from storage.database import Database, open_database
from storage.model import Entry, Feed, FeedState, NewEntry, Outcome, PendingEntry, Poll, Resolution, Scope

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{tmp_path / 'veille.db'}")) as database:
        yield database


def fill(store: Database, hosts: int, each: int) -> None:
    """Have entries wait on many hosts."""
    for number in range(hosts):
        names = [f"{number}-{n}" for n in range(each)]
        entries = (
            Entry(key=name, article_id=digest(name), content_hash=digest(name), url=f"https://h{number}.test/{name}")
            for name in names
        )
        state = FeedState(f"f{number}", f"https://h{number}.test/rss", last_polled=NOW)
        store.commit_poll(Poll(state.name, NOW, state, status=200, entries=tuple(map(NewEntry, entries))))


class Counted(Archivist):
    """Counts the entries that were loaded and not asked for yet, and how often the store was asked for some."""

    held = most = first = 0
    asked = asked_before_first = 0

    async def pending(self, host: str, limit: int, after: int) -> Sequence[PendingEntry]:
        self.asked += 1
        window = await super().pending(host, limit, after)
        self.held += len(window)
        self.most = max(self.most, self.held)
        return window


def crawl(store: Database, directory: Path) -> tuple[Counted, list[Event]]:
    """Work off all that waits, with pages that all fail."""

    class Reader:
        async def fetch(self, pending: PendingEntry, _: Feed) -> Ended:
            archivist.first = archivist.first or archivist.held
            await thread(int)  # as robots.txt is looked up: the store has one thread, and answers in turn
            archivist.asked_before_first = archivist.asked_before_first or archivist.asked
            await asyncio.sleep(0.001)
            archivist.held -= 1
            return Ended(pending, Resolution(pending.number, Outcome.FAILED, "no page"))

    thread, events = OneThread("storage"), list[Event]()
    archive = Archive.open(directory, store, NOW)
    archivist = Counted(store, archive, thread, scope=Scope.OFF, learned=Learned(5, 3), clock=lambda: NOW)
    pipeline = Pipeline(cast("Any", None), cast("Any", Reader()), archivist)
    crawler = runner.Runner(pipeline, (), {}, slots=Slots(4), clock=lambda: NOW, listen=events.append)
    try:
        asyncio.run(crawler.crawl([]))
    finally:
        thread.close()
        archive.close()
    return archivist, events


@pytest.mark.parametrize(("hosts", "each"), [(1, 150), (30, 5)])
def test_a_backlog_is_never_loaded_whole(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: int, each: int
) -> None:
    monkeypatch.setattr(runner, "ALL_WINDOWS", 40)
    fill(store, hosts, each)
    archivist, events = crawl(store, tmp_path)
    assert archivist.first <= archivist.most <= 40
    assert len(events) == hosts * each
    assert store.pending_hosts(NOW) == []


def test_the_first_page_does_not_wait_until_every_host_has_asked_for_its_own(store: Database, tmp_path: Path) -> None:
    fill(store, hosts=200, each=1)
    archivist, _ = crawl(store, tmp_path)
    assert archivist.asked == 2 * 200  # each asks once more, and is told that there is nothing left
    assert archivist.asked_before_first <= 100
