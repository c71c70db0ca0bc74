"""Signs of life, and a clock that is watched."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service import pulse
from service.background import in_background
from service.pulse import ClockWatch, Judge, Pulse
from service.settings import load
from storage.lock import DirectoryLock


def test_a_clock_that_was_set_is_told_once_and_one_that_runs_is_not() -> None:
    ahead = timedelta(0)
    watch = ClockWatch(lambda: datetime.now(UTC) + ahead)
    assert watch.jump() == timedelta(0)
    for jump in (timedelta(hours=-1), timedelta(days=400), timedelta(seconds=3)):
        ahead += jump
        assert abs(watch.jump() - jump) < timedelta(milliseconds=500)
        assert watch.jump() == timedelta(0)
    ahead += timedelta(seconds=1)
    assert watch.jump() == timedelta(0), "NTP may do that"


def test_time_that_passes_while_nobody_looks_is_no_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = 0.0
    monkeypatch.setattr(pulse.time, "clock_gettime", lambda _clock: passed)
    watch = ClockWatch(lambda: datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=passed))
    passed = 8 * 3600.0  # the machine slept
    assert watch.jump() == timedelta(0)


def test_loop_and_writer_beat_each_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "BEAT", 0.01)
    beats = 0

    def on_beat() -> None:
        nonlocal beats
        beats += 1

    async def hang() -> None:
        await asyncio.sleep(60)

    async def main() -> tuple[float, float]:
        signs = Pulse()
        async with in_background((signs.beat(on_beat), signs.write(hang, 0.01)), lambda _error: None):
            await asyncio.sleep(0.3)
            return signs.loop, signs.writer

    loop, writer = asyncio.run(main())
    assert beats > 3
    assert loop < 0.25
    assert writer >= 0.29


def test_a_failure_in_the_background_is_heard_of() -> None:
    async def fail() -> None:
        raise OSError("disk")

    async def main() -> list[Exception]:
        heard: list[Exception] = []
        async with in_background([fail()], heard.append):
            await asyncio.sleep(0.01)
        return heard

    started = time.monotonic()
    assert [str(error) for error in asyncio.run(main())] == ["disk"]
    assert time.monotonic() - started < 5


def test_another_lock_than_the_one_that_is_held_is_no_lock(tmp_path: Path) -> None:
    settings = load(None, data_dir=tmp_path / "data", min_free="1kB")
    with DirectoryLock(settings.data_dir):
        judge = Judge(Pulse(), settings)
        assert judge.ready() == []
        settings.data_dir.rename(tmp_path / "elsewhere")
        assert "is gone" in judge.ready()[0]
        with DirectoryLock(settings.data_dir):
            assert "another than the one that is locked" in judge.ready()[0]


def test_what_stands_still_is_not_ready(tmp_path: Path) -> None:
    settings, pulse_ = load(None, data_dir=tmp_path, min_free="900TB"), Pulse()
    with DirectoryLock(tmp_path):
        judge = Judge(pulse_, settings)
        pulse_.work = 1_000.0
        reasons = judge.ready()
    assert [reason.split()[:2] for reason in reasons] == [["the", "archive"], [reasons[1].split()[0], "left"]]
