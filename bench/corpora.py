"""The real feeds and pages of ``../shared/data``, as corpora for ``bench/removals.py``: what is listed when.

- Every feed document of ``feeds/index.tsv`` with eight entries or more that carry a text, on the days they give;
  where fewer than 80 % have a date, or all are of two days, five articles make a day.
- One feed over its real polls (``suites/temporal/yahoo_news_jp_reuters``), changed entries as new revisions.
- A blog's pages (``suites/temporal/lilianweng``), and all of ``pages/index.tsv``, each site a feed of one archive.
"""

import csv
import gzip
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from tld import get_fld

from service.articles.extract import extract_page
from service.articles.fragment import extract_fragment
from service.articles.page import Page
from service.errors import ExtractError, ParseError
from service.feeds.document import Document
from service.feeds.identity import article_id, content_hash
from service.feeds.parse import parse_document
from storage.model import Entry

NOW = datetime(2026, 11, 25, tzinfo=UTC)
FIRST_DAY = date(2026, 1, 1)
"""Of those that are simulated."""
FEWEST = 8
TOYS = ("w3c+feedvalidator", "rometools", "tpm-with-empty")
"""Documents in which a test suite says the same of nothing, and one that is there twice."""


@dataclass
class Corpus:
    """What is to be archived: which entries each feed lists when; of those that have a page, the page."""

    name: str
    days: str
    """real | simulated."""
    listed: dict[datetime, dict[str, list[Entry]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    title: str | None = None
    pages: dict[str, Page] = field(default_factory=dict)


def corpora(data: Path) -> Iterator[Corpus]:
    """All corpora of the collection."""
    with ProcessPoolExecutor(2) as processes:
        yield reuters(data)
        yield blog(data)
        yield sites(data, processes)
        with (data / "feeds/index.tsv").open(encoding="utf-8", errors="surrogateescape", newline="") as index:
            rows = csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE)
            paths = [row["path"] for row in rows if not any(toy in row["path"] for toy in TOYS)]
        documents = processes.map(parse, [data / path for path in paths], chunksize=32)
        for path, document in zip(paths, documents, strict=True):
            if document is not None and sum(bool(text_of(entry)) for entry in document.entries) >= FEWEST:
                yield newspaper(Path(path).stem, document)


def parse(path: Path) -> Document | None:
    """A feed document; None where it is none."""
    try:
        return parse_document(
            path.read_bytes(), feed=path.stem, url="https://feeds.example/rss", content_type=None, now=NOW
        )
    except ParseError:
        return None


def newspaper(name: str, document: Document) -> Corpus:
    """A single document, spread over its days."""
    entries = [entry for entry in reversed(document.entries) if text_of(entry)]
    dates = [entry.published.date() for entry in entries if entry.published]
    is_dated = len(dates) >= 0.8 * len(entries) and len(set(dates)) > 2
    corpus = Corpus(document.title or name, "real" if is_dated else "simulated", title=document.title)
    day = min(dates) if is_dated else FIRST_DAY
    placed = []
    for number, entry in enumerate(entries):
        if is_dated:  # one without a date stands beside its neighbour
            day = entry.published.date() if entry.published else day
        else:
            day = FIRST_DAY + timedelta(days=number // 5)
        placed.append((day, entry))
    for day, entry in sorted(placed, key=lambda one: one[0]):
        corpus.listed[noon(day)][name].append(entry)
    return corpus


def reuters(data: Path) -> Corpus:
    """One feed, poll by poll."""
    documents = members(data / "suites/temporal/yahoo_news_jp_reuters.dev.tar.xz")
    corpus = Corpus(f"Reuters in Japanese, {len(documents)} polls", "real")
    for path, body in documents:
        at = datetime.fromtimestamp(int(path.stem), UTC)
        document = parse_document(body, feed="reuters", url="https://feeds.example/rss", content_type=None, now=at)
        corpus.title = document.title
        corpus.listed[at]["reuters"] += [entry for entry in reversed(document.entries) if text_of(entry)]
    return corpus


def blog(data: Path) -> Corpus:
    """A blog's pages, on the days in their paths."""
    corpus = Corpus("lilianweng, pages", "real")
    for path, body in members(data / "suites/temporal/lilianweng.dev.tar.xz"):
        if path.name == "index.html":
            url = f"https://lilianweng.github.io/posts/{path.parent.name}/"
            if page := read_page(body, url):
                add_page(corpus, "lilianweng", url, page, date.fromisoformat(path.parent.name[:10]))
    return corpus


def sites(data: Path, processes: ProcessPoolExecutor) -> Corpus:
    """All pages, each under its site; those without a date five a day, behind the others."""
    corpus = Corpus("pages, by site", "real, simulated where there is none")
    with (data / "pages/index.tsv").open(encoding="utf-8", newline="") as index:
        rows = list(csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE))
    urls = [row["url"] or f"https://{row['sha256_html'][:16]}.example/" for row in rows]
    bodies = (gzip.decompress((data / row["path"]).read_bytes()) for row in rows)
    undated = 0
    for url, page in zip(urls, processes.map(read_page, bodies, urls, chunksize=8), strict=True):
        if page is not None:
            published = page.metadata.published
            day = published.date() if published else NOW.date() + timedelta(days=undated // 5)
            undated += published is None
            add_page(corpus, site(url), url, page, day)
    return corpus


def site(url: str) -> str:
    """The registrable domain of a page, where it was before somebody kept a copy."""
    archived = re.match(r"https?://web\.archive\.org/web/\w+/(.+)", url)
    address = archived[1] if archived else url
    return get_fld(address, fail_silently=True) or urlsplit(address).hostname or "unknown"


def read_page(body: bytes, url: str) -> Page | None:
    """A page; None where it holds no text."""
    try:
        return extract_page(body, url=url, now=NOW)
    except ExtractError:
        return None


def add_page(corpus: Corpus, feed: str, url: str, page: Page, day: date) -> None:
    """List a page."""
    hash_ = content_hash(page.metadata.title, url, None, "\n".join(page.paragraphs))
    corpus.pages[url] = page
    corpus.listed[noon(day)][feed].append(Entry(url, article_id(url), hash_, url=url, title=page.metadata.title))


def members(archive: Path) -> list[tuple[Path, bytes]]:
    """The files of a tar archive."""
    with tarfile.open(archive) as tar:
        return [(Path(member.name), file.read()) for member in tar if (file := tar.extractfile(member)) is not None]


def noon(day: date) -> datetime:
    """The moment a day's articles are archived."""
    return datetime.combine(day, time(12), UTC)


def text_of(entry: Entry) -> tuple[str, ...]:
    """The paragraphs a feed gives of an entry, as ``service.reading`` takes them."""
    return paragraphs_in(entry.content, entry.url) or paragraphs_in(entry.summary, entry.url)


@cache
def paragraphs_in(html: str | None, url: str | None) -> tuple[str, ...]:
    """The paragraphs of a piece of HTML; none where it cannot be read."""
    try:
        return extract_fragment(html, url=url or "") if html else ()
    except ExtractError:
        return ()
