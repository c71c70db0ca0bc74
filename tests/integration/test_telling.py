"""Messages that reach somebody, over a real process and a real connection on loopback."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from holdings import new_store
from pydantic import SecretStr
from watching import NOW, silent

from service import telling
from service.alarms import Alarms
from service.errors import SettingsError
from service.offload import OneThread
from service.telling import check_addresses, tell
from service.troubles import Facts
from storage.model import Trouble


class Receiver(ThreadingHTTPServer):
    """Hears what is posted to it; ``is_deaf`` makes it answer nothing for a while, ``status`` with an error."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[dict[str, str]] = []
        self.status = 200
        self.is_deaf = threading.Event()

    @property
    def address(self) -> str:
        return f"json://user:secret@127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.is_deaf.is_set():
            time.sleep(2)
            return
        self.server.heard.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_message_reaches_every_address(receiver: Receiver) -> None:
    addresses = SecretStr(f"{receiver.address} {receiver.address}")
    assert asyncio.run(tell(addresses, "the disk is nearly full", "1 kB left\nmake room")) is None
    assert [(said["title"], said["message"]) for said in receiver.heard] == [
        ("the disk is nearly full", "1 kB left\nmake room")
    ] * 2


def test_who_cannot_be_reached_is_told_by_place_alone(receiver: Receiver) -> None:
    receiver.status = 500
    failure = asyncio.run(tell(SecretStr(f"json://secret@127.0.0.1:9/ {receiver.address}"), "t", "b"))
    assert failure == "addresses 1, 2 of 2 could not be reached"


def test_a_receiver_that_never_answers_is_given_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.is_deaf.set()
    monkeypatch.setattr(telling, "SECONDS", 1.5)
    started = time.monotonic()
    assert asyncio.run(tell(SecretStr(receiver.address), "t", "b")) == "no answer within 1.5 s"
    assert time.monotonic() - started < 5


def test_an_address_of_no_known_service_is_refused_without_being_shown() -> None:
    asyncio.run(check_addresses(SecretStr("json://127.0.0.1/ mailto://user:secret@example.org")))
    with pytest.raises(SettingsError, match="no service is known for address 2 of 2") as caught:
        asyncio.run(check_addresses(SecretStr("json://127.0.0.1/ nosuch://secret/")))
    assert "secret" not in str(caught.value)


def test_a_trouble_is_told_once_across_restarts_and_again_where_it_could_not_be(
    receiver: Receiver, tmp_path: Path
) -> None:
    clock = NOW
    facts = Facts([silent()], None, 1_000)

    async def look() -> list[Trouble]:
        store, thread = new_store(tmp_path) if not clock_started else reopened(), OneThread("storage")
        alarms = Alarms(store, thread, SecretStr(receiver.address), ZoneInfo("UTC"), lambda: clock, "host")
        try:
            return [alert.trouble for alert in await alarms.check(facts)]
        finally:
            thread.close()
            store.close()

    def reopened() -> object:
        from storage.database import open_database

        return open_database(f"sqlite:///{tmp_path / 'veille.db'}")

    clock_started = False
    receiver.status = 500
    assert asyncio.run(look()) == [Trouble.SILENT]
    clock_started, receiver.status = True, 200
    assert asyncio.run(look()) == [Trouble.SILENT]
    assert asyncio.run(look()) == [Trouble.SILENT]
    assert [said["title"] for said in receiver.heard] == ["veille on host: rfi-fr is silent"] * 2, "one was refused"
