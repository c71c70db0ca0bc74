"""The index of the duplicate filter as it grows, beside what else keeps fingerprints: 1, 10 and 50 million of them.

    python bench/dedup.py [--sizes 1,10,50] [--articles 10000] [--stores sqlite,dict,...] [--directory DIR]

An article of 15 paragraphs brings 12 that are new, two lines that stand in every other article of its feed, and one
that stood in an older article, whichever; one new paragraph in 160 differs from an old one in typography alone. Each
store looks up 50 articles, then commits them, durably where it knows how. It is filled in a process of its own, half of
the paragraphs at once and the rest over it, so that its pages are as full as chance leaves them; another process, which
does nothing else, is measured. CPU is that process's with all of its threads, the kernel's work for it and checkpoints
included; making the articles is not. Wall clock has the disk's syncs in it.

The peers are no dependencies of the project: pip puts them into a directory of the benchmark's own.
"""

import argparse
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from random import Random
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from storage.model import Article, Place
from storage.paragraphs import EDGE

if TYPE_CHECKING:
    from storage.paragraphs import Version

T = TypeVar("T")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

PEERS = {"rbloom": "1.5.4", "lmdb": "3.0.0", "rocksdict": "0.3.29"}
BATCH = 50
"""Articles in a commit, as the service has it."""
WARM_UP = 30
"""Batches before any is measured: more than SQLite's log holds, so that it has its full length, as in service."""
NEW, LINES = 12, 4
"""Paragraphs of an article that are new; lines that a feed repeats, of which an article has two."""
FEEDS, RUN = 200, 25
"""Feeds, and articles of one that come in a row."""
FIRST_DAY, A_DAY = 20_000, 1000
"""A day since 1970, and articles archived in one."""
SPELT = 1 / 160
"""Of the new paragraphs, those that fold like an old one."""
BLOOM_ERROR = 1e-6
"""Of new paragraphs, those that a Bloom filter may take for known."""
PORTION = 10_000
"""Rows that a store is filled with at a time."""
CACHE = 48 * 2**20
"""Bytes of a store's own cache, where it has one: what the service lets SQLite have."""


def main() -> None:
    """Fill, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1,10,50", help="millions of fingerprints")
    parser.add_argument("--articles", type=int, default=10_000, help="articles to measure")
    parser.add_argument("--stores", default=",".join(KINDS), help="which of these; %(default)s by default")
    parser.add_argument("--directory", type=Path, help="where to put the stores; a temporary one by default")
    options = parser.parse_args()
    names = options.stores.split(",")
    sys.path.append(str(peers(names)))  # for the processes that are started, too
    print(f"{machine()}, SQLite {sqlite3.sqlite_version}, SQLAlchemy {version('sqlalchemy')}")
    print(f"{alone(print_normalising)}\n")
    for size in (float(size) for size in options.sizes.split(",")):
        print(f"{size:g} million fingerprints\n{Result.HEADER}")
        first: Result | None = None
        for name in names:
            with tempfile.TemporaryDirectory(dir=options.directory) as directory:
                result = measure(name, int(size * 1e6), options.articles, Path(directory))
            first = first or result
            print(result.row(first), flush=True)
        print()
    print("\n".join(f"{name:8} {KINDS[name].is_}" for name in names))


def peers(names: Iterable[str]) -> Path:
    """The directory of the packages that are only measured, installed at the first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = cache / "veille-bench" / f"{sys.implementation.cache_tag}"
    wanted = [f"{package}=={PEERS[package]}" for package in (KINDS[name].package for name in names) if package]
    missing = [one for one in wanted if not (directory / f"{one.replace('==', '-')}.dist-info").exists()]
    if missing:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", directory]
        subprocess.run([*pip, *missing], check=True)
    return directory


