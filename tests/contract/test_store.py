"""What every store promises (``storage.store.Store``), on every backend there is."""

import inspect
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from articles import NOON, digest, make_article
from history import full_text, make_history

from storage import tables
from storage.checkup import check_up
from storage.database import MIGRATIONS, Database, open_database
from storage.errors import CorruptArchiveError, CorruptDatabaseError, SchemaError, StorageError
from storage.fingerprints import fingerprint
from storage.model import (
    Alert,
    Arrivals,
    Article,
    Asked,
    Entry,
    FeedState,
    FileContent,
    Gap,
    Health,
    Intake,
    Ledger,
    Member,
    NewEntry,
    Note,
    Outcome,
    Payload,
    Place,
    Poll,
    Reindexed,
    Resolution,
    Retry,
    RobotsFile,
    Sealed,
    Sibling,
    Standing,
    Trouble,
    Validators,
)
from storage.paragraphs import EDGE
from storage.polling import host
from storage.shapes import dump
from storage.store import Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FILE = "articles/date=2026-11-23/w-0001.jsonl"


POSTGRESQL = os.environ.get("TEST_DATABASE_URL")


def test_the_contract_is_tested_on_postgresql_too() -> None:
    if not POSTGRESQL:
        pytest.skip("TEST_DATABASE_URL names no PostgreSQL database to test on")
    assert sa.make_url(POSTGRESQL).get_backend_name() == "postgresql"


@pytest.fixture(params=["sqlite", "postgresql"] if POSTGRESQL else ["sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'veille.db'}?timeout=0.01"
    assert POSTGRESQL
    _raw(POSTGRESQL, lambda connection: (tables.metadata.drop_all(connection), _drop_revision(connection)))
    return POSTGRESQL


def _drop_revision(connection: sa.Connection) -> None:
    connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))


def _raw(url: str, action: Callable[[sa.Connection], Any]) -> Any:
    """Do something to the database behind the store's back."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        return action(connection)


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as database:
        yield database


def entry(name: str, **changes: Any) -> Entry:
    """An entry that leads to the article of the same name."""
    plain = Entry(
        key=f"key of {name}",
        article_id=digest(name),
        content_hash=digest(f"content of {name}"),
        guid=f"guid of {name}",
        url=f"https://news.test/{name}",
        title=name.title(),
    )
    return replace(plain, **changes)


def poll(*entries: Entry | NewEntry, feed: str = "rfi-fr", at: datetime = NOON, **changes: Any) -> Poll:
    """A poll that brings these entries."""
    new = tuple(each if isinstance(each, NewEntry) else NewEntry(each) for each in entries)
    state = FeedState(feed, f"https://news.test/{feed}/rss", health=Health.OK, last_polled=at)
    return replace(Poll(feed, at, state, status=200, listed=len(new), entries=new), **changes)


def waiting(store: Store, host: str = "news.test", now: datetime = NOON) -> list[tuple[int, str]]:
    """The pending entries of a host: number, feed."""
    return [(pending.number, pending.feed) for pending in store.pending(host, now, 100)]


def counts(store: Store, feed: str = "rfi-fr") -> dict[str, int]:
    """A feed's ledger."""
    return {outcome.value: count for outcome, count in store.ledger()[feed].counts.items()}


# -- polling -----------------------------------------------------------------------------------------------------------


def test_a_feeds_state_comes_back_as_it_was_saved(store: Store) -> None:
    state = FeedState(
        name="rfi-fr",
        url="https://news.test/rss",
        effective_url="https://www.news.test/rss",
        validators=Validators(b'W/"\xe9\x00"', b"Mon, 23 Nov 2026 12:00:00 GMT"),
        validators_broken=True,
        identical_bodies=2,
        body_hash=b"\x00\xff" * 16,
        health=Health.GONE,
        next_due=NOON + timedelta(microseconds=1),
        due_reason="the server asked",
        interval=timedelta(hours=1, microseconds=3),
        asked=Asked(lifetime=HOUR, ttl=timedelta(days=2), skip_hours=(0, 23), skip_days=(6,)),
        failures=0.25,
        last_polled=NOON,
        last_success=NOON - HOUR,
        last_new=NOON - 3 * HOUR,
        window_listed=NOON - 4 * HOUR,
        window_seen=NOON - 2 * HOUR,
        last_status=410,
        last_error="gone",
        failing_since=NOON - 2 * HOUR,
        gone_since=NOON,
        moved_to="https://new.test/rss",
        moved_since=NOON,
        title="RFI – «Actualités»",
    )
    assert store.feed_states() == {}
    store.commit_poll(Poll("rfi-fr", NOON, state))
    assert store.feed_states() == {"rfi-fr": state}
    bare = FeedState("rfi-fr", "https://news.test/rss2")
    store.commit_poll(Poll("rfi-fr", NOON, bare))
    assert store.feed_states() == {"rfi-fr": bare}


def test_times_come_back_in_utc_whatever_zone_they_went_in(store: Store) -> None:
    state = FeedState("rfi-fr", "u", next_due=NOON.astimezone(timezone(timedelta(hours=5))))
    store.commit_poll(Poll("rfi-fr", NOON, state))
    found = store.feed_states()["rfi-fr"].next_due
    assert found == NOON
    assert found.tzinfo is UTC


def test_known_entries_are_the_newest_version_of_each(store: Store) -> None:
    store.commit_poll(poll(entry("a"), entry("b")))
    store.commit_poll(poll(NewEntry(entry("a", content_hash=digest("new")), version=2), at=NOON + HOUR))
    store.commit_poll(poll(entry("a", key="other"), feed="dw-fr"))
    own, leading = store.known_entries("rfi-fr", ["key of a", "key of b", "never seen"], [digest("a"), digest("z")])
    assert {key: (known.version, known.content_hash) for key, known in own.items()} == {
        "key of a": (2, digest("new")),
        "key of b": (1, digest("content of b")),
    }
    assert set(leading) == {digest("a")}
    assert [(known.feed, known.key, known.version) for known in leading[digest("a")]] == [
        ("rfi-fr", "key of a", 2),
        ("dw-fr", "other", 1),
    ]
    assert own["key of a"].outcome is Outcome.PENDING


def test_an_entry_may_turn_out_to_lead_to_another_article(store: Store) -> None:
    store.commit_poll(poll(entry("a"), entry("b")))
    (one, _), (other, _) = waiting(store)
    store.settle([Resolution(one, Outcome.UNCHANGED, "r", digest("z")), Resolution(other, Outcome.FAILED)], [], NOON)
    own, leading = store.known_entries("rfi-fr", ["key of a", "key of b"], [digest("z")])
    assert [known.article_id for known in own.values()] == [digest("z"), digest("b")]
    assert [known.url for known in leading[digest("z")]] == ["https://news.test/a"]
    assert store.sightings([digest("z")]) == {digest("z"): ("rfi-fr",)}


def test_a_new_date_is_kept_without_a_new_version(store: Store) -> None:
    store.commit_poll(poll(entry("a", published=NOON), entry("b", modified=NOON), entry("c")))
    store.commit_poll(poll(seen=("key of a", "key of b"), redated={"key of a": NOON + HOUR, "key of b": None}))
    store.commit_poll(poll(entry("a"), feed="f24-fr"))
    own, _ = store.known_entries("rfi-fr", [f"key of {name}" for name in "abc"], [])
    assert [(known.version, known.dated) for known in own.values()] == [(1, NOON + HOUR), (1, None), (1, None)]
    assert store.known_entries("f24-fr", ["key of a"], [])[0]["key of a"].dated is None


