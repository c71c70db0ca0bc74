"""Rules 9 to 16 of docs/network.md: when to poll again, as seen by the sites and in the store."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import messages, veille
from crawling import Bench
from polls import DAY, HOUR, LIMITS, MINUTE, START, Watch, answer, one_worker, rss, watching

from service.articles.workers import Workers
from service.cli import reports
from service.feeds.moves import poll_url
from service.newsroom import Answer, Newsroom, Reset, Slow
from storage.database import open_database
from storage.model import Feed, FeedState, Health, Validators

SECOND = timedelta(seconds=1)
SY = "xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'"
NOON, FOUR = "Tue, 24 Nov 2026 12:00:00 GMT", "Tue, 24 Nov 2026 16:00:00 GMT"


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with one_worker() as workers:
        yield workers


@pytest.fixture
def watch(tmp_path: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    with watching(tmp_path, workers, monkeypatch) as watch:
        yield watch


def told(watch: Watch, directory: Path, feed: Feed, *words: str) -> list[str]:
    """What the command says of the watch's store, by lines of standard output."""
    catalogue = directory / "feeds.toml"
    catalogue.write_text(f'[[feed]]\nname = "{feed.name}"\nurl = "{feed.url}"\n', encoding="utf-8")
    done = veille(directory, *words, data_dir=str(directory), feeds_file=str(catalogue))
    messages(done)
    assert done.returncode == 0
    return done.stdout.splitlines()


# -- 9: the wait -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "channel", "wait", "reason"),
    [
        ({}, "", HOUR, "adaptive"),
        ({"cache_control": "max-age=18000"}, "", 5 * HOUR, "the server asks (freshness)"),
        ({"cache_control": "max-age=18000", "age": "3600"}, "", 4 * HOUR, "the server asks (freshness)"),
        ({"expires": FOUR, "date": NOON}, "", 4 * HOUR, "the server asks (freshness)"),
        ({"expires": FOUR, "date": NOON, "cache_control": "max-age=9000"}, "", 2.5 * HOUR, "the server asks"),
        ({"expires": FOUR, "date": NOON, "cache_control": "max-age=60"}, "", HOUR, "adaptive"),
        ({}, "<ttl>180</ttl>", 3 * HOUR, "the document asks (ttl)"),
        ({}, "<sy:updatePeriod>daily</sy:updatePeriod>", DAY, "the document asks (ttl)"),
        (
            {},
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            6 * HOUR,
            "the document asks (ttl)",
        ),
        ({}, "<ttl>180</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", 3 * HOUR, "the document asks (ttl)"),
        ({}, "<ttl>180</ttl><sy:updatePeriod>daily</sy:updatePeriod>", DAY, "the document asks (ttl)"),
        ({"cache_control": "max-age=10800"}, "<ttl>120</ttl>", 3 * HOUR, "the server asks (freshness)"),
        ({"cache_control": "max-age=10800"}, "<ttl>240</ttl>", 4 * HOUR, "the document asks (ttl)"),
        ({"cache_control": "max-age=60"}, "<ttl>1</ttl>", HOUR, "adaptive"),
        ({"cache_control": "max-age=864000"}, "", DAY, "within the limits"),
        ({}, "<sy:updatePeriod>weekly</sy:updatePeriod>", DAY, "within the limits"),
    ],
)
def test_rule_09_the_wait_is_the_longest_of_what_is_asked_for_and_says_whose_it_is(
    watch: Watch, headers: dict[str, str], channel: str, wait: timedelta, reason: str
) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1, channel=channel, namespaces=SY), **headers))
    watch.poll(feed)
    assert watch.wait(feed) == wait
    assert reason in watch.state(feed).due_reason


def test_rule_09_no_feed_is_polled_more_often_than_the_floor_or_less_often_than_the_cap(watch: Watch) -> None:
    hasty = replace(watch.serve("/hasty.xml", answer(200, rss(1))), interval=MINUTE)
    lazy = replace(watch.serve("/lazy.xml", answer(200, rss(1))), interval=30 * DAY)
    for feed, wait in ((hasty, LIMITS.floor), (lazy, LIMITS.cap)):
        watch.poll(feed)
        assert watch.wait(feed) == wait


