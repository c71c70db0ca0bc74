"""The newsroom's sites: what each one is like, and where it stands once the newsroom has started."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

from service.newsroom.words import STOCKS, Stock


class Format(StrEnum):
    """The format of a site's feeds."""

    RSS2 = "rss2"
    RSS1 = "rss1"
    ATOM = "atom"
    JSON = "json"


class Layout(StrEnum):
    """How a site marks up its articles."""

    SEMANTIC = "semantic"
    """``article``, ``header``, ``figure``; the body in a ``section``."""
    BOXES = "boxes"
    """``div`` in ``div``, the body found by its class alone."""
    BLOCKS = "blocks"
    """Every paragraph in a block of its own, as block editors write them."""


class FeedLink(NamedTuple):
    """A feed of the newsroom, as a catalogue names it."""

    name: str
    url: str
    language: str
    publisher: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What a site is like, wherever it stands.

    ``path`` is the pattern of its articles' URLs (slots ``section``, ``published``, ``slug``, ``number``);
    ``feed_path`` and ``section_feed_path`` those of its feeds. A section feed lists the first section's stories, all of
    which stand in the main feed too.
    """

    name: str
    publisher: str
    language: str
    format: Format
    layout: Layout
    zone: timezone
    path: str
    feed_path: str
    section_feed_path: str | None = None
    full_text: bool = False
    """Feeds carry whole articles."""
    echo: bool = False
    """All paragraphs but the first stand twice on a page, both times followed by the site's name as a line."""
    comments: bool = False
    free: bool | None = None
    """What JSON-LD says as ``isAccessibleForFree``; None: nothing."""
    charset: str = "utf-8"
    """Of the pages; feeds are always UTF-8."""
    etag: bool = True
    weak_etag: bool = False
    last_modified: bool = True


def _utc(hours: int) -> timezone:
    return timezone(timedelta(hours=hours))


PROFILES = (
    Profile(
        "ondes-fr", "Ondes", "fr", Format.RSS2, Layout.BLOCKS, _utc(1), free=True, echo=True,
        path="/fr/{section}/{published:%Y%m%d}-{slug}-{number}",
        feed_path="/fr/rss", section_feed_path="/fr/{section}/rss",
    ),
    Profile(
        "courier-en", "The Tarrin Courier", "en", Format.ATOM, Layout.SEMANTIC, _utc(0), full_text=True, comments=True,
        path="/{section}/{published:%Y/%m/%d}/{slug}-{number}", feed_path="/feed.atom", weak_etag=True,
    ),
    Profile(
        "sada-ar", "صدى الساحل", "ar", Format.RSS2, Layout.BOXES, _utc(3), full_text=True,
        path="/{section}/{number}/{slug}", feed_path="/rss.xml",
    ),
    Profile(
        "qingjiang-zh", "青江时报", "zh-Hans", Format.RSS1, Layout.BOXES, _utc(8), free=True,
        path="/{section}/{published:%Y-%m}/{number}.shtml", feed_path="/feed.rdf",
    ),
    Profile(
        "muryar-ha", "Muryar Tafki", "ha", Format.RSS2, Layout.SEMANTIC, _utc(1),
        path="/{section}/{slug}/a-{number}", feed_path="/ha/rss", etag=False,
    ),
    Profile(
        "tonle-km", "សំឡេងទន្លេ", "km", Format.JSON, Layout.BLOCKS, _utc(7), full_text=True,
        path="/{section}/{number}.html", feed_path="/feed.json", last_modified=False,
    ),
    Profile(
        "foz-pt", "Diário da Foz", "pt", Format.ATOM, Layout.BOXES, _utc(-3), free=False, charset="windows-1252",
        path="/{section}/noticia/{slug}.{number}", feed_path="/atom.xml", section_feed_path="/{section}/atom.xml",
    ),
)  # fmt: skip
"""One site a language; four feed formats, half of them with whole articles."""


@dataclass(frozen=True, slots=True)
class Site:
    """A news site on its own loopback address."""

    name: str
    """Unique slug; also the name of its main feed."""
    publisher: str
    base_url: str
    """Scheme, address and port, without a final slash."""
    profile: Profile

    @property
    def language(self) -> str:
        """BCP 47."""
        return self.profile.language

    @property
    def stock(self) -> Stock:
        """The words its stories and pages are made of."""
        return STOCKS[self.profile.language]

    @property
    def feed_paths(self) -> tuple[str, ...]:
        """The main feed's path first, then the section feed's."""
        main, section = self.profile.feed_path, self.profile.section_feed_path
        return (main,) if section is None else (main, section.format(section=self.stock.sections[0][0]))

    @property
    def feed_urls(self) -> tuple[str, ...]:
        """The main feed's URL first, then the section feed's."""
        return tuple(self.base_url + path for path in self.feed_paths)

    @property
    def feed_url(self) -> str:
        """The main feed's URL."""
        return self.feed_urls[0]

    @property
    def feeds(self) -> tuple[FeedLink, ...]:
        """All feeds with their catalogue names: the site's own, and with the section's slug behind it."""
        names = (self.name, f"{self.name}-{self.stock.sections[0][0]}")
        return tuple(
            FeedLink(name, url, self.language, self.publisher) for name, url in zip(names, self.feed_urls, strict=False)
        )


def catalogue(feeds: Iterable[FeedLink]) -> str:
    """The feeds as ``feeds.toml`` spells them. A JSON string of this kind is a TOML string too."""
    tables = []
    for feed in feeds:
        pairs = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in feed._asdict().items())
        tables.append("\n".join(("[[feed]]", *pairs, "")))
    return "\n".join(tables)


def site_at(number: int, base_url: str) -> Site:
    """The newsroom's ``number``-th site, from 0. Past the seventh the profiles come round again under new names."""
    profile = PROFILES[number % len(PROFILES)]
    round_ = number // len(PROFILES) + 1
    if round_ == 1:
        return Site(profile.name, profile.publisher, base_url, profile)
    return Site(f"{profile.name}-{round_}", f"{profile.publisher} {round_}", base_url, profile)
