"""A real feed over four years with the pages it links to, replayed poll by poll through the whole service."""

import re
import tarfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from crawling import Bench
from lxml import etree, html

from service.newsroom import Newsroom
from storage.database import open_database
from storage.model import Outcome, Poll

pytestmark = pytest.mark.shared

HOME = b"https://lilianweng.github.io"
DAY = timedelta(days=1)
SOME = (1645819083, 1662941129, 1674868212, 1707467235, 1733110876, 1783387413)
"""Polls, by Unix time: the first and the last, some with a new entry and a changed one, and the one when the whole feed
changed. The versions between them are never seen, as between any two polls."""
CORRECTED = "/posts/2026-07-04-harness/"
CORRECTION = "Correction: an earlier version of this post named the wrong benchmark."

SHORTENED = {
    "/posts/2025-05-01-thinking/": "a figure is never closed: the rest, two thirds of the post, counts as part of it",
}
"""Pages whose text comes out without their longest paragraph, and why."""


@dataclass(frozen=True)
class Blog:
    """31 versions of the feed, by the time they were written, and the 25 newest of its pages, by path."""

    feeds: dict[datetime, bytes]
    pages: dict[str, bytes]

    @classmethod
    def read(cls, shared: Path) -> "Blog":
        feeds, pages = {}, {}
        with tarfile.open(shared / "suites" / "temporal" / "lilianweng.dev.tar.xz") as archive:
            for member in archive:
                if (file := archive.extractfile(member)) is None:
                    continue
                path = Path(member.name)
                if path.parent.name == "index":
                    feeds[datetime.fromtimestamp(int(path.stem), UTC)] = file.read()
                else:
                    pages[f"/{path.parent}/"] = file.read()
        return cls(dict(sorted(feeds.items())), pages)

    def correct(self, at: datetime) -> None:
        """What is not in the collection, whose pages have one version each: a page changes, and the feed says so."""
        feed, page = list(self.feeds.values())[-1], self.pages[CORRECTED]
        opening = b"The concept of &lt;strong&gt;recursive self-improvement"
        self.feeds[at] = feed.replace(opening, CORRECTION.encode() + b" " + opening, 1)
        self.pages[CORRECTED] = page.replace(b"<p>", f"<p>{CORRECTION}</p><p>".encode(), 1)
        assert CORRECTION.encode() in self.feeds[at]
        assert CORRECTION.encode() in self.pages[CORRECTED]


# -- read without any of the code under test ---------------------------------------------------------------------------


def items(feed: bytes) -> dict[str, tuple[str, str]]:
    """Title and words of every item, by its page's path."""
    return {
        (item.findtext("link") or "").removeprefix(HOME.decode()): (item.findtext("title") or "", words(item))
        for item in etree.fromstring(feed).iter("item")
    }


def words(item: Any) -> str:
    return " ".join(html.fromstring(f"<div>{item.findtext('description')}</div>").text_content().split())


def longest_paragraph(page: bytes) -> str:
    """The longest paragraph of a page that holds nothing but text."""
    found = [p.text or "" for p in html.fromstring(page.decode()).iter("p") if len(p) == 0]
    return " ".join(max(found, key=len).split())


# -- the replay --------------------------------------------------------------------------------------------------------


