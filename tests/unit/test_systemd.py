"""sd_notify(3), spoken over real datagram sockets, by the notifier alone and by the daemon."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import start

from service import systemd
from service.settings import notify_socket
from service.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """What stands in NOTIFY_SOCKET, and the socket that systemd would listen on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.settimeout(30)
        if request.param == "path":
            address = str(tmp_path / "notify")
            channel.bind(address)
        else:
            address = f"@veille-test-{os.getpid()}"
            channel.bind("\0" + address[1:])
        yield address, channel


def test_every_state_is_one_datagram_in_the_words_of_sd_notify(listening: tuple[str, socket.socket]) -> None:
    address, channel = listening
    notifier = Notifier(address)
    notifier.ready("watching 3 feeds")
    notifier.reloading(1_234_567)
    notifier.status("2 polls, Ouagadougou où l'on attend")
    notifier.alive()
    notifier.stopping()
    assert [channel.recv(4096).decode().split("\n") for _ in range(5)] == [
        ["READY=1", "STATUS=watching 3 feeds"],
        ["RELOADING=1", "MONOTONIC_USEC=1234567"],
        ["STATUS=2 polls, Ouagadougou où l'on attend"],
        ["WATCHDOG=1"],
        ["STOPPING=1", "STATUS=draining"],
    ]


def test_a_socket_that_vanished_is_passed_over_and_heard_again_once_it_is_back(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    notifier = Notifier(address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as gone:
        gone.bind(address)
    notifier.alive()  # the file is there, nobody listens
    Path(address).unlink()
    notifier.alive()  # nor is the file
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as back:
        back.bind(address)
        notifier.status("still here")
        assert back.recv(4096) == b"STATUS=still here"


def test_without_a_socket_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("a socket was opened"))
    Notifier(None).ready("watching 3 feeds")


def test_the_socket_and_the_watchdog_s_interval_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("WATCHDOG_USEC", "120000000")
    assert notify_socket() == ("/run/systemd/notify", 120.0)
    monkeypatch.delenv("WATCHDOG_USEC")
    assert notify_socket() == ("/run/systemd/notify", None)
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert notify_socket() == (None, None)


def test_a_long_start_asks_for_time(listening: tuple[str, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    address, channel = listening
    monkeypatch.setattr(systemd, "EXTEND", 0.06)
    notifier = Notifier(address)
    with notifier.starting():
        assert channel.recv(4096) == channel.recv(4096) == b"EXTEND_TIMEOUT_USEC=60000"
    notifier.ready("watching 3 feeds")
    while (message := channel.recv(4096)).startswith(b"EXTEND"):
        pass
    assert message.startswith(b"READY=1")


def test_a_receiver_that_does_not_read_holds_nobody_up(listening: tuple[str, socket.socket]) -> None:
    address, _ = listening
    started = time.monotonic()
    for _ in range(2_000):
        Notifier(address).alive()
    assert time.monotonic() - started < 10


FEEDS = '[[feed]]\nname = "quiet"\nurl = "http://127.0.0.1:9/rss"\nenabled = false\n'


def test_the_daemon_says_when_it_is_ready_alive_reloading_and_draining(
    listening: tuple[str, socket.socket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, channel = listening

    def heard(wanted: str) -> str:
        """The next datagram but for signs of life, unless one is wanted; they come all the time."""
        while (message := channel.recv(4096).decode()).startswith("WATCHDOG=1") and wanted != "WATCHDOG=1":
            pass
        assert message.startswith(wanted), message
        return message

    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    feeds = tmp_path / "feeds.toml"
    feeds.write_text(FEEDS, encoding="utf-8")
    daemon = start(tmp_path, "run")
    try:
        heard("READY=1\nSTATUS=watching ")
        heard("WATCHDOG=1")

        daemon.send_signal(signal.SIGHUP)
        assert int(heard("RELOADING=1\nMONOTONIC_USEC=").rpartition("=")[2]) > 0
        heard("READY=1\nSTATUS=watching ")

        feeds.write_text(FEEDS + "enabled = true\n", encoding="utf-8")
        daemon.send_signal(signal.SIGHUP)
        heard("RELOADING=1")
        assert "refused" in heard("READY=1")
        heard("WATCHDOG=1")
    finally:
        daemon.send_signal(signal.SIGTERM)
        _, said = daemon.communicate(timeout=30)
    heard("STOPPING=1")
    assert daemon.returncode == 0, said
    assert "feeds.toml:5" in said
