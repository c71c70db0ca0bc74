"""What the service exposes to Prometheus, all of it: for tests of the metrics, their documents and their rules."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client.core import Metric

from service.events import Load
from service.metrics import Metrics
from service.vitals import Vitals, examine
from storage.model import Alert, Feed, FeedState, Gap, Health, Ledger, Outcome, Trouble
from storage.usage import Usage

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
USAGE = Usage(articles=2_000, raw=30_000, database=1_000, free=100_000, per_day=10_000.0)


def vitals(name: str, *, enabled: bool = True, **changes: Any) -> Vitals:
    """A feed that was polled an hour ago; ``changes`` are of its state."""
    feed = Feed(name, f"https://{name}.test/rss", enabled=enabled)
    state = replace(
        FeedState(name, feed.url, health=Health.OK, next_due=NOW + HOUR, last_polled=NOW - HOUR),
        **{"last_success": NOW - HOUR, "interval": 2 * HOUR, **changes},
    )
    ledger = Ledger({Outcome.ARCHIVED: 7, Outcome.PENDING: 2, Outcome.SKIPPED: 1})
    gap = Gap(name, NOW - DAY, NOW - DAY + HOUR, "nothing was known")
    return examine(name, feed, state, ledger, (), [NOW - 3 * HOUR], [gap], NOW)


def failing(name: str) -> Vitals:
    """A feed that has failed for two days."""
    return vitals(
        name, health=Health.FAILING, failing_since=NOW - 2 * DAY, last_success=NOW - 2 * DAY, last_error="answers 500"
    )


def everything() -> Metrics:
    """The metrics of a service of which all is known: every metric has a sample."""
    metrics = Metrics("1.2.3", NOW - DAY)
    trouble = Alert(Trouble.FAILING, "b", "answers 500", NOW - DAY)
    metrics.show([vitals("a"), failing("b")], USAGE, open_alerts=[trouble], now=NOW)
    metrics.figures(Load(1, 2, 3, 4, 5, 6, 7))
    metrics.verified(NOW - DAY, damaged=False)
    metrics.pulse(loop=NOW, writer=NOW - HOUR)
    metrics.judged(healthy=True, ready=False)
    metrics.lag(0.02)
    return metrics


def families() -> Iterator[Metric]:
    """All of them, in the order in which they are exposed."""
    yield from everything().registry.collect()


def whole_name(family: Metric) -> str:
    """The name in queries: of a counter with its ``_total``, of an info with its ``_info``."""
    return family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")


def samples() -> dict[str, set[str]]:
    """The label names of every series that can be queried, by the series' name."""
    found: dict[str, set[str]] = {}
    for family in families():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def table() -> str:
    """The service's own metrics as the document has them."""
    rows = ["| metric | type | unit | meaning |", "|---|---|---|---|"]
    for family in families():
        if not family.name.startswith("veille_"):
            continue
        name = whole_name(family)
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
        shown = f"{name}{{{', '.join(labels)}}}" if labels else name
        rows.append(f"| `{shown}` | {family.type} | {_unit(family)} | {_meaning(family)} |")
    return "\n".join(rows) + "\n"


def _unit(family: Metric) -> str:
    if family.name.endswith("_timestamp_seconds"):
        return "Unix time"
    if family.type == "info" or family.documentation.startswith("1 if "):
        return "1" if family.type == "info" else "0 or 1"
    return next((unit for unit in ("seconds", "bytes") if unit in family.name.split("_")), "number")


def _meaning(family: Metric) -> str:
    """Its help, and the words its labels can be where they are ours."""
    words: dict[str, list[str]] = {}
    for sample in family.samples:
        for label, value in sample.labels.items():
            if label not in {"feed", "le", "version"} and value not in words.setdefault(label, []):
                words[label].append(value)
    told = "".join(f" {label.capitalize()}: {', '.join(values)}." for label, values in words.items())
    return family.documentation + told
