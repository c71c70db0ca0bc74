"""What the archive costs as it grows: 100,000 articles of 3 kB through the real store, files and commits.

    python bench/archive.py [--articles 100000] [--directory DIR]

Each batch of 50 goes the way of a crawl: polls add entries to the ledger, what waits is asked for, addresses and
revisions are looked up, the articles are committed; a thousand of them make a day, and a file. The first tenth of one
archive is written beside the last tenth of another, batch by batch in turn, so that whatever else the machine does
falls on both alike. CPU is this process's, the kernel's work for it included; wall clock has the disk's syncs in it.
What makes the articles is not counted. Then a start after a crash, verifying, and a start without the database.
"""

import argparse
import os
import platform
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import TypeVar

from storage.archive import Archive
from storage.card import write_card
from storage.database import Database, open_database
from storage.model import (
    Article,
    Entry,
    ExtractorFacts,
    FeedState,
    HttpFacts,
    NewEntry,
    Outcome,
    Poll,
    RawRef,
    Removal,
    Resolution,
    Rights,
)
from storage.rebuild import full_text_hash
from storage.records import encode
from storage.recovery import Recovery
from storage.verify import verify

T = TypeVar("T")

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BATCH = 50
"""Articles in a commit, as the service has it."""
FEEDS, LISTED = 200, 25
"""Feeds, and new entries that a poll of one finds."""
A_DAY = 1000
"""Articles archived in a day."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds."""

    cpu: float
    wall: float