def test_rule_09_a_304_sets_the_wait_anew_by_what_it_says_and_by_what_was_asked_before(watch: Watch) -> None:
    feed = watch.serve(
        "/news.xml",
        answer(200, rss(1, channel="<ttl>180</ttl>"), etag='"1"', cache_control="max-age=14400"),
        answer(304, cache_control="max-age=21600", age="3600"),
        answer(304),
        answer(304, expires=NOON, date=NOON),
    )
    waits = []
    for _ in range(4):
        watch.poll_when_due(feed)
        watch.restart()
        waits.append(watch.wait(feed))
    # the last says that it is stale already: what remains is the document's ttl
    assert waits == [4 * HOUR, 5 * HOUR, 5 * HOUR, 3 * HOUR]


def test_rule_09_all_skipped_hours_and_days_are_kept_out_of_in_gmt(watch: Watch) -> None:
    hours = "".join(f"<hour>{hour}</hour>" for hour in (13, 14, 15))
    days = "<day>Wednesday</day><day>Thursday</day>"
    tuesday = watch.serve("/hours.xml", answer(200, rss(1, channel=f"<skipHours>{hours}</skipHours>")))
    weekend = watch.serve(
        "/days.xml", answer(200, rss(1, channel=f"<skipDays>{days}</skipDays>"), cache_control="max-age=43200")
    )
    for feed, due in (
        (tuesday, START.replace(hour=16)),
        (weekend, datetime(2026, 11, 27, 0, 0, tzinfo=UTC)),  # a Friday
    ):
        watch.poll(feed)
        assert watch.state(feed).next_due == due
        assert "skipHours" in watch.state(feed).due_reason
        watch.now = due
        assert watch.is_due(feed)
        watch.now = START


def test_rule_09_a_304_the_same_body_and_a_failure_keep_out_of_the_hours_the_last_document_named(
    watch: Watch,
) -> None:
    hours = "".join(f"<skipHours><hour>{hour}</hour></skipHours>" for hour in (14, 15, 16))
    body = rss(1, channel=hours)
    feed = watch.serve(
        "/news.xml", answer(200, body, etag='"1"'), answer(304), answer(200, body), answer(500), answer(200, rss(1))
    )
    watch.poll(feed)
    for kind in ("304", "the same body", "failure"):
        watch.now = START.replace(hour=13, minute=40)
        watch.poll(feed)
        assert watch.state(feed).next_due == START.replace(hour=17), kind
    watch.now = START.replace(hour=13, minute=40)
    watch.poll(feed)  # a document that names no hours any more
    assert watch.state(feed).next_due != START.replace(hour=17)


def test_rule_09_feeds_show_says_when_the_feed_is_due_and_why(watch: Watch, tmp_path: Path) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1, channel="<ttl>180</ttl>")))
    watch.poll(feed)
    said = told(watch, tmp_path, feed, "feeds", "show", "news")
    assert "next due: 2026-11-24 15:00:00 UTC" in said
    assert "due reason: 3h after the last poll: the document asks (ttl)" in said


