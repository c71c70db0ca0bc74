"""``veille feeds``: the catalogue, looked at, edited (``service.cli.edit``), tested (``service.cli.probe``)."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from service.cli.context import Context, Verbs, pass_context
from service.cli.crawl import choose
from service.cli.edit import add, disable, enable, export, import_feeds, remove
from service.cli.probe import discover, test

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.vitals import Vitals
    from storage.model import Feed, FeedState, Gap, Ledger


@click.group(cls=Verbs)
def feeds() -> None:
    """See, test and edit the feeds that are watched."""


for verb in (add, remove, enable, disable, test, discover, import_feeds, export):
    feeds.add_command(verb)


@feeds.command("list")
@click.option("--tag", "tags", multiple=True, help="Only feeds with this tag; may be given again.")
@pass_context
def list_feeds(context: Context, tags: tuple[str, ...]) -> None:
    """List the feeds: name, language, publisher, health, next poll."""
    chosen = [feed for feed in context.feeds if set(tags) <= set(feed.tags)]
    states = _remembered(context).states
    if context.json:
        for feed in chosen:
            context.emit({**_settings(feed), **_state(states.get(feed.name))})
        return
    rows = [("NAME", "LANGUAGE", "PUBLISHER", "HEALTH", "NEXT POLL")]
    for feed in chosen:
        health, due = _condition(context, feed, states.get(feed.name))
        rows.append((feed.name, feed.language or "-", feed.publisher or "-", health, due))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        context.emit("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    off = sum(not feed.enabled for feed in chosen)
    count = "1 feed" if len(chosen) == 1 else f"{len(chosen)} feeds"
    source = context.catalogue_path or "the shipped RFI catalogue"
    context.say(f"{count}, {off} of them off, in {source}" if off else f"{count} in {source}")


@feeds.command("show")
@click.argument("name")
@pass_context
def show_feed(context: Context, name: str) -> None:
    """Show all that is set and known of one feed: when it is due and why, what it asks for, holds, moves, gaps."""
    (feed,) = choose(context.feeds, (name,))
    known = _remembered(context, feed)
    facts = {**_settings(feed), **_state(known.states.get(name)), **_more(feed, known)}
    if context.json:
        from service.cli.health_json import vitals

        context.emit({**facts, **vitals(known.vitals or _nothing(feed))})
        return
    for key, value in {**facts, **_vitals(context, known.vitals or _nothing(feed))}.items():
        context.emit(f"{key.replace('_', ' ')}: {_words(context, value)}")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the archive knows of the feeds; nothing where there is none."""

    states: "Mapping[str, FeedState]" = field(default_factory=dict)
    ledgers: "Mapping[str, Ledger]" = field(default_factory=dict)
    holds: "Mapping[str, datetime]" = field(default_factory=dict)
    gaps: "Sequence[Gap]" = ()
    vitals: "Vitals | None" = None


def _remembered(context: Context, feed: "Feed | None" = None) -> _Known:
    """What is known of all feeds, and of the one that is given, gaps and vitals too."""
    from storage.errors import StorageError

    settings = context.settings
    if settings.database_url is None and not (settings.data_dir / "veille.db").exists():
        return _Known()
    from service.app import open_readonly

    try:
        with open_readonly(settings) as store:
            known = _Known(store.feed_states(), store.ledger(), store.holds())
            if feed is None:
                return known
            from service.vitals import look_at

            vitals = look_at(store, feed, datetime.now(UTC))
            return replace(known, gaps=vitals.gaps, vitals=vitals)
    except StorageError as error:
        context.say(f"what is known of the feeds cannot be read: {error}")
        return _Known()


