"""What a service does beside its work, each at its time: seals, looks at itself, sums up, checks the archive, forgets.

Looking uses a connection and a thread of its own: figures over months must not keep the writer waiting.
"""

import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from service.alarms import Alarms
from service.allocator import trim
from service.app import Home, now, open_readonly
from service.checking import check
from service.events import Tally
from service.metrics import Metrics
from service.offload import OneThread
from service.runner import Runner
from service.settings import Settings
from service.troubles import Facts
from service.units import format_size
from service.vitals import Vitals, gather, total
from storage.database import Database
from storage.errors import StorageError
from storage.model import Feed, Note, Outcome
from storage.usage import Usage, usage

KEPT = timedelta(days=90)
"""How long polls, and troubles that are over, are remembered."""
CHECK_OVERDUE = timedelta(days=8)
"""After how long without a check of the archive one is made soon after the start: the machine was off at its time."""

log = structlog.get_logger()


class Chores:
    """The chores of a runner. Used from one event loop; none of them runs beside itself.

    Args:
        settings: The service's.
        home: What is written, through its thread.
        runner: Whose chores these are.
        tally: What the service has come to since its start.
        metrics: Who is shown how everything is.
        looking: The store, for looking only.
        thread: The only one that looks.
    """

    def __init__(
        self,
        settings: Settings,
        home: Home,
        runner: Runner,
        tally: Tally,
        metrics: Metrics,
        looking: Database,
        thread: OneThread,
    ) -> None:
        self._settings = settings
        self._home = home
        self._runner = runner
        self._tally = tally
        self._metrics = metrics
        self._looking = looking
        self._thread = thread
        self._vitals: Sequence[Vitals] = ()
        self._usage: Usage | None = None
        self._checked: Note | None = None
        self._alarms = Alarms(
            home.store, home.thread, settings.notify_url, ZoneInfo(settings.timezone), now, socket.gethostname()
        )

    async def look(self) -> None:
        """Learn how every feed does and how much room there is, show it, and tell of trouble. Raises StorageError."""
        try:
            self._vitals = await self._thread(gather, self._looking, self._runner.feeds, now())
            self._checked = (await self._thread(self._looking.notes)).get("verify")
            self._usage = await self._thread(usage, self._settings.data_dir, now())
        except (StorageError, OSError) as error:  # the writer will meet it too, if it lasts
            log.warning("figures cannot be read", reason=str(error))
            return
        await self._thread(trim)
        lasting = await self._alarms.check(self._facts())
        self._metrics.show(self._vitals, self._usage, open_alerts=lasting, now=now())
        if self._checked is not None:
            self._metrics.verified(self._checked.at, damaged=not self._checked.is_good)

    async def digest(self) -> None:
        """Sum up the last day, and tell it."""
        await self._alarms.digest(self._facts())

    def _facts(self) -> Facts:
        room = self._usage
        return Facts(
            self._vitals,
            free=room.free if room else None,
            min_free=self._settings.min_free,
            days_left=room.days_left if room else None,
            checked=self._checked,
        )

    def status(self) -> str:
        """How it goes, in a line."""
        vitals, tally = self._vitals, self._tally
        watched = [one for one in vitals if one.is_watched]
        failing = sum(one.is_failing for one in watched)
        pending = sum(one.ledger.counts.get(Outcome.PENDING, 0) for one in vitals)
        parts = [
            f"{len(watched)} feeds{f', {failing} failing' if failing else ''}",
            f"{tally.polled} polls and {tally.archived} articles since the start",
            f"{total(one.day for one in vitals).articles} articles in 24 h",
            f"{pending} pending",
        ]
        if self._usage is not None:
            parts.append(f"{format_size(self._usage.free)} free")
        return "; ".join(parts)

    async def seal(self) -> None:
        """Seal what is finished. Raises StorageError."""
        for sealed in await self._runner.seal():
            log.info("sealed", file=sealed.path, records=sealed.records, bytes=sealed.bytes)

    async def forget(self) -> None:
        """Forget what is long past. Raises StorageError."""
        await self._home.thread(self._home.store.forget_before, now() - KEPT)

    async def check(self) -> None:
        """Check the whole archive, and remember what came of it. Raises StorageError."""
        log.info("checking the archive")
        checked = await check(self._settings)
        if checked.is_good:
            log.info("the archive is sound", records=checked.records)
        else:
            log.error("the archive is damaged; veille verify lists it", found=str(checked))
        await self._home.thread(self._home.store.note, Note("verify", now(), checked.is_good, str(checked)))

    async def check_overdue(self) -> bool:
        """Whether the last check of the archive is too long ago."""
        last = (await self._thread(self._looking.notes)).get("verify")
        return last is None or now() - last.at > CHECK_OVERDUE


@asynccontextmanager
async def open_chores(
    settings: Settings, home: Home, runner: Runner, tally: Tally, metrics: Metrics
) -> AsyncIterator[Chores]:
    """Within it, a runner's chores can be done. Raises StorageError where the database cannot be read."""
    thread = OneThread("looking")
    try:
        with open_readonly(settings) as looking:
            yield Chores(settings, home, runner, tally, metrics, looking, thread)
    finally:
        thread.close()


async def note(home: Home, topic: str, text: str, *, is_good: bool = True, at: datetime | None = None) -> None:
    """Remember what the service says of one of its affairs. Raises StorageError."""
    await home.thread(home.store.note, Note(topic, at or now(), is_good, text))


def watched(feeds: Iterable[Feed]) -> int:
    """How many of them are on."""
    return sum(feed.enabled for feed in feeds)
