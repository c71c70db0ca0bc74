"""What a hostile or broken site sends becomes one recorded outcome, and costs no other site anything."""

from pathlib import Path

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
    Reset,
    Status,
    Truncate,
    WrongCharset,
)
from service.oneshot import FailOn
from service.reading import Ended
from storage.model import Outcome, Poll

BAD_FEEDS: list[tuple[Fault, str]] = [
    (HtmlInsteadOfFeed(), "HTML"),
    (Empty(), "empty"),
    (Status(404), "404"),
    (Status(500), "500"),
    (Status(403), "403"),
    (NotXml(), "feed"),
    (Pdf(), "feed"),
    (Reset(), "connection"),
    (Truncate(200), "cut short"),
    (EndlessHeaders(), "not an HTTP answer"),
    (Drip(delay=0.1), "timed out after 2 s"),
]


def test_each_bad_feed_is_one_recorded_failure_and_the_good_one_is_archived(tmp_path: Path) -> None:
    bench = Bench(tmp_path, timeout="2s")
    with Newsroom(sites=len(BAD_FEEDS) + 1, stories=2) as room:
        *bad, good = room.sites
        expected = {}
        for site, (fault, message) in zip(bad, BAD_FEEDS, strict=True):
            for feed in site.feeds:
                room.fault(feed.url, fault)
                expected[feed.name] = message
        crawled = bench.crawl(room)
    failed = {event.feed: event for event in bench.events if isinstance(event, Poll) and event.error}
    assert failed.keys() == expected.keys()
    said = {name: event.error or "" for name, event in failed.items()}
    assert {name: text for name, text in said.items() if expected[name].lower() not in text.lower()} == {}
    assert not any("\n" in text for text in said.values())
    for event in failed.values():
        assert event.state.next_due is not None
        assert event.state.next_due > event.at
        assert not event.state.validators
    assert {record["feed"] for record in bench.records()} == {feed.name for feed in good.feeds}
    assert crawled.exit_code(FailOn.ANY) == 3
    assert crawled.exit_code(FailOn.ALL) == crawled.exit_code(FailOn.NEVER) == 0


POSTPONED: list[Fault] = [Status(404), Status(503), Status(403), Reset(), Truncate(400)]
READ_IN_THE_FEED: list[Fault] = [Pdf(), Empty()]


def test_each_bad_page_is_tried_again_or_replaced_by_the_feed_and_no_other_is_lost(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=10) as room:
        stories = room.stories()
        faults = dict(zip((story.url for story in stories), POSTPONED + READ_IN_THE_FEED, strict=False))
        for url, fault in faults.items():
            room.fault(url, fault)
        crawled = bench.crawl(room)
    by_url = {record["requested_url"]: record for record in bench.records()}
    postponed = {event.pending.entry.url: event for event in bench.events if isinstance(event, Ended) and event.retry}
    for story in stories:
        fault = faults.get(story.url)
        if fault in POSTPONED:
            assert postponed[story.url].retry is not None
            assert story.url not in by_url
        elif fault in READ_IN_THE_FEED:
            assert by_url[story.url]["text_source"] == "feed"
            assert by_url[story.url]["warnings"][0].startswith("page: ")
        else:
            assert by_url[story.url]["text_source"] == "page"
    tally = crawled.tally
    assert len(postponed) == len(POSTPONED)
    assert tally.archived == len(stories) - len(POSTPONED)
    assert tally.new_entries == tally.archived + tally.postponed + sum(tally.ended.values())
    assert crawled.exit_code(FailOn.ANY) == 0


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
    ended = [event.resolution for event in skipping.events if isinstance(event, Ended)]
    assert {resolution and resolution.outcome for resolution in ended} == {Outcome.SKIPPED}


def test_rule_31_tdm_policy_and_content_usage_stand_in_the_record(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        (story,) = room.stories()
        room.robots("User-agent: *\nContent-Signal: search=yes\nContent-Usage: train-ai=n\n")
        headers = {"Content-Usage": "ai=n", "TDM-Reservation": "1", "TDM-Policy": "https://rights.example/terms"}
        page = "<html><body><article><p>" + "Words enough. " * 40
        room.serve(story.path, page.encode(), headers=headers)
        bench = Bench(tmp_path)
        bench.crawl(room)
    (record,) = bench.records()
    assert record["rights"]["tdm_reservation"] is True
    assert record["rights"]["content_signal"] == "Content-Usage: ai=n, search=yes, Content-Usage: train-ai=n"
    assert "tdm-policy: https://rights.example/terms" in record["warnings"]