def test_several_polls_at_once_come_to_what_they_come_to_one_by_one(store: Store, tmp_path: Path) -> None:
    first = poll(entry("a", published=NOON), entry("b"), gap=Gap("rfi-fr", NOON - HOUR, NOON, "too much"))
    later = poll(entry("c"), at=NOON + HOUR, seen=("key of b",), redated={"key of a": NOON + HOUR})
    other = poll(entry("a"), feed="dw-fr")
    store.commit_polls([first, later, other])
    with closing(open_database(f"sqlite:///{tmp_path / 'one-by-one.db'}")) as one_by_one:
        for each in (first, later, other):
            one_by_one.commit_poll(each)
        keys, ids = [f"key of {name}" for name in "abc"], [digest(name) for name in "abc"]
        for told in (
            lambda which: which.feed_states(),
            lambda which: which.known_entries("rfi-fr", keys, ids),
            lambda which: which.pending("news.test", NOON, 10),
            lambda which: (which.ledger(), which.gaps()),
        ):
            assert told(store) == told(one_by_one)
    assert store.feed_states()["rfi-fr"].last_polled == NOON + HOUR
    assert len(store.pending("news.test", NOON, 10)) == 3


def test_of_several_polls_at_once_all_are_remembered_or_none(store: Store) -> None:
    twice = entry("b")
    with pytest.raises(StorageError):
        store.commit_polls([poll(entry("a")), poll(twice, twice, feed="dw-fr")])
    assert store.feed_states() == {}
    assert store.pending_hosts(NOON) == []


def test_keys_are_a_feeds_own(store: Store) -> None:
    store.commit_poll(poll(entry("a")))
    assert store.known_entries("dw-fr", ["key of a"], []) == ({}, {})
    store.commit_poll(poll(entry("a"), feed="dw-fr"))
    assert set(store.known_entries("dw-fr", ["key of a"], [])[0]) == {"key of a"}


def test_an_entry_that_moves_to_another_article_leads_to_the_first_no_more(store: Store) -> None:
    store.commit_poll(poll(entry("a")))
    store.commit_poll(poll(NewEntry(entry("a", article_id=digest("b")), version=2)))
    _, leading = store.known_entries("rfi-fr", [], [digest("a"), digest("b")])
    assert set(leading) == {digest("b")}


def test_thousands_of_keys_can_be_asked_for_at_once(store: Store) -> None:
    names = [f"n{number}" for number in range(1200)]
    store.commit_poll(poll(*map(entry, names)))
    keys, ids = [f"key of {name}" for name in names], [digest(name) for name in names]
    own, leading = store.known_entries("rfi-fr", keys, ids)
    assert len(own) == len(leading) == len(store.sightings(ids)) == 1200
    assert len(store.pending("news.test", NOON, 5000)) == 1200


def test_a_poll_is_committed_whole_or_not_at_all(store: Store) -> None:
    store.commit_poll(poll(entry("a")))
    again = poll(entry("b"), entry("a"), at=NOON + HOUR)  # the same version of "a" a second time: refused
    with pytest.raises(StorageError):
        store.commit_poll(again)
    assert counts(store) == {"pending": 1}
    assert store.feed_states()["rfi-fr"].last_polled == NOON


def test_gaps_are_listed_newest_first(store: Store) -> None:
    gaps = [Gap(feed, NOON, NOON + n * HOUR, "no overlap") for n, feed in enumerate(["a", "b", "a"], 1)]
    for gap in gaps:
        store.commit_poll(poll(feed=gap.feed, at=gap.end, gap=gap))
    assert store.gaps() == [gaps[2], gaps[1], gaps[0]]
    assert store.gaps("a") == [gaps[2], gaps[0]]
    assert store.gaps("c") == []


def test_a_sighting_moves_the_newest_version_only(store: Store, url: str) -> None:
    store.commit_poll(poll(entry("a"), entry("b")))
    store.commit_poll(poll(NewEntry(entry("a"), version=2), at=NOON + HOUR))
    store.commit_poll(poll(at=NOON + 2 * HOUR, seen=("key of a",)))
    columns = sa.select(tables.entries.c.key, tables.entries.c.version, tables.entries.c.last_seen)
    seen = {(key, version): at for key, version, at in _raw(url, lambda connection: connection.execute(columns).all())}
    assert seen == {("key of a", 1): NOON, ("key of a", 2): NOON + 2 * HOUR, ("key of b", 1): NOON}


# -- what is pending ---------------------------------------------------------------------------------------------------


def test_a_pending_entry_comes_back_as_the_feed_gave_it(store: Store) -> None:
    full = Entry(
        key="k",
        article_id=digest("a"),
        content_hash=digest("c"),
        guid="g",
        url="https://News.test:8443/a?x=é",
        title="«Ça»",
        summary="<p>s</p>",
        content="c" * 10_000,
        authors=("Ann", "Bo"),
        published=NOON + timedelta(microseconds=7),
        published_raw="Mon, 23 Nov 2026",
        modified=NOON,
        language="fr",
        section="Afrique",
        tags=("x", "y"),
        image="https://news.test/i.jpg",
        license="CC BY",
    )
    store.commit_poll(poll(NewEntry(full, version=3)))
    (pending,) = store.pending("news.test:8443", NOON, 10)
    assert pending.entry == full
    assert (pending.feed, pending.feed_url, pending.version) == ("rfi-fr", "https://news.test/rfi-fr/rss", 3)
    assert (pending.first_seen, pending.attempts, pending.first_tried) == (NOON, 0, None)
    assert pending.siblings == ()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, ""),
        ("https://WWW.Rfi.FR/fr/x", "www.rfi.fr"),
        ("https://rfi.fr:443/", "rfi.fr"),
        ("http://rfi.fr:443/", "rfi.fr:443"),
        ("http://127.0.0.1:8080/a", "127.0.0.1:8080"),
        ("https://[::1]:8443/", "[::1]:8443"),
        ("https://user:pass@rfi.fr/", "rfi.fr"),
        ("https://rfi.fr:99999/", ""),
        ("https://[not an address/", ""),
        ("urn:isbn:1", ""),
    ],
)
def test_the_host_of_a_url_is_its_name_and_a_port_that_is_not_the_schemes_own(url: str | None, expected: str) -> None:
    assert host(url) == expected


def test_hosts_with_the_most_due_entries_come_first(store: Store) -> None:
    store.commit_poll(
        poll(
            entry("a", url="https://one.test/a"),
            entry("b", url="https://two.test/b"),
            entry("c", url="https://two.test/c"),
            entry("d", url=None),
            NewEntry(entry("e", url="https://never.test/e"), outcome=Outcome.SKIPPED, reason="media"),
        )
    )
    assert store.pending_hosts(NOON) == ["two.test", "", "one.test"]
    (number, _) = waiting(store, "one.test")[0]
    store.settle([], [Retry(number, NOON + HOUR, "503")], NOON)
    assert store.pending_hosts(NOON) == ["two.test", ""]
    assert store.pending_hosts(NOON + HOUR) == ["two.test", "", "one.test"]
    assert waiting(store, "one.test") == []


def test_pending_entries_come_by_number_in_windows(store: Store) -> None:
    store.commit_poll(poll(*(entry(name) for name in "abcde")))
    numbers = [number for number, _ in waiting(store)]
    assert numbers == sorted(numbers)
    first = [pending.number for pending in store.pending("news.test", NOON, 2)]
    rest = [pending.number for pending in store.pending("news.test", NOON, 10, after=first[-1])]
    assert first + rest == numbers


def test_entries_of_one_article_come_as_one_with_their_siblings(store: Store) -> None:
    store.commit_poll(poll(entry("a"), entry("b")))
    store.commit_poll(poll(entry("a"), feed="dw-fr"))
    store.commit_poll(poll(entry("a", url="https://m.news.test/a"), feed="mobile"))
    a, b = store.pending("news.test", NOON, 10)
    assert (a.feed, b.siblings) == ("rfi-fr", ())
    assert [sibling.feed for sibling in a.siblings] == ["dw-fr", "mobile"]
    assert store.pending("m.news.test", NOON, 10) == []
    later = store.pending("news.test", NOON, 10, after=b.number)
    assert later == [], "a lane that asks on must not be given an article it already has"


def test_an_article_whose_first_entry_is_not_due_comes_with_the_one_that_is(store: Store) -> None:
    store.commit_poll(poll(entry("a")))
    ((first, _),) = waiting(store)
    store.settle([], [Retry(first, NOON + 5 * HOUR, "503")], NOON)
    store.commit_poll(poll(entry("a"), feed="dw-fr"))
    (pending,) = store.pending("news.test", NOON, 10)
    assert pending.feed == "dw-fr"
    assert pending.siblings == (Sibling(first, "rfi-fr", "https://news.test/a"),)


