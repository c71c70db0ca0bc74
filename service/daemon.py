"""``veille run``: a tick job over persisted due times, signals, reload. The only importer of apscheduler."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from service.app import now, open_runner
from service.archiving import Archived
from service.errors import SettingsError
from service.events import Event
from service.reading import Ended
from service.runner import Runner
from service.settings import Settings, notify_socket
from service.systemd import Notifier
from storage.model import Feed, Poll

TICK = 1.0
"""Seconds between two looks at what is due."""
DRAIN = 25.0
"""Seconds to drain in, before what is left is given up; it stays pending."""
SEAL = 60.0
"""Seconds between two looks for files to seal, the first of them at the start."""
STATUS = 10.0
"""Seconds between two status lines for systemd."""

log = structlog.get_logger()


async def run(settings: Settings, feeds: Sequence[Feed], *, reload: Callable[[], tuple[Feed, ...]]) -> int:
    """Watch ``feeds`` until SIGTERM or SIGINT; SIGHUP calls ``reload`` for the feeds to watch from then on.

    Returns the exit code: 0 after an orderly end. Raises StorageError where nothing more can be remembered.
    """
    try:
        async with open_runner(settings, tuple(feeds), _log) as runner:
            daemon = _Daemon(runner, Notifier(*notify_socket()), reload)
            async with runner.serving():
                await daemon.serve(_enabled(feeds))
    except asyncio.CancelledError:
        log.warning("draining was cut short; what was under way stays pending")
    else:
        log.info("stopped", archived=runner.tally.archived)
    return 0


class _Daemon:
    """The schedule and the signals around a runner."""

    def __init__(self, runner: Runner, notifier: Notifier, reload: Callable[[], tuple[Feed, ...]]) -> None:
        self._runner = runner
        self._notifier = notifier
        self._reload = reload
        self._stop = asyncio.Event()
        self._failure: Exception | None = None
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            # the default grace of one second skips a run whenever the loop was busy
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    async def serve(self, feeds: int) -> None:
        """Tick until told to stop, then stop the runner; it drains as its ``serving`` ends."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop, task)
        loop.add_signal_handler(signal.SIGHUP, self._read_again)
        self._start_jobs()
        try:
            log.info("watching", feeds=feeds)
            self._notifier.ready(f"watching {feeds} feeds")
            await self._stop.wait()
        finally:
            self._scheduler.shutdown(wait=False)
        if self._failure is not None:
            raise self._failure
        log.info("draining")
        self._notifier.stopping()
        self._runner.stop()

    def _start_jobs(self) -> None:
        jobs = [(self._tick, TICK), (self._tell_status, STATUS)]
        if self._notifier.watchdog:
            jobs.append((self._say_alive, self._notifier.watchdog / 2))
        for job, seconds in jobs:
            self._scheduler.add_job(job, "interval", seconds=seconds)
        self._scheduler.add_job(self._seal, "interval", seconds=SEAL, next_run_time=now())
        self._scheduler.start()

    async def _tick(self) -> None:
        with self._ending_on_failure():
            await self._runner.tick()

    async def _seal(self) -> None:
        with self._ending_on_failure():
            for sealed in await self._runner.seal():
                log.info("sealed", file=sealed.path, records=sealed.records, bytes=sealed.bytes)

    @contextmanager
    def _ending_on_failure(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  the scheduler would log it and go on; it must end the service
            self._failure = error
            self._stop.set()

    async def _tell_status(self) -> None:
        tally = self._runner.tally
        self._notifier.status(
            f"{tally.polled} polls, {tally.archived} articles archived, {tally.failed_feeds} failures"
        )

    async def _say_alive(self) -> None:
        self._notifier.alive()

    def _asked_to_stop(self, task: "asyncio.Task[None]") -> None:
        if self._stop.is_set():
            task.cancel()
        else:
            self._stop.set()
            asyncio.get_running_loop().call_later(DRAIN, task.cancel)

    def _read_again(self) -> None:
        self._notifier.reloading(time.monotonic_ns() // 1_000)
        try:
            feeds = self._reload()
        except SettingsError as error:
            log.error("reload refused, the old feeds stay", reason="; ".join(str(error).splitlines()))
            self._notifier.ready("reload refused, the old feeds stay")
            return
        self._runner.replace_feeds(feeds)
        log.info("reloaded", feeds=_enabled(feeds))
        self._notifier.ready(f"watching {_enabled(feeds)} feeds")


def _enabled(feeds: Sequence[Feed]) -> int:
    return sum(feed.enabled for feed in feeds)


def _log(event: Event) -> None:
    match event:
        case Poll(error=str() as error):
            log.warning("poll failed", feed=event.feed, error=error, next_due=event.state.next_due)
        case Poll():
            if event.gap is not None:
                log.warning("entries may have been missed", feed=event.feed, reason=event.gap.reason)
            for warning in event.warnings:
                log.warning("poll", feed=event.feed, reason=warning)
            log.info("polled", feed=event.feed, status=event.status, new=len(event.entries), why=event.state.due_reason)
        case Archived(article=article):
            log.info("archived", id=article.id, revision=article.revision, feed=article.feed, title=article.title)
        case Ended(pending=pending, resolution=resolution, retry=retry):
            ended = resolution or retry
            log.info(
                "settled" if resolution else "postponed",
                feed=pending.feed,
                url=pending.entry.url,
                outcome=resolution.outcome if resolution else None,
                reason=ended.reason if ended else None,
                next_try=retry.at if retry else None,
            )
