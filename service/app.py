"""Puts the service together out of its settings. The only module that chooses which part does what."""

import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from service import __version__
from service.archiving import Archivist
from service.articles.paragraphs import Learned
from service.articles.workers import Workers
from service.batches import BATCH
from service.choices import KeepRaw
from service.events import Listener
from service.feeds.cadence import Limits
from service.memory import Memory, PassingMemory, StoredMemory
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.robots import Robots
from service.net.slots import Slots
from service.offload import InGroups, OneThread
from service.pipeline import Pipeline
from service.polling import Keep, Poller
from service.probing import Prober
from service.reading import Reader
from service.runner import Runner
from service.settings import Settings
from storage import repair
from storage.archive import Archive
from storage.card import write_card
from storage.database import Database, open_database
from storage.errors import StorageError
from storage.lock import DirectoryLock
from storage.model import Capture, Feed, FeedState
from storage.raw_recovery import recover_raw
from storage.store import Store

if TYPE_CHECKING:
    from storage.raw import RawCopies

log = structlog.get_logger()

BODIES_PER_WORKER = 16
"""Documents held in memory, fetched but not yet read, per extraction worker; beside them a batch being archived, since
a page is held until its raw copy is kept: without room for both, fetching would stand still at each commit."""


def now() -> datetime:
    """The clock of the whole service: aware, UTC."""
    return datetime.now(UTC)


def user_agent(settings: Settings) -> str:
    """What the service calls itself: its name, its version, and how to reach who runs it."""
    contact = f" (+{settings.contact})" if settings.contact else ""
    return settings.user_agent or f"veille/{__version__}{contact}"


@dataclass(frozen=True, slots=True)
class Outside:
    """The parts that touch the world outside: the network, and the processes that read what comes from it."""

    fetcher: Fetcher
    robots: Robots
    workers: Workers


@asynccontextmanager
async def open_outside(settings: Settings, memory: Memory, *, keep_wire: bool = False) -> AsyncIterator[Outside]:
    """Within it, feeds and pages can be fetched and read. No request is made and no process started before its use.

    ``keep_wire`` has answers hold what raw copies need.
    """
    agent = user_agent(settings)
    fetcher = Fetcher(
        user_agent=agent,
        hosts=Hosts(settings.host_delay.total_seconds(), memory.holds, memory.hold),
        allowed=[AllowedNetwork.parse(text) for text in settings.allowed_networks],
        timeout=settings.timeout.total_seconds(),
        max_bytes=settings.max_bytes,
        slots=Slots(settings.concurrency, kept_bodies=BODIES_PER_WORKER * settings.workers + BATCH),
        keep_wire=keep_wire,
    )
    workers = Workers(settings.workers)
    try:
        yield Outside(fetcher, Robots(fetcher, memory, agent.split("/")[0], now), workers)
    finally:
        await fetcher.aclose()
        await workers.stop()


@contextmanager
def open_archive(settings: Settings) -> Iterator[tuple[Store, Archive]]:
    """Within it, this process alone holds the data directory, recovered and up to date.

    Raises:
        LockedError: another process holds it.
        CorruptArchiveError, StorageError: it cannot be trusted, or not be written.
    """
    with DirectoryLock(settings.data_dir):
        store = open_database(settings.database)
        try:
            write_card(settings.data_dir)
            recover_raw(settings.data_dir, store)
            if not store.is_indexed() and store.balance()[1]:
                log.info("the index of texts is made from the records, once; some minutes for a hundred thousand")
            archive = Archive.open(settings.data_dir, store, now())
            try:
                yield store, archive
            finally:
                archive.close()
        finally:
            store.close()


@contextmanager
def open_mended(settings: Settings) -> Iterator[tuple[Store, Sequence[str]]]:
    """Within it, this process alone holds the data directory; what the database itself needed is done, and told.

    Raises:
        LockedError: another process holds it.
        StorageError: the database cannot be opened, or not be written.
    """
    with DirectoryLock(settings.data_dir):
        store, done = repair.open_mended(settings.database)
        try:
            yield store, done
        finally:
            store.close()


@contextmanager
def open_readonly(settings: Settings) -> Iterator[Database]:
    """The database for looking only, beside a running service. Raises StorageError where there is none."""
    store = open_database(settings.database, readonly=True)
    try:
        yield store
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class Home:
    """A data directory in the hands of this process; whatever speaks to store or archive does so in ``thread``."""

    store: Store
    archive: Archive
    thread: OneThread


@asynccontextmanager
async def open_home(settings: Settings) -> AsyncIterator[Home]:
    """Within it, the data directory can be written. Raises what ``open_archive`` does."""
    with open_archive(settings) as (store, archive):
        thread = OneThread("storage")
        try:
            yield Home(store, archive, thread)
        finally:
            thread.close()


