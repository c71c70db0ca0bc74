"""Polls feeds by the parts the service polls with, over a real store, with a clock that tests move."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from service.articles.workers import Workers
from service.feeds.cadence import Limits
from service.memory import StoredMemory
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.names import system_resolve
from service.net.robots import Robots
from service.newsroom import Answer, Head, Newsroom, Request, Site
from service.offload import OneThread
from service.pipeline import Pipeline
from service.polling import Poller
from service.runner import Runner
from storage.database import Database, open_database
from storage.model import Feed, FeedState, Poll

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
LIMITS = Limits(floor=15 * MINUTE, cap=DAY, start=HOUR)


@contextmanager
def one_worker() -> Iterator[Workers]:
    """The process that parses, for all tests of a module: it takes longer to start than they take to run."""
    workers = Workers(1)
    try:
        yield workers
    finally:
        asyncio.run(workers.stop())


def answer(status: int = 200, body: bytes = b"", **headers: str | bytes) -> Answer:
    """An answer; ``_`` in a header's name stands for ``-``."""
    fields = (
        (name.replace("_", "-").title().replace("Etag", "ETag"), v.decode("latin-1") if isinstance(v, bytes) else v)
        for name, v in headers.items()
    )
    return Answer(status, tuple(fields), body)


def rss(*numbers: int, channel: str = "", namespaces: str = "", site: str = "") -> bytes:
    """A feed of the entries with these numbers, each with a page of its own where there is a ``site``."""
    items = "".join(
        f"<item><guid isPermaLink='false'>{n}</guid><title>Story {n}</title><description>Text {n}</description>"
        + (f"<link>{site}/{n}</link></item>" if site else "</item>")
        for n in numbers
    )
    return f"<rss version='2.0' {namespaces}><channel><title>News</title>{channel}{items}</channel></rss>".encode()


class Watch:
    """A poller over the store in ``directory``, and the sites it polls.

    Every poll reads the feed's state from the store, as the first one of a process does. ``restart`` puts all parts
    together anew but for the sites and the clock, which moves only when told.
    """

    def __init__(self, directory: Path, workers: Workers, room: Newsroom, *, limits: Limits = LIMITS) -> None:
        self.now = START
        self.jitter = 0.0
        self.timeout = 20.0
        """Seconds; of a change a restart takes notice."""
        self.limits = limits
        self.room = room
        self.database = f"sqlite:///{directory / 'veille.db'}"
        self._workers = workers
        self._loop = asyncio.Runner()
        self._open()

    def _open(self) -> None:
        self.store: Database = open_database(self.database)
        self._thread = OneThread("storage")
        memory = StoredMemory(self.store, self._thread, self.store.holds(), self.clock)
        self._fetcher = Fetcher(
            user_agent="veille/0",
            hosts=Hosts(0.0, memory.holds, memory.hold, clock=lambda: self.now.timestamp()),
            allowed=[AllowedNetwork.parse("127.0.0.0/8")],
            timeout=self.timeout,
            resolve=_resolve,
        )
        self._poller = Poller(
            self.store,
            self._thread,
            self._fetcher,
            Robots(self._fetcher, memory, "veille", self.clock),
            self._workers,
            limits=self.limits,
            jitter=lambda: self.jitter,
            clock=self.clock,
        )

    def _shut(self) -> None:
        self._loop.run(self._fetcher.aclose())
        self._thread.close()
        self.store.close()

    def restart(self) -> None:
        """End, and begin again with what the store remembers."""
        self._shut()
        self._open()

    def close(self) -> None:
        """End."""
        self._shut()
        self._loop.close()

    def clock(self) -> datetime:
        return self.now

    # -- the sites -----------------------------------------------------------------------------------------------------

    def serve(self, path: str, *answers: Answer, site: Site | None = None) -> Feed:
        """Answer at ``path`` in this order, by the last one for good; the feed there is named after the path."""
        left = list(answers)

        def handler(_head: Head) -> Answer:
            return left.pop(0) if len(left) > 1 else left[0]

        return Feed(path.strip("/").partition(".")[0], self.room.serve(path, handler, site=site))

    def requests(self, path: str) -> list[Request]:
        """What was asked for at ``path``, on any site, oldest first."""
        return [request for request in self.room.requests if request.path == path]

    def sent(self, path: str) -> list[tuple[bytes | None, bytes | None]]:
        """The validators of each request for ``path``: If-None-Match, If-Modified-Since."""
        return [
            (_bytes(request, "if-none-match"), _bytes(request, "if-modified-since")) for request in self.requests(path)
        ]

    # -- polling -------------------------------------------------------------------------------------------------------

    def poll(self, feed: Feed, *, force: bool = False) -> Poll:
        return self._loop.run(self._poller.poll(feed, self.store.feed_states().get(feed.name), force=force))

    def look(self, feed: Feed) -> Poll:
        """What a poll comes to, without committing it."""
        return self._loop.run(self._poller.poll(feed, self.store.feed_states().get(feed.name), commit=False))

    def poll_when_due(self, feed: Feed) -> Poll:
        """Wait for the due time, and poll."""
        state = self.store.feed_states().get(feed.name)
        if state is not None and state.next_due is not None:
            self.now = max(self.now, state.next_due)
        return self.poll(feed)

    def state(self, feed: Feed) -> FeedState:
        """The feed's state as the store has it."""
        return self.store.feed_states()[feed.name]

    def wait(self, feed: Feed) -> timedelta:
        """How long from now until the feed is due."""
        due = self.state(feed).next_due
        assert due is not None
        return due - self.now

    def is_due(self, feed: Feed) -> bool:
        """Whether the service would poll it now."""
        pipeline = Pipeline(self._poller, cast("Any", None), cast("Any", None))
        states = dict(self.store.feed_states())
        runner = Runner(
            pipeline, [feed], states, slots=self._fetcher.slots, clock=self.clock, listen=lambda _event: None
        )
        return runner.due() == [feed]

    def entries(self, feed: Feed) -> int:
        """How many entries of the feed the store knows."""
        ledger = self.store.ledger().get(feed.name)
        return sum(ledger.counts.values()) if ledger else 0


@contextmanager
def watching(
    directory: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch, *, limits: Limits = LIMITS
) -> Iterator[Watch]:
    """A ``Watch`` over two empty sites; what the service remembers of hosts goes by its clock too."""
    with Newsroom(sites=2, stories=0) as room:
        watch = Watch(directory, workers, room, limits=limits)
        monkeypatch.setattr("service.app.now", watch.clock)
        try:
            yield watch
        finally:
            watch.close()


def _bytes(request: Request, name: str) -> bytes | None:
    value = request.headers.get(name)
    return None if value is None else value.encode("latin-1")


def _resolve(host: str, port: int) -> list[str]:
    if host.endswith(".invalid"):  # asking for it would leave this machine
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return system_resolve(host, port)
