"""Feeds and pages mounted by hand at a newsroom, a clock that tests turn, and what the store says afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crawling import Bench

from service.newsroom import Newsroom
from storage.database import open_database
from storage.model import Outcome

WORDS = "This is a sentence of a story that is long enough to be taken for one, with a comma and a full stop. "


@dataclass
class Clock:
    """The time of the whole service, once a test has put it in the place of ``service.app.now``."""

    time: datetime = datetime(2026, 11, 23, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **span: float) -> None:
        self.time += timedelta(**span)


def page(title: str, *, head: str = "", text: str | None = None) -> str:
    """A page with a text of its own."""
    words = text or f"{title}: {WORDS * 5}"
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body><article><p>{words}</p></article>"


def item(guid: str, link: str | None = None, title: str = "t", **more: str) -> str:
    """An RSS item, ``more`` as its elements."""
    where = f"<link>{link.replace('&', '&amp;')}</link>" if link else ""
    rest = "".join(f"<{name}>{text}</{name}>" for name, text in more.items())
    return f"<item><guid isPermaLink='false'>{guid}</guid>{where}<title>{title}</title>{rest}</item>"


def rss(*items: str) -> str:
    """An RSS document."""
    return f"<rss version='2.0'><channel><title>c</title>{''.join(items)}</channel></rss>"


def mount(bench: Bench, room: Newsroom, feeds: Mapping[str, str], **more: str) -> dict[str, str]:
    """Serve RSS documents by feed name at the first site, and make them the catalogue; returns the URLs by name."""
    urls = {name: room.serve(f"/{name}.xml", text, "application/rss+xml") for name, text in feeds.items()}
    watch(bench, urls, **more)
    return urls


def watch(bench: Bench, urls: Mapping[str, str], **more: str) -> None:
    """Make feeds the catalogue, by name; ``more`` keys stand in each table, as TOML spells their values."""
    rest = "".join(f"{key} = {value}\n" for key, value in more.items())
    tables = [f'[[feed]]\nname = "{name}"\nurl = "{url}"\n{rest}' for name, url in urls.items()]
    bench.feeds_file.parent.mkdir(parents=True, exist_ok=True)
    bench.feeds_file.write_text("\n".join(tables), encoding="utf-8")


def ledger(bench: Bench) -> dict[Outcome, int]:
    """How many entries have come to which end, over all feeds; ends nobody came to are left out."""
    store = open_database(bench.settings.database, readonly=True)
    try:
        totals: dict[Outcome, int] = {}
        for entries in store.ledger().values():
            for outcome, count in entries.counts.items():
                totals[outcome] = totals.get(outcome, 0) + count
        return totals
    finally:
        store.close()


def reasons(bench: Bench) -> dict[tuple[str, str], int]:
    """Why entries ended, or still wait."""
    store = open_database(bench.settings.database, readonly=True)
    try:
        return dict(store.reasons())
    finally:
        store.close()


def paths(room: Newsroom, kind: str | None = None) -> list[str]:
    """What was asked for, in order."""
    return [request.path for request in room.requests if kind is None or request.kind == kind]
