"""Rule 35 of docs/network.md: the scheduler as the daemon runs it, in this process, with real signals."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apscheduler.events import (
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from crawling import Bench
from newsstand import Clock, item, ledger, mount, page, paths, reasons, rss

from service import app, catalogues, daemon, runner
from service.newsroom import Answer, Head, Newsroom, Slow
from service.newsroom.overrides import Handler
from storage.model import Outcome


class Watched(AsyncIOScheduler):  # type: ignore[misc]
    """The daemon's scheduler, and what it has to say of its jobs."""

    made: "list[Watched]" = []  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.executed: list[datetime] = []
        """When runs of a tick were due that have been executed."""
        self.missed: list[JobExecutionEvent] = []
        self.refused: list[JobSubmissionEvent] = []
        """Runs that were due while the one before them was still running."""
        self.stores: list[BaseJobStore] = []
        self.add_listener(self._note_execution, EVENT_JOB_EXECUTED)
        self.add_listener(self.missed.append, EVENT_JOB_MISSED)
        self.add_listener(self.refused.append, EVENT_JOB_MAX_INSTANCES)
        self.made.append(self)

    def add_jobstore(self, jobstore: BaseJobStore, alias: str = "default", **options: Any) -> None:
        self.stores.append(jobstore)
        super().add_jobstore(jobstore, alias, **options)

    def is_tick(self, job_id: str) -> bool:
        job = self.get_job(job_id)
        return job is not None and job.name.endswith("_tick")

    def _note_execution(self, event: JobExecutionEvent) -> None:
        if self.is_tick(event.job_id):
            self.executed.append(event.scheduled_run_time)


Script = Callable[[Watched], Awaitable[None]]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(daemon, "AsyncIOScheduler", Watched)
    monkeypatch.setattr(daemon, "TICK", 0.05)
    monkeypatch.setattr(Watched, "made", [])
    return Bench(tmp_path)


def watch(bench: Bench, script: Script) -> tuple[Watched, int]:
    """Run the daemon, play the script beside it, and end it by SIGTERM; returns its scheduler and its exit code."""

    async def main() -> tuple[Watched, int]:
        settings = bench.settings
        feeds = catalogues.load(settings.feeds_file)
        running = asyncio.create_task(daemon.run(settings, feeds, reload=lambda: (settings, feeds)))
        await until(lambda: running.done() or bool(Watched.made and Watched.made[0].running))
        if not running.done():
            (scheduler,) = Watched.made
            try:
                await script(scheduler)
            finally:
                if not running.done():
                    os.kill(os.getpid(), signal.SIGTERM)
        return Watched.made.pop(), await running

    return asyncio.run(main())


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def knocked(body: str) -> tuple[threading.Event, Handler]:
    """A handler for a body, and what tells that it was asked for; the newsroom's log knows of answers only."""
    asked = threading.Event()

    def answer(_: Head) -> Answer:
        asked.set()
        kind = "application/rss+xml" if body.startswith("<rss") else "text/html; charset=utf-8"
        return Answer(200, (("Content-Type", kind),), body.encode())

    return asked, answer


# -- ticks -------------------------------------------------------------------------------------------------------------


def test_rule_35_a_loop_blocked_past_a_tick_skips_no_poll(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "TICK", 1.8)

    async def script(scheduler: Watched) -> None:
        time.sleep(3.1)  # the tick comes 1.3 s late, 0.5 s before the next one
        await until(lambda: bool(scheduler.executed or scheduler.missed))
        await until(lambda: bool(room.feed_requests()))

    with Newsroom(sites=1, stories=0) as room:
        mount(bench, room, {"f": rss(item("1", description="A text."))})
        scheduler, _ = watch(bench, script)
    assert scheduler.missed == []
    assert scheduler.executed


def test_rule_35_ticks_that_were_missed_are_made_up_for_by_one(bench: Bench) -> None:
    blocked: list[datetime] = []

    async def script(scheduler: Watched) -> None:
        await until(lambda: bool(scheduler.executed))
        blocked.append(datetime.now(UTC))
        time.sleep(1.0)
        blocked.append(datetime.now(UTC))
        await until(lambda: scheduler.executed[-1] > blocked[1])

    with Newsroom(sites=1, stories=0) as room:
        mount(bench, room, {"f": rss()})
        scheduler, _ = watch(bench, script)
    start, end = blocked
    assert len([due for due in scheduler.executed if start < due <= end]) <= 1
    assert scheduler.missed == []


