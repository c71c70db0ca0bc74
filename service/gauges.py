"""What Prometheus is shown of the archive and of every feed: gauges, and the counters that the ledger keeps.

vitals, disk use, open alerts  ──▶  ``measure``  ──▶  ``Board``, read by whoever scrapes

All of one look at the archive comes into view at once, and what it no longer speaks of is gone: a feed that has left
the catalogue leaves no series behind. A value that is not known has no sample; it is never 0.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.vitals import Vitals, entries
from storage.model import Alert, Health, Outcome, Trouble
from storage.usage import Usage


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric by its whole name: what it says, and the label that tells its series apart."""

    name: str
    help: str
    label: str | None = None

    def family(self, values: Mapping[str, float | None]) -> Metric:
        """The metric with these values by label, those that are known; ``""`` stands for no label."""
        labels = [self.label] if self.label else []
        kind = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        family = kind(self.name, self.help, labels=labels)
        for label, value in values.items():
            if value is not None:
                family.add_metric([label] if self.label else [], value)
        return family


_OF_FEEDS = (
    Figure("veille_feed_last_success_timestamp_seconds", "When the feed last answered as it should.", "feed"),
    Figure("veille_feed_newest_entry_timestamp_seconds", "When the newest entry of the feed came.", "feed"),
    Figure("veille_feed_next_poll_timestamp_seconds", "When the feed is due again.", "feed"),
    Figure("veille_feed_poll_interval_seconds", "The feed's interval, before limits and what its server asks.", "feed"),
    Figure("veille_feed_failing", "1 if the newest poll of the feed failed or the feed is gone, else 0.", "feed"),
    Figure("veille_feed_failing_since_timestamp_seconds", "When the feed began to fail; only while it does.", "feed"),
    Figure("veille_feed_silent", "1 if the feed answers, but with nothing new for far too long, else 0.", "feed"),
    Figure("veille_feed_pending_entries", "Entries of the feed whose article is still to be archived.", "feed"),
    Figure("veille_feed_articles_archived_total", "Article versions of the feed in the archive.", "feed"),
    Figure("veille_feed_gaps_total", "Polls of the feed that may have missed entries.", "feed"),
)
_OF_ALL = (
    Figure("veille_feeds", "Feeds that are watched, by how their newest poll went.", "health"),
    Figure("veille_ledger_entries", "Entries listed by any feed so far, by how they ended.", "outcome"),
    Figure("veille_alerts_open", "Troubles that last, by kind.", "trouble"),
    Figure("veille_archive_bytes", "What the archive takes on the disk.", "part"),
    Figure("veille_disk_free_bytes", "What the service may still write in the archive's file system."),
    Figure("veille_disk_time_left_seconds", "How long the free room lasts at the rate of the last days."),
    Figure("veille_figures_timestamp_seconds", "When the figures of feeds, entries, alerts and disk were taken."),
)
_OF_ITSELF = (
    Figure("veille_healthy", "1 if /healthz says ok, else 0."),
    Figure("veille_ready", "1 if /readyz says ok, else 0."),
    Figure("veille_start_timestamp_seconds", "When the service started."),
    Figure(
        "veille_config_last_reload_successful", "1 if the feeds in force are those of the file, 0 if it was refused."
    ),
    Figure("veille_config_last_reload_success_timestamp_seconds", "When feeds were last read and taken."),
    Figure("veille_verify_last_timestamp_seconds", "When the whole archive was last checked."),
    Figure("veille_archive_damaged", "1 if that check found damage, else 0."),
    Figure("veille_loop_last_pulse_timestamp_seconds", "When the event loop last moved."),
    Figure("veille_writer_last_commit_timestamp_seconds", "When the archive last committed."),
    Figure("veille_feeds_queued", "Feeds that are due, and wait for their host's turn."),
    Figure("veille_requests_in_flight", "Requests to sites without an answer yet."),
    Figure("veille_pages_in_flight", "Entries whose page is being fetched, read or archived."),
    Figure("veille_bodies_waiting", "Documents in memory that wait to be read and archived."),
    Figure("veille_bodies_waiting_bytes", "What these documents take."),
    Figure("veille_readings_waiting", "Pages that were read, and wait for the archive."),
    Figure("veille_worker_calls_in_flight", "Documents handed to the worker processes, without an answer yet."),
)
FIGURES = {figure.name: figure for figure in (*_OF_ITSELF, *_OF_ALL, *_OF_FEEDS)}
"""Every figure, by name."""


