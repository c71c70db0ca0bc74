"""``veille run`` as a process: settings and feeds changed under it, a clock that jumps, a writer that hangs."""

import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from chaos.world import Clock
from command import VEILLE, environment

from service.newsroom import Newsroom
from storage.database import open_database
from storage.model import Note

PACE = {"poll_interval": "2s", "poll_min": "1s", "poll_max": "2s", "log_format": "json"}


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def notes(directory: Path) -> dict[str, Note]:
    with closing(open_database(f"sqlite:///{directory / 'data' / 'veille.db'}", readonly=True)) as store:
        return dict(store.notes())


def archived(directory: Path, url: str) -> bool:
    files = directory.glob("data/articles/*/*.jsonl")
    return any(f'"requested_url":"{url}"' in path.read_text(encoding="utf-8") for path in files)


@contextmanager
def running(directory: Path, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The daemon, its settings in ``.env``; ended by SIGTERM, which must end it well."""
    log = directory / "log"
    with log.open("wb") as said:
        daemon = subprocess.Popen([VEILLE, "run"], cwd=directory, env=environment(**PACE) | more, stderr=said)
        try:
            yield daemon
        finally:
            daemon.send_signal(signal.SIGTERM)
            code = daemon.wait(40)
    assert code == 0, log.read_text(encoding="utf-8")
    assert "Traceback" not in log.read_text(encoding="utf-8")


def begin(directory: Path, room: Newsroom, env: str = "") -> None:
    (directory / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
    (directory / ".env").write_text(env, encoding="utf-8")


@pytest.mark.slow
def test_settings_and_feeds_are_exchanged_under_way_but_no_wrong_ones(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=1) as room:
        begin(tmp_path, room, "VEILLE_CONTACT=https://before.example/\n")
        feeds = (tmp_path / "feeds.toml").read_text(encoding="utf-8")
        with running(tmp_path) as daemon:
            wait_for(lambda: all(archived(tmp_path, story.url) for story in room.stories()))

            (tmp_path / "feeds.toml").write_text(f"{feeds}\n[[feed]]\nname = 7\n", encoding="utf-8")
            daemon.send_signal(signal.SIGHUP)
            wait_for(lambda: "reload" in notes(tmp_path))
            refused = notes(tmp_path)["reload"]
            assert not refused.is_good
            assert "the old settings and feeds stay: feeds.toml:" in refused.text

            (tmp_path / "feeds.toml").write_text(feeds, encoding="utf-8")
            (tmp_path / ".env").write_text("VEILLE_DATA_DIR=elsewhere\n", encoding="utf-8")
            daemon.send_signal(signal.SIGHUP)
            wait_for(lambda: "take a restart" in notes(tmp_path)["reload"].text)

            (tmp_path / ".env").write_text("VEILLE_CONTACT=https://after.example/\n", encoding="utf-8")
            daemon.send_signal(signal.SIGHUP)
            wait_for(lambda: notes(tmp_path)["reload"].is_good)
            (story,) = room.publish(1)
            wait_for(lambda: archived(tmp_path, story.url))
            agents = [str(dict(request.headers)) for request in room.requests]
            assert "before.example" in agents[0]
            assert "after.example" in agents[-1]
        assert notes(tmp_path)["service"].text == "stopped as asked"


@pytest.mark.slow
def test_a_database_locked_for_a_while_by_another_is_waited_for(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        begin(tmp_path, room)
        with running(tmp_path):
            wait_for(lambda: all(archived(tmp_path, story.url) for story in room.stories()))
            with closing(sqlite3.connect(tmp_path / "data" / "veille.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                (story,) = room.publish(1)
                time.sleep(7.0)  # longer than SQLite's own patience
                other.execute("ROLLBACK")
            wait_for(lambda: archived(tmp_path, story.url))


@pytest.mark.slow
@pytest.mark.parametrize("jump", [-3600, 3600, -400 * 86_400])
def test_a_clock_that_jumps_holds_nothing_up(tmp_path: Path, jump: int) -> None:
    if shutil.which("cc") is None:
        pytest.skip("a C compiler is missing: apt-get install gcc libc6-dev")
    clock = Clock(tmp_path)
    with Newsroom(sites=1, stories=1) as room:
        begin(tmp_path, room)
        with running(tmp_path, **clock.surroundings):
            wait_for(lambda: all(archived(tmp_path, story.url) for story in room.stories()))
            clock.set(timedelta(seconds=jump))
            (story,) = room.publish(1)
            wait_for(lambda: archived(tmp_path, story.url))
            assert "the clock was set" in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_writer_that_hangs_gives_no_sign_of_life_and_one_that_goes_on_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel, Newsroom(sites=1, stories=0) as room:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(15)
        begin(tmp_path, room)
        watchdog = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}

        def await_life() -> None:
            while not channel.recv(4096).startswith(b"WATCHDOG=1"):
                pass

        with running(tmp_path, **watchdog):
            await_life()
            with closing(sqlite3.connect(tmp_path / "data" / "veille.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                time.sleep(2.0)  # its last sign may have been given just before
                while _waiting(channel):
                    channel.recv(4096)
                time.sleep(1.5)
                said = [channel.recv(4096) for _ in range(1)] if _waiting(channel) else []
                assert not [message for message in said if message.startswith(b"WATCHDOG=1")]
                other.execute("ROLLBACK")
            await_life()


def _waiting(channel: "object") -> bool:
    import select

    return bool(select.select([channel], [], [], 0)[0])
