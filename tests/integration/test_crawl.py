"""The whole flow against the newsroom: what is published is archived, once, and every entry is accounted for."""

from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from crawling import Bench

from service import app
from service.newsroom import Newsroom, Status
from service.oneshot import FailOn
from storage.database import open_database
from storage.model import Outcome
from storage.records import json_schema
from storage.verify import verify


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def ledger(bench: Bench) -> dict[Outcome, int]:
    store = open_database(bench.settings.database, readonly=True)
    try:
        totals = dict.fromkeys(Outcome, 0)
        for entries in store.ledger().values():
            for outcome, count in entries.counts.items():
                totals[outcome] += count
        assert list(verify(bench.data, store)) == []
        return totals
    finally:
        store.close()


def test_every_story_is_archived_once_with_its_text_and_every_entry_is_accounted_for(bench: Bench) -> None:
    with Newsroom(sites=7, stories=4) as room:
        crawled = bench.crawl(room)
        stories = {story.url: story for story in room.stories()}
    records = bench.records()
    assert {record["url"] for record in records} == stories.keys()
    assert len(records) == len(stories)
    validator = jsonschema.Draft202012Validator(json_schema(), format_checker=jsonschema.FormatChecker())
    for record in records:
        story = stories[record["url"]]
        validator.validate(record)
        assert record["title"] == story.title
        assert record["text_source"] == "page"
        assert set(story.paragraphs) <= set(record["text"].split("\n"))
        assert record["language"] == story.language
        assert record["published"] is not None
    totals = ledger(bench)
    assert totals[Outcome.ARCHIVED] == len(stories)
    assert totals[Outcome.PENDING] == 0
    tally = crawled.tally
    assert sum(totals.values()) == tally.new_entries == tally.archived + sum(tally.ended.values()) + tally.postponed
    assert crawled.tally.failed_feeds == 0


def test_a_second_crawl_of_an_unchanged_newsroom_makes_conditional_requests_only(bench: Bench) -> None:
    with Newsroom(sites=4, stories=3) as room:
        bench.crawl(room)
        before = bench.records()
        room.clear_log()
        crawled = bench.crawl(room)
        assert [request.status for request in room.requests] == [304] * len(room.feeds)
        assert room.page_requests() == []
    assert crawled.tally.not_modified == len(crawled.chosen)
    assert bench.records() == before


def test_a_feed_that_is_not_due_is_not_asked(bench: Bench) -> None:
    with Newsroom(sites=2, stories=2) as room:
        bench.crawl(room)
        room.clear_log()
        crawled = bench.crawl(room, poll_all=False)
        assert room.requests == []
    assert crawled.due == ()
    assert crawled.exit_code(FailOn.ANY) == 0


def test_an_edited_story_becomes_a_second_revision_with_the_same_id(bench: Bench) -> None:
    with Newsroom(sites=2, stories=3) as room:
        bench.crawl(room)
        first = {record["url"]: record for record in bench.records()}
        (edited,) = room.edit(1)
        crawled = bench.crawl(room)
    revised = [record for record in bench.records() if record["revision"] == 2]
    assert [record["url"] for record in revised] == [edited.url]
    assert revised[0]["id"] == first[edited.url]["id"]
    assert revised[0]["title"] == edited.title != first[edited.url]["title"]
    assert set(edited.paragraphs) <= set(revised[0]["text"].split("\n"))
    assert crawled.tally.archived == crawled.tally.revised == 1
    ledger(bench)


def test_a_story_in_two_feeds_is_one_record_that_names_both(bench: Bench) -> None:
    with Newsroom(sites=7, stories=4) as room:
        bench.crawl(room)
        shared_site = next(site for site in room.sites if len(site.feeds) > 1)
        names = {feed.name for feed in shared_site.feeds}
    of_site = [record for record in bench.records() if record["feed"] in names]
    both = [record for record in of_site if record["also_in"]]
    assert both
    assert all({record["feed"], *record["also_in"]} == names for record in both)
    assert len({record["id"] for record in of_site}) == len(of_site)


def test_a_removed_story_stays_in_the_archive_and_is_not_asked_for_again(bench: Bench) -> None:
    with Newsroom(sites=1, stories=3) as room:
        bench.crawl(room)
        room.remove(1)
        room.clear_log()
        bench.crawl(room)
        assert room.page_requests() == []
    assert len(bench.records()) == 3


def test_the_repeated_block_of_a_page_is_archived_once_and_can_be_put_back(bench: Bench) -> None:
    with Newsroom(sites=1, stories=2) as room:
        bench.crawl(room)
    for record in bench.records():
        lines = record["text"].split("\n")
        assert len(lines) == len(set(lines))
        assert record["removed"]
        assert {removal["reason"] for removal in record["removed"]} == {"repeat"}
        assert all(
            removal["id"] == record["id"] and removal["at"] < removal["position"] for removal in record["removed"]
        )
        assert record["paragraphs"] == len(lines) + len(record["removed"])


def test_rule_14_a_feed_that_is_gone_is_asked_again_by_force_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=1) as room:
        room.fault(room.sites[0].feed_url, Status(410))
        for hours in (0, 25, 50):
            later = app.now() + timedelta(hours=hours)
            with monkeypatch.context() as patch:
                patch.setattr(app, "now", lambda: later)  # noqa: B023  called within this turn of the loop only
                bench.crawl(room)
        gone = room.sites[0].feed_url.removeprefix(room.sites[0].base_url)
        assert len([request for request in room.feed_requests() if request.path == gone]) == 2
        room.heal()
        bench.crawl(room, force=True)
        assert len([request for request in room.feed_requests() if request.path == gone]) == 3
