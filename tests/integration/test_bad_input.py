"""What a hostile or broken site sends becomes one recorded outcome, and costs no other site anything."""

from pathlib import Path

import pytest
from crawling import Bench

from service.newsroom import (
    Drip,
    Empty,
    EndlessHeaders,
    Fault,
    HtmlInsteadOfFeed,
    Newsroom,
    NotXml,
    Pdf,
    Redirect,
    Reset,
    Status,
    Truncate,
    WrongCharset,
)
from service.reading import Ended
from storage.model import Outcome, Poll


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (HtmlInsteadOfFeed(), "HTML"),
        (Empty(), "empty"),
        (Status(404), "404"),
        (Status(500), "500"),
        (Status(403), "403"),
        (NotXml(), "feed"),
        (Pdf(), "feed"),
        (Reset(), "connection"),
        (Truncate(200), "short"),
        (EndlessHeaders(), "header"),
        (Drip(bytes_per_second=20), "timed out"),
    ],
    ids=lambda value: type(value).__name__ + str(getattr(value, "code", "")) if isinstance(value, Fault) else "",
)
def test_a_bad_feed_is_one_recorded_failure_and_the_others_are_archived(
    fault: Fault, message: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, timeout="2s")
    with Newsroom(sites=2, stories=2) as room:
        bad, good = room.sites
        for feed in bad.feeds:
            room.fault(feed.url, fault)
        crawled = bench.crawl(room)
    failed = {event.feed: event for event in bench.events if isinstance(event, Poll) and event.error}
    assert failed.keys() == {feed.name for feed in bad.feeds}
    assert all(message.lower() in (event.error or "").lower() for event in failed.values()), failed
    assert all("\n" not in (event.error or "") for event in failed.values())
    assert all(event.state.next_due is not None and not event.state.validators for event in failed.values())
    assert {record["publisher"] for record in bench.records()} == {good.publisher}
    assert crawled.exit_code("any") == 3


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Status(404), "postponed"),
        (Status(503), "postponed"),
        (Status(403), "postponed"),
        (Reset(), "postponed"),
        (Truncate(400), "postponed"),
        (Pdf(), "feed"),
        (Empty(), "feed"),
        (Redirect("/", code=302), None),
    ],
    ids=lambda value: type(value).__name__ + str(getattr(value, "code", "")) if isinstance(value, Fault) else "",
)
def test_a_bad_page_ends_in_one_recorded_outcome_and_loses_no_other(
    fault: Fault, outcome: str | None, tmp_path: Path
) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=3) as room:
        bad = room.stories()[0]
        room.fault(bad.url, fault)
        crawled = bench.crawl(room)
        good = {story.url for story in room.stories()} - {bad.url}
    by_url = {record["requested_url"]: record for record in bench.records()}
    assert good <= by_url.keys()
    if outcome == "postponed":
        (ended,) = [event for event in bench.events if isinstance(event, Ended)]
        assert ended.retry is not None
        assert ended.pending.entry.url == bad.url
        assert bad.url not in by_url
        assert crawled.tally.postponed == 1
    elif outcome == "feed":
        assert by_url[bad.url]["text_source"] == "feed"
        assert by_url[bad.url]["warnings"][0].startswith("page: ")
    assert crawled.exit_code("any") == 0


def test_a_page_in_a_lying_charset_is_read_in_the_one_it_is_in(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=1) as room:
        (story,) = room.stories()
        room.fault(story.url, WrongCharset(declared="iso-8859-1", actual="utf-8"))
        bench.crawl(room)
    (record,) = bench.records()
    assert set(story.paragraphs) <= set(record["text"].split("\n"))
    assert any("charset" in warning for warning in record["warnings"])


def test_a_publishers_reservation_is_recorded_or_obeyed_as_the_setting_says(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        (story,) = room.stories()
        page = "<html><head><meta name=robots content=noarchive></head><body><article><p>" + "Words enough. " * 40
        room.serve(story.path, page.encode(), content_type="text/html; charset=utf-8")
        recording, skipping = Bench(tmp_path / "a"), Bench(tmp_path / "b", tdm_policy="skip")
        for bench in (recording, skipping):
            bench.feeds_file.parent.mkdir()
            bench.crawl(room)
    (record,) = recording.records()
    assert record["rights"]["noarchive"] is True
    assert skipping.records() == []
    (ended,) = [event for event in skipping.events if isinstance(event, Ended)]
    assert ended.resolution is not None
    assert ended.resolution.outcome is Outcome.SKIPPED
