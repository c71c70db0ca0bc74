"""The metrics: they say what happened and how things are, in names that Prometheus expects, and nothing of a site's."""

import gzip
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from articles import make_article
from exposed import DAY, HOUR, NOW, USAGE, everything, failing, families, samples, vitals, whole_name
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from service.archiving import Archived
from service.metrics import Metrics
from service.reading import Ended
from storage.model import (
    Alert,
    Entry,
    FeedState,
    Gap,
    Health,
    HttpFacts,
    NewEntry,
    Outcome,
    PendingEntry,
    Poll,
    Removal,
    Resolution,
    Retry,
    Sibling,
    Trouble,
)

PROMTOOL = shutil.which("promtool")
HOSTILE = 'https://evil.test/?a="b"\n\x1b[2J{x="y"} 1'


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3", NOW)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def poll(**changes: Any) -> Poll:
    return Poll("a", NOW, FeedState("a", "https://a.test/rss"), **{"status": 200, "bytes": 100, **changes})


def pending(**changes: Any) -> PendingEntry:
    entry = Entry("key", "0" * 32, "0" * 32, url="https://a.test/1", title="One")
    return PendingEntry(
        **{"number": 1, "feed": "a", "feed_url": "", "version": 1, "entry": entry, "first_seen": NOW} | changes
    )


# -- events ------------------------------------------------------------------------------------------------------------


def test_a_poll_counts_by_how_it_went(metrics: Metrics) -> None:
    for event in (poll(seconds=0.3), poll(status=304, bytes=0), poll(status=None, bytes=0, error="no answer")):
        metrics.listen(event)
    counted = {
        result: value(metrics, "veille_polls_total", result=result) for result in ("ok", "not_modified", "failed")
    }
    assert counted == {"ok": 1, "not_modified": 1, "failed": 1}
    assert value(metrics, "veille_poll_received_bytes_total") == 100
    assert value(metrics, "veille_poll_duration_seconds_count") == 3
    assert value(metrics, "veille_poll_duration_seconds_bucket", le="0.25") == 2


def test_entries_that_a_poll_settles_at_once_are_discovered_and_settled(metrics: Metrics) -> None:
    entry = pending().entry
    metrics.listen(poll(entries=(NewEntry(entry), NewEntry(entry, outcome=Outcome.SKIPPED, reason="media"))))
    assert value(metrics, "veille_entries_discovered_total") == 2
    assert value(metrics, "veille_entries_settled_total", outcome="skipped") == 1


def test_an_archived_article_counts_with_its_siblings_and_what_was_removed(metrics: Metrics) -> None:
    article = make_article(revision=2)
    known = Removal(1, "known", "0" * 32, 1, 0, "0" * 32)
    article = replace(article, removed=(*article.removed, known), http=HttpFacts(bytes=5_000))
    metrics.listen(Archived(pending(siblings=(Sibling(2, "b"),)), article))
    assert value(metrics, "veille_articles_archived_total") == 1
    assert value(metrics, "veille_revisions_archived_total") == 1
    assert value(metrics, "veille_entries_settled_total", outcome="archived") == 1
    assert value(metrics, "veille_entries_settled_total", outcome="unchanged") == 1
    assert value(metrics, "veille_paragraphs_total") == 3
    removed = {
        why: value(metrics, "veille_paragraphs_removed_total", reason=why) for why in ("repeat", "known", "boilerplate")
    }
    assert removed == {"repeat": 1, "known": 1, "boilerplate": 0}
    assert value(metrics, "veille_page_bytes_total") == 5_000


def test_an_entry_ends_or_is_put_off(metrics: Metrics) -> None:
    metrics.listen(Ended(pending(), resolution=Resolution(1, Outcome.GONE, "answers 410")))
    metrics.listen(Ended(pending(siblings=(Sibling(2, "b", "https://a.test/1"),)), retry=Retry(1, NOW, "answers 503")))
    assert value(metrics, "veille_entries_settled_total", outcome="gone") == 1
    assert value(metrics, "veille_retries_total") == 2


