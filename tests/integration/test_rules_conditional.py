"""Rules 1 to 8 of docs/network.md: conditional requests, as seen by the sites and in the store."""

import hashlib
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from crawling import Bench
from polls import DAY, HOUR, MINUTE, START, Watch, answer, one_worker, rss, watching

from service.articles.workers import Workers
from service.newsroom import Newsroom, Status
from storage.database import open_database
from storage.errors import StorageError
from storage.model import Health, Validators

NOTHING = (None, None)
MONDAY = b"Mon, 23 Nov 2026 10:00:00 GMT"
TUESDAY = b"Tue, 24 Nov 2026 10:00:00 GMT"


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with one_worker() as workers:
        yield workers


@pytest.fixture
def watch(tmp_path: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    with watching(tmp_path, workers, monkeypatch) as watch:
        yield watch


# -- 1: what is kept ---------------------------------------------------------------------------------------------------


def test_rule_01_all_that_is_known_of_a_feed_outlives_a_restart(watch: Watch) -> None:
    body = rss(1, 2)
    feed = watch.serve("/news.xml", answer(301, location="/moved.xml"))
    watch.serve("/moved.xml", answer(200, body, etag='"1"', last_modified=MONDAY), answer(503))
    watch.poll(feed)
    watch.now += HOUR
    poll = watch.poll(feed)
    watch.restart()
    state = watch.state(feed)
    assert state == poll.state
    assert state.validators == Validators(b'"1"', MONDAY)
    assert state.effective_url == state.moved_to == feed.url.replace("news", "moved")
    assert state.moved_since == START
    assert state.body_hash == hashlib.sha256(body).digest()
    assert (state.failures, state.next_due) == (0.5, START + HOUR + 30 * MINUTE)


def test_rule_01_after_a_restart_the_validators_are_sent_and_the_due_time_is_kept(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1), etag='"1"', last_modified=MONDAY), answer(304))
    watch.poll(feed)
    watch.restart()
    assert not watch.is_due(feed)
    watch.now = START + HOUR - timedelta(seconds=1)
    assert not watch.is_due(feed)
    watch.now = START + HOUR
    assert watch.is_due(feed)
    assert watch.poll(feed).status == 304
    assert watch.sent("/news.xml") == [NOTHING, (b'"1"', MONDAY)]


def test_rule_01_a_one_shot_crawl_sends_the_validators_and_keeps_the_due_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [START]
    monkeypatch.setattr("service.app.now", lambda: now[0])
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=1, start=START - DAY) as room:
        bench.crawl(room, poll_all=False)
        now[0] += HOUR / 2
        assert bench.crawl(room, poll_all=False).due == ()
        now[0] += HOUR
        bench.crawl(room, poll_all=False)
        asked = [(request.status, "if-none-match" in request.headers) for request in room.feed_requests()]
        feeds = len(room.feeds)
    assert asked == [(200, False)] * feeds + [(304, True)] * feeds


# -- 2: byte for byte --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("etag", "last_modified"),
    [
        (b'"plain"', MONDAY),
        (b'W/"weak"', b"Monday, 23-Nov-26 10:00:00 GMT"),
        (b'"33a64df5-gzip"', b"Mon Nov 23 10:00:00 2026"),
        (b"unquoted", b"Mon, 23 Nov 2026 11:00:00 +0100"),
        (b'\'single\' "double", "two"', b"2026-11-23T10:00:00Z"),
        (b'"r\xe9sum\xe9 \xff\xfe \xc3\xa9"', b"lun., 23 d\xc3\xa9c. 2026 10:00:00 GMT"),
        (b'w/"lower case"', b"Mon, 23 Nov 2026 10:00:00 UTC"),
        (b'"no date"', None),
        (None, b"0"),
    ],
)
def test_rule_02_validators_are_echoed_byte_for_byte_by_way_of_the_store(
    watch: Watch, etag: bytes | None, last_modified: bytes | None
) -> None:
    headers = {"etag": etag, "last_modified": last_modified}
    given = {name: value for name, value in headers.items() if value is not None}
    feed = watch.serve("/news.xml", answer(200, rss(1), **given), answer(304))
    watch.poll(feed)
    watch.restart()
    assert watch.state(feed).validators == Validators(etag, last_modified)
    watch.poll(feed)
    assert watch.sent("/news.xml") == [NOTHING, (etag, last_modified)]


# -- 3: the same body again --------------------------------------------------------------------------------------------


