"""The worlds that benchmarks crawl, and the server they come from.

- ``newsroom``: sites of the project's own newsroom, half of whose feeds carry whole articles, with pages of 60 to
  120 kB and as many nodes as real ones have.
- ``real``: the pages of ``../shared/data`` that have gold, dealt out to as many sites, in feeds of titles and links.

Every site has an address of its own in 127.0.0.0/8. A world is a directory: what the server sends, made beforehand
(``documents``), and the pages as they are (``bodies``, one behind the other) for whoever reads them without a network.
"""

import csv
import gzip
import json
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from serving import Document

from service.newsroom.desk import Desk
from service.newsroom.sites import FeedLink, Format, catalogue, site_at
from service.newsroom.wire import Head

LIGHTEST, HEAVIEST = 60, 120
"""kB that the pages of the first site and of the last one weigh, about."""
BEHIND = 0.05
"""Seconds by which the server's log may be behind what a client has read."""
PLAIN = Head("GET", "/", {})
GOLD = "full-human", "full-curated"
"""Kinds of gold that are a page's whole text, made by people; of the others, facts or parts of it are known."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that a feed lists."""

    url: str
    feed: int
    """Counts the world's feeds, from 0."""
    offset: int
    """Where its body begins among all, in bytes."""
    length: int
    """Of its body, in bytes."""
    kind: str | None = None
    """Of gold; None where there is none."""
    gold: str | None = None
    """The file that holds it."""


@dataclass(frozen=True, slots=True)
class World:
    """Feeds, and the pages they list."""

    name: str
    directory: Path
    feeds: tuple[FeedLink, ...]
    pages: tuple[Page, ...]

    def share(self, part: float) -> "World":
        """The first feeds, at least one, and what they list."""
        few = max(1, round(part * len(self.feeds)))
        return replace(self, feeds=self.feeds[:few], pages=tuple(page for page in self.pages if page.feed < few))

    def write_feeds(self, directory: Path) -> None:
        """Write the feeds down: ``feeds.toml`` as a catalogue, ``feeds.txt`` with an address a line."""
        (directory / "feeds.toml").write_text(catalogue(self.feeds), encoding="utf-8")
        (directory / "feeds.txt").write_text("".join(f"{feed.url}\n" for feed in self.feeds), encoding="utf-8")

    @property
    def kilobytes(self) -> float:
        """What a page weighs, on average."""
        return sum(page.length for page in self.pages) / len(self.pages) / 1000


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a world's sites can stand."""

    network: str
    """The first two numbers of their addresses."""
    port: int

    @property
    def suffix(self) -> str:
        """What stands behind an address in a URL."""
        return "" if self.port == 80 else f":{self.port}"


class Builder:
    """Collects what is served, and writes it down as a world."""

    def __init__(self, name: str, directory: Path, ground: "Ground") -> None:
        self._name, self._directory, self._ground = name, directory, ground
        self._documents: dict[str, Document] = {}
        self._feeds: list[FeedLink] = []
        self._pages: list[Page] = []
        self._size = 0
        directory.mkdir(parents=True)
        self._bodies = (directory / "bodies").open("wb")

    def base(self, number: int) -> str:
        """The address of the ``number``-th site, from 0, without a final slash."""
        return f"http://{self._ground.network}.{number // 250}.{number % 250 + 1}{self._ground.suffix}"

    def serve(self, url: str, body: bytes, content_type: str, *, etag: bool = True) -> None:
        """Have a body stand at an address."""
        tag = f'"{blake2b(body, digest_size=8).hexdigest()}"' if etag else None
        parts = urlsplit(url)
        self._documents[parts.netloc + parts.path] = Document(gzip.compress(body, 6, mtime=0), content_type, tag)

    def feed(self, feed: FeedLink, body: bytes, content_type: str, *, etag: bool = True) -> None:
        """Add a feed; the pages that follow are in it."""
        self.serve(feed.url, body, content_type, etag=etag)
        self._feeds.append(feed)

    def page(self, url: str, body: bytes, content_type: str, kind: str | None = None, gold: Path | None = None) -> None:
        """Add a page of the feed added last."""
        self.serve(url, body, content_type)
        self._bodies.write(body)
        where = str(gold) if gold else None
        self._pages.append(Page(url, len(self._feeds) - 1, self._size, len(body), kind, where))
        self._size += len(body)

    def build(self) -> World:
        """Write all of it down."""
        self._bodies.close()
        (self._directory / "documents").write_bytes(pickle.dumps(self._documents))
        facts = [asdict(page) for page in self._pages]
        (self._directory / "pages.json").write_text(json.dumps(facts), encoding="utf-8")
        return World(self._name, self._directory, tuple(self._feeds), tuple(self._pages))