# -- 10: the overlap of windows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "known"),
    [
        (range(9, 19), "1 of 10"),
        (range(8, 17), "2 of 9"),
        (range(4, 13), "6 of 9"),
        (range(1, 11), "9 of 10"),
        (range(10), "all"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rule_10_few_known_entries_bring_the_next_poll_closer_and_many_put_it_off(
    watch: Watch, window: range, known: str
) -> None:
    # a byte more, so that it is another document even where it lists the same
    feed = watch.serve("/news.xml", answer(200, rss(*range(10))), answer(200, rss(*window) + b"\n"))
    watch.poll(feed)
    watch.poll_when_due(feed)
    if known in {"1 of 10", "2 of 9"}:
        assert watch.wait(feed) == HOUR / 2
    else:
        assert watch.wait(feed) > HOUR
    assert watch.store.gaps() == []


def test_rule_10_no_overlap_is_a_gap_from_the_window_last_seen_to_this_poll(watch: Watch) -> None:
    feed = watch.serve(
        "/news.xml", answer(200, rss(1, 2), etag='"1"'), answer(304), answer(503), answer(200, rss(3, 4, 5))
    )
    watch.poll(feed)
    seen = watch.poll_when_due(feed).at
    watch.poll_when_due(feed)
    before = watch.state(feed).interval
    watch.restart()
    poll = watch.poll_when_due(feed)
    (gap,) = watch.store.gaps("news")
    assert (gap.feed, gap.start, gap.end) == ("news", seen, watch.now)
    assert START < seen < watch.now
    assert watch.wait(feed) == before / 4
    warned = reports.line(poll, verbose=False)
    assert warned is not None
    assert gap.reason in warned


def test_rule_10_a_gap_shortens_the_interval_to_the_floor_at_most(watch: Watch) -> None:
    feed = watch.serve("/news.xml", *(answer(200, rss(n)) for n in range(6)))
    for _ in range(6):
        watch.poll_when_due(feed)
    assert len(watch.store.gaps()) == 5
    assert watch.wait(feed) == LIMITS.floor


def test_rule_10_without_entries_known_before_nothing_can_have_been_missed(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss()), answer(200, rss(1, 2)), answer(200, rss()), answer(200, rss(1)))
    other = watch.serve("/other.xml", answer(200, rss(1, 2)))
    watch.poll(other)
    for _ in range(4):
        watch.poll_when_due(feed)
    assert watch.store.gaps() == []


def test_rule_10_another_feeds_entries_are_no_overlap(watch: Watch) -> None:
    one, two = (answer(200, rss(*numbers, site="http://news.invalid")) for numbers in ((1, 2), (3, 4)))
    feed, other = watch.serve("/news.xml", one, two), watch.serve("/other.xml", two)
    watch.poll(feed)
    watch.poll(other)
    watch.poll_when_due(feed)
    assert [gap.feed for gap in watch.store.gaps()] == ["news"]


@pytest.mark.slow
def test_rule_10_a_crawl_warns_of_a_gap_and_status_lists_it(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=0) as room:
        url = room.serve("/news.xml", rss(1, 2), "application/rss+xml")
        catalogue = tmp_path / "feeds.toml"
        catalogue.write_text(f'[[feed]]\nname = "news"\nurl = "{url}"\ncontent = "feed"\n', encoding="utf-8")
        veille(tmp_path, "crawl")
        room.serve("/news.xml", rss(3, 4, 5), "application/rss+xml")
        crawled = veille(tmp_path, "crawl", "--all")
    store = open_database(f"sqlite:///{tmp_path / 'data' / 'veille.db'}", readonly=True)
    (gap,) = store.gaps()
    store.close()
    assert any("feed news:" in line and gap.reason in line for line in messages(crawled))
    status = veille(tmp_path, "status").stdout.splitlines()
    assert f"gap: news, {gap.start:%Y-%m-%d %H:%M} UTC to {gap.end:%Y-%m-%d %H:%M} UTC: {gap.reason}" in status


# -- 11: jitter --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jitter", [0.01, 0.5, 0.999])
@pytest.mark.parametrize(
    ("kind", "second"),
    [
        ("new entries", answer(200, rss(2, 3))),
        ("a 304", answer(304)),
        ("a failure", answer(500)),
        ("Retry-After", answer(503, retry_after="7200")),
        ("freshness", answer(304, cache_control="max-age=7200")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rule_11_jitter_only_delays_and_by_a_tenth_at_most(
    watch: Watch, jitter: float, kind: str, second: Answer
) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1, 2), etag='"1"'), second)
    watch.poll(feed)
    watch.now += HOUR
    punctual = watch.look(feed).state.next_due
    watch.jitter = jitter
    late = watch.poll(feed).state.next_due
    assert punctual is not None
    assert late is not None
    if kind == "Retry-After":
        assert late == punctual
    else:
        assert punctual < late <= punctual + (punctual - watch.now) / 10


def test_rule_11_after_a_silence_jitter_only_delays_too(watch: Watch) -> None:
    watch.jitter = 0.999
    feed = watch.serve("/news.xml", answer(200, rss(1, channel="<skipHours><hour>13</hour></skipHours>")))
    watch.poll(feed)
    assert START.replace(hour=14) < START + watch.wait(feed) < START.replace(hour=15)


def test_rule_11_jitter_never_goes_past_the_cap(watch: Watch) -> None:
    watch.jitter = 0.999
    feed = watch.serve("/news.xml", answer(200, rss(1), cache_control="max-age=864000"))
    watch.poll(feed)
    assert watch.wait(feed) == LIMITS.cap


# -- 12: Retry-After ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 503])
def test_rule_12_retry_after_counts_in_seconds_or_from_the_answers_own_date(watch: Watch, status: int) -> None:
    # the site's clock is eight years late: only the difference of its two dates means anything
    dated = answer(status, date="Fri, 02 Nov 2018 10:00:00 GMT", retry_after="Fri, 02 Nov 2018 17:00:00 GMT")
    here, there = watch.room.sites
    for name, refusal, site in (("seconds", answer(status, retry_after="25200"), here), ("date", dated, there)):
        feed = watch.serve(f"/{name}.xml", refusal, site=site)
        watch.poll(feed)
        assert watch.wait(feed) == 7 * HOUR
        assert "Retry-After" in watch.state(feed).due_reason


def test_rule_12_retry_after_goes_past_the_cap_up_to_31_days_and_a_longer_one_is_told_of(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(503, retry_after=str(20 * 86400)), answer(503, retry_after=str(400 * 86400)))
    watch.poll(feed)
    assert watch.wait(feed) == 20 * DAY
    assert watch.state(feed).last_error == "answers 503"
    poll = watch.poll_when_due(feed)
    assert watch.wait(feed) == 31 * DAY
    assert watch.state(feed).last_error == "answers 503 and asks for 400 days of silence, cut to 31"
    assert "cut to 31" in (reports.line(poll, verbose=False) or "")


@pytest.mark.parametrize("asked", ["-5", "soon", "1.5", "", "Fri, 02 Nov 2018 10:00:00 GMT"])
def test_rule_12_a_retry_after_that_asks_for_nothing_never_shortens_the_wait(watch: Watch, asked: str) -> None:
    feed = watch.serve("/news.xml", answer(503, retry_after=asked))
    watch.poll(feed)
    assert watch.wait(feed) == HOUR / 2


def test_rule_12_a_429_holds_the_whole_host_and_no_other_across_a_restart(watch: Watch) -> None:
    here, there = watch.room.sites
    busy = watch.serve("/busy.xml", answer(429, retry_after="7200"), site=here)
    beside = watch.serve("/beside.xml", answer(200, rss(1)), site=here)
    elsewhere = watch.serve("/elsewhere.xml", answer(200, rss(1)), site=there)
    watch.poll(busy)
    asked = len(watch.room.requests)
    for restarted in (False, True):
        if restarted:
            watch.now += HOUR
            watch.restart()
        assert "asked for silence" in (watch.poll(beside).error or "")
        assert watch.wait(beside) == (HOUR if restarted else 2 * HOUR)  # no sooner than the host allows
        assert len(watch.room.requests) == asked  # not even for robots.txt
    assert watch.store.holds() == {here.base_url.removeprefix("http://"): START + 2 * HOUR}
    assert watch.poll(elsewhere).error is None
    watch.now = START + 2 * HOUR
    assert watch.poll(beside).error is None


def test_rule_12_a_429_holds_the_host_for_31_days_at_most(watch: Watch) -> None:
    busy = watch.serve("/busy.xml", answer(429, retry_after=str(400 * 86400)))
    watch.poll(busy)
    assert list(watch.store.holds().values()) == [START + 31 * DAY]


def test_rule_12_a_429_that_names_no_time_holds_the_host_all_the_same(watch: Watch) -> None:
    busy = watch.serve("/busy.xml", answer(429))
    beside = watch.serve("/beside.xml", answer(200, rss(1)))
    watch.poll(busy)
    watch.restart()
    watch.poll(beside)
    assert watch.requests("/beside.xml") == []
    watch.now += HOUR
    assert watch.poll(beside).error is None


def test_rule_12_a_503_holds_its_feed_alone(watch: Watch) -> None:
    ill = watch.serve("/ill.xml", answer(503, retry_after="7200"))
    beside = watch.serve("/beside.xml", answer(200, rss(1)))
    watch.poll(ill)
    assert watch.poll(beside).error is None
    assert watch.store.holds() == {}
    watch.restart()
    assert not watch.is_due(ill)
    watch.now += 2 * HOUR
    assert watch.is_due(ill)


# -- 13: failures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "weight"),
    [(400, 1), (401, 1), (403, 1), (406, 1), (451, 1), (404, 0.5), (429, 0.5), (500, 0.5), (502, 0.5), (503, 0.5)],
)
def test_rule_13_an_answer_weighs_what_it_says_of_the_feed(watch: Watch, status: int, weight: float) -> None:
    feed = watch.serve("/news.xml", answer(status))
    watch.poll(feed)
    assert (watch.state(feed).health, watch.state(feed).failures) == (Health.FAILING, weight)


