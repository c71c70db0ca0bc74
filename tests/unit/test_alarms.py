"""Who is told when, where some can be reached and others cannot; the sending itself is a stand-in's."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from holdings import new_store
from pydantic import SecretStr
from structlog.testing import capture_logs
from watching import DAY, HOUR, NOW, failing, healthy, silent

from service import alarms
from service.alarms import AGAIN, LATEST, Alarms
from service.child import ChildError
from service.messages import Message
from service.offload import OneThread
from service.troubles import Facts
from service.vitals import Vitals
from storage.database import Database
from storage.errors import StorageError


class Post:
    """Stands in for ``deliver``: keeps what arrives, and refuses for the addresses in ``refused``."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str]] = []
        self.tried = 0
        self.refused: dict[str, str] = {}
        self.is_dead = False
        self.hangs = False

    async def deliver(self, sendings: Sequence[tuple[str, Message]], sent: Callable[[int], None]) -> list[str | None]:
        self.tried += 1
        if self.is_dead:
            raise ChildError("no answer within 30 s")
        for place, (address, message) in enumerate(sendings):
            if address not in self.refused:
                sent(place)
                self.arrived.append((address, message.title.removeprefix("veille on host: ").split(" since")[0]))
        if self.hangs:
            await asyncio.sleep(3_600)
        return [self.refused.get(address) for address, _ in sendings]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    post = Post()
    monkeypatch.setattr(alarms, "deliver", post.deliver)
    return post


class Desk:
    """Alarms with a clock of their own."""

    def __init__(self, store: Database) -> None:
        self.store, self.now = store, NOW

    def run(
        self, work: Callable[[Alarms], Coroutine[None, None, object]], addresses: str | None = "a://1 b://2"
    ) -> None:
        """Have some work done by a process that ends afterwards."""
        thread = OneThread("storage")
        secret = SecretStr(addresses) if addresses else None
        try:
            asyncio.run(work(Alarms(self.store, thread, secret, ZoneInfo("UTC"), self.clock, "host")))
        finally:
            thread.close()

    def clock(self) -> datetime:
        return self.now


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = new_store(tmp_path)
    yield Desk(store)
    store.close()


def facts(*vitals: Vitals, free: int = 5_000) -> Facts:
    return Facts(vitals, free, 1_000)


SILENT = "rfi-fr has brought nothing new"


def test_nobody_gets_a_message_twice_because_another_cannot_be_reached(desk: Desk, post: Post) -> None:
    post.refused = {"b://2": "its server answers 401"}

    async def days(alarms: Alarms) -> None:
        for _ in range(24):
            await alarms.check(facts(silent()))
            desk.now += HOUR
        post.refused = {}
        await alarms.check(facts(silent()))
        desk.now += LATEST
        await alarms.check(facts(silent()))
        await alarms.check(facts(silent()))

    desk.run(days)
    assert post.arrived == [("a://1", SILENT), ("b://2", SILENT)]


def test_the_newest_of_a_kind_is_what_is_owed(desk: Desk, post: Post) -> None:
    post.refused = {"b://2": "no connection"}

    async def days(alarms: Alarms) -> None:
        await alarms.check(facts(silent("one"), healthy("two")))
        desk.now += DAY
        await alarms.check(facts(silent("one"), silent("two")))
        post.refused = {}
        desk.now += DAY
        await alarms.check(facts(silent("one"), silent("two")))

    desk.run(days)
    assert [said.split()[0] for address, said in post.arrived if address == "b://2"] == ["two"]


