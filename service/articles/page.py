"""What a page holds once read: values only, so that importing this loads no extractor."""

from dataclasses import dataclass
from datetime import datetime

from storage.forms import Forms
from storage.model import ExtractorFacts


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page says of itself, each field from the most trusted source that has it."""

    title: str | None = None
    description: str | None = None
    authors: tuple[str, ...] = ()
    publisher: str | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    image: str | None = None
    language: str | None = None
    """BCP 47."""
    published: datetime | None = None
    published_raw: str | None = None
    """As written in the page, zone and all."""
    published_is_exact: bool = False
    """Whether it was written with a time of day and a zone."""
    modified: datetime | None = None
    canonical_url: str | None = None
    """Only where rel=canonical (or og:url) stays on the site and is not its home page."""
    accessible_for_free: bool | None = None
    license: str | None = None
    noarchive: bool = False
    noai: bool = False
    tdm_reservation: bool | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """An extracted page: its paragraphs in order (one line each, none empty), and its metadata."""

    paragraphs: tuple[str, ...]
    metadata: Metadata
    extractor: ExtractorFacts
    charset: str | None = None
    """The encoding the page was decoded with."""
    warnings: tuple[str, ...] = ()
    forms: Forms | None = None
    """Of its paragraphs, where they were made beside them."""
