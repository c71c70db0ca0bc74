"""Stories: composed from a language's patterns, the same for the same seed, site, number and version.

Two stories share no paragraph: a paragraph holds several sentences, each with names and figures of its own.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle, islice
from random import Random
from urllib.parse import quote

from service.newsroom.sites import Site
from service.newsroom.words import Stock

FIRST_NUMBER = 10_000
"""What story 0 is numbered in its URL: sites count in more than one digit."""


@dataclass(frozen=True, slots=True)
class Story:
    """One version of a story, and what a reader should find of it."""

    site: str
    """The site's name."""
    number: int
    """Counts the site's stories, from 0."""
    version: int
    """Counts the story's edits, from 1."""
    language: str
    """BCP 47."""
    section: tuple[str, str]
    """Slug and label."""
    path: str
    url: str
    guid: str
    title: str
    summary: str
    paragraphs: tuple[str, ...]
    """The lines of the article as its page shows them, in order; where the page repeats lines, so does this."""
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    caption: str
    published: datetime
    """Aware, in the site's zone; whole seconds."""
    modified: datetime | None = None

    @property
    def kept(self) -> tuple[str, ...]:
        """The lines that are left once each repeated one is dropped but for its first occurrence."""
        return tuple(dict.fromkeys(self.paragraphs))

    @property
    def changed(self) -> datetime:
        """When this version came to be."""
        return self.modified or self.published


def compose(
    site: Site, seed: int, number: int, published: datetime, *, version: int = 1, modified: datetime | None = None
) -> Story:
    """Write a story.

    A later version has another title and summary, new figures in its second paragraph, and a paragraph more.
    """
    stock = site.stock
    draw = _draw(seed, site, number)
    cast = _cast(stock, draw)
    title = original = _fill(stock, draw.choice(stock.headlines), cast, draw)
    if version > 1:
        title = stock.edited.format(headline=original) + (f" {version - 1}" if version > 2 else "")
    section = stock.sections[0] if number % 3 == 0 else draw.choice(stock.sections[1:])
    authors = tuple(dict.fromkeys(_person(stock, draw) for _ in range(draw.choice((1, 1, 2)))))
    outline = _outline(stock, draw, version)
    paragraphs = []
    for position, patterns in enumerate(outline):
        figures = _draw(seed, site, number, position, version if position == 1 else 1)
        paragraphs.append(stock.space.join(_fill(stock, pattern, cast, figures) for pattern in patterns))
    if site.profile.echo:
        paragraphs += [site.publisher, *paragraphs[1:], site.publisher]
    summary = stock.standfirsts[(number + version) % len(stock.standfirsts)]
    path = site.profile.path.format(
        section=section[0],
        published=published.astimezone(site.profile.zone),
        slug=_slug(original),
        number=FIRST_NUMBER + number,
    )
    return Story(
        site=site.name,
        number=number,
        version=version,
        language=stock.language,
        section=section,
        path=path,
        url=site.base_url + path,
        guid=f"{site.name}-{FIRST_NUMBER + number}",
        title=title,
        summary=_fill(stock, summary, cast, _draw(seed, site, number, "summary", version)),
        paragraphs=tuple(paragraphs),
        authors=authors,
        tags=(cast["town"], cast["neighbour"], cast["body"]),
        caption=_fill(stock, draw.choice(stock.captions), cast, draw),
        published=published.astimezone(site.profile.zone),
        modified=modified.astimezone(site.profile.zone) if modified else None,
    )


def headline(site: Site, seed: int, number: int) -> str:
    """The first title of a story, without writing the rest of it. Negative numbers are stories from before."""
    draw = _draw(seed, site, number)
    cast = _cast(site.stock, draw)
    return _fill(site.stock, draw.choice(site.stock.headlines), cast, draw)


def _draw(seed: int, site: Site, *key: object) -> Random:
    """A source of choices that depends on nothing but its key."""
    return Random("/".join(map(str, (seed, site.name, *key))))  # noqa: S311 — choices, not secrets


def _person(stock: Stock, draw: Random) -> str:
    return stock.name.format(given=draw.choice(stock.given), surname=draw.choice(stock.surnames))


def _cast(stock: Stock, draw: Random) -> Mapping[str, str]:
    town, neighbour = draw.sample(stock.places, 2)
    body, office = draw.sample(stock.institutions, 2)
    cast = {
        "town": town,
        "neighbour": neighbour,
        "person": _person(stock, draw),
        "witness": _person(stock, draw),
        "body": body,
        "office": office,
        "project": draw.choice(stock.projects),
    }
    return cast | {name.capitalize(): value[0].upper() + value[1:] for name, value in cast.items()}


def _outline(stock: Stock, draw: Random, version: int) -> list[list[str]]:
    """The patterns of each paragraph: an opening, facts and quotes, a closing, then what later versions add."""
    facts = cycle(draw.sample(stock.facts, len(stock.facts)))
    quotes = cycle(draw.sample(stock.quotes, len(stock.quotes)))
    outline = [[draw.choice(stock.openings), *islice(facts, 2)]]
    for _ in range(draw.randint(4, 9) - 2):
        spoken = [next(quotes)] if draw.random() < 0.4 else []
        outline.append([*islice(facts, 2 if spoken else 3), *spoken])
    outline.append([*islice(facts, 2), draw.choice(stock.closings)])
    outline += [[*islice(facts, 3)] for _ in range(version - 1)]
    return outline


def _fill(stock: Stock, pattern: str, cast: Mapping[str, str], draw: Random) -> str:
    smaller = draw.randint(12, 980)
    figures = {
        "n": str(smaller),
        "m": str(smaller + draw.randint(12, 980)),
        "few": str(draw.randint(3, 11)),
        "percent": f"{draw.randint(2, 48)}{stock.decimal}{draw.randint(1, 9)}",
        "year": str(draw.randint(2003, 2024)),
        "day": str(draw.randint(2, 28)),
    }
    if stock.digits != "0123456789":
        script = str.maketrans("0123456789", stock.digits)
        figures = {name: figure.translate(script) for name, figure in figures.items()}
    return pattern.format(**cast, **figures, month=draw.choice(stock.months))


def _slug(title: str) -> str:
    """Up to eight words in ASCII; percent-encoded where the script has no ASCII letters."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    source = plain if re.search("[a-zA-Z]{3}", plain) else title
    return quote("-".join(re.findall(r"[^\W_]+", source.lower())[:8]))