def test_lag_falls_into_the_buckets_that_alerts_ask_for(metrics: Metrics) -> None:
    for seconds in (0.004, 0.2, 7.0, 100.0, -0.001):
        metrics.lag(seconds)
    at_most = {
        le: value(metrics, "veille_scheduler_lag_seconds_bucket", le=le) for le in ("0.005", "0.25", "5.0", "60.0")
    }
    assert at_most == {"0.005": 2, "0.25": 3, "5.0": 3, "60.0": 4}


# -- how feeds and archive do ------------------------------------------------------------------------------------------


def test_a_feed_is_shown_by_its_name(metrics: Metrics) -> None:
    metrics.show([vitals("a"), failing("b")], USAGE, open_alerts=[], now=NOW)
    assert value(metrics, "veille_feed_last_success_timestamp_seconds", feed="a") == (NOW - HOUR).timestamp()
    assert value(metrics, "veille_feed_newest_entry_timestamp_seconds", feed="a") == (NOW - 3 * HOUR).timestamp()
    assert value(metrics, "veille_feed_next_poll_timestamp_seconds", feed="a") == (NOW + HOUR).timestamp()
    assert value(metrics, "veille_feed_poll_interval_seconds", feed="a") == 7_200
    assert value(metrics, "veille_feed_failing", feed="a") == 0
    assert value(metrics, "veille_feed_failing", feed="b") == 1
    assert value(metrics, "veille_feed_failing_since_timestamp_seconds", feed="b") == (NOW - 2 * DAY).timestamp()
    assert value(metrics, "veille_feed_failing_since_timestamp_seconds", feed="a") is None
    assert value(metrics, "veille_feed_silent", feed="a") == 0
    assert value(metrics, "veille_feed_pending_entries", feed="a") == 2
    assert value(metrics, "veille_feed_articles_archived_total", feed="a") == 7
    assert value(metrics, "veille_feed_gaps_total", feed="a") == 1
    assert value(metrics, "veille_feeds", health="ok") == 1
    assert value(metrics, "veille_feeds", health="new") == 0
    assert value(metrics, "veille_ledger_entries", outcome="pending") == 4


def test_a_feed_that_left_the_catalogue_or_was_turned_off_leaves_no_series(metrics: Metrics) -> None:
    metrics.show([vitals("a"), vitals("b"), vitals("c")], USAGE, open_alerts=[], now=NOW)
    metrics.show(
        [replace(vitals("a"), feed=None), vitals("b", enabled=False), vitals("c")], USAGE, open_alerts=[], now=NOW
    )
    text = metrics.render().body.decode()
    assert set(re.findall(r'feed="([^"]*)"', text)) == {"c"}
    assert value(metrics, "veille_ledger_entries", outcome="archived") == 21  # the ledger forgets nothing


def test_a_feed_never_polled_has_no_times(metrics: Metrics) -> None:
    metrics.show([replace(vitals("a"), state=None, newest=None)], USAGE, open_alerts=[], now=NOW)
    shown = {name for name, labels in _series(metrics) if dict(labels).get("feed") == "a"}
    assert not {name for name in shown if name.endswith("_seconds")}
    assert value(metrics, "veille_feeds", health="new") == 1


def test_a_feed_that_is_gone_is_due_no_more(metrics: Metrics) -> None:
    metrics.show([vitals("a", health=Health.GONE, failing_since=NOW - DAY)], USAGE, open_alerts=[], now=NOW)
    assert value(metrics, "veille_feed_next_poll_timestamp_seconds", feed="a") is None
    assert value(metrics, "veille_feed_failing", feed="a") == 1