def test_rule_13_no_feed_in_an_answer_weighs_1(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, b"<html>"))
    watch.poll(feed)
    assert watch.state(feed).failures == 1


def test_rule_13_no_name_no_connection_no_answer_weigh_a_quarter(watch: Watch) -> None:
    reset = watch.serve("/reset.xml", answer(200, rss(1)))
    watch.room.fault(reset.url, Reset())
    with socket.socket() as nobody:  # bound, and listening to nobody
        nobody.bind(("127.0.0.1", 0))
        deaf = Feed("deaf", f"http://127.0.0.1:{nobody.getsockname()[1]}/feed.xml", obey_robots=False)
        unknown = Feed("unknown", "http://news.invalid/feed.xml", obey_robots=False)
        for feed, error in (
            (reset, "connection reset"),
            (deaf, "connection refused"),
            (unknown, "name not found"),
        ):
            watch.poll(feed)
            state = watch.state(feed)
            assert (state.last_error, state.failures, state.last_status) == (error, 0.25, None)


def test_rule_13_no_answer_in_time_weighs_a_quarter(watch: Watch) -> None:
    feed = replace(watch.serve("/slow.xml", answer(200, rss(1))), obey_robots=False)
    watch.room.fault(feed.url, Slow(60.0))
    watch.timeout = 0.3
    watch.restart()
    watch.poll(feed)
    state = watch.state(feed)
    assert (state.last_error, state.failures, state.last_status) == ("timed out after 0.3 s", 0.25, None)


