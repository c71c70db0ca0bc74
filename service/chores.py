"""What a service does beside its work, each at its time: seals, looks at itself, sums up, checks the archive, forgets.

Looking uses a connection and a thread of its own: figures over months must not keep the writer waiting.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from service.alarms import Alarms
from service.allocator import trim
from service.app import Home, now, open_readonly
from service.checking import check
from service.events import Tally
from service.messages import UNCHECKED
from service.metrics import Metrics
from service.offload import OneThread
from service.runner import Runner
from service.settings import Settings
from service.troubles import Facts
from service.units import TimeOfDay, format_size
from service.vitals import Vitals, gather, total
from storage.database import Database
from storage.errors import StorageError
from storage.model import Feed, Note, Outcome
from storage.usage import Usage, usage

KEPT = timedelta(days=90)
"""How long polls, and troubles that are over, are remembered."""
CHECK_AGAIN = timedelta(hours=1)
"""After how long a check is tried again that could not be made."""
LATE_DIGEST = timedelta(hours=12)
"""How late a day may be summed up; later it is the next day's turn."""
LOOK_SHARE = 50
"""Times as long as a look took, that there is none: with thousands of feeds it must not become the main work."""
MOST_FAILURES = 10
"""Looks in a row that may fail before the service ends, to be started anew: it must not watch blindly."""

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
        self._notes: Mapping[str, Note] = {}
        self._zone = ZoneInfo(settings.timezone)
        self._failures = 0
        self._look_after = 0.0
        self._checking = asyncio.Lock()
        self._alarms = Alarms(home.store, home.thread, settings.notify_url, self._zone, now, socket.gethostname())

    async def look(self) -> bool:
        """Learn how every feed does and how much room there is, show it, and tell of trouble.

        Returns whether it could be learned. Raises StorageError: it could not, many times in a row.
        """
        try:
            self._usage = await self._thread(usage, self._settings.data_dir, now())
            self._vitals = await self._thread(gather, self._looking, self._runner.feeds, now())
            self._notes = await self._thread(self._looking.notes)
        except (StorageError, OSError) as error:  # the writer will meet it too, if it lasts
            self._failures += 1
            log.warning("figures cannot be read", reason=str(error), times=self._failures)
            if self._failures >= MOST_FAILURES:
                raise
            return False
        self._failures = 0
        await self._thread(trim)
        lasting = await self._alarms.check(self._facts())
        self._metrics.show(self._vitals, self._usage, open_alerts=lasting, now=now())
        if (checked := self._notes.get("verify")) is not None:
            was_checked = not checked.text.startswith(UNCHECKED)
            self._metrics.verified(checked.at, damaged=was_checked and not checked.is_good)
        await self._catch_up()
        return True

    async def look_in_turn(self) -> None:
        """Look, unless the last look took so long that it is too soon for another."""
        if (began := time.monotonic()) >= self._look_after:
            await self.look()
            self._look_after = time.monotonic() + (time.monotonic() - began) * LOOK_SHARE

    async def digest(self) -> None:
        """Sum up the last day, and tell it: as every look does that finds it undone."""
        await self.look()

    async def _catch_up(self) -> None:
        """Sum up the day, once: where the clock was set, at the end of summer, after a start or reload just then."""
        at, last = self._settings.digest_at, self._notes.get("digest")
        if at is None:
            return
        if last is None:
            await note(self._home, "digest", "none yet")
        elif last.at < (due := at.last(now(), self._zone)) and now() - due < LATE_DIGEST:
            await note(self._home, "digest", "the day was summed up")
            await self._alarms.digest(self._facts())

    async def _is_due(self, topic: str, at: TimeOfDay | None) -> bool:
        if at is None:
            return False
        last = (await self._thread(self._looking.notes)).get(topic)
        return last is None or last.at < at.last(now(), self._zone) or last.at > now() + LATE_DIGEST

    def _facts(self) -> Facts:
        room = self._usage
        return Facts(
            self._vitals,
            free=room.free if room else None,
            min_free=self._settings.min_free,
            days_left=room.days_left if room else None,
            checked=self._notes.get("verify"),
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
        """Check the whole archive, if its time has come since the last check, and remember what that found.

        One that could not be made, or was missed, is made up for whenever this is called. Raises StorageError.
        """
        async with self._checking:
            if not await self._is_check_due():
                return
            log.info("checking the archive")
            checked = await check(self._settings)
            if checked.is_good:
                log.info("the archive is sound", records=checked.records)
            else:
                log.error("the archive is damaged, or could not be checked", found=str(checked))
            await note(self._home, "verify", str(checked), is_good=checked.is_good)

    async def _is_check_due(self) -> bool:
        last = (await self._thread(self._looking.notes)).get("verify")
        if last is not None and last.text.startswith(UNCHECKED) and now() - last.at > CHECK_AGAIN:
            return True
        return await self._is_due("verify", self._settings.verify_at)


@asynccontextmanager
async def open_chores(
    settings: Settings, home: Home, runner: Runner, tally: Tally, metrics: Metrics
) -> AsyncIterator[Chores]:
    """Within it, a runner's chores can be done. Raises StorageError where the database cannot be read."""
    thread = OneThread("looking")
    with open_readonly(settings) as looking:
        try:
            yield Chores(settings, home, runner, tally, metrics, looking, thread)
        finally:
            await asyncio.to_thread(thread.close)  # a look that is under way ends first, and may take seconds


async def note(home: Home, topic: str, text: str, *, is_good: bool = True, at: datetime | None = None) -> None:
    """Remember what the service says of one of its affairs. Raises StorageError."""
    await home.thread(home.store.note, Note(topic, at or now(), is_good, text))


def watched(feeds: Iterable[Feed]) -> int:
    """How many of them are on."""
    return sum(feed.enabled for feed in feeds)
