"""``veille feeds``: the catalogue, looked at, edited (``service.cli.edit``), tested (``service.cli.probe``)."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from service.cli.context import Context, Verbs, pass_context
from service.cli.crawl import choose
from service.cli.edit import add, disable, enable, export, import_feeds, remove
from service.cli.probe import discover, test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.model import Feed, FeedState, Ledger


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
    states, _ = _remembered(context)
    if context.json:
        for feed in chosen:
            context.emit({**_settings(feed), **_state(states.get(feed.name))})
        return
    rows = [("NAME", "LANGUAGE", "PUBLISHER", "HEALTH", "NEXT POLL")]
    for feed in chosen:
        health, due = _condition(feed, states.get(feed.name))
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
    """Show all that is set and known of one feed."""
    (feed,) = choose(context.feeds, (name,))
    states, ledgers = _remembered(context)
    facts = {**_settings(feed), **_state(states.get(name)), "entries": _entries(ledgers.get(name))}
    if context.json:
        context.emit(facts)
        return
    for key, value in facts.items():
        context.emit(f"{key.replace('_', ' ')}: {_words(value)}")


def _remembered(context: Context) -> "tuple[Mapping[str, FeedState], Mapping[str, Ledger]]":
    """What the archive knows of the feeds; nothing where there is none."""
    from storage.errors import StorageError

    settings = context.settings
    if settings.database_url is None and not (settings.data_dir / "veille.db").exists():
        return {}, {}
    from service.app import open_readonly

    try:
        with open_readonly(settings) as store:
            return store.feed_states(), store.ledger()
    except StorageError as error:
        context.say(f"what is known of the feeds cannot be read: {error}")
        return {}, {}


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


def _condition(feed: "Feed", state: "FeedState | None") -> tuple[str, str]:
    """A feed's health and next poll, a word or two each."""
    if not feed.enabled:
        return "off", "-"
    if state is None:
        return "new", "now"
    if state.health == "gone":
        return "gone", "-"
    due = state.next_due
    return str(state.health), "now" if due is None or due <= datetime.now(UTC) else f"{due:%Y-%m-%d %H:%M} UTC"


def _words(value: object) -> str:
    from service.logs import printable

    match value:
        case None | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S} UTC"
        case tuple():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{count} {outcome}" for outcome, count in value.items())
        case _:
            return printable(str(value))
