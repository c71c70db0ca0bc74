"""A small archive with one file of each kind: sealed and open, of records and of raw copies."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from articles import NOON, digest, make_article

from storage.archive import Archive
from storage.card import write_card
from storage.database import Database, open_database
from storage.model import Article, Capture, Entry, FeedState, NewEntry, Outcome, Poll, RawRef, Resolution
from storage.raw import RawCopies

NAMES = tuple("abcdefghij")
YESTERDAY = NOON - timedelta(days=1)


def new_store(directory: Path) -> Database:
    """An empty store in ``directory``; the migrations, most of the time it takes, run only once."""
    write_card(directory)
    (directory / "veille.db").write_bytes(_empty())
    return open_database(f"sqlite:///{directory / 'veille.db'}")


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "veille.db"
        open_database(f"sqlite:///{file}").close()
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()


def make_holdings(directory: Path, store: Database) -> None:
    """Archive ten articles with their pages: the first five in files of yesterday that are sealed, the rest today."""
    write_card(directory)
    state = FeedState("rfi-fr", "https://news.test/rss")
    entries = tuple(NewEntry(listed(name)) for name in NAMES)
    store.commit_poll(Poll("rfi-fr", YESTERDAY, state, entries=entries))
    archive = Archive.open(directory, store, YESTERDAY)
    raw = RawCopies(directory, store, software="veille/test")
    for names, now in ((NAMES[:5], YESTERDAY), (NAMES[5:], NOON)):
        kept = raw.keep([capture(name) for name in names], now)
        resolutions = [Resolution(1 + NAMES.index(name), Outcome.ARCHIVED) for name in names]
        archive.commit([article(name, raw) for name, raw in zip(names, kept, strict=True)], resolutions, now)
    archive.seal(NOON)
    raw.close()
    archive.close()


def listed(name: str) -> Entry:
    """The entry an article came from."""
    return Entry(name, digest(name), digest(name), guid=f"guid of {name}", url=f"https://news.test/{name}")


def article(name: str, raw: RawRef) -> Article:
    """An article that refers to no other."""
    return make_article(name, raw=raw, description=f"What {name} is about.")


def capture(name: str) -> Capture:
    """Its page, as it came over the wire."""
    body = f"<p>{name}</p>".encode() + Random(name).randbytes(200)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body)
    request = b"GET / HTTP/1.1\r\nHost: news.test\r\n\r\n"
    return Capture(f"https://news.test/{name}", NOON, "192.0.2.1", request, head, body, (("feed", "rfi-fr"),))
