"""One real feed over four and a half days, poll by poll through the whole service: nothing lost, nothing twice."""

import tarfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from crawling import Bench
from lxml import etree

from service.newsroom import Newsroom
from storage.database import open_database
from storage.model import Outcome, Poll

pytestmark = [pytest.mark.shared, pytest.mark.slow, pytest.mark.timeout(900)]


def _polls(shared: Path) -> list[tuple[datetime, bytes]]:
    with tarfile.open(shared / "suites" / "temporal" / "yahoo_news_jp_reuters.dev.tar.xz") as archive:
        return sorted(
            (datetime.fromtimestamp(int(Path(member.name).stem), UTC), file.read())
            for member in archive
            if (file := archive.extractfile(member)) is not None
        )


def _bodies(shared: Path) -> dict[str, set[str]]:
    """Every text each article ever had, read without any of the code under test."""
    bodies: defaultdict[str, set[str]] = defaultdict(set)
    for _, body in _polls(shared):
        for item in etree.fromstring(body).iter("item"):
            encoded = item.findtext("{http://purl.org/rss/1.0/modules/content/}encoded") or item.findtext("description")
            bodies[item.findtext("link") or ""].add((encoded or "").strip())
    return bodies


@dataclass
class Crawls:
    """What the polls of the feed came to, one crawl for each."""

    polls: list[Poll] = field(default_factory=list)
    again: list[Poll] = field(default_factory=list)
    """The feed asked a second time, before it has changed."""
    records: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[Outcome, int] = field(default_factory=dict)


@pytest.fixture(scope="module")
def crawls(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Crawls:
    """Each poll at its own time, its articles archived from the feed's own text; every tenth poll is repeated."""
    bench, crawls = Bench(tmp_path_factory.mktemp("crawls")), Crawls()
    with Newsroom(sites=1, stories=0) as room, pytest.MonkeyPatch.context() as patch:
        url = room.serve("/rss", b"")
        bench.feeds_file.write_text(f'[[feed]]\nname = "reuters"\nurl = "{url}"\ncontent = "feed"\n')
        for number, (at, body) in enumerate(_polls(shared_data)):
            room.serve("/rss", body, "application/rss+xml")
            patch.setattr("service.app.now", lambda at=at: at)
            for polls in (crawls.polls, crawls.again)[: 1 + (number % 10 == 0)]:
                bench.crawl()
                polls += [event for event in bench.events if isinstance(event, Poll)]
    crawls.records = bench.records()
    store = open_database(bench.settings.database, readonly=True)
    crawls.outcomes = {outcome: count for outcome, count in store.ledger()["reuters"].counts.items() if count}
    store.close()
    return crawls


def test_every_poll_asks_conditionally_and_what_has_not_changed_is_not_sent_again(crawls: Crawls) -> None:
    assert len(crawls.polls) == 143
    assert [poll.conditional for poll in crawls.polls] == [False] + [True] * 142
    assert {poll.status for poll in crawls.polls} == {200, 304}
    assert [poll.status for poll in crawls.again] == [304] * 15
    for poll in (*crawls.polls, *crawls.again):
        assert (poll.error, poll.gap, poll.dropped) == (None, None, 0)
        assert poll.status == 200 or not poll.entries


def test_every_item_is_archived_and_every_changed_body_is_a_revision(crawls: Crawls, shared_data: Path) -> None:
    bodies = _bodies(shared_data)
    changed = {url for url, found in bodies.items() if len(found) > 1}
    empty_at_first = {url for url in changed if "" in bodies[url]}
    texts = defaultdict(list)
    for record in crawls.records:
        texts[record["requested_url"]].append((record["text_hash"], record["title"]))
    assert texts.keys() == bodies.keys()
    assert (len(texts), len(changed), len(empty_at_first)) == (470, 79, 1)
    assert {url for url, found in texts.items() if len(dict(found)) > 1} == changed - empty_at_first
    versions = Counter(new.entry.url for poll in crawls.polls for new in poll.entries)
    assert all(versions[url] > 1 for url in changed)


def test_no_item_and_no_version_is_archived_twice(crawls: Crawls) -> None:
    entries = [(new.entry.key, new.version) for poll in crawls.polls for new in poll.entries]
    assert len(set(entries)) == len(entries) == sum(crawls.outcomes.values())
    assert crawls.outcomes.keys() == {Outcome.ARCHIVED, Outcome.UNCHANGED, Outcome.FAILED}
    assert crawls.outcomes[Outcome.ARCHIVED] == len(crawls.records)
    assert crawls.outcomes[Outcome.FAILED] == 1, "the item whose first body was empty"
    revisions = defaultdict(list)
    for record in crawls.records:
        revisions[record["id"]].append((record["revision"], record["text_hash"], record["title"]))
    assert len(revisions) == 470
    for found in revisions.values():
        assert [number for number, *_ in found] == list(range(1, len(found) + 1))
        assert all(one[1:] != next_[1:] for one, next_ in pairwise(found)), "a revision says something else"