def test_what_is_not_known_has_no_sample_and_is_not_0(metrics: Metrics) -> None:
    unknown = {whole_name(family) for family in families()} - {name for name, _ in _series(metrics)}
    assert {
        "veille_verify_last_timestamp_seconds",
        "veille_archive_damaged",
        "veille_healthy",
        "veille_ready",
    } <= unknown
    assert {"veille_disk_free_bytes", "veille_writer_last_commit_timestamp_seconds"} <= unknown
    metrics.show([], replace(USAGE, per_day=None), open_alerts=[], now=NOW)
    assert value(metrics, "veille_disk_free_bytes") == 100_000
    assert value(metrics, "veille_disk_time_left_seconds") is None
    metrics.show([], None, open_alerts=[], now=NOW)
    assert value(metrics, "veille_disk_free_bytes") is None


def test_the_archive_is_shown_by_its_parts_and_the_time_it_has(metrics: Metrics) -> None:
    over = Alert(Trouble.GAP, "a", "", NOW - DAY, over=NOW)
    metrics.show([], USAGE, open_alerts=[over, Alert(Trouble.DISK, "", "", NOW)], now=NOW)
    parts = {part: value(metrics, "veille_archive_bytes", part=part) for part in ("articles", "raw", "database")}
    assert parts == {"articles": 2_000, "raw": 30_000, "database": 1_000}
    assert value(metrics, "veille_disk_time_left_seconds") == 10 * 86_400
    assert value(metrics, "veille_alerts_open", trouble="disk") == 1
    assert value(metrics, "veille_alerts_open", trouble="gap") == 0


def test_a_refused_reload_keeps_the_time_of_the_last_good_one(metrics: Metrics) -> None:
    metrics.reloaded(NOW + HOUR, accepted=False)
    assert value(metrics, "veille_config_last_reload_successful") == 0
    assert value(metrics, "veille_config_last_reload_success_timestamp_seconds") == NOW.timestamp()
    metrics.reloaded(NOW + DAY, accepted=True)
    assert value(metrics, "veille_config_last_reload_successful") == 1
    assert value(metrics, "veille_config_last_reload_success_timestamp_seconds") == (NOW + DAY).timestamp()


def test_a_pulse_leaves_the_other_as_it_was(metrics: Metrics) -> None:
    metrics.pulse(loop=NOW, writer=NOW - HOUR)
    metrics.pulse(loop=NOW + HOUR)
    assert value(metrics, "veille_loop_last_pulse_timestamp_seconds") == (NOW + HOUR).timestamp()
    assert value(metrics, "veille_writer_last_commit_timestamp_seconds") == (NOW - HOUR).timestamp()


def test_the_process_is_told_of_where_proc_stat_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(self: ProcessCollector) -> float:
        raise FileNotFoundError

    monkeypatch.setattr(ProcessCollector, "_boot_time", hidden)
    started = value(Metrics("1", NOW), "process_start_time_seconds")
    assert started is not None
    assert time.time() - 3_600 < started <= time.time() + 1


# -- the text ----------------------------------------------------------------------------------------------------------


def test_nothing_a_site_says_gets_into_the_text(metrics: Metrics) -> None:
    state = FeedState("a", HOSTILE, title=HOSTILE, last_error=HOSTILE, due_reason=HOSTILE)
    entry = Entry(HOSTILE, HOSTILE, HOSTILE, url=HOSTILE, title=HOSTILE)
    lead = pending(entry=entry, feed_url=HOSTILE)
    metrics.listen(Poll("a", NOW, state, gap=Gap("a", NOW, NOW, HOSTILE), warnings=(HOSTILE,), error=HOSTILE))
    metrics.listen(Ended(lead, resolution=Resolution(1, Outcome.FAILED, HOSTILE)))
    metrics.listen(Ended(lead, retry=Retry(1, NOW, HOSTILE)))
    metrics.listen(Archived(lead, replace(make_article(), url=HOSTILE, title=HOSTILE, feed=HOSTILE)))
    shown = replace(vitals("a"), state=state, gaps=(Gap("a", NOW, NOW, HOSTILE),))
    metrics.show([shown], USAGE, open_alerts=[Alert(Trouble.FAILING, "a", HOSTILE, NOW)], now=NOW)
    text = metrics.render().body.decode()
    assert "evil" not in text
    assert "://" not in text
    assert all(character.isprintable() for line in text.splitlines() for character in line)
    labels = {label for names in samples().values() for label in names}
    assert labels - _PYTHON == {"feed", "health", "le", "outcome", "part", "reason", "result", "trouble", "version"}