def test_the_pauses_grow_and_end_as_soon_as_something_is_well_again(desk: Desk, post: Post) -> None:
    post.is_dead = True
    dead = facts(*(failing(f"f{number}") for number in range(3)))

    async def outage(alarms: Alarms) -> None:
        tries: list[timedelta] = []
        while desk.now < NOW + 2 * DAY:
            before = post.tried
            await alarms.check(dead)
            if post.tried > before:
                tries.append(desk.now - NOW)
            desk.now += AGAIN
        assert [tries[number + 1] - tries[number] for number in range(9)] == [
            *(AGAIN * 2**number for number in range(7)),
            LATEST,
            LATEST,
        ]
        post.is_dead = False
        await alarms.check(facts(healthy("f0"), failing("f1"), failing("f2")))

    desk.run(outage)
    assert [said for _, said in post.arrived] == ["2 feeds have failed, the first"] * 2


def test_a_kind_that_was_told_is_not_told_again_after_a_restart(desk: Desk, post: Post) -> None:
    for _ in range(3):
        desk.run(lambda alarms: alarms.check(facts(silent(), free=1)))
        desk.now += HOUR
    desk.run(lambda alarms: alarms.check(facts(silent(), silent("another"), free=1)))
    assert sorted(post.arrived) == sorted(
        (address, said) for address in ("a://1", "b://2") for said in (SILENT, "the disk is nearly full, 1B left")
    )


def test_what_has_reached_somebody_is_told_even_if_the_service_is_stopped_while_another_does_not_answer(
    desk: Desk, post: Post
) -> None:
    post.refused, post.hangs = {"b://2": "no answer in time"}, True

    async def stopped(alarms: Alarms) -> None:
        task = asyncio.create_task(alarms.check(facts(silent())))
        while not post.arrived:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])

    desk.run(stopped)
    post.hangs = False
    desk.run(lambda alarms: alarms.check(facts(silent())))
    assert post.arrived == [("a://1", SILENT)]


def test_all_that_is_due_goes_in_one_process(desk: Desk, post: Post) -> None:
    desk.run(lambda alarms: alarms.check(facts(silent("a"), failing("b"), free=1)))
    assert (post.tried, len(post.arrived)) == (1, 6)


def test_a_trouble_is_logged_at_its_beginning_and_its_end_where_nobody_is_told(desk: Desk, post: Post) -> None:
    async def life(alarms: Alarms) -> None:
        for free in (1, 2, 3, 5_000, 5_000):
            await alarms.check(facts(free=free))
            desk.now += HOUR

    with capture_logs() as logged:
        desk.run(life, addresses=None)
    assert [(line["log_level"], line["event"]) for line in logged] == [
        ("warning", "trouble"),
        ("info", "trouble is over"),
    ]
    assert post.tried == 0


def test_a_failed_message_is_said_in_the_log_and_in_a_note_without_the_address(desk: Desk, post: Post) -> None:
    post.refused = {"b://2": "its server answers 503"}
    with capture_logs() as logged:
        desk.run(lambda alarms: alarms.check(facts(silent())))
    (line,) = (line for line in logged if line["event"] == "could not be told")
    assert line["titles"] == "veille on host: rfi-fr has brought nothing new since Fri 2026-11-20 12:00 UTC"
    assert line["reason"] == "address 2 of 2 could not be reached: its server answers 503"
    assert line["again"] == NOW + AGAIN
    note = desk.store.notes()["notify"]
    assert (note.is_good, note.text) == (False, line["reason"])
    assert "b://2" not in str(logged)
    desk.run(lambda alarms: alarms.check(facts(silent())), addresses=None)
    assert desk.store.notes()["notify"].is_good


def test_a_digest_that_cannot_be_sent_is_in_the_log_and_ends_nothing(desk: Desk, post: Post) -> None:
    post.is_dead = True
    with capture_logs() as logged:
        desk.run(lambda alarms: alarms.digest(facts(healthy())))
    assert [line["event"] for line in logged] == ["the day", "could not be told", "could not be told"]
    assert "24 articles archived" in logged[0]["text"]


def test_a_store_that_fails_is_no_matter_of_messages(desk: Desk, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(desk.store, "save_alerts", fail)
    with pytest.raises(StorageError):
        desk.run(lambda alarms: alarms.check(facts(silent())))
    assert post.tried == 0