@dataclass
class Replay:
    """What was to be expected at each poll, what it came to, and what there is at the end."""

    blog: Blog
    home: str = ""
    """What stands for the blog's host."""
    versions: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """Title and words of each entry version that a poll could see, by page."""
    expected: list[dict[str, int]] = field(default_factory=list)
    """For each poll, the version of every entry that is new or changed."""
    polls: list[Poll] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    fetched: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often each page was asked for, by path and status."""

    def expect(self, feed: bytes) -> None:
        news = {}
        for path, item in items(feed).items():
            if not self.versions[path] or self.versions[path][-1] != item:
                self.versions[path].append(item)
                news[path] = len(self.versions[path])
        self.expected.append(news)

    def run(self, folder: Path, chosen: list[datetime]) -> None:
        """Crawl at each poll's own time, then for three days more.

        The links are the feed's own, but for the newsroom standing where the blog's host was: in feed and pages alike,
        so that guids, links and canonical links agree as they do there.
        """
        bench = Bench(folder)
        with Newsroom(sites=1, stories=0) as room, pytest.MonkeyPatch.context() as patch:
            self.home = room.sites[0].base_url
            home = self.home.encode()
            url = room.serve("/index.xml", b"")
            bench.feeds_file.write_text(f'[[feed]]\nname = "lil-log"\nurl = "{url}"\n')
            for path, page in self.blog.pages.items():
                room.serve(path, page.replace(HOME, home))
            for number, at in enumerate(
                [*chosen, chosen[-1] + 1.1 * DAY, chosen[-1] + 2.2 * DAY, chosen[-1] + 3 * DAY]
            ):
                if number == len(chosen) + 1:
                    self.blog.correct(at)
                    room.serve(CORRECTED, self.blog.pages[CORRECTED].replace(HOME, home))
                if at in self.blog.feeds:
                    body = self.blog.feeds[at]
                    room.serve("/index.xml", body.replace(HOME, home), "application/rss+xml; charset=utf-8")
                self.expect(body)
                patch.setattr("service.app.now", lambda at=at: at)
                bench.crawl()
                self.polls += [event for event in bench.events if isinstance(event, Poll)]
            self.fetched = Counter((request.path, request.status or 0) for request in room.requests)
        self.records = bench.records()
        store = open_database(bench.settings.database, readonly=True)
        self.outcomes = {outcome: count for outcome, count in store.ledger()["lil-log"].counts.items() if count}
        store.close()

    def revisions(self, path: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["requested_url"].endswith(path)]


@pytest.fixture(
    scope="module", params=[pytest.param(polls, marks=pytest.mark.slow) for polls in ("some polls", "all polls")]
)
def replay(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    blog = Blog.read(shared_data)
    assert (len(blog.feeds), len(blog.pages)) == (31, 25)
    times = [at for at in blog.feeds if request.param == "all polls" or at.timestamp() in SOME]
    replay = Replay(blog)
    replay.run(tmp_path_factory.mktemp("replay"), times)
    return replay


def test_each_poll_finds_what_is_new_or_changed_and_nothing_else(replay: Replay) -> None:
    known: set[str] = set()
    for poll, expected in zip(replay.polls, replay.expected, strict=True):
        assert (poll.error, poll.gap, poll.dropped) == (None, None, 0)
        found = {(new.entry.url or "").removeprefix(replay.home): new.version for new in poll.entries}
        assert found == expected
        assert len(poll.entries) == len(found)
        if poll.status == 200:
            known |= expected.keys()
            assert (poll.listed, len(poll.seen)) == (len(known), len(known) - len(found)), "none ever leaves this feed"
    assert [poll.status for poll in replay.polls[-3:]] == [304, 200, 304]
    assert len(known) == 53


def test_every_entry_version_ends_in_exactly_one_outcome(replay: Replay) -> None:
    with_page = {path: found for path, found in replay.versions.items() if path in replay.blog.pages}
    without = [text for path, found in replay.versions.items() if path not in with_page for _, text in found]
    assert len(with_page) == 25
    assert replay.outcomes == {
        # each page once, the corrected one twice; and what the feed says itself where there is no page
        Outcome.ARCHIVED: 26 + len([text for text in without if text]),
        # a feed's teaser was reworded, its page is the same
        Outcome.UNCHANGED: sum(map(len, with_page.values())) - 26,
        Outcome.GONE: without.count(""),
    }
    assert sum(replay.outcomes.values()) == sum(map(len, replay.versions.values()))
    assert without.count("") == 1


def test_each_page_is_archived_once_with_its_text(replay: Replay) -> None:
    without_it = set()
    for path, page in replay.blog.pages.items():
        first, *later = replay.revisions(path)
        assert (first["revision"], first["text_source"], first["warnings"]) == (1, "page", [])
        assert first["title"] == replay.versions[path][-1][0]
        if longest_paragraph(page) not in " ".join(first["text"].split()):
            without_it.add(path)
        assert len(first["text"]) > 15_000
        assert len(later) == (path == CORRECTED)
        assert replay.fetched[path, 200] == len(replay.versions[path]), "asked for once for each version"
    assert without_it == SHORTENED.keys()


def test_a_changed_page_is_a_second_revision(replay: Replay) -> None:
    first, second = replay.revisions(CORRECTED)
    assert (second["id"], second["revision"], second["text_source"]) == (first["id"], 2, "page")
    assert CORRECTION not in first["text"]
    assert second["text"].count(CORRECTION) == 1
    assert [line for line in second["text"].splitlines() if line != CORRECTION] == first["text"].splitlines()


def test_without_a_page_every_wording_of_the_feed_is_a_revision(replay: Replay) -> None:
    for path in replay.versions.keys() - replay.blog.pages.keys():
        told = [version for version in replay.versions[path] if version[1]]
        records = replay.revisions(path)
        assert [record["revision"] for record in records] == list(range(1, len(told) + 1))
        assert all(record["text_source"] == "feed" for record in records)
        assert [record["title"] for record in records] == [title for title, _ in told]
        for record, (_, text) in zip(records, told, strict=True):
            assert re.findall(r"\w+", record["text"]) == re.findall(r"\w+", text)
        assert replay.fetched[path, 404] >= 3


def test_no_article_is_archived_twice(replay: Replay) -> None:
    assert len({(record["id"], record["revision"]) for record in replay.records}) == len(replay.records)
    assert len({record["id"] for record in replay.records}) == 52, "all but the one that is gone"
    texts = Counter((record["id"], record["title"], record["text_hash"]) for record in replay.records)
    assert max(texts.values()) == 1