class Costs:
    """What each batch came to, by step."""

    def __init__(self) -> None:
        self.of: defaultdict[str, list[Cost]] = defaultdict(list)

    @contextmanager
    def counted(self, step: str) -> Iterator[None]:
        """Count what happens within it."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.of[step].append(Cost(time.process_time() - cpu, time.perf_counter() - wall))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--directory", type=Path, help="where to put the archives; a temporary one by default")
    options = parser.parse_args()
    print(f"{machine()}, SQLite {sqlite3.sqlite_version}, SQLAlchemy {version('sqlalchemy')}")
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name) / "grown"
        grow(Path(name) / "small", directory, options.articles)
        now = START + DAY * options.articles / A_DAY
        measure_start(directory, now)
        print_sizes(directory, options.articles)
        measure_verify(directory, "plain")
        measure_sealing(directory, now)
        print_sizes(directory, options.articles)
        measure_verify(directory, "sealed")
        measure_loss(directory, now)
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


# -- growing -----------------------------------------------------------------------------------------------------------


def grow(small: Path, grown: Path, articles: int) -> None:
    """Fill both archives, and print what an article costs in the first tenth and in the last."""
    first, last = Costs(), Costs()
    batches = articles // BATCH
    tenth = max(batches // 10, 1)
    with opened(small, START) as young, opened(grown, START) as old:
        for batch in range(batches - tenth):
            crawl(batch, *old, Costs())
            if batch % tenth == 0:
                print(f"{batch * BATCH} articles", file=sys.stderr)
        for batch in range(tenth):
            crawl(batch, *young, first)
            crawl(batches - tenth + batch, *old, last)
        killed = {path: path.with_name(f"killed-{path.name}") for path in grown.glob("veille.db*")}
        for path, copy in killed.items():
            shutil.copy(path, copy)
    for path, copy in killed.items():  # as a process leaves them that was killed
        copy.replace(path)
    for step in first.of:
        print_growth(step, first.of[step], last.of[step])


def crawl(batch: int, store: Database, archive: Archive, costs: Costs) -> None:
    """One batch, from the polls that find its entries to its commit."""
    now, random = START + DAY * batch * BATCH / A_DAY, Random(batch)
    articles = [make_article(batch * BATCH + number, random, now) for number in range(BATCH)]
    for some in (articles[at : at + LISTED] for at in range(0, BATCH, LISTED)):
        poll = make_poll(some, now)
        with costs.counted("poll"):
            store.known_entries(poll.feed, [new.entry.key for new in poll.entries], [article.id for article in some])
            store.commit_poll(poll)
    with costs.counted("find what waits"):
        waiting = {
            pending.entry.article_id: pending.number
            for host in store.pending_hosts(now)
            for pending in store.pending(host, now, BATCH)
        }
    with costs.counted("look up"):
        ids = {article.id for article in articles}
        homes = store.find_urls({article.url for article in articles if article.url})
        store.latest(ids | set(homes.values()))
        store.sightings(ids)
    resolutions = [Resolution(waiting[article.id], Outcome.ARCHIVED) for article in articles]
    with costs.counted("append and commit"):
        archive.commit(articles, resolutions, now)


def print_growth(step: str, first: Sequence[Cost], last: Sequence[Cost]) -> None:
    """The first tenth beside the last."""
    share = BATCH * len(first) / 1e6
    share = share / 2 if step == "poll" else share
    cpu = [sum(cost.cpu for cost in costs) / share for costs in (first, last)]
    wall = [sum(cost.wall for cost in costs) / share for costs in (first, last)]
    print(
        f"{step:18} CPU {cpu[0]:5.0f} → {cpu[1]:5.0f} µs an article, {cpu[1] / cpu[0]:.2f} times"
        f"   wall {wall[0]:5.0f} → {wall[1]:5.0f} µs, {wall[1] / wall[0]:.2f} times"
    )


def print_sizes(directory: Path, articles: int) -> None:
    """Bytes of an article, in files and in the database."""
    files = bytes_below(directory)
    database = sum(path.stat().st_size for path in directory.glob("veille.db*"))
    print(f"{articles} articles: {files / articles:.0f} bytes each in files, {database / articles:.0f} in the database")


# -- afterwards --------------------------------------------------------------------------------------------------------


def measure_start(directory: Path, now: datetime) -> None:
    """A start after a crash that left a batch, half a line and SQLite's log behind, and one after nothing."""
    log = (directory / "veille.db-wal").stat().st_size
    last = max(directory.glob("articles/*/*.jsonl"))
    lines = [encode(make_article(10**9 + number, Random(number), now)) for number in range(BATCH)]
    with last.open("ab") as file:
        file.write(b"".join(lines) + lines[0][:1000])
    for name in (f"start after a crash, with a log of {log / 1e6:.0f} MB", "start after that"):
        cost, recovery = spent(lambda: start(directory, now))
        print(f"{name}: {cost.wall:.2f} s, {recovery.adopted} taken in, {len(recovery.torn)} set aside")


def measure_verify(directory: Path, kind: str) -> None:
    """Records that a core verifies in a second."""
    with opened(directory, START) as (store, _):
        cost, damage = spent(lambda: list(verify(directory, store)))
        count, _ = store.balance()
    assert not damage, damage[:3]
    print(f"verify, {kind}: {count / cost.cpu:.0f} records a CPU second, {count / cost.wall:.0f} a second")


def measure_sealing(directory: Path, now: datetime) -> None:
    """Lines that are compressed, compared, digested and synced in a second."""
    before = bytes_below(directory)
    with opened(directory, now) as (_, archive):
        cost, sealed = spent(lambda: archive.seal(now + DAY))
    print(
        f"sealing: {len(sealed)} files, {before / cost.cpu / 1e6:.1f} MB a CPU second, "
        f"{before / cost.wall / 1e6:.1f} MB a second, to {bytes_below(directory) / before:.1%}"
    )


def measure_loss(directory: Path, now: datetime) -> None:
    """All records taken in by an empty database."""
    for path in directory.glob("veille.db*"):
        path.unlink()
    cost, recovery = spent(lambda: start(directory, now))
    print(
        f"start without a database: {cost.wall:.1f} s, {recovery.adopted / cost.cpu:.0f} records a CPU second taken in"
    )


def start(directory: Path, now: datetime) -> Recovery:
    """Open database and archive, as every start does."""
    with opened(directory, now) as (_, archive):
        return archive.recovery


