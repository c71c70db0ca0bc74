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

from service.newsroom import Newsroom, Slow
from storage.segments import records

SLOWLY = [pytest.mark.slow, pytest.mark.timeout(900)]
LOCKED = 75


def holds_a_lock(pid: int) -> bool:
    """Whether a process holds a data directory: the kernel's own word."""
    return any("FLOCK" in line and f" {pid} " in line for line in Path("/proc/locks").read_text().splitlines())


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.mark.parametrize("kills", [14, pytest.param(140, marks=SLOWLY)])
def test_what_was_acknowledged_outlives_every_kill(
    tmp_path: Path, nursery: Nursery, kills: int, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(kills)
    data, out, rivals = tmp_path / "data", tmp_path / "said", Counter[int]()
    moments: Counter[str] = Counter()
    for number in range(kills):
        scribe = nursery.start("scribe", data, out=out)
        time.sleep(chance.uniform(0, 0.4))
        os.kill(scribe.pid, signal.SIGSTOP)  # alive and at no agreed point, for as long as the second one tries
        if holds_a_lock(scribe.pid):
            rivals[nursery.start("veille", "--data", data, "crawl", out=tmp_path / "rival").wait()] += 1
        assert scribe.kill() == -signal.SIGKILL
        moments[Said.read(out).last] += 1
        if number % 5 == 4:  # it recovers the archive; else the next scribe does
            assert audit(data, Said.read(out)).complaints == []
    assert audit(data, Said.read(out)).complaints == []
    assert set(rivals) == {LOCKED}
    assert "Traceback" not in (tmp_path / "rival").read_text()
    said = Said.read(out)
    assert len(said.archived) > 10 * kills
    record_property(
        "measured",
        f"{kills} kills of a scribe after {dict(moments)}, {len(said.archived)} articles acknowledged, "
        f"{rivals.total()} second instances refused",
    )


def test_each_step_on_the_disk_can_be_the_last(
    tmp_path: Path, nursery: Nursery, record_property: Callable[[str, object], None]
) -> None:
    data, out = tmp_path / "data", tmp_path / "said"
    steps = 0
    for step in count(1):
        code = nursery.start("stumble", step, data, 3, out=out).wait()
        if code != -signal.SIGKILL:
            break
        steps = step
        if step % 10 == 0:
            assert audit(data, Said.read(out)).complaints == []
    assert code == 0, out.read_text()
    assert audit(data, Said.read(out)).complaints == []
    assert steps > 20
    record_property("measured", f"killed before each of {steps} steps on the disk in turn")


@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=SLOWLY)])
def test_a_killed_command_leaves_an_archive_that_the_next_one_completes(
    tmp_path: Path, nursery: Nursery, kills: int, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(kills)
    lives = [("crawl", "--all"), ("run",)]
    killed, refused = Counter[str](), 0
    with Newsroom(sites=4, stories=12) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        for site in room.sites:
            room.fault(site, Slow(0.2))  # or a crawl would be over before its kill
        for number in range(kills):
            words = lives[number % len(lives)]
            life = start(tmp_path, *words, own_session=True, poll_interval="2s", poll_min="1s")
            time.sleep(chance.uniform(0.3, 1.8))
            if life.poll() is None:
                life.send_signal(signal.SIGSTOP)
                if holds_a_lock(life.pid):
                    second = veille(tmp_path, "crawl")
                    assert second.returncode == LOCKED, second.stderr
                    assert len(messages(second)) == 1
                    refused += 1
                os.killpg(life.pid, signal.SIGKILL)
                killed[words[0]] += 1
            _, said = life.communicate()
            assert "Traceback" not in said
            room.publish(2)
        room.heal()
        assert veille(tmp_path, "crawl", "--all").returncode == 0
        assert Counter(article.url for _, article in records(tmp_path / "data")) == {
            story.url: 1 for story in room.stories()
        }
    assert veille(tmp_path, "verify").returncode == 0
    assert refused >= kills // 2
    record_property("measured", f"kills of the command: {dict(killed)}, {refused} second instances refused")