def test_rule_03_a_body_known_already_brings_nothing_new_but_its_validators(watch: Watch) -> None:
    body = rss(1, 2)
    feed = watch.serve(
        "/news.xml",
        answer(200, body, etag='"1"', last_modified=MONDAY),
        answer(200, body, etag='"2"', last_modified=TUESDAY),
        answer(304),
    )
    watch.poll(feed)
    poll = watch.poll_when_due(feed)
    assert (poll.status, poll.error, poll.listed, poll.entries, poll.seen) == (200, None, 0, (), ())
    assert watch.state(feed).validators == Validators(b'"2"', TUESDAY)
    watch.poll_when_due(feed)
    assert watch.sent("/news.xml")[-1] == (b'"2"', TUESDAY)
    assert watch.entries(feed) == 2


def test_rule_03_a_body_that_differs_by_a_byte_is_read(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1)), answer(200, rss(1) + b"\n"))
    watch.poll(feed)
    assert watch.poll_when_due(feed).listed == 1


# -- 4: what an answer replaces ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("carried", "kept"),
    [
        ({}, (b'"1"', MONDAY)),
        ({"etag": b'"2"'}, (b'"2"', MONDAY)),
        ({"last_modified": TUESDAY}, (b'"1"', TUESDAY)),
        ({"etag": b'"2"', "last_modified": TUESDAY}, (b'"2"', TUESDAY)),
    ],
)
def test_rule_04_a_304_replaces_the_validators_it_carries_and_keeps_the_others(
    watch: Watch, carried: dict[str, bytes], kept: tuple[bytes, bytes]
) -> None:
    feed = watch.serve(
        "/news.xml", answer(200, rss(1), etag='"1"', last_modified=MONDAY), answer(304, **carried), answer(304)
    )
    for _ in range(3):
        watch.poll_when_due(feed)
    assert watch.sent("/news.xml") == [NOTHING, (b'"1"', MONDAY), kept]
    assert watch.state(feed).validators == Validators(*kept)


def test_rule_04_a_304_sets_the_due_time_anew(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1), etag='"1"'), answer(304))
    watch.poll(feed)
    for late in (timedelta(0), 5 * HOUR):  # on time, and after a night switched off
        due = watch.state(feed).next_due
        watch.now += HOUR + late
        watch.poll(feed)
        assert watch.state(feed).next_due != due
        assert watch.wait(feed) >= HOUR


@pytest.mark.parametrize("second", [rss(1), rss(1, 2)], ids=["the same body", "another body"])
def test_rule_04_a_200_without_validators_clears_them(watch: Watch, second: bytes) -> None:
    first = answer(200, rss(1), etag='"1"', last_modified=MONDAY)
    feed = watch.serve("/news.xml", first, answer(200, second), answer(200, second))
    for _ in range(3):
        watch.poll_when_due(feed)
    assert watch.sent("/news.xml") == [NOTHING, (b'"1"', MONDAY), NOTHING]
    assert watch.state(feed).validators == Validators()


def test_rule_04_a_200_with_one_validator_clears_the_other(watch: Watch) -> None:
    first = answer(200, rss(1), etag='"1"', last_modified=MONDAY)
    feed = watch.serve("/news.xml", first, answer(200, rss(1, 2), last_modified=TUESDAY))
    watch.poll(feed)
    watch.poll_when_due(feed)
    assert watch.state(feed).validators == Validators(None, TUESDAY)


# -- 5: with the entries, or not at all --------------------------------------------------------------------------------


def test_rule_05_validators_are_committed_in_the_transaction_of_the_entries(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1, 2), etag='"1"'))
    writes = []
    sa.event.listen(watch.store._engine, "commit", lambda _connection: writes.append("commit"))
    sa.event.listen(
        watch.store._engine, "before_cursor_execute", lambda *args: writes.append(args[2].split("(")[0].strip())
    )
    watch.poll(feed)
    tables = [word.split()[2] for word in writes if word.startswith("INSERT INTO")]
    of_poll = writes[writes.index("INSERT INTO feeds") :]
    assert {"feeds", "polls", "entries"} <= set(tables)
    assert of_poll.index("INSERT INTO entries") < of_poll.index("commit")
    assert watch.state(feed).validators == Validators(b'"1"')
    assert watch.entries(feed) == 2