def test_rule_13_the_wait_is_the_interval_times_the_weights_so_far_up_to_the_cap(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(500), answer(500), answer(404), answer(401), answer(500))
    waits = []
    for _ in range(60):
        watch.poll_when_due(feed)
        waits.append(watch.wait(feed))
    assert waits[:5] == [HOUR * 0.5, HOUR * 1.0, HOUR * 1.5, HOUR * 2.5, HOUR * 3.0]
    assert waits[-1] == LIMITS.cap
    assert waits == sorted(waits)


def test_rule_13_a_feed_that_has_failed_for_months_is_still_asked_and_a_success_forgives_it_all(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1)), *[answer(401)] * 80, answer(200, rss(1, 2)))
    watch.poll(feed)
    for _ in range(80):
        watch.now = watch.state(feed).next_due or watch.now
        assert watch.is_due(feed)
        assert watch.poll(feed).state.health is Health.FAILING
    assert watch.now - START > 60 * DAY
    watch.restart()
    state = watch.poll_when_due(feed).state
    assert len(watch.requests("/news.xml")) == 82
    assert (state.health, state.failures, state.last_error) == (Health.OK, 0.0, None)
    assert watch.wait(feed) <= HOUR


def test_rule_13_status_says_why_a_feed_fails_and_when_it_is_asked_again(watch: Watch, tmp_path: Path) -> None:
    feed = watch.serve("/news.xml", answer(401))
    for _ in range(3):
        watch.poll_when_due(feed)
    said = told(watch, tmp_path, feed, "status")
    (line,) = [line for line in said if line.startswith("news: answers 401; failing since ")]
    assert (
        "; 3h after the last poll: failing (failures weigh 3); the site refuses this client: let VEILLE_CONTACT" in line
    )
    assert any(line.split()[:2] == ["news", "failing"] for line in said)