@asynccontextmanager
async def open_runner(settings: Settings, feeds: tuple[Feed, ...], listen: Listener) -> AsyncIterator[Runner]:
    """Within it, the whole service is ready to run over ``feeds``. Raises what ``open_archive`` does."""
    async with open_home(settings) as home, open_service(home, settings, feeds, listen) as runner:
        yield runner


@asynccontextmanager
async def open_service(
    home: Home, settings: Settings, feeds: tuple[Feed, ...], listen: Listener
) -> AsyncIterator[Runner]:
    """Within it, what these settings ask for is ready to run over ``feeds``, in a home that may outlive them."""
    store, thread = home.store, home.thread
    async with _raw_copies(settings, home) as raw:
        memory = StoredMemory(store, thread, await thread(store.holds), now)
        async with open_outside(settings, memory, keep_wire=raw is not None) as outside:
            pipeline = Pipeline(
                poller=open_poller(settings, store, thread, outside, keep=_documents(raw, thread)),
                reader=Reader(
                    outside.fetcher, outside.robots, outside.workers, tdm_policy=settings.tdm_policy, clock=now
                ),
                archivist=Archivist(
                    store,
                    home.archive,
                    thread,
                    scope=settings.dedup,
                    learned=_learned(settings),
                    clock=now,
                    keep=raw.keep if raw else None,
                ),
            )
            yield Runner(
                pipeline,
                feeds,
                dict(await thread(store.feed_states)),
                slots=outside.fetcher.slots,
                clock=now,
                listen=listen,
                calls=lambda: outside.workers.calls,
            )


@asynccontextmanager
async def _raw_copies(settings: Settings, home: Home) -> "AsyncIterator[RawCopies | None]":
    """What keeps raw copies; None where none are to be kept."""
    if settings.keep_raw is KeepRaw.NONE:
        yield None
        return
    from storage.raw import RawCopies  # with what writes WARC files, which most need not

    raw = RawCopies(settings.data_dir, home.store, software=f"veille/{__version__}")
    try:
        yield raw
    finally:
        await home.thread(raw.close)  # after whatever of it is still under way there


def _documents(raw: "RawCopies | None", thread: OneThread) -> Keep | None:
    """What keeps feed documents."""
    if raw is None:
        return None

    def keep(documents: list[Capture]) -> object:
        return raw.keep(documents, now())

    return InGroups(thread, keep)


def open_poller(
    settings: Settings, store: Store, thread: OneThread, outside: Outside, keep: Keep | None = None
) -> Poller:
    """What polls a feed; enough of the service for a look without a trace."""
    return Poller(
        store,
        thread,
        outside.fetcher,
        outside.robots,
        outside.workers,
        limits=_limits(settings),
        jitter=random.random,
        clock=now,
        keep=keep,
    )


@asynccontextmanager
async def open_onlooker(settings: Settings) -> AsyncIterator[tuple[Poller, Mapping[str, FeedState]]]:
    """Within it, feeds can be polled for a look: what is known is read, nothing is written, no archive is needed."""
    try:
        store = open_database(settings.database, readonly=True)
    except StorageError:
        store = open_database("sqlite://")
    thread = OneThread("storage")
    try:
        async with open_outside(settings, PassingMemory(store.holds(), now)) as outside:
            yield open_poller(settings, store, thread, outside), store.feed_states()
    finally:
        thread.close()
        store.close()


@asynccontextmanager
async def open_prober(settings: Settings) -> AsyncIterator[Prober]:
    """Within it, feeds can be probed: nothing is written, and hosts that asked for silence are left to it."""
    memory = passing_memory(settings)
    one = settings.model_copy(
        update={"workers": 1}
    )  # processes of a whole crawl would take longer to start than to use
    async with open_outside(one, memory) as outside:
        yield Prober(
            outside.fetcher,
            outside.robots,
            memory,
            outside.workers,
            allowed=settings.allowed_networks,
            limits=_limits(settings),
            clock=now,
        )


def passing_memory(settings: Settings) -> PassingMemory:
    """What is known of hosts that asked for silence, for a command that leaves no trace."""
    if settings.database_url is None and not _is_there(settings.data_dir / "veille.db"):
        return PassingMemory({}, now)
    try:
        with open_readonly(settings) as store:
            return PassingMemory(store.holds(), now)
    except StorageError as error:
        log.warning("which hosts have asked for silence is not known", reason=str(error))
        return PassingMemory({}, now)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return True


def _learned(settings: Settings) -> Learned:
    return Learned(settings.boilerplate_articles, settings.boilerplate_days)


def _limits(settings: Settings) -> Limits:
    return Limits(floor=settings.poll_min, cap=settings.poll_max, start=settings.poll_interval)