def test_a_retry_counts_as_an_attempt_and_says_when_and_why(store: Store) -> None:
    store.commit_poll(poll(entry("a")))
    ((number, _),) = waiting(store)
    store.settle([], [Retry(number, NOON + HOUR, "time-out")], NOON)
    store.settle([], [Retry(number, NOON + 2 * HOUR, "503")], NOON + HOUR)
    assert store.reasons() == {("pending", "503"): 1}
    assert store.pending("news.test", NOON + HOUR, 10) == []
    (pending,) = store.pending("news.test", NOON + 2 * HOUR, 10)
    assert (pending.attempts, pending.first_tried) == (2, NOON)


# -- outcomes ----------------------------------------------------------------------------------------------------------


def test_outcomes_add_up_to_the_entries_seen(store: Store) -> None:
    store.commit_poll(poll(*(entry(name) for name in "abcdef"), NewEntry(entry("g"), outcome=Outcome.UNCHANGED)))
    numbers = [number for number, _ in waiting(store)]
    ends = [Outcome.SKIPPED, Outcome.FAILED, Outcome.GONE, Outcome.UNCHANGED]
    store.settle([Resolution(n, end, f"why {end}") for n, end in zip(numbers, ends, strict=False)], [], NOON)
    assert counts(store) == {"pending": 2, "skipped": 1, "failed": 1, "gone": 1, "unchanged": 2}
    assert store.ledger()["rfi-fr"].seen == 7
    assert store.reasons() == {(end.value, f"why {end}"): 1 for end in ends}
    assert store.ledger() == {"rfi-fr": Ledger(store.ledger()["rfi-fr"].counts)}


def test_an_entry_that_has_ended_keeps_its_end(store: Store) -> None:
    store.commit_poll(poll(entry("a")))
    ((number, _),) = waiting(store)
    store.settle([Resolution(number, Outcome.GONE, "404")], [], NOON)
    store.settle([Resolution(number, Outcome.FAILED, "late")], [Retry(number, NOON, "late")], NOON)
    assert counts(store) == {"gone": 1}
    assert store.reasons() == {("gone", "404"): 1}


def test_what_the_feed_gave_is_let_go_once_the_entry_has_ended(store: Store, url: str) -> None:
    store.commit_poll(poll(entry("a"), entry("b"), NewEntry(entry("c"), outcome=Outcome.SKIPPED, reason="media")))
    numbers = [number for number, _ in waiting(store)]
    store.settle([Resolution(numbers[0], Outcome.FAILED)], [Retry(numbers[1], NOON, "503")], NOON)
    kept = sa.select(tables.entries.c.key).join(tables.waiting, tables.waiting.c.number == tables.entries.c.number)
    assert _raw(url, lambda connection: connection.execute(kept).scalars().all()) == ["key of b"]


def test_an_entry_that_lost_what_the_feed_gave_fails_and_counts_as_new_when_listed_again(
    store: Store, url: str
) -> None:
    store.commit_poll(poll(entry("a"), entry("b"), NewEntry(entry("c"), outcome=Outcome.UNCHANGED)))
    assert store.stranded() == 0
    _raw(url, lambda connection: connection.execute(tables.waiting.delete().where(tables.waiting.c.number == 1)))
    assert store.stranded() == 1
    assert [store.end_stranded(NOON), store.end_stranded(NOON), store.stranded()] == [1, 0, 0]
    assert counts(store) == {"failed": 1, "pending": 1, "unchanged": 1}
    assert store.reasons() == {("failed", "what the feed gave of it is lost"): 1}
    known, _ = store.known_entries("rfi-fr", ["key of a"], [])
    assert known["key of a"].content_hash == ""


def test_a_turn_that_did_not_come_is_no_attempt(store: Store) -> None:
    store.commit_poll(poll(entry("a"), entry("b")))
    held = Retry(1, NOON + HOUR, "the host has asked for silence", was_tried=False)
    store.settle([], [held, Retry(2, NOON + HOUR, "timed out")], NOON)
    (a, b) = store.pending("news.test", NOON + HOUR, 10)
    assert (a.attempts, a.first_tried, b.attempts, b.first_tried) == (0, None, 1, NOON)
    assert store.reasons() == {("pending", held.reason): 1, ("pending", "timed out"): 1}


# -- the archive's side ------------------------------------------------------------------------------------------------


def records(*articles: Article, start: int = 0) -> list[tuple[Article, Place]]:
    """The articles, each 100 bytes after the other."""
    return [(article, Place(FILE, start + 100 * n, 100)) for n, article in enumerate(articles)]


def commit(store: Store, *articles: Article, start: int = 0, ends: tuple[Resolution, ...] = ()) -> None:
    """COMMIT 2 of these articles."""
    store.commit_articles(FILE, start + 100 * len(articles), records(*articles, start=start), ends, NOON)


def test_what_a_store_knows_is_found_among_any_number_of_keys(store: Store) -> None:
    commit(store, story := make_article("story"))
    names = [f"other {number}" for number in range(3000)]
    ids, urls = (
        [digest(name) for name in (*names, "story")],
        [f"https://news.test/{name}" for name in (*names, "story")],
    )
    texts = [fingerprint(text) for text in (*names, *story.text.split("\n"))]
    assert list(store.latest(ids)) == [story.id]
    assert store.find_urls(urls) == {"https://news.test/story": story.id}
    assert [store.paragraphs(texts, ids).find(text) is not None for text in texts[-3:]] == [False, True, True]


def test_the_smallest_and_the_largest_key_are_found_as_they_are(store: Database) -> None:
    rows = [(key, -key - 1, 1, 2) for key in (-(2**63), -1, 0, 2**63 - 1)]
    with store._writing() as connection:
        store._texts.put_folds(connection, rows)
        assert sorted(map(tuple, store._texts.folds(connection, [key for key, *_ in rows]))) == rows


def test_a_commit_moves_places_outcomes_and_offset_together(store: Store) -> None:
    store.commit_poll(poll(entry("a")))
    store.commit_poll(poll(entry("a"), feed="dw-fr"))
    (pending,) = store.pending("news.test", NOON, 10)
    ends = (
        Resolution(pending.number, Outcome.ARCHIVED),
        Resolution(pending.siblings[0].number, Outcome.UNCHANGED, "archived from rfi-fr"),
    )
    assert (store.committed_offset(FILE), store.committed_files(), store.balance()) == (0, {}, (0, 0))
    commit(store, make_article("a"), ends=ends)
    assert (store.committed_offset(FILE), store.committed_files(), store.balance()) == (100, {FILE: 100}, (1, 1))
    assert (counts(store), counts(store, "dw-fr")) == ({"archived": 1}, {"unchanged": 1})
    assert store.pending_hosts(NOON) == []
    (revision,) = store.revisions(digest("a"))
    assert revision.place == Place(FILE, 0, 100)
    assert (revision.revision, revision.title) == (1, "A")
    assert revision.text_hash == make_article("a").text_hash


def test_a_commit_that_fails_changes_nothing(store: Store) -> None:
    store.commit_poll(poll(entry("a"), entry("b")))
    numbers = [number for number, _ in waiting(store)]
    commit(store, make_article("a"), ends=(Resolution(numbers[0], Outcome.ARCHIVED),))
    again = (make_article("b"), make_article("a"))  # the same version of "a" a second time
    with pytest.raises(StorageError):
        commit(store, *again, start=100, ends=(Resolution(numbers[1], Outcome.ARCHIVED),))
    assert store.committed_offset(FILE) == 100
    assert store.latest([digest("b")]) == {}
    assert counts(store) == {"archived": 1, "pending": 1}