@contextmanager
def opened(directory: Path, now: datetime) -> Iterator[tuple[Database, Archive]]:
    """The archive, by a store of its own."""
    directory.mkdir(exist_ok=True)
    write_card(directory)  # as every start does: verify misses it
    with (
        closing(open_database(f"sqlite:///{directory / 'veille.db'}")) as store,
        closing(Archive.open(directory, store, now)) as archive,
    ):
        yield store, archive


def spent(action: Callable[[], T]) -> tuple[Cost, T]:
    """What an action takes, and what comes of it."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = action()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall), result


def bytes_below(directory: Path) -> int:
    """Of all files of records."""
    return sum(path.stat().st_size for path in directory.glob("articles/*/*.jsonl*"))


def machine() -> str:
    """What this runs on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


# -- what is archived --------------------------------------------------------------------------------------------------

WORDS = Random(0).choices(
    ["".join(Random(number).choices("etaoinsrhldcumfpgwybvéèàç", k=3 + number % 9)) for number in range(4000)],
    k=20_000,
)


def make_article(number: int, random: Random, now: datetime) -> Article:
    """An article of about 3 kB, unlike every other; every third has had a paragraph removed."""
    paragraphs = [" ".join(WORDS[at : at + 30]) for at in random.choices(range(len(WORDS) - 30), k=5)]
    removed: tuple[Removal, ...] = ()
    full, hash_ = paragraphs, digest(str(number))
    if number % 3 == 0:
        full = [*paragraphs, paragraphs[1]]
        removed = (Removal(5, "repeat", hash_, 1, 1, digest(paragraphs[1])),)
    site = number // LISTED % FEEDS
    url = f"https://www.site{site}.example/afrique/2026/{number}-{'-'.join(paragraphs[0].split()[:8])}"
    return Article(
        id=hash_,
        revision=1,
        url=url,
        requested_url=url,
        canonical_url=url,
        feed=f"feed-{site}",
        feed_url=f"https://www.site{site}.example/rss",
        guid=url,
        also_in=(),
        title=" ".join(paragraphs[0].split()[:12]),
        description=paragraphs[0][:150],
        authors=("Ann Writer",),
        publisher=f"Site {site}",
        section="Afrique",
        tags=("one", "two"),
        image=f"{url}.jpg",
        language="fr",
        language_source="page",
        published=now - timedelta(minutes=random.randrange(300)),
        published_source="page",
        published_raw="Thu, 01 Jan 2026 13:00:00 +0100",
        modified=None,
        first_seen=now,
        fetched=now,
        archived=now,
        text="\n".join(paragraphs),
        text_source="page",
        paragraphs=len(full),
        removed=removed,
        near=(),
        also_near=(),
        text_hash=full_text_hash(full),
        normaliser=1,
        accessible_for_free=True,
        license=None,
        rights=Rights(robots_allowed=True),
        http=HttpFacts(200, '"5f3-64"', "Thu, 01 Jan 2026 12:00:00 GMT", "text/html; charset=utf-8", "utf-8", 90_000),
        raw=RawRef(),
        extractor=ExtractorFacts("trafilatura", "2.3.1"),
        warnings=(),
    )


def make_poll(articles: Sequence[Article], now: datetime) -> Poll:
    """The poll that finds these articles' entries."""
    feed = articles[0].feed
    entries = tuple(
        NewEntry(
            Entry(
                key=f"guid:{article.guid}",
                article_id=article.id,
                content_hash=article.text_hash,
                guid=article.guid,
                url=article.url,
                title=article.title,
                summary=article.description,
                published=article.published,
            )
        )
        for article in articles
    )
    return Poll(feed, now, FeedState(feed, articles[0].feed_url, last_polled=now), 200, listed=LISTED, entries=entries)


def digest(text: str) -> str:
    """32 hex digits."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


if __name__ == "__main__":
    main()