def alone(action: Callable[..., T], *arguments: Any) -> T:
    """What ``action`` returns, in a new process that does nothing else."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(action, *arguments).result()


# -- measuring ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """Of a store of one size."""

    HEADER = (
        f"{'':8} {'CPU µs an article':>18} {'of SQLite':>10} {'p50 ms a commit':>16} {'p99 ms':>7}"
        f" {'resident MB':>12} {'of files':>9} {'bytes a fingerprint':>20} {'filled in s':>12}"
    )

    name: str
    cpu: float
    """Microseconds an article."""
    p50: float
    p99: float
    """Milliseconds of wall clock, looking up and committing a batch."""
    resident: float
    mapped: float
    """Megabytes at the highest, and what of them at the end was pages of files, which the kernel can take back."""
    bytes: float
    """Of a fingerprint on disk."""
    filling: float
    """Seconds."""
    mistaken: int
    """Paragraphs that it took for known and were not, or the other way about."""

    def row(self, first: "Result") -> str:
        """A line of the table."""
        row = (
            f"{self.name:8} {self.cpu:18.0f} {self.cpu / first.cpu:10.2f} {self.p50:16.1f} {self.p99:7.1f}"
            f" {self.resident:12.0f} {self.mapped:9.0f} {self.bytes:20.1f} {self.filling:12.0f}"
        )
        return f"{row}   {self.mistaken} mistaken" if self.mistaken else row


def measure(name: str, count: int, articles: int, directory: Path) -> Result:
    """Fill a store, and measure it."""
    started = time.perf_counter()
    alone(fill, name, count, articles, directory)
    filling = time.perf_counter() - started
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    cpu, walls, resident, mapped, mistaken = alone(work, name, count, articles, directory)
    walls.sort()
    return Result(
        name=name,
        cpu=cpu / (len(walls) * BATCH) * 1e6,
        p50=walls[len(walls) // 2] * 1e3,
        p99=walls[len(walls) * 99 // 100] * 1e3,
        resident=resident,
        mapped=mapped,
        bytes=size / count,
        filling=filling,
        mistaken=mistaken,
    )


def fill(name: str, count: int, articles: int, directory: Path) -> None:
    """Put ``count`` paragraphs into a new store, with room for those of the articles."""
    KINDS[name].index.fill(directory, count, count + (articles + WARM_UP * BATCH) * NEW)
    os.sync()  # or what is measured would write it, too


def work(name: str, count: int, articles: int, directory: Path) -> tuple[float, list[float], float, float, int]:
    """Look up and commit articles. CPU seconds, wall clock of each batch, megabytes resident, of files, mistakes."""
    index = KINDS[name].index(directory)
    cpu, walls, mistaken = 0.0, [], 0
    for number in range(WARM_UP + max(articles // BATCH, 1)):
        batch = index.prepare(make_batch(number, count))
        before, started = time.process_time(), time.perf_counter()
        known = index.lookup(batch)
        index.commit(batch)
        if number >= WARM_UP:
            cpu += time.process_time() - before
            walls.append(time.perf_counter() - started)
        mistaken += abs(known - (15 - NEW) * BATCH)
    before = time.process_time()
    index.settle()
    cpu += time.process_time() - before
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    status = {words[0]: int(words[1]) / 1024 for words in lines if words[-1] == "kB"}
    return cpu, walls, status["VmHWM:"], status["RssFile:"], mistaken


def print_normalising() -> str:
    """What comes before any index: both forms of 15 paragraphs, and their fingerprints."""
    from storage.fingerprints import exact, fold

    text = "L’« accord » d’Abuja, signé mardi après douze jours de pourparlers, prévoit un cessez-le-feu immédiat : "
    paragraphs = [f"{number} {text * 4}"[:376] for number in range(15_000)]
    started = time.process_time()
    for paragraph in paragraphs:
        exact(paragraph)
        fold(paragraph)
    cpu = (time.process_time() - started) / 1000 * 1e6
    return f"before that, to normalise and hash 15 paragraphs of 376 characters: {cpu:.0f} µs an article"


def machine() -> str:
    """What this runs on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else '?'}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"


# -- what is looked up -------------------------------------------------------------------------------------------------

ALL = 2**64 - 1
FOLD, EXACT, REST, SPELLING = (kind << 40 for kind in range(4))
"""What is added to a paragraph's number, for its fingerprints to have nothing in common."""


class Paragraph(NamedTuple):
    """The fingerprints of one, each 64 bits as a number with a sign: as SQLite has them."""

    fold: int
    exact: int
    rest: int
    """The other half of the exact one."""