def test_rule_35_a_tick_never_runs_beside_another(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0

    async def slow_tick(self: runner.Runner) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.3)
        running -= 1

    async def script(scheduler: Watched) -> None:
        await until(lambda: len([each for each in scheduler.refused if scheduler.is_tick(each.job_id)]) >= 3)
        await until(lambda: len(scheduler.executed) >= 2)

    monkeypatch.setattr(runner.Runner, "tick", slow_tick)
    with Newsroom(sites=1, stories=0) as room:
        mount(bench, room, {"f": rss()})
        watch(bench, script)
    assert most == 1


def test_rule_35_the_schedule_is_kept_in_the_store_alone_and_in_utc(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    clock = Clock()
    monkeypatch.setattr(app, "now", clock)

    async def ticks(scheduler: Watched) -> None:
        await until(lambda: len(scheduler.executed) >= 3)

    asked = []
    try:
        with Newsroom(sites=1, stories=0) as room:
            mount(bench, room, {"f": rss(item("1", description="A text."))})
            for hours in (0.0, 0.1, 0.1, 48.0):
                clock.forward(hours=hours)
                scheduler, code = watch(bench, ticks)
                asked.append(len(room.feed_requests()))
                assert code == 0
    finally:
        monkeypatch.undo()
        time.tzset()
    assert asked == [1, 1, 1, 2]
    assert [type(store) for store in scheduler.stores] == [MemoryJobStore]
    assert str(scheduler.timezone) == "UTC"
    assert {due.utcoffset() for due in scheduler.executed} == {datetime.now(UTC).utcoffset()}


# -- the end -----------------------------------------------------------------------------------------------------------


def test_rule_35_sigterm_archives_the_page_being_fetched_and_begins_no_other(bench: Bench) -> None:
    asked, answer = knocked(page("A page"))

    async def script(_: Watched) -> None:
        await until(asked.is_set)

    with Newsroom(sites=1, stories=0) as room:
        links = [room.serve("/1", answer)] + [room.serve(f"/{n}", page(f"Page {n}")) for n in range(2, 6)]
        room.fault(links[0], Slow(1.0))
        mount(bench, room, {"f": rss(*(item(link, link) for link in links))})
        _, code = watch(bench, script)
        assert [request.path for request in room.page_requests()] == ["/1"]
    assert code == 0
    assert [record["requested_url"] for record in bench.records()] == links[:1]
    assert ledger(bench) == {Outcome.ARCHIVED: 1, Outcome.PENDING: 4}


def test_rule_35_sigterm_remembers_the_feed_being_polled(bench: Bench) -> None:
    asked, answer = knocked(rss(item("1", description="A text.")))

    async def script(_: Watched) -> None:
        await until(asked.is_set)

    with Newsroom(sites=1, stories=0) as room:
        mount(bench, room, {"f": rss()})
        room.fault(room.serve("/f.xml", answer), Slow(1.0))
        _, code = watch(bench, script)
        assert paths(room) == ["/robots.txt", "/f.xml"]
    assert code == 0
    assert ledger(bench) == {Outcome.PENDING: 1}
    assert bench.crawl(poll_all=False).due == ()
    assert ledger(bench) == {Outcome.ARCHIVED: 1}


def test_rule_35_what_does_not_come_in_soon_is_given_up_and_stays_pending(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "GRACE", 0.2)
    asked, answer = knocked(page("A page"))

    async def script(_: Watched) -> None:
        await until(asked.is_set)

    with Newsroom(sites=1, stories=0) as room:
        link = room.serve("/1", answer)
        room.fault(link, Slow(60.0))
        mount(bench, room, {"f": rss(item(link, link))})
        started = time.monotonic()
        _, code = watch(bench, script)
        assert time.monotonic() - started < 30
    assert code == 0
    assert ledger(bench) == {Outcome.PENDING: 1}
    assert reasons(bench) == {}


def test_rule_35_a_second_signal_ends_it_at_once(bench: Bench) -> None:
    asked, answer = knocked(page("A page"))
    stopped: list[float] = []

    async def script(_: Watched) -> None:
        await until(asked.is_set)
        stopped.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.3)  # the second comes when the script has ended

    with Newsroom(sites=1, stories=0) as room:
        link = room.serve("/1", answer)
        room.fault(link, Slow(60.0))
        mount(bench, room, {"f": rss(item(link, link))})
        _, code = watch(bench, script)
        assert time.monotonic() - stopped[0] < runner.GRACE / 2
    assert code == 0
    assert ledger(bench) == {Outcome.PENDING: 1}