def test_a_record_made_from_an_entry_that_had_ended_otherwise_makes_it_archived(store: Store) -> None:
    store.commit_poll(poll(entry("a")))
    ((number, _),) = waiting(store)
    store.settle([Resolution(number, Outcome.UNCHANGED, "same text")], [], NOON)
    commit(store, make_article("a"), ends=(Resolution(number, Outcome.ARCHIVED),))
    assert counts(store) == {"archived": 1}
    store.settle([Resolution(number, Outcome.FAILED, "late")], [], NOON)
    assert store.balance() == (1, 1)


def test_the_newest_revision_is_the_latest(store: Store) -> None:
    commit(store, make_article("a"), make_article("b"), make_article("a", 2, title="Edited"))
    latest = store.latest([digest("a"), digest("b"), digest("never")])
    assert {id_: (found.revision, found.place.offset) for id_, found in latest.items()} == {
        digest("a"): (2, 200),
        digest("b"): (1, 100),
    }
    assert [found.revision for found in store.revisions(digest("a"))] == [1, 2]
    assert store.revisions(digest("never")) == []


def test_records_of_a_file_come_by_offset_from_where_one_asks(store: Store) -> None:
    commit(store, *(make_article(name) for name in "abcd"))
    assert [found.place.offset for found in store.records_in(FILE, 100, 2)] == [100, 200]
    assert [found.id for found in store.records_in(FILE, 201, 9)] == [digest("d")]
    assert store.records_in("other", 0, 9) == []


def test_an_article_is_found_by_each_of_its_urls_and_by_no_other(store: Store) -> None:
    long = "https://x.test/" + "c" * 9000
    urls = {"requested_url": "https://x.test/r", "url": "https://x.test/f#é", "canonical_url": long}
    commit(store, make_article("a", **urls), make_article("b", url=None, requested_url=None))
    asked = [*urls.values(), "https://x.test/", "https://x.test/F#é"]
    assert store.find_urls(asked) == dict.fromkeys(urls.values(), digest("a"))
    assert store.find_urls([]) == {}


def test_a_url_shared_by_articles_stays_with_the_first(store: Store) -> None:
    home = "https://x.test/"
    commit(store, make_article("a", url=home), make_article("b", url=home))
    commit(store, make_article("c", url=home), start=200)
    assert store.find_urls([home]) == {home: digest("a")}


def test_an_article_is_found_by_the_beginning_of_its_id_if_it_is_the_only_one(store: Store) -> None:
    first, second = make_article("a", id="ab" + "0" * 30), make_article("b", id="ab" + "f" * 30)
    commit(store, first, replace(first, revision=2), second)
    assert store.find_id(first.id) == store.find_id("ab0") == first.id
    assert store.find_id("abf") == store.find_id("ab" + "f" * 29) == second.id
    assert store.find_id("ab") is None
    assert store.find_id("ac") is None


def test_sightings_name_the_feeds_in_the_order_they_came(store: Store) -> None:
    store.commit_poll(poll(entry("a"), feed="zeit"))
    store.commit_poll(poll(entry("a"), entry("b"), feed="dw-fr", at=NOON + HOUR))
    store.commit_poll(poll(NewEntry(entry("a"), version=2), feed="zeit", at=NOON + 2 * HOUR))
    assert store.sightings([digest("a"), digest("b"), digest("c")]) == {
        digest("a"): ("zeit", "dw-fr"),
        digest("b"): ("dw-fr",),
    }


# -- adopting ----------------------------------------------------------------------------------------------------------


def test_adopting_twice_changes_nothing(store: Store) -> None:
    found = records(make_article("a"), make_article("b"))
    assert store.adopt(FILE, 200, found, NOON) == 2
    before = (store.ledger(), store.committed_files(), store.revisions(digest("a")), store.balance())
    assert store.adopt(FILE, 200, iter(found), NOON + HOUR) == 0
    assert (store.ledger(), store.committed_files(), store.revisions(digest("a")), store.balance()) == before


def test_a_record_found_twice_is_adopted_where_it_stands_first(store: Store) -> None:
    assert store.adopt(FILE, 300, records(make_article("a"), make_article("b"), make_article("a")), NOON) == 2
    assert [found.place.offset for found in store.revisions(digest("a"))] == [0]
    assert store.committed_offset(FILE) == 300


def test_adopting_ends_the_entry_a_record_was_made_from_and_those_it_names(store: Store) -> None:
    store.commit_poll(poll(entry("a"), entry("b")))
    for feed in ("dw-fr", "late"):
        store.commit_poll(poll(entry("a", key=feed, guid=feed), feed=feed))
    assert store.adopt(FILE, 100, records(make_article("a", also_in=("dw-fr",))), NOON) == 1
    assert counts(store) == {"archived": 1, "pending": 1}
    assert counts(store, "dw-fr") == {"unchanged": 1}
    assert counts(store, "late") == {"pending": 1}, "it came after the record: its text is still to be compared"
    assert store.reasons() == {("unchanged", "archived from rfi-fr"): 1}
    assert store.balance() == (1, 1)


def test_adopting_ends_the_entry_of_a_record_that_turned_out_to_be_of_another_article(store: Store) -> None:
    other = entry("a", article_id=digest("somebody else's"))
    store.commit_poll(poll(other, NewEntry(entry("a", guid="a later link's", key="later", article_id=digest("z")))))
    store.adopt(FILE, 100, records(make_article("a")), NOON)
    assert counts(store) == {"archived": 1, "pending": 1}
    assert store.unbalanced(1) == {}
    assert waiting(store) == [(2, "rfi-fr")]


def test_adopting_a_text_of_the_feed_s_own_ends_no_entry_of_another_feed(store: Store) -> None:
    store.commit_poll(poll(entry("a")))
    store.commit_poll(poll(entry("a", key="dw-fr", guid="dw-fr"), feed="dw-fr"))
    store.adopt(FILE, 100, records(make_article("a", text_source="feed", also_in=("dw-fr",))), NOON)
    assert counts(store) == {"archived": 1}
    assert counts(store, "dw-fr") == {"pending": 1}


@pytest.mark.parametrize(
    ("listed", "record"),
    [
        ({"guid": "other"}, {}),
        ({"url": "https://news.test/other"}, {}),
        ({"guid": None, "url": None}, {"guid": None, "requested_url": None}),
    ],
)
def test_guid_or_url_is_enough_to_know_the_entry(store: Store, listed: dict[str, Any], record: dict[str, Any]) -> None:
    store.commit_poll(poll(entry("a", **listed)))
    store.adopt(FILE, 100, records(make_article("a", **record)), NOON)
    assert counts(store) == {"archived": 1}


def test_a_feed_s_record_ends_no_entry_of_another_feed(store: Store) -> None:
    store.commit_poll(poll(entry("a"), feed="dw-fr"))
    store.adopt(FILE, 100, records(make_article("a")), NOON)
    assert counts(store, "dw-fr") == {"pending": 1}
    assert counts(store) == {"archived": 1}


def test_after_the_loss_of_the_database_adopted_records_are_known_as_listed_and_archived(store: Store) -> None:
    found = records(make_article("a"), make_article("a", 2), make_article("b", guid=None, requested_url=None))
    assert store.adopt(FILE, 300, found, NOON) == 3
    assert counts(store) == {"archived": 3}
    assert store.balance() == (3, 3)
    assert store.sightings([digest("a")]) == {digest("a"): ("rfi-fr",)}
    store.commit_poll(poll(entry("a")))  # listed again, under its real key
    assert counts(store) == {"archived": 3, "pending": 1}
    assert store.latest([digest("a")])[digest("a")].revision == 2


def test_a_thousand_records_are_adopted_at_once(store: Store) -> None:
    found = records(*(make_article(f"n{number}") for number in range(1001)))
    assert store.adopt(FILE, 100_100, iter(found), NOON) == 1001
    assert store.balance() == (1001, 1001)


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_the_writer_s_name_is_made_once(store: Store, url: str) -> None:
    name = store.writer()
    assert name.isascii()
    assert name.isalpha()
    assert name.islower()
    with closing(open_database(url, readonly=True)) as again:
        assert again.writer() == store.writer() == name


