"""Feeds as they really are: the documents that other feed readers test with, and one feed over four and a half days."""

import csv
import pickle
import resource
import subprocess
import sys
import tarfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from service.errors import ParseError
from service.feeds.decide import decide
from service.feeds.document import Document
from service.feeds.parse import parse_document
from storage.model import Feed, FeedState, Gap, KnownEntry, NewEntry, Outcome

pytestmark = pytest.mark.shared

PROCESSES = 2
MEGABYTE = 1_000_000
NOW = datetime(2026, 11, 24, tzinfo=UTC)

EXPLAINED = {
    # The file ends inside the CDATA of its eighth entry. The suite counts the half entry; here it waits for its whole.
    "kagisearch+fastfeedparser/tests/integration/osm-pl.xml": 7,
}
"""Documents with another number of entries than their suite says, and why."""


@dataclass(frozen=True)
class Parsed:
    """What one document of the collection came to."""

    path: str
    format: str
    expected: int | None
    document: Document | None
    error: str | None
    gzip: bool
    seconds: float


# -- read in processes of their own, where time and memory can be measured ---------------------------------------------


def _parse_collection(shared: Path, part: int) -> list[tuple[object, ...]]:
    with (shared / "feeds" / "index.tsv").open(encoding="utf-8", errors="surrogateescape", newline="") as index:
        rows = list(csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [_parse_row(shared, row) for row in rows[part::PROCESSES]]


def _parse_row(shared: Path, row: dict[str, str]) -> tuple[object, ...]:
    name, _, value = row["expect"].partition("|| HEADERS")[2].strip().partition(":")
    headers = {name.lower(): value.strip()}
    body = (shared / row["path"]).read_bytes()
    document, error = None, None
    started = time.process_time()
    try:
        document = parse_document(
            body,
            feed="feed",
            url=headers.get("content-location", "https://feeds.example/rss"),
            content_type=headers.get("content-type"),
            now=NOW,
        )
    except ParseError as problem:
        error = str(problem)
    return (  # a Parsed, whose class has another name in the process that reads this
        row["path"].removeprefix("feeds/dev/"),
        row["format"],
        int(row["expected_entries"]) if row["expected_entries"] else None,
        document,
        error,
        body.startswith(b"\x1f\x8b"),
        time.process_time() - started,
    )


def _parse_polls(shared: Path, part: int) -> list[tuple[datetime, Document]]:
    return [
        (at, parse_document(body, feed="reuters", url="https://feeds.example/rss", content_type=None, now=at))
        for at, body in _polls(shared)[part::PROCESSES]
    ]


def _polls(shared: Path) -> list[tuple[datetime, bytes]]:
    with tarfile.open(shared / "suites" / "temporal" / "yahoo_news_jp_reuters.dev.tar.xz") as archive:
        return sorted(
            (datetime.fromtimestamp(int(Path(member.name).stem), UTC), file.read())
            for member in archive
            if (file := archive.extractfile(member)) is not None
        )


def _in_processes(task: str, shared: Path) -> tuple[list[Any], int]:
    """Run a task of this file in fresh processes at once; what they bring, and the most memory one took, in bytes."""
    commands = [[sys.executable, __file__, task, str(shared), str(part)] for part in range(PROCESSES)]
    with ThreadPoolExecutor(PROCESSES) as threads:
        done = list(threads.map(lambda command: subprocess.run(command, stdout=subprocess.PIPE, check=True), commands))
    parts = [pickle.loads(process.stdout) for process in done]
    return [item for found, _ in parts for item in found], max(memory for _, memory in parts)


# -- the collection ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def collection(shared_data: Path) -> tuple[list[Parsed], int]:
    rows, memory = _in_processes("_parse_collection", shared_data)
    return [Parsed(*row) for row in rows], memory


def test_no_document_takes_ten_seconds_or_500_megabytes(collection: tuple[list[Parsed], int]) -> None:
    found, memory = collection
    slowest = max(found, key=lambda parsed: parsed.seconds)
    assert len(found) > 2_000
    assert slowest.seconds < 10, slowest.path
    assert memory < 500 * MEGABYTE


def test_the_number_of_entries_is_what_the_suites_expect(collection: tuple[list[Parsed], int]) -> None:
    stated = [parsed for parsed in collection[0] if parsed.expected is not None]
    different = {
        parsed.path: len(parsed.document.entries) + parsed.document.dropped if parsed.document else parsed.error
        for parsed in stated
        if parsed.document is None or len(parsed.document.entries) + parsed.document.dropped != parsed.expected
    }
    assert different == EXPLAINED
    assert len(different) <= 0.01 * len(stated)


def test_every_json_feed_is_read(collection: tuple[list[Parsed], int]) -> None:
    documents = [parsed for parsed in collection[0] if parsed.format == "jsonfeed"]
    assert len(documents) >= 18
    assert [parsed.path for parsed in documents if parsed.document is None] == []
    assert all(parsed.document is not None and parsed.document.version.startswith("json") for parsed in documents)


def test_gzip_bodies_without_a_header_are_read(collection: tuple[list[Parsed], int]) -> None:
    documents = [parsed.document for parsed in collection[0] if parsed.gzip]
    assert documents
    assert all(document is not None and document.entries for document in documents)


def test_only_documents_without_entries_are_refused(collection: tuple[list[Parsed], int]) -> None:
    refused = [parsed for parsed in collection[0] if parsed.document is None]
    assert all(parsed.error and "\n" not in parsed.error for parsed in refused)
    assert len(refused) < 0.02 * len(collection[0])


def test_every_entry_has_a_key_of_its_own(collection: tuple[list[Parsed], int]) -> None:
    for parsed in collection[0]:
        if parsed.document is not None:
            assert len({entry.key for entry in parsed.document.entries}) == len(parsed.document.entries), parsed.path


# -- one feed over time ------------------------------------------------------------------------------------------------


class Ledger:
    """What the archive would know of one feed, were every pending entry archived at once."""

    def __init__(self) -> None:
        self.feed = Feed("reuters", "https://feeds.example/rss")
        self.state = FeedState(self.feed.name, self.feed.url)
        self.own: dict[str, KnownEntry] = {}
        self.by_article: defaultdict[str, dict[str, KnownEntry]] = defaultdict(dict)
        self.added: list[NewEntry] = []
        self.gaps: list[Gap] = []

    def poll(self, document: Document, at: datetime) -> None:
        by_article = {article: tuple(rows.values()) for article, rows in self.by_article.items()}
        decision = decide(self.feed, self.state, document, self.own, by_article, at)
        for new in decision.entries:
            outcome = Outcome.ARCHIVED if new.outcome is Outcome.PENDING else new.outcome
            entry = new.entry
            row = KnownEntry("reuters", entry.key, new.version, entry.content_hash, entry.article_id, outcome)
            self.own[entry.key] = self.by_article[entry.article_id][entry.key] = row
        self.added += decision.entries
        self.gaps += [decision.gap] if decision.gap else []
        self.state = replace(self.state, last_success=at)


@pytest.fixture(scope="module")
def ledger(shared_data: Path) -> Ledger:
    polls, _ = _in_processes("_parse_polls", shared_data)
    ledger = Ledger()
    for at, document in sorted(polls, key=lambda poll: poll[0]):
        ledger.poll(document, at)
    return ledger


@pytest.mark.slow
def test_every_item_and_every_changed_body_of_4_days_is_noticed_once(ledger: Ledger, shared_data: Path) -> None:
    bodies = _bodies(shared_data)
    pending = defaultdict(list)
    for new in ledger.added:
        if new.outcome is Outcome.PENDING:
            pending[new.entry.url].append(new.entry)
    edited = {url for url, entries in pending.items() if len({entry.content for entry in entries}) > 1}
    assert (len(bodies), len(pending)) == (470, 470)
    assert edited == {url for url, found in bodies.items() if len(found) > 1}
    assert len(edited) == 79
    for url, entries in pending.items():
        assert len({entry.content_hash for entry in entries}) == len(entries), url


@pytest.mark.slow
def test_the_same_article_under_a_new_guid_is_an_alias(ledger: Ledger) -> None:
    aliases = [new.entry for new in ledger.added if new.outcome is Outcome.UNCHANGED]
    pending = {(new.entry.article_id, new.entry.content_hash) for new in ledger.added if new.outcome is Outcome.PENDING}
    assert aliases
    assert all((entry.article_id, entry.content_hash) in pending for entry in aliases)


@pytest.mark.slow
def test_polls_that_overlap_leave_no_gap(ledger: Ledger) -> None:
    assert ledger.gaps == []


def _bodies(shared: Path) -> dict[str, set[str]]:
    """Every text each article ever had, read without any of the code under test."""
    bodies: defaultdict[str, set[str]] = defaultdict(set)
    for _, body in _polls(shared):
        for item in etree.fromstring(body).iter("item"):
            encoded = item.findtext("{http://purl.org/rss/1.0/modules/content/}encoded") or item.findtext("description")
            bodies[item.findtext("link") or ""].add((encoded or "").strip())
    return bodies


if __name__ == "__main__":
    task, folder, number = sys.argv[1:]
    result = {"_parse_collection": _parse_collection, "_parse_polls": _parse_polls}[task](Path(folder), int(number))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.buffer.write(pickle.dumps((result, peak)))