@pytest.mark.parametrize("cap", [DAY, HOUR], ids=["the cap of a day", "a cap of an hour"])
def test_rule_13_a_403_waits_four_hours_at_least(
    tmp_path: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch, cap: timedelta
) -> None:
    with watching(tmp_path, workers, monkeypatch, limits=replace(LIMITS, cap=cap)) as watch:
        feed = watch.serve("/news.xml", answer(403))
        watch.poll(feed)
        assert watch.wait(feed) == 4 * HOUR
        assert "forbidden (403)" in watch.state(feed).due_reason
        for _ in range(5):
            watch.poll_when_due(feed)
        assert watch.wait(feed) == max(4 * HOUR, min(6 * HOUR, cap))


# -- 14: gone ----------------------------------------------------------------------------------------------------------


def test_rule_14_410_twice_a_day_apart_ends_the_polling_and_keeps_the_state(watch: Watch, tmp_path: Path) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1, 2), etag='"1"'), answer(410))
    watch.poll(feed)
    first = watch.poll_when_due(feed).at
    assert watch.state(feed).health is Health.FAILING
    assert watch.wait(feed) == DAY
    watch.now = first + DAY - SECOND
    assert not watch.is_due(feed)
    watch.poll(feed)  # asked for all the same
    assert watch.state(feed).health is Health.FAILING
    watch.now = first + DAY
    watch.poll(feed)
    watch.restart()
    state = watch.state(feed)
    assert state.health is Health.GONE
    assert (state.validators, state.gone_since, state.last_status) == (Validators(b'"1"'), first, 410)
    assert watch.entries(feed) == 2
    watch.now += 3 * 365 * DAY
    assert not watch.is_due(feed)
    said = told(watch, tmp_path, feed, "status")
    (line,) = [line for line in said if line.startswith("news: answers 410; failing since ")]
    assert "gone for good: no longer polled" in line


@pytest.mark.parametrize("between", [answer(200, rss(1)), answer(404)], ids=["a feed", "not found"])
def test_rule_14_another_answer_between_two_410s_begins_the_count_anew(watch: Watch, between: Answer) -> None:
    feed = watch.serve("/news.xml", answer(410), between, answer(410))
    for _ in range(3):
        watch.now += 2 * DAY
        watch.poll(feed)
    assert watch.state(feed).health is Health.FAILING
    watch.now += DAY
    watch.poll(feed)
    assert watch.state(feed).health is Health.GONE


# -- 15: moving --------------------------------------------------------------------------------------------------------


def chain(watch: Watch, *statuses: int) -> Feed:
    """A feed at the end of redirects with these statuses; all but the first and last addresses are on another site."""
    here, there = watch.room.sites
    path, site, feed = "/news.xml", here, None
    for number, status in enumerate(statuses):
        target = f"/hop-{number}.xml" if number < len(statuses) - 1 else "/target.xml"
        hop = watch.serve(path, answer(status, location=f"{there.base_url}{target}"), site=site)
        feed, path, site = feed or hop, target, there
    watch.serve("/target.xml", answer(200, rss(1), etag='"1"'), answer(304), site=there)
    assert feed is not None
    return feed


def poll_daily(watch: Watch, feed: Feed, days: int) -> None:
    """Poll today, and on each of the ``days`` to come."""
    for day in range(days + 1):
        watch.now += DAY if day else timedelta(0)
        watch.poll(feed)