def _more(feed: "Feed", known: _Known) -> dict[str, Any]:
    """What ``show`` adds: what the next poll depends on, and what polls have come to."""
    from service.cli.probed import DAYS, adopted
    from service.net import urls
    from service.units import format_duration

    state = known.states.get(feed.name)
    asked = state.asked if state else None
    hosts = {urls.host(url) for url in (feed.url, state and state.effective_url, state and state.moved_to) if url}
    return {
        "adaptive_interval": format_duration(state.interval) if state and state.last_success else None,
        "freshness_asked": format_duration(asked.lifetime) if asked and asked.lifetime is not None else None,
        "ttl_asked": format_duration(asked.ttl) if asked and asked.ttl is not None else None,
        "skip_hours": asked.skip_hours if asked else (),
        "skip_days": tuple(DAYS[day] for day in asked.skip_days) if asked else (),
        "failures": state.failures if state else 0.0,
        "etag": _latin(state.validators.etag) if state else None,
        "last_modified": _latin(state.validators.last_modified) if state else None,
        "validators_broken": state.validators_broken if state else False,
        "moved_since": state.moved_since if state else None,
        "moved_adopted": (adopted(state) or state.moved_since) if state and state.moved_since else None,
        "last_new": state.last_new if state else None,
        "window_seen": state.window_seen if state else None,
        "held_until": max(
            (until for host, until in known.holds.items() if host in hosts and until > datetime.now(UTC)), default=None
        ),
        "gaps": [{"from": gap.start, "to": gap.end, "reason": gap.reason} for gap in known.gaps],
        "entries": _entries(known.ledgers.get(feed.name)),
    }


def _nothing(feed: "Feed") -> "Vitals":
    """The vitals of a feed of which nothing is known."""
    from service.vitals import examine
    from storage.model import Ledger

    return examine(feed.name, feed, None, Ledger({}), (), (), (), datetime.now(UTC))


def _vitals(context: Context, one: "Vitals") -> dict[str, Any]:
    """How a feed does, in words."""
    from service.cli.health import about, in_a_day
    from service.cli.health_json import vitals
    from service.cli.health_table import line_of

    return {
        **vitals(one),
        "usual_interval": about(one.usual) if one.usual is not None else None,
        "trend": line_of(one.trend, context.out.encoding),
        "volume": in_a_day(one.volume) if one.volume is not None else None,
    }


def _latin(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value is not None else None


def _settings(feed: "Feed") -> dict[str, Any]:
    from service.units import format_duration

    return {
        "name": feed.name,
        "url": feed.url,
        "language": feed.language,
        "publisher": feed.publisher,
        "interval": format_duration(feed.interval) if feed.interval else None,
        "enabled": feed.enabled,
        "dedup": feed.dedup,
        "content": feed.content,
        "obey_robots": feed.obey_robots,
        "tags": feed.tags,
    }


def _state(state: "FeedState | None") -> dict[str, Any]:
    """The part of a feed's state that tells a person something; the same keys for a feed never polled."""
    return {
        "health": state.health if state else "new",
        "title": state.title if state else None,
        "effective_url": state.effective_url if state else None,
        "last_polled": state.last_polled if state else None,
        "last_success": state.last_success if state else None,
        "last_status": state.last_status if state else None,
        "last_error": state.last_error if state else None,
        "next_due": state.next_due if state else None,
        "due_reason": state.due_reason if state else "never polled",
        "moved_to": state.moved_to if state else None,
    }


def _entries(ledger: "Ledger | None") -> dict[str, int]:
    from storage.model import Outcome

    counts = {str(outcome): ledger.counts.get(outcome, 0) if ledger else 0 for outcome in Outcome}
    return {"seen": sum(counts.values()), **counts}


def _condition(context: Context, feed: "Feed", state: "FeedState | None") -> tuple[str, str]:
    """A feed's health and next poll, a word or two each."""
    if not feed.enabled:
        return "off", "-"
    if state is None:
        return "new", "now"
    if state.health == "gone":
        return "gone", "-"
    due = state.next_due
    return str(state.health), "now" if due is None or due <= datetime.now(UTC) else context.time(due)


def _words(context: Context, value: object) -> str:
    from service.logs import printable

    match value:
        case None | () | []:
            return "-"
        case list():  # gaps
            return "; ".join(
                f"{context.time(gap['from'])} to {context.time(gap['to'])}, {printable(gap['reason'])}" for gap in value
            )
        case bool():
            return "yes" if value else "no"
        case datetime():
            return context.time(value, "%Y-%m-%d %H:%M:%S")
        case tuple():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{count} {outcome}" for outcome, count in value.items())
        case _:
            return printable(str(value))