class Board(Collector):
    """The newest value of every figure. Whoever puts and whoever collects may be in different threads."""

    def __init__(self) -> None:
        self._shown: Mapping[str, Metric] = {figure.name: figure.family({}) for figure in FIGURES.values()}

    def describe(self) -> Iterable[Metric]:
        """The figures' names and kinds, for the registry."""
        return self._shown.values()

    def collect(self) -> Iterable[Metric]:
        """All figures, as they are now."""
        return self._shown.values()

    def put(self, values: Mapping[str, float | None]) -> None:
        """Show these values of figures without a label, at once; None: not known."""
        self.show({name: {"": value} for name, value in values.items()})

    def show(self, values: Mapping[str, Mapping[str, float | None]]) -> None:
        """Show these values by figure and label in place of all these figures had, at once."""
        # families that are out are never changed: a scrape may be reading them
        self._shown = {**self._shown, **{name: FIGURES[name].family(by_label) for name, by_label in values.items()}}


def measure(
    vitals: Sequence[Vitals], usage: Usage | None, open_alerts: Iterable[Alert], now: datetime
) -> dict[str, dict[str, float | None]]:
    """The values of all figures that speak of feeds and archive, by name and label. Pure.

    Feeds that are off or no longer in the catalogue are counted in the ledger only.
    """
    watched = [one for one in vitals if one.is_watched]
    health = Counter(one.state.health if one.state else Health.NEW for one in watched)
    troubles = Counter(alert.trouble for alert in open_alerts if alert.over is None)
    ledger = entries(vitals)
    values: dict[str, dict[str, float | None]] = {figure.name: {} for figure in (*_OF_ALL, *_OF_FEEDS)}
    for one in watched:
        for name, value in _of_feed(one):
            values[f"veille_feed_{name}"][one.name] = value
    values["veille_feeds"] = {state.value: health[state] for state in Health}
    values["veille_ledger_entries"] = {outcome.value: ledger.get(outcome, 0) for outcome in Outcome}
    values["veille_alerts_open"] = {trouble.value: troubles[trouble] for trouble in Trouble}
    if usage is not None:
        parts = {"articles": usage.articles, "raw": usage.raw, "database": usage.database}
        values["veille_archive_bytes"] = dict(parts)
        values["veille_disk_free_bytes"] = {"": usage.free}
        values["veille_disk_time_left_seconds"] = {"": None if (left := usage.days_left) is None else left * 86_400}
    values["veille_figures_timestamp_seconds"] = {"": now.timestamp()}
    return values


def _of_feed(one: Vitals) -> Iterator[tuple[str, float | None]]:
    state, feed = one.state, one.feed
    is_gone = state is not None and state.health is Health.GONE
    yield "last_success_timestamp_seconds", _seconds(state.last_success if state else None)
    yield "newest_entry_timestamp_seconds", _seconds(one.newest)
    yield "next_poll_timestamp_seconds", _seconds(state.next_due if state and not is_gone else None)
    interval = (feed and feed.interval) or (state and state.interval)
    yield "poll_interval_seconds", interval.total_seconds() if interval else None
    yield "failing", one.is_failing
    yield "failing_since_timestamp_seconds", _seconds(state.failing_since if state and one.is_failing else None)
    yield "silent", one.is_silent
    yield "pending_entries", one.ledger.counts.get(Outcome.PENDING, 0)
    yield "articles_archived_total", one.ledger.counts.get(Outcome.ARCHIVED, 0)
    yield "gaps_total", len(one.gaps)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