def test_robots_files_and_holds_are_remembered(store: Store) -> None:
    origin = "https://news.test"
    good = RobotsFile(origin, 200, b"User-agent: *\n\xff", NOON, b"good", NOON)
    assert store.robots(origin) is None
    for robots in (good, RobotsFile(origin, None, b"", NOON + HOUR, good.good_body, good.good_fetched)):
        store.save_robots(robots)
        assert store.robots(origin) == robots
    assert store.robots("https://other.test") is None
    assert store.holds() == {}
    store.hold("news.test", NOON)
    store.hold("news.test", NOON + HOUR)
    assert store.holds() == {"news.test": NOON + HOUR}


def test_what_is_committed_is_there_after_closing_and_opening_again(store: Store, url: str) -> None:
    store.commit_poll(poll(entry("a")))
    commit(store, make_article("b"))
    store.close()
    with closing(open_database(url)) as again:
        assert waiting(again)
        assert again.committed_files() == {FILE: 100}


# -- sealed files and raw copies ---------------------------------------------------------------------------------------

WARC = "raw/date=2026-11-23/w-0001.warc.gz"
SEALED = Sealed(
    FILE, f"{FILE}.gz", 2, 345, "ab" * 32, "a", "z", 1_764_000_000_123_456_789, (Member(0, 0), Member(9, 5))
)
PAYLOAD = Payload("sha256:1", "https://news.test/a", NOON, WARC, 0)


def test_a_sealed_file_comes_back_as_it_was_remembered(store: Store) -> None:
    assert store.sealed_files() == {}
    raw = Sealed(WARC, WARC, 0, 20, "cd" * 32, None, None, 1)
    for sealed in (raw, replace(SEALED, bytes=1), SEALED):
        store.seal(sealed)
    assert list(store.sealed_files().items()) == [(FILE, SEALED), (WARC, raw)]
    assert [store.is_sealed(file) for file in (FILE, WARC, f"{FILE}.gz")] == [True, True, False]


def test_a_body_stays_where_it_was_first(store: Store) -> None:
    store.commit_raw(WARC, 100, [PAYLOAD])
    other = Payload("sha256:2", "https://news.test/b", NOON, WARC, 100)
    store.commit_raw(WARC, 200, [replace(PAYLOAD, at=NOON + HOUR, offset=150), other])
    store.commit_raw(WARC, 300, [])
    assert store.payloads(["sha256:1", "sha256:2", "sha256:3"]) == {"sha256:1": PAYLOAD, "sha256:2": other}
    assert store.committed_files() == {WARC: 300}


def test_a_body_that_is_lost_stands_where_it_is_kept_anew(store: Store) -> None:
    other = Payload("sha256:2", "https://news.test/b", NOON, WARC, 50)
    store.commit_raw(WARC, 100, [PAYLOAD, other])
    anew = replace(PAYLOAD, at=NOON + HOUR, offset=150)
    store.commit_raw(WARC, 200, [anew, replace(other, offset=170)], {PAYLOAD.digest})
    assert store.payloads([PAYLOAD.digest, other.digest]) == {PAYLOAD.digest: anew, other.digest: other}


def test_bodies_of_a_file_come_by_offset_from_where_one_asks(store: Store) -> None:
    bodies = [replace(PAYLOAD, digest=f"sha256:{n}", offset=100 * n) for n in range(5)]
    store.commit_raw(WARC, 500, bodies[::-1])
    store.commit_raw("raw/other.warc.gz", 500, [replace(PAYLOAD, digest="sha256:x", file="raw/other.warc.gz")])
    assert store.payloads_in(WARC, 0, 2) == bodies[:2]
    assert store.payloads_in(WARC, 101, 9) == bodies[2:]


# -- figures -----------------------------------------------------------------------------------------------------------


def test_what_came_in_adds_up_by_feed_and_day_as_the_records_do(store: Store) -> None:
    history = make_history()
    commit(store, *history)
    sums: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0] * 5)
    for article in history:
        reasons = [removal.reason for removal in article.removed]
        counts = (1, article.paragraphs, *map(reasons.count, ("repeat", "boilerplate", "known")))
        key = article.feed, article.archived.date()
        sums[key] = [a + b for a, b in zip(sums[key], counts, strict=True)]
    expected = [Intake(*key, *counts) for key, counts in sorted(sums.items())]
    assert len(sums) > 12
    assert store.intake() == expected
    assert store.intake(["rfi-fr", "rfi-km"]) == [one for one in expected if one.feed != "rfi-ar"]
    assert store.intake(["unheard-of"]) == []


def test_a_day_s_figures_are_of_the_day_in_utc(store: Store) -> None:
    late = datetime(2026, 11, 24, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    commit(store, make_article("a", archived=late), make_article("b", archived=NOON.replace(hour=0)))
    assert store.intake() == [Intake("rfi-fr", NOON.date(), 2, 6, 2, 0, 0)]


def counted(history: list[Article]) -> dict[str, tuple[Standing, dict[str, tuple[int, int, int, int]]]]:
    """Of each text of several articles: where it stands first; by feed in how many, on how many days, at which end."""
    seen: dict[str, dict[str, Article]] = defaultdict(dict)
    places: dict[str, Standing] = {}
    for article in history:
        for at, text in enumerate(full_text(article, history)):
            seen[text].setdefault(article.id, article)
            places.setdefault(text, Standing(article.id, article.revision, at))
    found = {}
    for text, articles in seen.items():
        if len(articles) > 1:
            by_feed = {}
            for feed in {article.feed for article in articles.values()}:
                own = [article for article in articles.values() if article.feed == feed]
                days = {article.archived.date() for article in own}
                ends = [full_text(article, history) for article in own]
                head, tail = sum(text in full[:EDGE] for full in ends), sum(text in full[-EDGE:] for full in ends)
                by_feed[feed] = (len(own), len(days), head, tail)
            found[text] = places[text], by_feed
    return found


def test_learned_boilerplate_is_what_stood_at_one_end_often_and_on_many_days(store: Store) -> None:
    history = make_history()
    commit(store, *history)
    by_text = counted(history)
    every = [(feed, *n, place) for place, by_feed in by_text.values() for feed, n in by_feed.items()]
    expected = [each for each in every if each[2] >= 3 and max(each[3:5]) >= 4]
    assert {feed for feed, *_ in expected} == {"rfi-fr", "rfi-ar", "rfi-km"}
    assert 3 < len(expected) < len(every)
    found = [(one.feed, one.articles, one.days, one.head, one.tail, at) for one, at in store.boilerplate(4, 3, 100)]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert [each[:2] for each in found] == sorted((each[:2] for each in expected), key=lambda each: (each[0], -each[1]))
    assert [one.feed for one, _ in store.boilerplate(4, 3, 1)] == ["rfi-ar", "rfi-fr", "rfi-km"]
    assert store.boilerplate(4, 3, 1)[0][0].articles == max(each[1] for each in expected if each[0] == "rfi-ar")
    assert {one.feed for one, _ in store.boilerplate(4, 3, 9, ["rfi-km"])} == {"rfi-km"}
    assert store.boilerplate(4, 7, 9) == store.boilerplate(50, 1, 9) == []


def test_the_most_repeated_paragraphs_are_counted_over_all_feeds(store: Store) -> None:
    history = make_history()
    commit(store, *history)

    def repeated(*feeds: str) -> list[tuple[int, int, int, Standing]]:
        chosen = [(at, [n for feed, n in some.items() if feed in feeds]) for at, some in counted(history).values()]
        return [(sum(n[0] for n in some), len(some), max(n[1] for n in some), at) for at, some in chosen if some]

    every = repeated("rfi-fr", "rfi-ar", "rfi-km")
    found = [(one.articles, one.feeds, one.days, one.standing) for one in store.most_repeated(1000)]
    assert sorted(found, key=str) == sorted(every, key=str)
    assert [each[0] for each in found] == sorted((each[0] for each in every), reverse=True)
    assert {each[1] for each in found} == {1, 2, 3}
    assert store.most_repeated(4) == store.most_repeated(1000)[:4]
    of_one = [(one.articles, one.feeds, one.days, one.standing) for one in store.most_repeated(1000, ["rfi-ar"])]
    assert sorted(of_one, key=str) == sorted(repeated("rfi-ar"), key=str)


# -- learning again from the files -------------------------------------------------------------------------------------


def everything(store: Store) -> tuple[Any, ...]:
    """All that the store says of the files, and the ledger."""
    ids = [digest(name) for name in "abc"]
    return (
        store.committed_files(),
        store.sealed_files(),
        store.payloads(["sha256:1"]),
        [store.revisions(id_) for id_ in ids],
        store.find_urls([f"https://news.test/{name}" for name in "abc"]),
        store.ledger(),
        store.reasons(),
    )


def content(*articles: Article, start: int = 0) -> FileContent:
    found = tuple(records(*articles, start=start))
    return FileContent(FILE, start + 100 * len(articles), articles=found)


def archived(store: Store) -> tuple[FileContent, ...]:
    """A store with two articles of the three it has listed, a sealed file and a raw copy, and what the files hold."""
    store.commit_poll(poll(entry("a"), entry("b"), entry("c")))
    articles = make_article("a"), make_article("b"), make_article("b", 2)
    commit(store, *articles, ends=(Resolution(1, Outcome.ARCHIVED), Resolution(2, Outcome.ARCHIVED)))
    changed = replace(entry("b"), content_hash="changed")
    store.commit_poll(poll(NewEntry(changed, 2, Outcome.ARCHIVED), at=NOON + HOUR))
    store.seal(SEALED)
    store.commit_raw(WARC, 100, [PAYLOAD])
    return content(*articles), FileContent(FILE, 300, sealed=SEALED), FileContent(WARC, 100, payloads=(PAYLOAD,))


def test_what_is_learnt_again_is_what_was_known_however_often(store: Store) -> None:
    contents = archived(store)
    before, writer = everything(store), store.writer()
    for _ in range(2):
        assert store.reindex(iter(contents), NOON + HOUR, may_forget=False) == Reindexed(3, 0, 0, 0)
        assert everything(store) == before
        assert (store.writer(), list(store.feed_states()), store.balance()) == (writer, ["rfi-fr"], (3, 3))


def test_of_records_and_bodies_that_come_twice_the_first_counts(store: Store) -> None:
    contents = archived(store)
    before = everything(store)
    again = content(make_article("a"), start=300)
    store.reindex(
        [*contents, again, FileContent(WARC, 200, payloads=(replace(PAYLOAD, offset=150),))], NOON, may_forget=False
    )
    after = everything(store)
    assert after[2:] == before[2:]
    assert after[0] == {FILE: 400, WARC: 200}


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (lambda contents: contents[1:], 3),
        (lambda contents: contents[:2], 1),
        (lambda contents: (content(make_article("a"), make_article("b")), *contents[1:]), 1),
        (
            lambda contents: (
                content(make_article("a", title="T"), make_article("b"), make_article("b", 2)),
                *contents[1:],
            ),
            1,
        ),
    ],
    ids=["no records", "no raw copies", "a record less", "another title"],
)
def test_nothing_is_forgotten_unless_it_may_be(store: Store, change: Callable[[Any], Any], number: int) -> None:
    contents = archived(store)
    before = everything(store)
    with pytest.raises(CorruptArchiveError, match=rf"all that the database knows: {number} differ"):
        store.reindex(change(contents), NOON, may_forget=False)
    assert everything(store) == before