def test_rule_05_a_failed_commit_leaves_the_old_validators_and_the_entries_come_with_the_next_poll(
    watch: Watch,
) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1), etag='"1"'), answer(200, rss(1, 2), etag='"2"'))
    watch.poll(feed)
    before = watch.state(feed)
    _sql(watch, "CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(StorageError, match="disk full"):
        watch.poll_when_due(feed)
    assert watch.state(feed) == before
    _sql(watch, "DROP TRIGGER full")
    watch.restart()
    assert len(watch.poll(feed).entries) == 1
    assert watch.sent("/news.xml") == [NOTHING, (b'"1"', None), (b'"1"', None)]
    assert watch.state(feed).validators == Validators(b'"2"')
    assert watch.entries(feed) == 2


def test_rule_05_a_process_killed_at_any_moment_never_leaves_an_etag_without_its_entries(
    tmp_path: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watching(tmp_path, workers, monkeypatch) as watch:
        feed = watch.serve("/news.xml", answer(200, rss(1), etag='"1"'), answer(200, rss(1, 2, 3), etag='"2"'))
        watch.poll(feed)
        watch.now += HOUR
        poll = watch.look(feed)
        database = watch.database
    found, moment, survived = [], 0, False
    while not survived:
        moment += 1
        survived = _commit_and_die(database, poll, moment)
        store = open_database(database)
        etag = store.feed_states()["news"].validators.etag
        found.append((etag, sum(store.ledger()["news"].counts.values())))
        store.close()
    assert len(found) > 5  # each statement of the commit, before it and after it
    assert found[-1] == (b'"2"', 3)
    assert set(found) == {(b'"1"', 1), (b'"2"', 3)}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_rule_05_an_error_brings_no_validators_and_takes_none(watch: Watch, status: int) -> None:
    error = answer(status, rss(1), etag='"error"', last_modified=TUESDAY)
    good = answer(200, rss(1), etag='"1"', last_modified=MONDAY)
    feed = watch.serve("/news.xml", error, good, error, answer(304))
    assert watch.poll(feed).error
    assert watch.state(feed).validators == Validators()
    watch.poll_when_due(feed)
    assert watch.poll_when_due(feed).error
    assert watch.state(feed).validators == Validators(b'"1"', MONDAY)
    watch.poll_when_due(feed)
    assert watch.sent("/news.xml") == [NOTHING, NOTHING, (b'"1"', MONDAY), (b'"1"', MONDAY)]


@pytest.mark.parametrize("body", [b"<html><p>One moment, please.", b"", b"<rss version='2.0'><channel><item><ti"])
def test_rule_05_a_body_that_cannot_be_read_brings_no_validators(watch: Watch, body: bytes) -> None:
    good, bad = answer(200, rss(1), etag='"1"'), answer(200, body, etag='"bad"', last_modified=TUESDAY)
    feed = watch.serve("/news.xml", bad, good, bad, good)
    for _ in range(4):
        watch.poll_when_due(feed)
    assert watch.sent("/news.xml") == [NOTHING, NOTHING, (b'"1"', None), (b'"1"', None)]


# -- 6: whose they are -------------------------------------------------------------------------------------------------


def test_rule_06_validators_go_to_the_final_address_and_to_no_other(watch: Watch) -> None:
    here, there = watch.room.sites
    feed = watch.serve("/news.xml", answer(302, location=f"{there.base_url}/feed.xml", etag='"hop"'), site=here)
    watch.serve("/feed.xml", answer(200, rss(1), etag='"1"'), answer(304), site=there)
    watch.poll(feed)
    assert watch.poll_when_due(feed).status == 304
    assert watch.sent("/news.xml") == [NOTHING, NOTHING]
    assert watch.sent("/feed.xml") == [NOTHING, (b'"1"', None)]


def test_rule_06_a_redirect_that_leads_elsewhere_takes_no_validators_along(watch: Watch) -> None:
    here, there = watch.room.sites
    elsewhere = answer(302, location=f"{there.base_url}/other.xml")
    feed = watch.serve("/news.xml", answer(200, rss(1), etag='"1"'), elsewhere, answer(200, rss(1, 2)), site=here)
    watch.serve("/other.xml", answer(200, rss(1, 2), etag='"2"'), site=there)
    watch.poll(feed)
    watch.poll_when_due(feed)  # the feed's own validators go to the feed itself, and not on from there
    assert watch.sent("/news.xml")[1] == (b'"1"', None)
    assert watch.sent("/other.xml") == [NOTHING]
    watch.poll_when_due(feed)  # those of the other address do not come back to the feed
    assert watch.sent("/news.xml")[2] == NOTHING


# -- 7: servers that answer wrongly ------------------------------------------------------------------------------------


def test_rule_07_a_304_to_an_unconditional_request_is_an_error(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(304, etag='"1"'), answer(200, rss(1), etag='"2"'), answer(304))
    poll = watch.poll(feed)
    assert poll.error == "answers 304 to an unconditional request"
    assert (watch.state(feed).health, watch.state(feed).failures) == (Health.FAILING, 1.0)
    assert watch.state(feed).validators == Validators()
    watch.poll_when_due(feed)
    assert watch.poll(feed, force=True).error == "answers 304 to an unconditional request"
    assert watch.state(feed).last_success == START + HOUR


def test_rule_07_three_identical_answers_in_spite_of_validators_mark_them_broken(watch: Watch) -> None:
    same = answer(200, rss(1, 2), etag='"1"')
    feed = watch.serve("/news.xml", same, same, same, same, same, answer(304))
    first, *others = (watch.poll_when_due(feed) for _ in range(4))
    assert not first.state.validators_broken
    assert [poll.state.validators_broken for poll in others] == [False, False, True]
    assert [len(poll.warnings) for poll in others] == [0, 0, 1]
    assert "validators do not work" in others[-1].warnings[0]
    intervals = [poll.state.interval for poll in others]
    assert intervals[1] < 1.1 * intervals[0]
    assert intervals[2] > 2 * intervals[1]
    watch.restart()
    assert watch.state(feed).validators_broken
    assert watch.wait(feed) == intervals[2]
    fifth = watch.poll_when_due(feed)
    assert fifth.state.validators_broken
    assert fifth.warnings == ()  # said once
    assert fifth.state.interval < 1.1 * intervals[2]  # and doubled once
    assert not watch.poll_when_due(feed).state.validators_broken


def test_rule_07_a_feed_without_validators_is_not_blamed_for_answering_alike(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1, 2)))
    for _ in range(6):
        watch.poll_when_due(feed)
    assert not watch.state(feed).validators_broken


