"""``veille run``: a tick job over persisted due times, signals, reload. The only importer of apscheduler.

    archive held, pulse beating ─ for as long as the process lives
      └── a session ─ for as long as its settings are in force
            runner ◀── tick, every second        chores ◀── sealing, looking, digest, check, forgetting

SIGHUP reads settings and feeds again. New feeds are watched at once; new settings end the session, which drains, and
begin another, the archive staying in hand. What is wrong is refused, and the old ones stay in force.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from service import __version__, logs
from service.allocator import settle
from service.app import Home, now, open_home
from service.background import in_background, start
from service.chores import note, watched
from service.errors import SettingsError
from service.events import Event, Tally
from service.metrics import Metrics
from service.narration import narrate
from service.pulse import ClockWatch, Pulse
from service.session import Lasting, Session, open_session
from service.settings import Settings, catalogue_name, notify_socket
from service.systemd import Notifier
from service.telling import check_addresses
from service.units import TimeOfDay, format_duration
from storage.errors import StorageError
from storage.model import Feed

TICK = 1.0
"""Seconds between two looks at what is due."""
DRAIN = 25.0
"""Seconds to drain in, before what is left is given up; it stays pending."""
LOOK, STATUS = 60.0, 10.0
"""Seconds between two looks at how all feeds do, and between two status lines for systemd."""
WRITE = 30.0
"""Seconds between two beats of the writer, if no watchdog asks for more."""
SOON = timedelta(hours=1)
"""After the start, when the archive is checked if its time has been missed."""

Configuration = tuple[Settings, tuple[Feed, ...]]
Reload = Callable[[], Configuration]

log = structlog.get_logger()


async def run(settings: Settings, feeds: Sequence[Feed], *, reload: Reload) -> int:
    """Watch ``feeds`` until SIGTERM or SIGINT; SIGHUP calls ``reload`` for what is to be in force from then on.

    Returns the exit code: 0 after an orderly end. Raises StorageError where nothing more can be remembered,
    SettingsError where no service is known for an address of those to be told.
    """
    settle()
    if settings.notify_url is not None:
        await check_addresses(settings.notify_url)  # before anything is made
    daemon, notifier = None, Notifier(*notify_socket())
    try:
        async with AsyncExitStack() as stack:
            with notifier.starting():
                home = await stack.enter_async_context(open_home(settings))
            daemon = _Daemon(home, notifier, reload)
            with daemon.signals():
                await daemon.watch(settings, tuple(feeds))
    except asyncio.CancelledError:
        log.warning("draining was cut short; what was under way stays pending")
    else:
        log.info("stopped", archived=daemon.tally.archived)
    return 0


class _Daemon:
    """Goes from session to session until told to stop."""

    def __init__(self, home: Home, notifier: Notifier, reload: Reload) -> None:
        self.tally = Tally()
        """Since the start, over all sessions."""
        self._lasting = Lasting(home, Pulse(), Metrics(__version__, now()), self.tally)
        self._pulse, self._metrics = self._lasting.pulse, self._lasting.metrics
        self._home = home
        self._notifier = notifier
        self._reload = reload
        self._clock = ClockWatch(now)
        self._turn = asyncio.Event()
        """The session is to end."""
        self._is_stopping = False
        self._next: Configuration | None = None
        self._failure: Exception | None = None
        self._session: Session | None = None
        self._scheduler: AsyncIOScheduler | None = None
        self._is_first = True
        self._complaint: str | None = None
        """What of the settings in force does not work."""
        self._settings: Settings | None = None
        self._last_tick: float | None = None

    async def watch(self, settings: Settings, feeds: tuple[Feed, ...]) -> None:
        """Serve one configuration after another. Raises what ended it before it was told to stop."""
        await note(self._home, "service", f"veille {__version__}, process {os.getpid()}, {watched(feeds)} feeds")
        try:
            async with self._beating():
                self._next = settings, feeds
                while self._next is not None and not self._is_stopping:
                    (self._settings, feeds), self._next = self._next, None
                    self._turn.clear()
                    await self._serve(self._settings, feeds)
                    if self._failure is not None:  # it came while that drained
                        raise self._failure
        except Exception as error:
            with suppress(StorageError):  # it may be the store itself that failed
                await note(self._home, "service", f"ended: {error}", is_good=False)
            raise
        await note(self._home, "service", "stopped as asked")

    async def _serve(self, settings: Settings, feeds: tuple[Feed, ...]) -> None:
        complain, self._complaint = None if self._is_first else self._complain, None
        async with open_session(self._lasting, settings, feeds, self._hear, complain) as session:
            scheduler = await self._schedule(session, settings)
            self._session, self._scheduler, self._is_first = session, scheduler, False
            await note(self._home, "catalogue", catalogue_name(settings))
            try:
                log.info("watching", feeds=watched(feeds))
                self._notifier.ready(f"watching {watched(feeds)} feeds")
                await self._turn.wait()
            finally:
                scheduler.shutdown(wait=False)
                self._session = self._scheduler = None
            if self._failure is not None:
                raise self._failure
            log.info("draining")
            if self._is_stopping:
                self._notifier.stopping()
            session.runner.stop()

    def _complain(self, error: SettingsError) -> None:
        """Of settings that only their use shows to be wrong: the service goes on without them."""
        log.error("settings that do not work", reason=str(error))
        self._complaint = str(error)
        self._note_reload(self._complaint, is_good=False)

    # -- jobs ----------------------------------------------------------------------------------------------------------

    async def _schedule(self, session: Session, settings: Settings) -> AsyncIOScheduler:
        chores, scheduler = session.chores, _scheduler()
        zone = ZoneInfo(settings.timezone)
        self._last_tick = None
        at_once = {"next_run_time": now()}
        for job, trigger, first in (
            (self._tick, IntervalTrigger(seconds=TICK, timezone="UTC"), {}),
            (self._look, IntervalTrigger(seconds=LOOK, timezone="UTC"), at_once),
            (self._tell_status, IntervalTrigger(seconds=STATUS, timezone="UTC"), {}),
            # days of the archive are UTC days, whatever zone people live in; a file that is damaged is tried again
            (chores.seal, CronTrigger(second=30, timezone="UTC"), at_once),
            (chores.forget, CronTrigger(hour=0, minute=15, timezone=zone), {}),
        ):
            scheduler.add_job(self._ending_on_failure(job), trigger, name=job.__qualname__, **first)
        if settings.digest_at is not None:
            scheduler.add_job(self._ending_on_failure(chores.digest), _cron(settings.digest_at, zone), name="digest")
        if settings.verify_at is not None:
            check = self._ending_on_failure(chores.check)
            scheduler.add_job(check, _cron(settings.verify_at, zone), name="check")
            # one that was missed, the machine being off, or that could not be made
            scheduler.add_job(check, IntervalTrigger(minutes=10), name="missed check", next_run_time=now() + SOON)
        scheduler.start()
        return scheduler

    async def _tick(self) -> None:
        began = time.monotonic()
        if self._last_tick is not None:
            self._metrics.lag(began - self._last_tick - TICK)
        self._last_tick = began
        if self._session is not None:
            await self._session.runner.tick()

    async def _look(self) -> None:
        if self._session is not None:
            await self._session.chores.look_in_turn()

    async def _tell_status(self) -> None:
        if self._session is not None:
            self._notifier.status(self._session.chores.status())

    def _ending_on_failure(self, job: Callable[[], object]) -> Callable[[], object]:
        async def guarded() -> None:
            try:
                await job()  # type: ignore[misc]
            except asyncio.CancelledError:
                return  # the session ends: no error of the scheduler's
            except Exception as error:  # noqa: BLE001  the scheduler would log it and go on; it must end the service
                self._fail(error)

        return guarded

    # -- signs of life -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        """Within it, loop and writer beat, also while a session drains; systemd hears of both together."""
        every = min(WRITE, self._notifier.watchdog / 4) if self._notifier.watchdog else WRITE
        write = partial(note, self._home, "pulse", "the writer writes")
        beats = (self._pulse.beat(self._on_beat), self._pulse.write(write, every))
        async with in_background(beats, self._fail):
            yield

    def _on_beat(self) -> None:
        if self._session is not None:
            self._metrics.figures(self._session.runner.load())
            self._pulse.work = self._session.runner.standstill()
        watchdog = self._notifier.watchdog
        if watchdog and max(self._pulse.writer, self._pulse.work) < watchdog / 2:
            self._notifier.alive()
        at = now()
        self._metrics.pulse(loop=at, writer=at - timedelta(seconds=self._pulse.writer))
        if jump := self._clock.jump():
            self._on_clock_jump(jump)

    def _on_clock_jump(self, jump: timedelta) -> None:
        log.warning("the clock was set", by=format_duration(jump))
        if self._session is not None:
            self._session.runner.shift(jump)
        for job in self._scheduler.get_jobs() if self._scheduler is not None else ():
            _set_again(job)

    # -- signals -------------------------------------------------------------------------------------------------------

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Within it, signals are heard."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        stops = (signal.SIGTERM, signal.SIGINT)
        for number in stops:
            loop.add_signal_handler(number, self._asked_to_stop, task)
        loop.add_signal_handler(signal.SIGHUP, self._read_again)
        try:
            yield
        finally:
            for number in (*stops, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def _asked_to_stop(self, task: "asyncio.Task[None]") -> None:
        if self._is_stopping:
            task.cancel()
            return
        self._is_stopping = True
        self._turn.set()
        asyncio.get_running_loop().call_later(DRAIN, task.cancel)

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._turn.set()

    def _read_again(self) -> None:
        if self._is_stopping:
            return
        self._notifier.reloading(time.monotonic_ns() // 1_000)
        try:
            settings, feeds = self._reload()
            settings.check_reload(self._settings)
        except SettingsError as error:
            reason = "; ".join(str(error).splitlines())
            log.error("reload refused, the old settings and feeds stay", reason=reason)
            self._note_reload(f"refused, the old settings and feeds stay: {reason}", is_good=False)
            self._notifier.ready("reload refused, the old settings and feeds stay")
            return
        is_new = settings != self._settings
        lasting = None if is_new else self._complaint
        self._note_reload(lasting or f"{watched(feeds)} feeds are watched", is_good=lasting is None)
        log.info("reloaded", feeds=watched(feeds), settings="new" if is_new else "as before")
        if self._session is not None and not is_new:
            self._next = None
            self._session.runner.replace_feeds(feeds)
            self._notifier.ready(f"watching {watched(feeds)} feeds")
            return
        logs.configure(settings)
        self._next = settings, feeds
        self._turn.set()  # the next session says when it is ready

    def _note_reload(self, text: str, *, is_good: bool) -> None:
        self._metrics.reloaded(now(), accepted=is_good)
        start(note(self._home, "reload", text, is_good=is_good), self._fail)

    def _hear(self, event: Event) -> None:
        self.tally.add(event)
        self._metrics.listen(event)
        narrate(event)


def _scheduler() -> AsyncIOScheduler:
    return AsyncIOScheduler(
        timezone="UTC",
        # the default grace of one second skips a run whenever the loop was busy
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )


def _cron(time_of_day: TimeOfDay, zone: ZoneInfo) -> CronTrigger:
    return CronTrigger(day_of_week=time_of_day.day, hour=time_of_day.hour, minute=time_of_day.minute, timezone=zone)


def _set_again(job: Job) -> None:
    """Have a job run when it would, had the clock always been right."""
    if isinstance(job.trigger, CronTrigger):
        job.reschedule(job.trigger)
    else:
        job.modify(next_run_time=now())  # an interval goes on from its last run, by a clock that is no more
