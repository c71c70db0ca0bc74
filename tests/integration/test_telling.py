"""Messages that reach somebody, over a real process and a real connection on loopback."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from holdings import new_store
from pydantic import SecretStr
from watching import NOW, silent

from service import telling
from service.alarms import Alarms
from service.child import ChildError
from service.errors import SettingsError
from service.messages import Message, Tone
from service.offload import OneThread
from service.telling import check_addresses, deliver, send_test, tell
from service.troubles import Facts
from storage.database import open_database
from storage.model import Trouble

MESSAGE = Message("disk", "the disk is nearly full", "1 kB left <&> *so*\nmake room", Tone.TROUBLE)


class Receiver(ThreadingHTTPServer):
    """Hears what is posted to it: ``/deaf`` never answers, ``/401`` with that status, all others as ``status`` says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.status = 200
        self.is_over = threading.Event()

    def address(self, path: str = "") -> str:
        return f"json://user:secret@127.0.0.1:{self.server_address[1]}/{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path.strip("/"), json.loads(body)))
        if "deaf" in self.path:
            self.server.is_over.wait(60)
            return
        word = self.path.strip("/")
        self.send_response(int(word) if word.isdecimal() else self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.is_over.set()
        server.shutdown()
        thread.join()


def senders(parent: int) -> list[int]:
    """The processes that send, of a process: also those that have ended and nobody asked after."""
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        children = ""
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
            children = (task / "children").read_text()
        for child in children.split():
            with suppress(FileNotFoundError, ProcessLookupError):
                status = Path(f"/proc/{child}/cmdline").read_bytes()
                if not status or b"service.apprising" in status:  # a zombie has no command line
                    found.append(int(child))
    return found


def is_running(process: int) -> bool:
    """Whether it is there, and is no zombie."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


def comes(what: Callable[[], object]) -> bool:
    """Whether it comes true within some seconds."""
    until = time.monotonic() + 20
    while not what() and time.monotonic() < until:
        time.sleep(0.02)
    return bool(what())


def test_a_message_reaches_every_address_as_it_is_and_nothing_is_written(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert asyncio.run(tell(SecretStr(f"{receiver.address('a')} {receiver.address('b')}"), MESSAGE)) is None
    assert sorted((path, said["title"], said["message"], said["type"]) for path, said in receiver.heard) == [
        (path, MESSAGE.title, MESSAGE.body, "warning") for path in ("a", "b")
    ]
    assert list(tmp_path.iterdir()) == []
    assert senders(os.getpid()) == []


def test_what_lies_in_the_working_directory_is_not_run(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "orjson.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    assert asyncio.run(send_test(SecretStr(receiver.address()), "box")) is None
    assert receiver.heard[0][1]["title"] == "veille on box: this is a test"


def test_who_cannot_be_reached_and_why_is_told_by_place_alone(receiver: Receiver) -> None:
    addresses = ["json://secret@127.0.0.1:9/", receiver.address("503"), receiver.address("401"), receiver.address()]
    assert asyncio.run(tell(SecretStr(" ".join([*addresses, "nosuch://secret/"])), MESSAGE)) == (
        "address 1 of 5 could not be reached: no connection, or no answer; "
        "address 2 of 5 could not be reached: its server answers 503; "
        "address 3 of 5 could not be reached: its server answers 401, as if the password or key were wrong; "
        "address 5 of 5 could not be reached: no service is known for it"
    )


def test_one_that_never_answers_keeps_no_other_waiting_and_a_stop_ends_it(receiver: Receiver) -> None:
    sent: list[int] = []

    async def stop_once_the_other_has_it() -> None:
        sending = deliver([(receiver.address("deaf?rto=60"), MESSAGE), (receiver.address(), MESSAGE)], sent.append)
        task = asyncio.create_task(sending)
        async with asyncio.timeout(25):
            while not sent or len(receiver.heard) < 2:
                await asyncio.sleep(0.02)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(stop_once_the_other_has_it())
    assert sent == [1]
    assert senders(os.getpid()) == []


@pytest.mark.slow
def test_one_that_never_answers_is_given_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "SECONDS", 6.0)
    started = time.monotonic()
    results = asyncio.run(deliver([(receiver.address("deaf?rto=60"), MESSAGE), (receiver.address(), MESSAGE)]))
    assert results == ["no answer in time", None]
    assert time.monotonic() - started < 6
    assert senders(os.getpid()) == []


def test_a_sender_that_hangs_itself_is_killed(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "SECONDS", 0.8)
    monkeypatch.setattr(telling, "_OWN", 100)
    with pytest.raises(ChildError, match=r"^no answer within 0\.8 s$"):
        asyncio.run(deliver([(receiver.address("deaf?rto=60"), MESSAGE)]))
    assert senders(os.getpid()) == []


def test_a_sender_shows_no_address_to_other_users_hears_no_ctrl_c_and_ends_with_its_parent(receiver: Receiver) -> None:
    code = (
        "import asyncio, sys; from pydantic import SecretStr; from service.telling import send_test;"
        "asyncio.run(send_test(SecretStr(sys.stdin.readline()), 'box'))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, process_group=0) as parent:
        assert parent.stdin is not None
        parent.stdin.write(receiver.address("deaf?rto=60").encode() + b"\n")
        parent.stdin.flush()
        assert comes(lambda: receiver.heard)
        (sender,) = senders(parent.pid)
        assert os.getpgid(sender) != os.getpgid(parent.pid)
        for name in ("cmdline", "environ"):
            assert b"secret" not in Path(f"/proc/{sender}/{name}").read_bytes()
        parent.kill()
    assert comes(lambda: not is_running(sender))


def test_an_address_of_no_known_service_is_refused_without_being_shown() -> None:
    asyncio.run(check_addresses(SecretStr("json://127.0.0.1/ mailto://user:secret@example.org")))
    with pytest.raises(SettingsError, match="no service is known for address 2 of 2") as caught:
        asyncio.run(check_addresses(SecretStr("json://127.0.0.1/ nosuch://secret/")))
    assert "secret" not in str(caught.value)


def test_addresses_that_cannot_be_looked_at_in_time_end_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "SECONDS", 0.01)
    asyncio.run(check_addresses(SecretStr("nosuch://secret/")))


def test_a_trouble_is_told_once_across_restarts_and_again_where_it_could_not_be(
    receiver: Receiver, tmp_path: Path
) -> None:
    new_store(tmp_path).close()

    async def look() -> list[Trouble]:
        store, thread = open_database(f"sqlite:///{tmp_path / 'veille.db'}"), OneThread("storage")
        alarms = Alarms(store, thread, SecretStr(receiver.address()), ZoneInfo("UTC"), lambda: NOW, "host")
        try:
            return [alert.trouble for alert in await alarms.check(Facts([silent()], None, 1_000))]
        finally:
            thread.close()
            store.close()

    receiver.status = 500
    assert asyncio.run(look()) == [Trouble.SILENT]
    receiver.status = 200
    assert asyncio.run(look()) == [Trouble.SILENT]
    assert asyncio.run(look()) == [Trouble.SILENT]
    title = "veille on host: rfi-fr has brought nothing new since Fri 2026-11-20 12:00 UTC"
    assert [said["title"] for _, said in receiver.heard] == [title] * 2, "one was refused"