def test_rule_07_another_body_in_between_begins_the_count_anew(watch: Watch) -> None:
    one, two = (answer(200, body, etag='"1"') for body in (rss(1, 2), rss(1, 2, 3)))
    feed = watch.serve("/news.xml", one, one, one, two, two, two, one)
    for _ in range(7):
        watch.poll_when_due(feed)
    assert not watch.state(feed).validators_broken


# -- 8: no more is asked for than needed -------------------------------------------------------------------------------


def test_rule_08_only_the_first_poll_is_unconditional_whatever_comes_after_it(watch: Watch) -> None:
    good = answer(200, rss(1), etag='"1"', last_modified=MONDAY)
    feed = watch.serve("/news.xml?tag=a", good, answer(503), answer(200, b"", etag='"2"'), answer(304))
    for _ in range(60):
        watch.poll_when_due(feed)
    watch.now += 90 * DAY
    watch.restart()
    watch.poll(feed)
    requests = [request for request in watch.room.requests if request.path != "/robots.txt"]
    assert [request.path for request in requests] == ["/news.xml?tag=a"] * 61
    assert watch.sent("/news.xml?tag=a") == [NOTHING] + [(b'"1"', MONDAY)] * 60
    for request in requests:
        assert request.headers.keys().isdisjoint({"cache-control", "pragma", "range", "if-match", "if-range"})


def test_rule_08_force_asks_unconditionally_once_and_reads_the_body_again(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1, 2), etag='"1"'))
    watch.poll(feed)
    assert watch.poll(feed, force=True).listed == 2
    watch.poll(feed)
    assert watch.sent("/news.xml") == [NOTHING, NOTHING, (b'"1"', None)]


def test_rule_08_all_asks_every_feed_conditionally_and_force_does_not(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=2, stories=1) as room:
        room.fault(room.stories()[0], Status(404))
        for more in ({}, {"poll_all": True}, {"force": True}):
            bench.crawl(room, **more)
        asked = ["if-none-match" in request.headers for request in room.feed_requests()]
        feeds = len(room.feeds)
    assert asked == [False] * feeds + [True] * feeds + [False] * feeds


def test_rule_08_a_feed_given_another_address_is_asked_there_for_the_first_time(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1), etag='"1"'))
    moved = watch.serve("/other.xml", answer(200, rss(1), etag='"1"'))
    watch.poll(feed)
    watch.poll(replace(moved, name="news"))
    assert watch.sent("/other.xml") == [NOTHING]


def _sql(watch: Watch, statement: str) -> None:
    with watch.store._engine.begin() as connection:
        connection.exec_driver_sql(statement)


def _commit_and_die(database: str, poll: object, moment: int) -> bool:
    """Commit in a process killed at the given moment: before, then after, each statement. Whether it survived."""
    child = os.fork()
    if child == 0:  # from here on only the database is used: threads of the parent do not exist
        moments = iter(range(1, moment))

        def pass_moment(*_: object) -> None:
            if next(moments, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            store = open_database(database)
            for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
                sa.event.listen(store._engine, name, pass_moment)
            store.commit_poll(poll)  # type: ignore[arg-type]
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) or os.WTERMSIG(status) == signal.SIGKILL
    return os.WIFEXITED(status)