@pytest.mark.parametrize("statuses", [(301,), (308,), (301, 308, 301)])
def test_rule_15_a_permanent_redirect_that_held_for_seven_days_is_followed_for_good(
    watch: Watch, statuses: tuple[int, ...]
) -> None:
    feed = chain(watch, *statuses)
    poll_daily(watch, feed, 6)  # all but the first find a 304
    watch.now = START + 7 * DAY - SECOND
    watch.poll(feed)
    assert len(watch.requests("/news.xml")) == 8
    watch.now = START + 7 * DAY
    watch.poll(feed)
    assert len(watch.requests("/news.xml")) == 9
    watch.restart()
    poll_daily(watch, feed, 3)
    assert len(watch.requests("/news.xml")) == 9
    assert len(watch.requests("/target.xml")) == 13
    assert watch.sent("/target.xml")[1:] == [(b'"1"', None)] * 12
    assert watch.state(feed).url == feed.url  # the catalogue's address stays what the feed is known by


@pytest.mark.parametrize("statuses", [(302,), (303,), (307,), (301, 302), (307, 308), (301, 303, 301)])
def test_rule_15_a_redirect_with_a_passing_hop_is_never_followed_for_good(
    watch: Watch, statuses: tuple[int, ...]
) -> None:
    feed = chain(watch, *statuses)
    poll_daily(watch, feed, 20)
    assert len(watch.requests("/news.xml")) == 21
    assert watch.state(feed).moved_to is None


def test_rule_15_a_passing_redirect_in_between_begins_the_seven_days_anew(watch: Watch) -> None:
    moved, away = (answer(status, location="/target.xml") for status in (301, 302))
    feed = watch.serve("/news.xml", *[moved] * 5, away, moved)
    watch.serve("/target.xml", answer(200, rss(1)))
    poll_daily(watch, feed, 13)  # moved for good since the seventh
    assert len(watch.requests("/news.xml")) == 14
    watch.now += DAY
    watch.poll(feed)
    assert len(watch.requests("/news.xml")) == 14


def test_rule_15_another_target_begins_the_seven_days_anew(watch: Watch) -> None:
    one, other = (answer(301, location=target) for target in ("/one.xml", "/other.xml"))
    feed = watch.serve("/news.xml", *[one] * 5, other)
    for path in ("/one.xml", "/other.xml"):
        watch.serve(path, answer(200, rss(1)))
    poll_daily(watch, feed, 12)
    assert len(watch.requests("/news.xml")) == 13
    poll_daily(watch, feed, 1)
    assert len(watch.requests("/news.xml")) == 13
    assert len(watch.requests("/one.xml")) == 5


def test_rule_15_a_redirect_seen_once_has_not_held_for_days_on_which_nothing_answered(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(301, location="/target.xml"), answer(503))
    watch.serve("/target.xml", answer(200, rss(1)))
    poll_daily(watch, feed, 12)
    assert len(watch.requests("/news.xml")) == 13
    assert len(watch.requests("/target.xml")) == 1


@pytest.mark.parametrize(
    "target", [answer(200, b"<html>We have moved!"), answer(200, b""), answer(404), answer(500)], ids=str
)
def test_rule_15_a_target_that_is_no_feed_is_not_followed_for_good(watch: Watch, target: Answer) -> None:
    feed = watch.serve("/news.xml", answer(200, rss(1)), answer(301, location="/target.xml"))
    watch.serve("/target.xml", target)
    poll_daily(watch, feed, 15)
    assert len(watch.requests("/news.xml")) == 16
    assert watch.state(feed).moved_to is None


def test_rule_15_an_address_followed_for_good_that_is_gone_gives_way_to_the_catalogues(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(301, location="/target.xml"))
    watch.serve("/target.xml", *[answer(200, rss(1))] * 9, answer(404), answer(200, rss(1)))
    poll_daily(watch, feed, 9)
    asked = len(watch.requests("/news.xml"))
    assert (asked, watch.state(feed).last_status) == (8, 404)
    watch.poll_when_due(feed)
    assert len(watch.requests("/news.xml")) == asked + 1