def test_a_place_may_have_changed_and_a_lost_row_comes_back(store: Store) -> None:
    contents = archived(store)
    store.reindex([content(make_article("a"))], NOON, may_forget=True)
    moved = content(make_article("b"), make_article("a"), make_article("b", 2), start=50)
    assert store.reindex([moved, *contents[1:]], NOON, may_forget=False).records == 3
    assert [known.place.offset for known in store.revisions(digest("a"))] == [150]


def test_who_dies_in_the_middle_has_changed_nothing(store: Store) -> None:
    contents = archived(store)
    before = everything(store)

    def dying() -> Iterator[FileContent]:
        yield contents[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.reindex(dying(), NOON, may_forget=True)
    assert everything(store) == before


def test_an_entry_whose_record_is_lost_fails_and_is_archived_again_when_it_comes_back(store: Store) -> None:
    contents = archived(store)
    without = (content(make_article("b")), *contents[1:])
    assert store.reindex(without, NOON, may_forget=True) == Reindexed(1, 2, 0, 2)
    assert counts(store) == {"archived": 1, "failed": 2, "pending": 1}
    assert store.balance() == (1, 1)
    own, _ = store.known_entries("rfi-fr", ["key of a"], [])
    assert own["key of a"].content_hash == "", "what the feed still lists is taken for new"
    assert store.reindex(contents, NOON, may_forget=True) == Reindexed(3, 0, 2, 0)
    assert counts(store) == {"archived": 3, "pending": 1}
    assert store.unbalanced(9) == {}


def test_the_newest_revision_that_was_lost_is_remembered_whatever_is_lost_or_found_later(store: Store) -> None:
    contents = archived(store)
    both = [digest("a"), digest("b")]
    assert store.lost_revisions(both) == {}
    store.reindex((content(make_article("a"), make_article("b")), *contents[1:]), NOON, may_forget=True)
    assert store.lost_revisions(both) == {digest("b"): 2}
    store.reindex(contents[1:], NOON, may_forget=True)
    store.reindex(contents, NOON, may_forget=True)
    assert store.lost_revisions(both) == {digest("a"): 1, digest("b"): 2}


def test_a_record_without_an_entry_ends_the_one_it_was_made_from_or_brings_its_own(store: Store) -> None:
    contents = archived(store)
    more = content(make_article("c"), make_article("d"), start=300)
    assert store.reindex([*contents, more], NOON, may_forget=True) == Reindexed(5, 0, 2, 0)
    assert counts(store) == {"archived": 5}
    assert store.reindex([*contents, more], NOON, may_forget=True) == Reindexed(5, 0, 0, 0)
    assert store.unbalanced(9) == {}


def test_adopting_records_whose_entries_are_archived_already_brings_no_others(store: Store) -> None:
    contents = archived(store)
    ledger = store.ledger()
    forget(store)
    assert store.adopt(FILE, 300, contents[0].articles, NOON) == 3
    assert store.ledger() == ledger


def forget(store: Store) -> None:
    """Lose all records, and nothing else."""
    assert isinstance(store, Database)
    with store._writing() as connection:
        connection.execute(tables.article_urls.delete())
        connection.execute(tables.articles.delete())


def test_articles_with_other_numbers_of_entries_and_records_are_told(store: Store) -> None:
    archived(store)
    assert store.unbalanced(9) == {}
    store.commit_poll(poll(NewEntry(entry("d"), outcome=Outcome.ARCHIVED)))
    commit(store, make_article("c"), start=300)
    assert store.unbalanced(9) == {digest("c"): (0, 1), digest("d"): (1, 0)}
    assert len(store.unbalanced(1)) == 1
    assert store.balance() == (4, 4)


# -- the database itself -----------------------------------------------------------------------------------------------


def test_lost_tables_and_indexes_are_told_and_made_anew(store: Store, url: str) -> None:
    assert store.damage() == []
    assert store.mend() == []
    for statement in ("DROP TABLE gaps", "DROP INDEX pending_entries"):
        _raw(url, lambda connection, statement=statement: connection.execute(sa.text(statement)))
    lost = ["the table gaps is missing", "the index pending_entries is missing"]
    assert store.damage() == lost
    assert store.mend() == lost
    assert (store.damage(), store.gaps()) == ([], [])


def test_an_index_that_misses_rows_is_told_and_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "veille.db"
    with closing(open_database(f"sqlite:///{file}")) as store:
        store.commit_poll(poll(entry("a")))
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        index = "CREATE INDEX entries_by_article ON entries (article_id)"
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'entries_by_article'", [f"{index} WHERE 0"])
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("REINDEX entries_by_article")
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'entries_by_article'", [index])
    with closing(open_database(f"sqlite:///{file}")) as store:
        (fault,) = store.damage()[:1]
        assert "entries_by_article" in fault
        assert fault in store.mend()
        assert store.damage() == []


# -- the service's own affairs -----------------------------------------------------------------------------------------


def test_what_came_in_is_counted_by_feed_and_hour(store: Store) -> None:
    half = timedelta(minutes=30)
    store.commit_poll(poll(entry("early"), at=NOON - 3 * HOUR))
    store.commit_poll(poll(entry("a"), entry("b"), at=NOON + half))
    store.commit_poll(poll(entry("c"), feed="dw-fr", at=NOON + HOUR))
    commit(store, make_article("a", feed="rfi-fr", archived=NOON + HOUR))
    assert store.arrivals(NOON) == [
        Arrivals("dw-fr", NOON + HOUR, 1, 0),
        Arrivals("rfi-fr", NOON, 2, 0),
        Arrivals("rfi-fr", NOON + HOUR, 0, 1),
    ]
    assert store.arrivals(NOON, "dw-fr") == [Arrivals("dw-fr", NOON + HOUR, 1, 0)]
    assert store.arrivals(NOON, "nobody") == []


def test_an_hour_in_which_entries_and_articles_came_is_one(store: Store) -> None:
    store.commit_poll(poll(entry("a"), entry("b"), at=NOON))
    commit(store, make_article("a", feed="rfi-fr", archived=NOON + HOUR / 2))
    (both,) = store.arrivals(NOON)
    assert both == Arrivals("rfi-fr", NOON, 2, 1)
    assert (type(both.entries), type(both.articles)) == (int, int)


def test_only_the_entries_of_a_feeds_first_document_came_when_they_are_dated(store: Store) -> None:
    old, undated = NOON - timedelta(days=9), entry("undated")
    store.commit_poll(poll(entry("a", published=old), entry("b", published=NOON + HOUR), undated, at=NOON))
    store.commit_poll(poll(entry("c", published=old), at=NOON + 2 * HOUR))
    store.commit_poll(poll(entry("d"), feed="dw-fr", at=NOON + 5 * HOUR))
    came = store.newest(["rfi-fr", "nobody"], 10)
    assert came == {"rfi-fr": [NOON + 2 * HOUR, NOON, old], "nobody": []}, "none that is to come"
    assert store.newest(["rfi-fr"], 1) == {"rfi-fr": [NOON + 2 * HOUR]}


def test_what_one_document_brought_came_at_one_moment_however_much_it_was(store: Store) -> None:
    for day in range(4):
        names = [entry(f"{day}, {number}") for number in range(20)]
        store.commit_poll(poll(*names, at=NOON + timedelta(days=day)))
    assert store.newest(["rfi-fr"], 3)["rfi-fr"] == [NOON + timedelta(days=day) for day in (3, 2, 1)]


def test_a_note_takes_the_place_of_the_one_before(store: Store) -> None:
    store.note(Note("reload", NOON, False, "feeds.toml:3: no url"))
    store.note(Note("verify", NOON, True, "sound"))
    store.note(Note("reload", NOON + HOUR, True, "two feeds"))
    assert store.notes() == {
        "reload": Note("reload", NOON + HOUR, True, "two feeds"),
        "verify": Note("verify", NOON, True, "sound"),
    }


def test_alerts_are_one_a_trouble_and_subject(store: Store) -> None:
    disk = Alert(Trouble.DISK, "", "1 GB left", NOON)
    silent = Alert(Trouble.SILENT, "rfi-fr", "nothing for 3 days", NOON - HOUR, told=NOON)
    store.save_alerts([disk, silent, replace(silent, subject="dw-fr", since=NOON)])
    over = replace(silent, over=NOON + HOUR, over_told=NOON + 2 * HOUR, detail="d")
    store.save_alerts([over])
    store.save_alerts([])
    assert store.alerts() == [disk, over, replace(silent, subject="dw-fr", since=NOON)]


def test_what_is_long_past_is_forgotten(store: Store, url: str) -> None:
    store.commit_poll(poll(entry("a"), at=NOON))
    store.commit_poll(poll(at=NOON + HOUR))
    ended, open_one = (Alert(Trouble.GAP, name, "", NOON) for name in ("a", "b"))
    store.save_alerts([replace(ended, over=NOON), open_one])
    store.hold("past.test", NOON)
    store.hold("news.test", NOON + HOUR)
    for origin, fetched in (("https://past.test", NOON), ("https://news.test", NOON + HOUR)):
        store.save_robots(RobotsFile(origin, 404, b"", fetched))
    assert store.forget_before(NOON + HOUR) == 1
    assert (store.robots("https://past.test"), store.robots("https://news.test") is None) == (None, False)
    assert _raw(url, lambda connection: connection.scalar(sa.text("SELECT count(*) FROM polls"))) == 1
    assert (store.alerts(), list(store.holds())) == ([open_one], ["news.test"])
    assert counts(store) == {"pending": 1}, "entries stay"


def test_an_entry_postponed_by_a_clock_that_was_wrong_is_due_once_it_is_right(store: Store) -> None:
    store.commit_poll(poll(entry("a"), entry("b")))
    store.settle([], [Retry(1, NOON + timedelta(days=300), "later"), Retry(2, NOON + 30 * DAY, "later")], NOON)
    assert waiting(store) == [(1, "rfi-fr")]


CALLS: dict[str, Callable[[Store], object]] = {
    "feed_states": lambda store: store.feed_states(),
    "known_entries": lambda store: store.known_entries("f", ["k"], ["i"]),
    "commit_poll": lambda store: store.commit_poll(poll(entry("z"))),
    "commit_polls": lambda store: store.commit_polls([poll(entry("y")), poll(entry("y"), feed="dw-fr")]),
    "pending_hosts": lambda store: store.pending_hosts(NOON),
    "pending": lambda store: store.pending("h", NOON, 1),
    "settle": lambda store: store.settle([Resolution(1, Outcome.GONE)], [Retry(1, NOON, "")], NOON),
    "stranded": lambda store: store.stranded(),
    "end_stranded": lambda store: store.end_stranded(NOON),
    "ledger": lambda store: store.ledger(),
    "gaps": lambda store: store.gaps(),
    "reasons": lambda store: store.reasons(),
    "commit_articles": lambda store: commit(store, make_article("z"), start=9000),
    "adopt": lambda store: store.adopt(FILE, 9100, records(make_article("z"), start=9000), NOON),
    "committed_offset": lambda store: store.committed_offset(FILE),
    "committed_files": lambda store: store.committed_files(),
    "latest": lambda store: store.latest(["i"]),
    "lost_revisions": lambda store: store.lost_revisions(["i"]),
    "revisions": lambda store: store.revisions("i"),
    "records_in": lambda store: store.records_in(FILE, 0, 1),
    "balance": lambda store: store.balance(),
    "unbalanced": lambda store: store.unbalanced(1),
    "find_urls": lambda store: store.find_urls(["u"]),
    "find_id": lambda store: store.find_id("i"),
    "sightings": lambda store: store.sightings(["i"]),
    "writer": lambda store: store.writer(),
    "reindex": lambda store: store.reindex([], NOON, may_forget=True),
    "paragraphs": lambda store: store.paragraphs([fingerprint("p")], ["i"]),
    "sketched": lambda store: store.sketched([1]),
    "is_indexed": lambda store: store.is_indexed(),
    "forget_texts": lambda store: store.forget_texts(),
    "index_texts": lambda store: store.index_texts([]),
    "intake": lambda store: store.intake(["f"]),
    "boilerplate": lambda store: store.boilerplate(5, 3, 1, ["f"]),
    "most_repeated": lambda store: store.most_repeated(1, ["f"]),
    "sealed_files": lambda store: store.sealed_files(),
    "is_sealed": lambda store: store.is_sealed(FILE),
    "seal": lambda store: store.seal(SEALED),
    "commit_raw": lambda store: store.commit_raw(WARC, 100, [PAYLOAD]),
    "payloads": lambda store: store.payloads(["sha256:1"]),
    "payloads_in": lambda store: store.payloads_in(WARC, 0, 1),
    "robots": lambda store: store.robots("o"),
    "save_robots": lambda store: store.save_robots(RobotsFile("o", 200, b"", NOON)),
    "holds": lambda store: store.holds(),
    "hold": lambda store: store.hold("h", NOON),
    "arrivals": lambda store: store.arrivals(NOON),
    "newest": lambda store: store.newest(["f"], 1),
    "note": lambda store: store.note(Note("verify", NOON, True, "sound")),
    "notes": lambda store: store.notes(),
    "alerts": lambda store: store.alerts(),
    "save_alerts": lambda store: store.save_alerts([Alert(Trouble.DISK, "", "little room", NOON)]),
    "forget_before": lambda store: store.forget_before(NOON),
}
WRITES = [
    *("commit_poll", "commit_polls", "settle", "commit_articles", "adopt", "writer", "reindex", "seal"),
    "commit_raw",
    *("end_stranded", "save_robots", "hold", "forget_texts", "index_texts"),
    *("note", "save_alerts", "forget_before"),
]


def test_every_method_of_the_protocol_is_called_below() -> None:
    methods = {name for name, _ in inspect.getmembers(Store, inspect.isfunction) if not name.startswith("_")}
    assert set(CALLS) == methods - {"close", "damage", "mend"}, "those three work on what is broken"


def test_every_method_raises_storage_error_in_one_line_when_the_database_is_broken(store: Store, url: str) -> None:
    _raw(url, tables.metadata.drop_all)
    for call in CALLS.values():
        with pytest.raises(StorageError) as caught:
            call(store)
        assert "\n" not in str(caught.value)
        assert "SELECT" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", WRITES)
def test_every_write_raises_storage_error_when_the_database_is_locked(store: Store, url: str, name: str) -> None:
    path = url.removeprefix("sqlite:///").partition("?")[0]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="database is locked"):
            CALLS[name](store)
        other.execute("ROLLBACK")
    CALLS[name](store)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_reading_goes_on_while_another_process_writes(store: Store, url: str) -> None:
    path = url.removeprefix("sqlite:///").partition("?")[0]
    store.writer()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM meta")
        for name in CALLS.keys() - set(WRITES):
            CALLS[name](store)
        with closing(open_database(url, readonly=True)) as looker:
            assert looker.writer() == store.writer()