class Arrival(NamedTuple):
    """An article to archive: its record's number, its feed, its day, its paragraphs."""

    number: int
    feed: str
    day: int
    paragraphs: list[Paragraph]


def scatter(number: int) -> int:
    """64 bits that look like chance."""
    bits = mix(number)
    return bits - (bits >> 63 << 64)


def mix(number: Any) -> Any:
    """64 bits without a sign, of a number or an array of them (splitmix64: Steele, Lea and Flood, 2014)."""
    bits = number + 0x9E3779B97F4A7C15 & ALL
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & ALL
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & ALL
    return bits ^ bits >> 31


def make_batch(number: int, count: int) -> list[Arrival]:
    """The articles that come to ``count`` paragraphs as batch ``number``."""
    random = Random(number)
    first, arrivals = count // NEW + number * BATCH, []
    for article in range(first, first + BATCH):
        feed = article // RUN % FEEDS
        numbers = range(count + (article - count // NEW) * NEW, count + (article - count // NEW + 1) * NEW)
        paragraphs = [
            Paragraph(scatter(random.randrange(count) + FOLD), scatter(new + SPELLING), scatter(new + REST))
            if random.random() < SPELT
            else make_paragraph(new)
            for new in numbers
        ]
        for old in (random.randrange(count), feed * LINES + article % 2, feed * LINES + 2 + article % 2):
            paragraphs.append(make_paragraph(old))  # noqa: PERF401
        arrivals.append(Arrival(article, feed_name(feed), FIRST_DAY + article // A_DAY, paragraphs))
    return arrivals


def make_paragraph(number: int) -> Paragraph:
    """One that is like no other."""
    return Paragraph(scatter(number + FOLD), scatter(number + EXACT), scatter(number + REST))


def feed_name(number: int) -> str:
    """As users name them."""
    return f"site-{number:03}-afrique"


# -- what a store is filled with ---------------------------------------------------------------------------------------

Row = tuple[Any, ...]

PARAGRAPH = ("key", "check", "article", "position")
"""Columns of ``paragraphs``, one row of texts that fold alike: the fold's key, the first 64 bits of the exact
fingerprint of the text that stood there first, and where; and of ``spellings``, texts that fold like one of those: the
exact fingerprint's two halves, and where."""
REPEAT = ("key", "feed", *PARAGRAPH[1:], "articles", "days", "last_day", "head", "tail")
"""Columns of ``repeats``: what stood in several articles, by the exact fingerprint and the feed."""


def filling(count: int, *, sort: bool = True) -> Iterator[tuple[str, Iterator[Row]]]:
    """All rows of a store, in portions, each with the name of its table.

    Args:
        count: Paragraphs; there are a spelling to 200 of them, a repeat to 12.
        sort: within a portion, of which the first is half of all; in the order of their arrival otherwise.
    """
    import numpy as np  # not where memory is measured

    numbers, random = np.arange(count, dtype=np.uint64), np.random.default_rng(0)
    tables = {
        "paragraphs": (numbers, FOLD, EXACT),
        "spellings": (random.choice(numbers, count // 200, replace=False), SPELLING, REST),
        "repeats": (random.choice(numbers, count // NEW, replace=False), EXACT, REST),
    }
    for table, (chosen, key, check) in tables.items():
        edges = [0, *(len(chosen) * tenths // 10 for tenths in range(5, 11))]
        for portion in (chosen[start:end] for start, end in pairwise(edges)):
            keys = mix(portion + key).view(np.int64)
            order = np.argsort(keys) if sort else np.arange(len(keys))
            for part in (order[at : at + PORTION] for at in range(0, len(order), PORTION)):
                checks = mix(portion[part] + check).view(np.int64)
                places = portion[part] // NEW, portion[part] % NEW
                yield table, rows(table, *(column.tolist() for column in (keys[part], checks, *places)))


def rows(table: str, keys: list[int], checks: list[int], articles: list[int], positions: list[int]) -> Iterator[Row]:
    """Rows of one table, of its columns."""
    if table != "repeats":
        return zip(keys, checks, articles, positions, strict=True)
    feeds = (feed_name(article // RUN % FEEDS) for article in articles)
    return (
        (key, feed, check, article, position, 1, 1, FIRST_DAY, 0, 0)
        for key, feed, check, article, position in zip(keys, feeds, checks, articles, positions, strict=True)
    )


# -- what is measured --------------------------------------------------------------------------------------------------


class Index(Protocol):
    """Where paragraphs are looked up; opened by its directory."""

    def __init__(self, directory: Path) -> None: ...

    @staticmethod
    def fill(directory: Path, count: int, room: int) -> None:
        """Make one of ``count`` paragraphs, that is to have ``room`` of them in the end."""

    def prepare(self, batch: Sequence[Arrival]) -> Any:
        """The batch in the store's own terms: this is not measured."""

    def lookup(self, batch: Any) -> int:
        """How many of the paragraphs stood in an article before this batch."""

    def commit(self, batch: Any) -> None:
        """Take in the batch that was looked up last; for good, where the store can."""

    def settle(self) -> None:
        """Do what work was put off."""


class Counting(ABC):
    """An index that names the article where a text first stood, and counts its articles and days in each feed."""

    def prepare(self, batch: Sequence[Arrival]) -> Sequence[Arrival]:
        """See ``Index``."""
        return batch

    def lookup(self, batch: Sequence[Arrival]) -> int:
        """See ``Index``."""
        everything = [paragraph for arrival in batch for paragraph in arrival.paragraphs]
        self.found = self.paragraphs({paragraph.fold for paragraph in everything})
        alike = [(paragraph, row) for paragraph in everything if (row := self.found.get(paragraph.fold))]
        other = {paragraph.exact for paragraph, row in alike if row[1] != paragraph.exact}
        spellings = self.spellings(other) if other else {}
        self.known: dict[int, Row] = {}
        for paragraph, row in alike:
            spelling = spellings.get(paragraph.exact)
            if row[1] == paragraph.exact:
                self.known[paragraph.exact] = row
            if spelling and spelling[1] == paragraph.rest:
                self.known[paragraph.exact] = spelling
        by_feed: defaultdict[str, set[int]] = defaultdict(set)
        for arrival in batch:
            by_feed[arrival.feed].update(p.exact for p in arrival.paragraphs if p.exact in self.known)
        self.counts = {(row[0], feed): row for feed, keys in by_feed.items() for row in self.repeats(feed, keys)}
        return sum(paragraph.exact in self.known for paragraph in everything)

    def commit(self, batch: Sequence[Arrival]) -> None:
        """See ``Index``."""
        new: dict[int, Row] = {}
        spellings: dict[int, Row] = {}
        repeats: dict[tuple[int, str], Row] = {}
        for number, feed, day, paragraphs in batch:
            for position, (fold, exact, rest) in enumerate(paragraphs):
                if first := self.known.get(exact):
                    key = exact, feed
                    row = repeats.get(key) or self.counts.get(key) or (*key, rest, *first[2:], 0, 0, 0, 0, 0)
                    articles, days, last_day, head, tail = row[5:]
                    head, tail = head + (position < EDGE), tail + (position >= len(paragraphs) - EDGE)
                    repeats[key] = (*row[:5], articles + 1, days + (day != last_day), day, head, tail)
                elif fold in self.found or fold in new:
                    spellings[exact] = (exact, rest, number, position)
                else:
                    new[fold] = (fold, exact, number, position)
        self.write(list(new.values()), list(spellings.values()), list(repeats.values()))

    @abstractmethod
    def paragraphs(self, keys: Collection[int]) -> dict[int, Row]:
        """Rows by their keys."""

    @abstractmethod
    def spellings(self, keys: Collection[int]) -> dict[int, Row]:
        """Rows by their keys."""

    @abstractmethod
    def repeats(self, feed: str, keys: Collection[int]) -> Iterable[Row]:
        """Rows of a feed."""

    @abstractmethod
    def write(self, paragraphs: list[Row], spellings: list[Row], repeats: list[Row]) -> None:
        """Insert paragraphs and spellings, insert or replace repeats, all or nothing and durably."""


class SQLite:
    """The store itself, as the archivist uses it: rows of article versions and the index of their paragraphs."""

    FILE = "articles/date=2026-11-23/bench-0001.jsonl"
    COLUMNS = "number, id, revision, feed, text_hash, text_source, file, offset, length, archived, paragraph_keys"

    def __init__(self, directory: Path) -> None:
        from storage.database import open_database

        self.store = open_database(f"sqlite:///{directory / 'veille.db'}")
        self.committed = 0

    @classmethod
    def fill(cls, directory: Path, count: int, room: int) -> None:
        """See ``Index``."""
        del room
        cls(directory).settle()  # the tables are made
        with closing(sqlite3.connect(directory / "veille.db", isolation_level=None)) as database:
            for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
                database.execute(f"PRAGMA {setting}")
            database.execute("BEGIN")
            database.execute("INSERT INTO files VALUES (?, ?)", (cls.FILE, 0))
            places = ",".join("?" * len(cls.COLUMNS.split(",")))
            database.executemany(f"INSERT INTO articles ({cls.COLUMNS}) VALUES ({places})", cls.versions(count))
            for name, some in filling(count):
                columns = REPEAT if name == "repeats" else PARAGRAPH
                database.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * len(columns))})", some)
            database.execute("COMMIT")
            database.execute("PRAGMA journal_mode=WAL")

    @classmethod
    def versions(cls, count: int) -> Iterator[Row]:
        """Rows of the article versions whose paragraphs they are."""
        import numpy as np

        size = NEW * 8
        for first in range(0, count // NEW + 1, PORTION):
            numbers = np.arange(first * NEW, (first + PORTION) * NEW, dtype=np.uint64)
            keys = mix(numbers + EXACT).astype(">u8").tobytes()
            for at, article in enumerate(range(first, min(first + PORTION, count // NEW + 1))):
                place = (cls.FILE, -1 - article, 0, "2026-11-23 12:00:00.000000")
                row = (article, version_id(article), 1, feed_name(article // RUN % FEEDS), "", "page", *place)
                yield (*row, keys[at * size : (at + 1) * size])

    def prepare(self, batch: Sequence[Arrival]) -> list["Version"]:
        """See ``Index``."""
        from storage.fingerprints import Fingerprint
        from storage.paragraphs import Version

        def text(paragraph: Paragraph) -> Fingerprint:
            fold, exact, rest = (half.to_bytes(8, signed=True) for half in paragraph)
            return Fingerprint(exact + rest, fold + bytes(8))

        return [
            Version(version_id(number + 1), 1, feed, day, tuple(map(text, some))) for number, feed, day, some in batch
        ]

    def lookup(self, batch: Sequence["Version"]) -> int:
        """See ``Index``."""
        everything = [text for version in batch for text in version.texts]
        self.index = self.store.paragraphs(set(everything), [version.id for version in batch])
        return sum(self.index.find(text) is not None for text in everything)

    def commit(self, batch: Sequence["Version"]) -> None:
        """See ``Index``."""
        records = []
        for one in batch:
            self.index.add_version(one)
            article = replace(template(), id=one.id, feed=one.feed)
            records.append((article, Place(self.FILE, self.committed, 1)))
            self.committed += 1
        self.store.commit_articles(self.FILE, self.committed, records, [], NOON, self.index)

    def settle(self) -> None:
        """See ``Index``."""
        self.store.close()  # the last connection to close brings what is in the log into the database


def version_id(number: int) -> str:
    """An article's id."""
    return f"{mix(number):016x}{mix(number + ALL // 3):016x}"


@cache
def template() -> Article:
    """A record of which only the texts differ."""
    lists = ("also_in", "authors", "tags", "removed", "near", "also_near", "warnings")
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(Article)) | dict.fromkeys(lists, ())
    return Article(**values | {"revision": 1, "text": "", "text_hash": "", "text_source": "page", "archived": NOON})


class Pairs(Counting):
    """The same tables as keys and values: those of a table begin with its letter."""

    PLACE = Struct(">qIH")
    COUNTS = Struct(">qIHIIIII")

    @staticmethod
    def name(table: str, key: int, feed: str = "") -> bytes:
        """A row's key."""
        return table[:1].encode() + key.to_bytes(8, signed=True) + feed.encode()

    @classmethod
    def pair(cls, table: str, row: Row) -> tuple[bytes, bytes]:
        """A row's key and value."""
        if table == "repeats":
            return cls.name(table, *row[:2]), cls.COUNTS.pack(*row[2:])
        return cls.name(table, row[0]), cls.PLACE.pack(*row[1:])

    def paragraphs(self, keys: Collection[int]) -> dict[int, Row]:
        """See ``Counting``."""
        return self.places("paragraphs", keys)

    def spellings(self, keys: Collection[int]) -> dict[int, Row]:
        """See ``Counting``."""
        return self.places("spellings", keys)

    def places(self, table: str, keys: Collection[int]) -> dict[int, Row]:
        """Rows by their keys."""
        names = {self.name(table, key): key for key in keys}
        return {names[name]: (names[name], *self.PLACE.unpack(value)) for name, value in self.get(sorted(names))}

    def repeats(self, feed: str, keys: Collection[int]) -> Iterable[Row]:
        """See ``Counting``."""
        names = {self.name("repeats", key, feed): key for key in keys}
        return [(names[name], feed, *self.COUNTS.unpack(value)) for name, value in self.get(sorted(names))]

    def write(self, paragraphs: list[Row], spellings: list[Row], repeats: list[Row]) -> None:
        """See ``Counting``."""
        tables = {"paragraphs": paragraphs, "spellings": spellings, "repeats": repeats}
        self.put(sorted(self.pair(table, row) for table, some in tables.items() for row in some))

    @abstractmethod
    def get(self, names: list[bytes]) -> Iterable[tuple[bytes, bytes]]:
        """The pairs of these keys."""

    @abstractmethod
    def put(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Insert or replace pairs, all or nothing and durably."""


class LMDB(Pairs):
    """A tree of pages in a file that is mapped into memory; a commit waits for the disk."""

    def __init__(self, directory: Path, **options: bool) -> None:
        import lmdb

        self.environment = lmdb.open(str(directory), map_size=2**40, **options)

    @staticmethod
    def fill(directory: Path, count: int, room: int) -> None:
        """See ``Index``."""
        del room
        index = LMDB(directory, sync=False)
        for table, some in filling(count):
            index.put([index.pair(table, row) for row in some])
        index.environment.sync(True)
        index.environment.close()

    def get(self, names: list[bytes]) -> Iterable[tuple[bytes, bytes]]:
        """See ``Pairs``."""
        with self.environment.begin() as transaction:
            return transaction.cursor().getmulti(names)

    def put(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """See ``Pairs``."""
        with self.environment.begin(write=True) as transaction:
            transaction.cursor().putmulti(pairs)

    def settle(self) -> None:
        """See ``Index``."""


MERGING = "compaction-pending", "num-running-compactions"
"""What RocksDB says of itself while there is something to merge."""


class RocksDB(Pairs):
    """Sorted files that are merged behind what is written; a commit waits for the log to be on the disk."""

    def __init__(self, directory: Path) -> None:
        import rocksdict

        options, blocks = rocksdict.Options(raw_mode=True), rocksdict.BlockBasedOptions()
        blocks.set_bloom_filter(10, block_based=False)
        blocks.set_block_cache(rocksdict.Cache(CACHE))
        options.set_block_based_table_factory(blocks)
        self.rocksdict, self.database = rocksdict, rocksdict.Rdict(str(directory), options)
        self.durably = rocksdict.WriteOptions()
        self.durably.sync = True

    @staticmethod
    def fill(directory: Path, count: int, room: int) -> None:
        """See ``Index``."""
        del room
        index = RocksDB(directory)
        index.durably = index.rocksdict.WriteOptions()
        index.durably.disable_wal = True
        for table, some in filling(count, sort=False):
            index.put([index.pair(table, row) for row in some])
        index.database.flush()
        while any(index.database.property_int_value(f"rocksdb.{one}") for one in MERGING):
            time.sleep(0.1)
        index.database.close()

    def get(self, names: list[bytes]) -> Iterable[tuple[bytes, bytes]]:
        """See ``Pairs``."""
        values = self.database.get(names)
        return [(name, value) for name, value in zip(names, values, strict=True) if value is not None]

    def put(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """See ``Pairs``."""
        batch = self.rocksdict.WriteBatch(raw_mode=True)
        for name, value in pairs:
            batch.put(name, value)
        self.database.write(batch, self.durably)

    def settle(self) -> None:
        """See ``Index``."""
        self.database.flush()
        self.database.close()


class Dict:
    """As cc_net has it without getpy: in memory, 64 bits of each text, and whether it came again."""

    def __init__(self, directory: Path) -> None:
        self.again: dict[int, bool] = {}
        with (directory / "hashes").open("rb") as file:
            hashes = directory.joinpath("hashes").stat().st_size // 9
            for at in range(0, hashes, 2**20):
                part = array("q", file.read(8 * min(2**20, hashes - at)))
                self.again.update(dict.fromkeys(part, False))

    @staticmethod
    def fill(directory: Path, count: int, room: int) -> None:
        """See ``Index``."""
        import numpy as np

        del room
        with (directory / "hashes").open("wb") as file:
            mix(np.arange(count, dtype=np.uint64) + EXACT).tofile(file)
            np.zeros(count, dtype=np.uint8).tofile(file)

    def prepare(self, batch: Sequence[Arrival]) -> Sequence[Arrival]:
        """See ``Index``."""
        return batch

    def lookup(self, batch: Sequence[Arrival]) -> int:
        """See ``Index``."""
        return sum(paragraph.exact in self.again for arrival in batch for paragraph in arrival.paragraphs)

    def commit(self, batch: Sequence[Arrival]) -> None:
        """See ``Index``."""
        for arrival in batch:
            for paragraph in arrival.paragraphs:
                self.again[paragraph.exact] = paragraph.exact in self.again

    def settle(self) -> None:
        """See ``Index``."""


class Bloom:
    """As dolma has it: bits in memory, that a text sets a few of."""

    def __init__(self, directory: Path) -> None:
        from rbloom import Bloom as Bits

        self.bits = Bits.load(str(directory / "bits"), int)

    @staticmethod
    def fill(directory: Path, count: int, room: int) -> None:
        """See ``Index``."""
        import numpy as np
        from rbloom import Bloom as Bits

        bits, numbers = Bits(room, BLOOM_ERROR, int), np.arange(count, dtype=np.uint64)
        for part in (numbers[at : at + PORTION] for at in range(0, count, PORTION)):
            bits.update(mix(part + EXACT).view(np.int64).tolist())
        bits.save(str(directory / "bits"))

    def prepare(self, batch: Sequence[Arrival]) -> Sequence[Arrival]:
        """See ``Index``."""
        return batch

    def lookup(self, batch: Sequence[Arrival]) -> int:
        """See ``Index``."""
        return sum(paragraph.exact in self.bits for arrival in batch for paragraph in arrival.paragraphs)

    def commit(self, batch: Sequence[Arrival]) -> None:
        """See ``Index``."""
        for arrival in batch:
            self.bits.update([paragraph.exact for paragraph in arrival.paragraphs])

    def settle(self) -> None:
        """See ``Index``."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A store to measure."""

    index: type[Index]
    package: str | None
    is_: str


KINDS = {
    "sqlite": Kind(
        SQLite,
        None,
        "names the source, counts, undoes, survives a kill; commits with the archive's other rows, all or nothing",
    ),
    "dict": Kind(
        Dict,
        None,
        "names no source, counts to two, undoes nothing, loses in a kill all since it was last dumped; takes texts of "
        "equal 64 bits for one",
    ),
    "bloom": Kind(
        Bloom,
        "rbloom",
        f"names no source, counts nothing, undoes nothing, loses in a kill all since it was last saved; takes a new "
        f"text for a known one {BLOOM_ERROR:g} times, more once it holds more than was foreseen",
    ),
    "lmdb": Kind(
        LMDB,
        "lmdb",
        "names the source, counts, undoes, survives a kill; but what it has committed may be missing from the "
        "archive's database, or the other way about",
    ),
    "rocksdb": Kind(
        RocksDB,
        "rocksdict",
        "names the source, counts, undoes, survives a kill, with the same gap between two databases; most of the "
        "merging comes after what is measured here",
    ),
}

if __name__ == "__main__":
    main()