_PYTHON = {"implementation", "major", "minor", "patchlevel"}


def test_the_formats_are_those_that_scrapers_ask_for() -> None:
    metrics = everything()
    plain = metrics.render()
    assert dict(plain.headers)["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert len(list(parse_text(plain.body.decode()))) > 40
    modern = metrics.render(accept="application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert dict(modern.headers)["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {whole_name(family) for family in parse_openmetrics(modern.body.decode())} == {
        whole_name(family) for family in families()
    }
    packed = metrics.render(accept_encoding="gzip, deflate")
    assert dict(packed.headers)["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body).startswith(b"# HELP ")
    one = metrics.render(query="name[]=veille_ready")
    assert re.findall(rb"^[a-z]\S*", one.body, re.MULTILINE) == [b"veille_ready"]


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text; version=abc", "text/plain; version=", ";;==,,", "\x00"]
)
def test_a_scraper_that_asks_for_no_format_there_is_gets_the_plain_one(accept: str) -> None:
    exposition = everything().render(accept=accept)
    assert dict(exposition.headers)["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"veille_ready 0.0" in exposition.body


def test_the_names_follow_the_conventions() -> None:
    for family in families():
        name = whole_name(family)
        assert re.fullmatch(r"(veille|process|python)(_[a-z]+)+", name), name
        assert family.documentation, name
        assert (family.type == "counter") == name.endswith("_total"), name
        assert not re.search(r"_(ms|milliseconds|minutes|hours|days|kb|mb|kilobytes|percent|count|created)(_|$)", name)
        if family.name.startswith("veille_"):
            assert family.documentation.endswith("."), name
    assert not [name for name in samples() if name.endswith("_created")]  # a series more for each, of no use


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not on PATH")
def test_promtool_finds_nothing_to_say_about_the_text() -> None:
    assert PROMTOOL is not None
    text = everything().render().body
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_scrape_sees_one_moment(metrics: Metrics) -> None:
    """An event that comes meanwhile is counted in all its metrics, or in none: it waits."""
    poller = threading.Thread(target=metrics.listen, args=(poll(),))
    waited = []

    class Meanwhile(Collector):
        def collect(self) -> Iterable[Metric]:
            poller.start()
            poller.join(0.05)
            waited.append(poller.is_alive())
            return []

    meanwhile = Meanwhile()
    metrics.registry.register(meanwhile)
    seen = {sample.name: sample.value for family in metrics.registry.collect() for sample in family.samples}
    poller.join()
    metrics.registry.unregister(meanwhile)
    assert waited == [True]
    assert seen["veille_poll_duration_seconds_count"] == 0
    assert value(metrics, "veille_poll_duration_seconds_count") == 1


def test_a_scrape_of_300_feeds_takes_less_than_50_ms_of_cpu(metrics: Metrics) -> None:
    metrics.show([vitals(f"feed-number-{n}") for n in range(300)], USAGE, open_alerts=[], now=NOW)
    taken = []
    for _ in range(3):
        began = time.thread_time()
        metrics.render(accept="application/openmetrics-text;version=1.0.0", accept_encoding="gzip")
        taken.append(time.thread_time() - began)
    assert min(taken) < 0.05


def _series(metrics: Metrics) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    return [
        (sample.name, tuple(sample.labels.items()))
        for family in metrics.registry.collect()
        for sample in family.samples
    ]