# -- opening -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [None, "0001"])
def test_new_or_migrated_the_tables_are_as_they_are_declared(url: str, base: str | None) -> None:
    def difference(connection: sa.Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, tables.metadata)

    if base is not None:
        _raw(url, lambda connection: command.upgrade(migrations(connection), base))
    for _ in range(2):  # what is up to date is left alone
        open_database(url).close()
        assert _raw(url, difference) == []
        assert _raw(url, lambda connection: MigrationContext.configure(connection).get_current_heads()) == (
            tables.REVISION,
        )
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [tables.REVISION]


def migrations(connection: sa.Connection) -> Config:
    """Of the store, for Alembic's commands."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def test_a_database_of_a_newer_revision_is_refused_and_left_alone(store: Store, url: str) -> None:
    _raw(url, lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    for readonly in (False, True):
        with pytest.raises(SchemaError, match="revision 9999"):
            open_database(url, readonly=readonly)
    assert _raw(url, lambda connection: connection.scalar(sa.text("SELECT version_num FROM alembic_version"))) == "9999"


def test_a_database_that_has_lost_its_revision_counts_as_damaged(store: Store, url: str) -> None:
    _raw(url, lambda connection: connection.execute(sa.text("DELETE FROM alembic_version")))
    for look in (open_database, partial(open_database, readonly=True), check_up):
        with pytest.raises(CorruptDatabaseError, match="its revision is lost"):
            look(url)


def test_a_database_of_an_older_revision_is_brought_up_to_date_with_what_it_holds(url: str) -> None:
    def make_first(connection: sa.Connection) -> None:
        command.upgrade(migrations(connection), "0001")
        columns = "name, url, validators_broken, identical_bodies, health, due_reason, interval, failures, last_success"
        interval = "'1970-01-01 02:00:00'" if connection.dialect.name == "sqlite" else "'2 hours'"
        values = f"'rfi-fr', 'https://news.test/rss', false, 0, 'ok', 'asked', {interval}, 0, '2026-11-23 12:00:00'"
        connection.execute(sa.text(f"INSERT INTO feeds ({columns}) VALUES ({values})"))
        columns = (
            "feed, key, version, host, article_id, content_hash, outcome, attempts, first_seen, last_seen, payload"
        )
        for given, outcome, payload in ((entry("a"), "pending", ":payload"), (entry("b"), "gone", "NULL")):
            values = f"'rfi-fr', :key, 1, 'news.test', :id, '', '{outcome}', 0, {_AT}, {_AT}, {payload}"
            insert = sa.text(f"INSERT INTO entries ({columns}) VALUES ({values})")
            connection.execute(insert, {"key": given.key, "id": given.article_id, "payload": dump(given)})

    _raw(url, make_first)
    with pytest.raises(SchemaError, match="of revision 0001, this program reads"):
        open_database(url, readonly=True)
    with closing(open_database(url)) as store:
        state = store.feed_states()["rfi-fr"]
        assert [pending.entry for pending in store.pending("news.test", NOON, 9)] == [entry("a")]
    assert (state.interval, state.asked) == (2 * HOUR, Asked())
    assert state.window_seen == state.last_success is not None


_AT = "'2026-11-23 11:00:00'"


def test_a_migration_that_fails_leaves_the_database_as_it_was(url: str) -> None:
    _raw(url, lambda connection: connection.execute(sa.text("CREATE TABLE polls (number INTEGER)")))
    with pytest.raises(StorageError, match="polls"):
        open_database(url)
    names = _raw(url, lambda connection: sa.inspect(connection).get_table_names())
    _raw(url, lambda connection: connection.execute(sa.text("DROP TABLE polls")))
    assert names == ["polls"]


def test_read_only_means_that_nothing_can_be_written(store: Store, url: str) -> None:
    store.commit_poll(poll(entry("a")))
    with closing(open_database(url, readonly=True)) as looker:
        assert counts(looker) == {"pending": 1}
        for name in WRITES:
            with pytest.raises(StorageError):
                CALLS[name](looker)
        store.commit_poll(poll(entry("b")))
        assert counts(looker) == {"pending": 2}


def test_a_database_never_used_cannot_be_read(url: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        open_database(url, readonly=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("veille.db", "write sqlite:///FILE or postgresql"),
        ("mysql://u:secret@h/d", "a mysql database is not supported"),
        ("sqlite:////no/such/folder/veille.db", "/no/such/folder/veille.db: unable to open database file"),
        (f"sqlite:///{__file__}", "test_store.py: file is not a database"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_in_one_line(url: str, complaint: str) -> None:
    with pytest.raises(StorageError) as caught:
        open_database(url)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_database_in_memory_serves_for_a_look_without_a_trace() -> None:
    with closing(open_database("sqlite://")) as database:
        database.commit_poll(poll(entry("a")))
        assert counts(database) == {"pending": 1}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_sqlite_is_set_up_to_outlive_a_power_cut(store: Database) -> None:
    with store._reading() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys")
        pragmas = {name: connection.scalar(sa.text(f"PRAGMA {name}")) for name in names}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_writer_holds_sqlite_s_lock_from_its_first_statement_on(store: Database, url: str) -> None:
    path = url.removeprefix("sqlite:///").partition("?")[0]
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0.01)) as other:
        with store._writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with store._reading():
            other.execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_pending_entries_are_found_by_their_own_index(store: Database, url: str) -> None:
    statements: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *rest: Any) -> None:
        statements.append((statement, parameters))

    sa.event.listen(store._engine, "before_cursor_execute", note)
    store.pending_hosts(NOON)
    store.pending("news.test", NOON, 20)
    plans = []
    for statement, parameters in [each for each in statements if each[0].startswith("SELECT")]:
        with store._reading() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            plans.append(" / ".join(row.detail for row in rows))
    assert "USING COVERING INDEX pending_entries" in plans[0]
    assert "SEARCH entries USING INDEX pending_entries (host=? AND" in plans[1]
    assert "SEARCH earlier USING INDEX entries_by_article" in plans[1]
