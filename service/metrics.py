"""What the service tells Prometheus: it listens to the events of a run, and is shown everything else.

    events ──▶ counters and histograms ──┐
    vitals, load, pulses ──▶ Board ──────┴──▶ ``render``: the text a scrape gets

With ``service.gauges`` the only importer of prometheus_client. No label holds anything but a word of ours or a name
from the catalogue: no address, no title, no message of a site.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    make_wsgi_app,
)
from prometheus_client.core import Metric

from service.archiving import Archived
from service.events import Event, Load
from service.gauges import Board, measure
from service.reading import Ended
from service.vitals import Vitals
from storage.model import Alert, Outcome, Poll
from storage.usage import Usage

POLL_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds: from a server next door to the default ``VEILLE_TIMEOUT``, and robots.txt before that."""
LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Seconds."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, and Prometheus asks for none


@dataclass(frozen=True, slots=True)
class Exposition:
    """What a scrape gets: header fields, among them the content type, and the body."""

    headers: tuple[tuple[str, str], ...]
    body: bytes


class Metrics:
    """All metrics of one service, in a registry of its own.

    Methods may be called from any thread; none waits for anything but the others. Times are aware.
    """

    def __init__(self, version: str, now: datetime) -> None:
        self._one_at_a_time = Lock()
        self.registry = _Registry(self._one_at_a_time)
        registry = self.registry
        Info("veille_build", "The version of veille.", registry=registry).info({"version": version})
        self._board = Board()
        registry.register(self._board)
        self._polls = Counter("veille_polls_total", "Polls, by how they went.", ["result"], registry=registry)
        self._poll_seconds = Histogram(
            "veille_poll_duration_seconds", "How long polls took.", buckets=POLL_BUCKETS, registry=registry
        )
        self._poll_bytes = Counter(
            "veille_poll_received_bytes_total", "Bytes of feed documents, as they came.", registry=registry
        )
        self._page_bytes = Counter(
            "veille_page_bytes_total", "Bytes of the pages that were archived, decompressed.", registry=registry
        )
        self._discovered = Counter(
            "veille_entries_discovered_total", "Entries that feeds listed for the first time.", registry=registry
        )
        self._settled = Counter(
            "veille_entries_settled_total", "Entries that ended, by how.", ["outcome"], registry=registry
        )
        self._retries = Counter("veille_retries_total", "Entries put off to a later try.", registry=registry)
        self._articles = Counter("veille_articles_archived_total", "Article versions archived.", registry=registry)
        self._revisions = Counter(
            "veille_revisions_archived_total", "Article versions archived that are not the first.", registry=registry
        )
        self._paragraphs = Counter(
            "veille_paragraphs_total", "Paragraphs of the articles archived, in full.", registry=registry
        )
        self._removed = Counter(
            "veille_paragraphs_removed_total", "Paragraphs removed, by why.", ["reason"], registry=registry
        )
        self._lag = Histogram(
            "veille_scheduler_lag_seconds",
            "How late the look at what is due came.",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        _Process(registry=registry)
        PlatformCollector(registry=registry)
        self._begin_at_zero()
        self._board.put({"veille_start_timestamp_seconds": now.timestamp()})
        self.reloaded(now, accepted=True)

    def _begin_at_zero(self) -> None:
        """What has not happened yet is 0, not missing: a rate sees the first of its kind."""
        for result in ("ok", "not_modified", "failed"):
            self._polls.labels(result)
        for outcome in Outcome:
            if outcome is not Outcome.PENDING:
                self._settled.labels(outcome.value)
        for reason in ("repeat", "boilerplate", "known"):
            self._removed.labels(reason)

    # -- what happens --------------------------------------------------------------------------------------------------

    def listen(self, event: Event) -> None:
        """Count one event of a run."""
        with self._one_at_a_time:
            match event:
                case Poll():
                    self._count_poll(event)
                case Archived():
                    self._count_archived(event)
                case Ended():
                    self._retries.inc(len(event.retries))
                    for resolution in event.resolutions:
                        self._settled.labels(resolution.outcome.value).inc()

    def _count_poll(self, poll: Poll) -> None:
        self._polls.labels("failed" if poll.error else "not_modified" if poll.status == 304 else "ok").inc()
        self._poll_seconds.observe(poll.seconds)
        self._poll_bytes.inc(poll.bytes)
        self._discovered.inc(len(poll.entries))
        for new in poll.entries:
            if new.outcome is not Outcome.PENDING:
                self._settled.labels(new.outcome.value).inc()

    def _count_archived(self, archived: Archived) -> None:
        article = archived.article
        self._articles.inc()
        self._revisions.inc(article.revision > 1)
        self._page_bytes.inc(article.http.bytes or 0)
        self._paragraphs.inc(article.paragraphs)
        for removal in article.removed:
            self._removed.labels(removal.reason).inc()
        for resolution in archived.resolutions:
            self._settled.labels(resolution.outcome.value).inc()

    def lag(self, seconds: float) -> None:
        """Note how late the scheduler's tick came."""
        with self._one_at_a_time:
            self._lag.observe(max(0.0, seconds))

    def reloaded(self, at: datetime, *, accepted: bool) -> None:
        """Note that the feeds were read again, and whether they are in force now."""
        with self._one_at_a_time:
            self._board.put({"veille_config_last_reload_successful": accepted})
            if accepted:
                self._board.put({"veille_config_last_reload_success_timestamp_seconds": at.timestamp()})

    def verified(self, at: datetime, *, damaged: bool) -> None:
        """Note that the whole archive was checked."""
        with self._one_at_a_time:
            self._board.put({"veille_verify_last_timestamp_seconds": at.timestamp(), "veille_archive_damaged": damaged})

    # -- how it is -----------------------------------------------------------------------------------------------------

    def show(
        self, vitals: Sequence[Vitals], usage: Usage | None, *, open_alerts: Iterable[Alert], now: datetime
    ) -> None:
        """Show how the feeds and the archive do; ``usage`` is None where the disk could not be looked at."""
        shown = measure(vitals, usage, open_alerts, now)
        with self._one_at_a_time:
            self._board.show(shown)

    def figures(self, load: Load) -> None:
        """Show what is under way."""
        with self._one_at_a_time:
            self._board.put(
                {
                    "veille_feeds_queued": load.feeds_queued,
                    "veille_requests_in_flight": load.requests,
                    "veille_pages_in_flight": load.pages,
                    "veille_bodies_waiting": load.bodies,
                    "veille_bodies_waiting_bytes": load.body_bytes,
                    "veille_readings_waiting": load.readings,
                    "veille_worker_calls_in_flight": load.worker_calls,
                }
            )

    def pulse(self, *, loop: datetime | None = None, writer: datetime | None = None) -> None:
        """Show when the event loop last moved, and when the archive last committed; None: as before."""
        names = {
            "veille_loop_last_pulse_timestamp_seconds": loop,
            "veille_writer_last_commit_timestamp_seconds": writer,
        }
        with self._one_at_a_time:
            self._board.put({name: moment.timestamp() for name, moment in names.items() if moment is not None})

    def judged(self, *, healthy: bool, ready: bool) -> None:
        """Show what the probes say."""
        with self._one_at_a_time:
            self._board.put({"veille_healthy": healthy, "veille_ready": ready})

    # -- telling -------------------------------------------------------------------------------------------------------

    def render(self, *, accept: str = "", accept_encoding: str = "", query: str = "") -> Exposition:
        """All of it at one moment, in the format and encoding that a scraper's header fields ask for."""
        try:
            return self._rendered(accept, accept_encoding, query)
        except TypeError:  # of a version that is no number, prometheus_client cannot tell whether it knows it
            return self._rendered("", accept_encoding, query)

    def _rendered(self, accept: str, accept_encoding: str, query: str) -> Exposition:
        headers: list[tuple[str, str]] = []
        request: Mapping[str, str] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/metrics",
            "QUERY_STRING": query,
            "HTTP_ACCEPT": accept,
            "HTTP_ACCEPT_ENCODING": accept_encoding,
        }
        body = b"".join(make_wsgi_app(self.registry)(request, lambda _status, fields: headers.extend(fields)))
        return Exposition(tuple(headers), body)


class _Registry(CollectorRegistry):
    """Collects everything at one moment: nothing is counted between its first metric and its last."""

    def __init__(self, one_at_a_time: Lock) -> None:
        super().__init__()
        self._one_at_a_time = one_at_a_time

    def collect(self) -> Iterable[Metric]:
        with self._one_at_a_time:
            return list(super().collect())


class _Process(ProcessCollector):
    """Memory, CPU time and open files. Does without /proc/stat, which the systemd units hide (``ProcSubset=pid``)."""

    def _boot_time(self) -> float:
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