def build_newsroom(
    directory: Path, sites: int, stories: int, ground: Ground, *, first: int = 0, names: Sequence[str] = ()
) -> World:
    """The newsroom's world, its sites from the ``first`` address on; ``names`` are the feeds', where not their own."""
    builder = Builder("newsroom", directory, ground)
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(sites):
        plain = site_at(number, builder.base(first + number))
        profile = plain.profile  # no JSON Feed, which several peers do not read
        kind = Format.RSS2 if profile.format is Format.JSON else profile.format
        profile = replace(profile, format=kind, full_text=number % 2 == 1, section_feed_path=None)
        site = replace(plain, name=f"{plain.name}-at-{first}" if first else plain.name, profile=profile)
        weight = LIGHTEST + (HEAVIEST - LIGHTEST) * number // max(sites - 1, 1)
        desk = Desk(site, 1, window=stories, weight=weight, compress=False)
        for back in range(stories, 0, -1):
            desk.publish(now - back * timedelta(minutes=37, seconds=11))
        builder.serve(f"{site.base_url}/robots.txt", b"User-agent: *\nAllow: /\n", "text/plain")
        feed = site.feeds[0]._replace(name=names[number]) if names else site.feeds[0]
        builder.feed(feed, *read(desk, site.feed_paths[0]))
        for story in desk.listed:
            builder.page(story.url, *read(desk, story.path))
    return builder.build()


def read(desk: Desk, path: str) -> tuple[bytes, str]:
    """The body at a path of a site, and its content type."""
    resource = desk.resource(path)
    assert resource is not None, path
    answer = resource.answer(PLAIN)
    return answer.body, dict(answer.headers)["Content-Type"]


def build_real(directory: Path, shared: Path, sites: int, ground: Ground, most: int | None = None) -> World:
    """The world of real pages: those with gold of any kind, or the first ``most`` of them whose whole text is known."""
    with (shared / "pages" / "index.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if row["gold_path"]]
    rows = rows if most is None else [row for row in rows if row["gold_type"] in GOLD][:most]
    builder = Builder("real", directory, ground)
    for number in range(min(sites, len(rows))):
        base = builder.base(number)
        feed = FeedLink(f"real-{number}", f"{base}/rss.xml", "en", f"Site {number}")
        urls = {f"{base}/news/{row['sha256_html'][:24]}.html": row for row in rows[number::sites]}
        builder.serve(f"{base}/robots.txt", b"User-agent: *\nAllow: /\n", "text/plain")
        builder.feed(feed, rss(feed, list(urls)), "application/rss+xml")
        for url, row in urls.items():
            body = gzip.decompress((shared / row["path"]).read_bytes())
            builder.page(url, body, "text/html", row["gold_type"], shared / row["gold_path"])
    return builder.build()


def rss(feed: FeedLink, urls: Sequence[str]) -> bytes:
    """A feed of titles and links alone."""
    date = format_datetime(datetime.now(UTC))
    items = "".join(
        f"<item><title>Story {number}</title><link>{escape(url)}</link><guid>{escape(url)}</guid>"
        f"<pubDate>{date}</pubDate></item>\n"
        for number, url in enumerate(urls)
    )
    head = f"<title>{feed.publisher}</title><link>{feed.url}</link><description>{feed.publisher}</description>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>{head}\n{items}</channel></rss>'.encode()
    )


def free_ground() -> Ground:
    """Addresses that nobody has now: with HTTP's own port where this user may have it, else with another.

    Port 80 is wanted because trafilatura's command takes no address with a port for that of a feed.
    """
    for number in range(78, 120):
        try:
            with socket.create_server((f"127.{number}.0.1", 80)):
                return Ground(f"127.{number}", 80)
        except PermissionError:
            break
        except OSError:
            continue  # another benchmark runs there
    with socket.create_server(("127.78.0.1", 0)) as listener:
        return Ground("127.78", int(listener.getsockname()[1]))


@contextmanager
def served(world: World) -> "Iterator[Server]":
    """Within it, the world is there, from a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("serving.py")), str(world.directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "open\n":
            raise RuntimeError("the server does not serve")
        yield Server(world, process.pid)


class Server:
    """A world being served, and what it has been asked for."""

    def __init__(self, world: World, pid: int) -> None:
        self.world, self.pid = world, pid
        self._log = world.directory / "requests"
        self._read = 0
        packed: dict[str, Document] = pickle.loads((world.directory / "documents").read_bytes())
        self._sizes = {key: len(document.packed) for key, document in packed.items()}

    def requests(self) -> list[tuple[str, str, int]]:
        """The requests since the last call: address and path, status, bytes of the body."""
        with self._log.open(encoding="utf-8") as file:
            file.seek(self._read)
            lines = file.read().split("\n")[:-1]
            self._read = file.tell()
        return [(key, status, int(size)) for key, status, size in (line.split(" ") for line in lines)]

    def delivered(self, pages: Sequence[Page]) -> tuple[Page, ...]:
        """Those of the pages that have been sent whole since the last call.

        Raises:
            ValueError: a body had another length than it should.
        """
        time.sleep(BEHIND)
        requests = self.requests()
        plain = {urlsplit(page.url).netloc + urlsplit(page.url).path: page.length for page in self.world.pages}
        for key, status, size in requests:
            if status == "200" and size not in (self._sizes[key], plain.get(key, size)):
                raise ValueError(f"{key}: {size} bytes have been sent")
        whole = {key for key, status, _ in requests if status == "200"}
        return tuple(page for page in pages if urlsplit(page.url).netloc + urlsplit(page.url).path in whole)


Build = Callable[[Path, Ground], World]
"""Makes a world in a directory, on a ground."""
