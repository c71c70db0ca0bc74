"""What a service does beside its work: the digest once, a check that was missed, figures that cannot be read."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from newsstand import Clock

from service import app, chores, daemon
from service.app import open_home, open_service
from service.chores import Chores, open_chores
from service.events import Tally
from service.metrics import Metrics
from service.settings import load
from storage.errors import StorageError

HOUR = timedelta(hours=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Monday, a quarter to eight."""
    clock = Clock(datetime(2026, 11, 23, 7, 45, tzinfo=UTC))
    for module in (app, chores):
        monkeypatch.setattr(module, "now", clock)
    return clock


def do(directory: Path, script: Callable[[Chores], Awaitable[None]], **settings: Any) -> None:
    """Run a script over the chores of a service without feeds."""

    async def main() -> None:
        chosen = load(None, data_dir=directory, **settings)
        async with (
            open_home(chosen) as home,
            open_service(home, chosen, (), lambda _event: None) as runner,
            open_chores(chosen, home, runner, Tally(), Metrics("0", app.now())) as some,
        ):
            await script(some)

    asyncio.run(main())


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> list[datetime]:
    """When days were summed up."""
    summed: list[datetime] = []

    async def digest(_self: object, _facts: object) -> None:
        summed.append(clock())

    monkeypatch.setattr(chores.Alarms, "digest", digest)
    return summed


def test_a_day_is_summed_up_once_whatever_the_clock_does(tmp_path: Path, clock: Clock, digests: list[datetime]) -> None:
    async def script(some: Chores) -> None:
        await some.look()  # a fresh start: there is no day to sum up
        clock.forward(minutes=15)
        await some.digest()
        clock.forward(minutes=-5)  # set back
        await some.look()
        clock.forward(minutes=5)
        await some.digest()
        await some.look()
        clock.forward(hours=23, minutes=50)
        await some.look()
        clock.forward(minutes=20)  # over its time of a sudden
        await some.look()
        await some.look()

    do(tmp_path, script)
    eight = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert digests == [eight, eight + 24 * HOUR + timedelta(minutes=10)]


def test_a_check_that_was_missed_is_made_up_for_and_made_once(tmp_path: Path, clock: Clock) -> None:
    async def script(some: Chores) -> None:
        await some.check()
        first = (await some._thread(some._looking.notes))["verify"]
        assert first.is_good
        await some.check()
        clock.forward(days=6, hours=12)  # Sunday evening: at three the machine was off
        await some.check()
        assert (await some._thread(some._looking.notes))["verify"].at == clock()
        clock.forward(hours=1)
        await some.check()
        assert (await some._thread(some._looking.notes))["verify"].at < clock()

    do(tmp_path, script)


def test_a_service_that_cannot_see_does_not_say_that_all_is_well_and_ends_in_the_end(
    tmp_path: Path, clock: Clock, digests: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageError("the disk is gone")

    async def script(some: Chores) -> None:
        await some.look()
        monkeypatch.setattr(chores, "gather", fail)
        clock.forward(minutes=15)
        await some.digest()
        assert digests == []
        for _ in range(chores.MOST_FAILURES - 2):
            assert await some.look() is False
        with pytest.raises(StorageError, match="the disk is gone"):
            await some.look()

    do(tmp_path, script)


def test_a_failure_while_a_session_drains_ends_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(None, data_dir=tmp_path, verify_at="off")
    opened = 0

    @asynccontextmanager
    async def session(lasting: Any, *_: object) -> Any:
        nonlocal opened
        opened += 1
        yield _Nothing()
        running._fail(StorageError("lost while draining"))

    class _Nothing:
        """A session with nothing to do."""

        runner = chores = None

    async def main() -> None:
        nonlocal running
        async with open_home(settings) as home:
            running = daemon._Daemon(home, daemon.Notifier(None), lambda: (settings, ()))

            async def schedule(*_: object) -> Any:
                running._next = settings, ()
                running._turn.set()
                return type("Idle", (), {"shutdown": lambda *_, **__: None})()

            running._schedule = schedule  # type: ignore[method-assign]
            _Nothing.runner = type("Still", (), {"stop": lambda *_: None, "load": None})()  # type: ignore[assignment]
            with pytest.raises(StorageError, match="lost while draining"):
                await running.watch(settings, ())

    running: Any = None
    monkeypatch.setattr(daemon, "open_session", session)
    monkeypatch.setattr(daemon.Pulse, "beat", lambda *_: asyncio.sleep(60))
    asyncio.run(main())
    assert opened == 1
