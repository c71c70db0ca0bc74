"""kill -9 at random moments, with a second instance trying to start each time: nothing is lost, nothing is doubled."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from command import messages, start, veille
from faults.audit import audit
from faults.nursery import Nursery
from faults.scribe import Said
from faults.sequel import complete

from service.newsroom import Newsroom, Slow

SLOWLY = [pytest.mark.slow, pytest.mark.timeout(900)]
LOCKED = 75


def holds_a_lock(pid: int) -> bool:
    """Whether a process holds a data directory: the kernel's own word."""
    return any("FLOCK" in line and f" {pid} " in line for line in Path("/proc/locks").read_text().splitlines())


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.mark.parametrize("kills", [10, pytest.param(150, marks=SLOWLY)])
def test_what_was_acknowledged_outlives_every_kill(
    tmp_path: Path, nursery: Nursery, kills: int, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(kills)
    data, out, rivals = tmp_path / "data", tmp_path / "said", Counter[int]()
    moments: Counter[str] = Counter()
    for number in range(kills):
        scribe = nursery.start("scribe", data, out=out)
        if number % 4:  # by what it has done, for its pace depends on the machine; else while it starts
            until = lines(out) + chance.randrange(1, 40)
            wait_for(lambda: scribe.ends_within(0) or lines(out) >= until, 60)  # noqa: B023  called at once
        time.sleep(chance.uniform(0, 0.05))
        os.kill(scribe.pid, signal.SIGSTOP)  # alive and at no agreed point, for as long as the second one tries
        if holds_a_lock(scribe.pid):
            rivals[nursery.start("veille", "--data", data, "crawl", out=tmp_path / "rival").wait()] += 1
        assert scribe.kill() == -signal.SIGKILL, out.read_text()[-1000:]
        moments[Said.read(out).last] += 1
        if number % (kills // 3) == 3:  # it recovers the archive; else the next scribe does
            assert audit(data, Said.read(out)).complaints == []
    assert audit(data, Said.read(out)).complaints == []
    assert set(rivals) == {LOCKED}
    assert "Traceback" not in (tmp_path / "rival").read_text()
    said = Said.read(out)
    assert len(said.archived) > 10 * kills
    assert len(said.sealed) > kills // 2
    record_property(
        "measured",
        f"{kills} kills of a scribe after {dict(moments)}, {len(said.archived)} articles and {len(said.sealed)} sealed "
        f"files acknowledged, {rivals.total()} second instances refused",
    )


@pytest.mark.parametrize("stride", [8, pytest.param(1, marks=SLOWLY)])
def test_each_step_on_the_disk_can_be_the_last(
    tmp_path: Path, nursery: Nursery, stride: int, record_property: Callable[[str, object], None]
) -> None:
    data, out, before = tmp_path / "data", tmp_path / "said", Counter[str]()
    for step in count(1, stride):
        code = nursery.start("stumble", step, data, 1, out=out).wait()
        if code != -signal.SIGKILL:
            break
        before[Said.read(out).last] += 1
        if step % 10 == 1:
            assert audit(data, Said.read(out)).complaints == []
    assert code == 0, out.read_text()
    assert audit(data, Said.read(out)).complaints == []
    assert {"pending", "sealing"} <= before.keys()
    record_property("measured", f"killed before {before.total()} of {step} steps on the disk in turn: {dict(before)}")


@pytest.mark.parametrize("kills", [pytest.param(50, marks=SLOWLY)])
def test_a_killed_command_leaves_an_archive_that_the_next_one_completes(
    tmp_path: Path, nursery: Nursery, kills: int, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(kills)
    lives = [("crawl", "--all"), ("run",), ("seal",)]
    killed, refused = Counter[str](), 0
    with Newsroom(sites=4, stories=12) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        for number in range(kills):
            for site in room.sites:
                room.fault(site, Slow(0.2))  # or a crawl would be over before its kill
            words = lives[number % len(lives)]
            life = start(tmp_path, *words, own_session=True, poll_interval="2s", poll_min="1s")
            if number % 7 < 6:  # else anywhere in its start
                wait_for(lambda: life.poll() is not None or holds_a_lock(life.pid), 30)  # noqa: B023  called at once
            time.sleep(chance.uniform(0, 0.1 if words == ("seal",) else 1))
            if life.poll() is None:
                life.send_signal(signal.SIGSTOP)
                if holds_a_lock(life.pid):
                    if number % 3 == 0:
                        second = veille(tmp_path, "crawl")
                        assert second.returncode == LOCKED, second.stderr
                        assert len(messages(second)) == 1
                    else:  # the same, without the start of an interpreter
                        data = tmp_path / "data"
                        rival = nursery.start("veille", "--data", data, "crawl", out=tmp_path / "rival")
                        assert rival.wait() == LOCKED
                    refused += 1
                os.killpg(life.pid, signal.SIGKILL)
                killed[words[0]] += 1
            _, said = life.communicate()
            assert "Traceback" not in said
            room.publish(2)
            room.heal()
            if number % 10 == 9:  # before stories leave feeds that were killed whenever they were to be polled
                complete(tmp_path, room)
        complete(tmp_path, room)
    assert refused >= kills // 2
    record_property("measured", f"kills of the command: {dict(killed)}, {refused} second instances refused")