def test_rule_15_https_on_the_same_host_is_followed_for_good_at_once_and_on_another_it_is_not() -> None:
    state = FeedState("news", "http://news.example/rss", moved_since=START)
    secure = replace(state, moved_to="https://news.example/feed")
    other = replace(state, moved_to="https://other.example/rss")
    plain = replace(state, moved_to="http://news.example/feed")
    assert poll_url(secure) == "https://news.example/feed"
    assert poll_url(other) == poll_url(plain) == state.url


# -- 16: what is no feed -----------------------------------------------------------------------------------------------

NOT_FEEDS = {
    "html": b"<!DOCTYPE html><html><body><h1>Checking your browser</h1></body></html>",
    "html-in-xml": b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body/></html>",
    "empty": b"",
    "blank": b"\xef\xbb\xbf \r\n\n",
    "other-xml": b"<?xml version='1.0'?><urlset><url><loc>https://news.example/</loc></url></urlset>",
    "other-json": b'{"error": "not found"}',
    "words": b"Service temporarily unavailable",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
}


@pytest.mark.parametrize("name", NOT_FEEDS)
def test_rule_16_what_is_no_feed_is_a_failure_and_never_nothing_new(watch: Watch, name: str) -> None:
    bad = answer(200, NOT_FEEDS[name], etag='"bad"', content_type="application/rss+xml")
    feed = watch.serve("/news.xml", answer(200, rss(1), etag='"1"'), bad)
    watch.poll(feed)
    before = watch.state(feed)
    for count in (1.0, 2.0):  # the second time it is known already
        poll = watch.poll_when_due(feed)
        assert poll.error
        assert (poll.state.health, poll.state.failures, poll.state.last_error) == (Health.FAILING, count, poll.error)
        assert (poll.state.validators, poll.state.body_hash) == (before.validators, before.body_hash)
        assert poll.state.last_success == before.last_success
        assert "0 new" not in (reports.line(poll, verbose=True) or "0 new")


def test_rule_16_a_feed_that_lists_nothing_is_a_feed(watch: Watch) -> None:
    feed = watch.serve("/news.xml", answer(200, rss()))
    assert watch.poll(feed).state.health is Health.OK


def test_rule_16_of_a_malformed_feed_the_entries_are_kept_and_the_validators_are_not(watch: Watch) -> None:
    half = rss(1, 2, 3)[:-60]
    good = answer(200, rss(1), etag='"1"')
    feed = watch.serve("/news.xml", good, *[answer(200, half, etag='"half"')] * 2, answer(200, rss(1, 2, 3)))
    watch.poll(feed)
    poll = watch.poll_when_due(feed)
    assert (poll.error, len(poll.entries)) == (None, 1)
    assert (poll.state.validators, poll.state.body_hash) == (Validators(), None)
    watch.restart()
    again = watch.poll_when_due(feed)  # read again, although it is the same
    assert (again.listed, again.entries) == (2, ())
    assert len(watch.poll_when_due(feed).entries) == 1
    assert watch.sent("/news.xml") == [(None, None), (b'"1"', None), (None, None), (None, None)]
    assert watch.entries(feed) == 3


def test_rule_16_the_entries_of_a_malformed_feed_are_archived(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    words = "The council met on Tuesday and agreed to mend the bridge before the winter comes. " * 5
    body = rss(1, 2).replace(b"Text", words.encode()).replace(b"News", b"News & more")
    with Newsroom(sites=1, stories=0) as room:
        url = room.serve("/news.xml", body, "application/rss+xml")
        bench.feeds_file.write_text(f'[[feed]]\nname = "news"\nurl = "{url}"\ncontent = "feed"\n', encoding="utf-8")
        crawled = bench.crawl()
    assert crawled.tally.failed_feeds == 0
    assert [record["guid"] for record in bench.records()] == ["1", "2"]
    store = open_database(bench.settings.database, readonly=True)
    assert store.feed_states()["news"].validators == Validators()
    store.close()
