"""Archives that hold many records already: generated, in minutes for a million, and kept for the next benchmark.

What a crawl asks of an archive is as it would be after so many articles: the ledger's entries, the rows of article
versions, their addresses, 12 paragraphs and 20 bands of a sketch each, polls, sealed files of a day's thousand lines.
Fingerprints, bands and signatures are drawn, not computed from the lines: no record of them is like one that comes.
Index pages are as full as chance leaves them, since half of the keys come at once and the rest over them.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import sqlalchemy as sa
from archive import make_article
from dedup import ALL, EXACT, NEW, PORTION, filling, mix, version_id

from storage import tables
from storage.archive import Archive
from storage.card import write_card
from storage.connection import create_scratch_engine
from storage.database import open_database
from storage.model import FeedState, Outcome, Poll
from storage.records import encode, line_digest

A_DAY = 1000
"""Records archived in a day, all into one file."""
BANDS, SIGNATURE = 20, 128
"""Bands of a sketch, and bytes of its signature."""
BAND = 4 << 40
"""What is added to a band's number, for its key to have nothing in common with a paragraph's."""
POLLS = 10
"""Records that a poll has found, on average."""
MARK = "f" * 32
"""Stands in the line that all are made of where each has its own id."""


def filled(directory: Path, count: int, feeds: Sequence[str]) -> Path:
    """The data directory of an archive with so many records of these feeds, below ``directory``; made if it is new."""
    home = directory / f"{count}-{len(feeds)}-{tables.REVISION}"
    if not (home / "complete").exists():
        began = time.monotonic()
        shutil.rmtree(home, ignore_errors=True)
        fill(home / "data", count, feeds)
        (home / "complete").write_text(f"{time.monotonic() - began:.0f} s\n", encoding="utf-8")
    return home / "data"


def fill(data: Path, count: int, feeds: Sequence[str]) -> None:
    """Make an archive."""
    now = datetime.now(UTC).replace(microsecond=0)
    days = -(-count // A_DAY)
    first = now - timedelta(days=days + 1)
    data.mkdir(parents=True)
    write_card(data)
    url = f"sqlite:///{data / 'veille.db'}"
    with closing(open_database(url)) as store:
        Archive.open(data, store, first).close()  # all tables are there, and an empty index counts as made
        for feed in feeds:
            store.commit_poll(Poll(feed, first, FeedState(feed, f"https://{feed}.example/rss", last_polled=first), 200))
    engine = create_scratch_engine(data / "veille.db")
    with engine.connect() as connection, connection.begin():
        for day in range(days):
            write_day(
                connection, data, first + timedelta(days=day), range(day * A_DAY, min((day + 1) * A_DAY, count)), feeds
            )
        for table, rows in (*filling(count * NEW), *banded(count)):
            insert(connection, table, rows)
    engine.dispose()
    with closing(open_database(url)) as store, closing(Archive.open(data, store, now)) as archive:
        archive.seal(now)


def write_day(
    connection: sa.Connection, data: Path, day: datetime, numbers: Sequence[int], feeds: Sequence[str]
) -> None:
    """Write a file of records, and all rows of them but those of the index."""
    file = f"articles/date={day:%Y-%m-%d}/bench-0001.jsonl"
    sample = replace(make_article(1, Random(day.toordinal()), day), id=MARK, feed="FEED")
    line = encode(sample)
    keys = (
        mix(np.arange(numbers[0] * NEW, (numbers[-1] + 1) * NEW, dtype=np.uint64) + np.uint64(EXACT))
        .astype(">u8")
        .tobytes()
    )
    signatures = np.random.default_rng(numbers[0]).bytes(SIGNATURE * len(numbers))
    (data / file).parent.mkdir(parents=True)
    lines, entries, articles, urls = [], [], [], []
    offset = 0
    for at, number in enumerate(numbers):
        id_, feed = version_id(number), feeds[number % len(feeds)]
        own = line.replace(MARK.encode(), id_.encode()).replace(b"FEED", feed.encode())
        address = f"https://{feed}.example/afrique/{id_}"
        lines.append(own)
        entries.append(
            {
                "feed": feed, "key": f"guid:{address}", "version": 1, "guid": address, "url": address,
                "host": f"{feed}.example", "article_id": id_, "content_hash": id_, "outcome": Outcome.ARCHIVED,
                "attempts": 0, "first_seen": day, "last_seen": day, "dated": day, "decided_at": day,
            }
        )  # fmt: skip
        articles.append(
            {
                "number": number, "id": id_, "revision": 1, "feed": feed, "title": sample.title,
                "text_hash": sample.text_hash,
                "text_source": "page", "file": file, "offset": offset, "length": len(own), "archived": day,
                "digest": line_digest(own), "paragraph_keys": keys[at * NEW * 8 : (at + 1) * NEW * 8],
                "signature": signatures[at * SIGNATURE : (at + 1) * SIGNATURE],
            }
        )  # fmt: skip
        urls.append({"hash": mix(number + BAND).to_bytes(8) + mix(number + ALL // 5).to_bytes(8), "article_id": id_})
        offset += len(own)
    (data / file).write_bytes(b"".join(lines))
    polls = [
        {
            "feed": feeds[number % len(feeds)], "at": day, "status": 200, "conditional": True, "bytes": 30_000,
            "listed": 50, "dropped": 0, "added": POLLS, "seconds": 0.1,
        }
        for number in range(len(numbers) // POLLS)
    ]  # fmt: skip
    connection.execute(tables.files.insert(), {"path": file, "committed": offset})
    for table, rows in (
        (tables.entries, entries), (tables.articles, articles), (tables.article_urls, urls), (tables.polls, polls),
    ):  # fmt: skip
        if rows:
            connection.execute(table.insert(), rows)


def banded(count: int) -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
    """The rows of ``bands``, in portions, the first of them half of all."""
    numbers = np.arange(count * BANDS, dtype=np.uint64)
    edges = [0, *(len(numbers) * tenths // 10 for tenths in range(5, 11))]
    for portion in (numbers[start:end] for start, end in pairwise(edges)):
        keys = mix(portion + np.uint64(BAND)).view(np.int64)
        order = np.argsort(keys)
        for part in (order[at : at + PORTION] for at in range(0, len(order), PORTION)):
            yield "bands", zip(keys[part].tolist(), (portion[part] // BANDS).tolist(), strict=True)


def insert(connection: sa.Connection, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
    """Insert rows as they are."""
    while some := list(islice(rows, PORTION)):
        places = ",".join("?" * len(some[0]))
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({places})", some)
