"""What a feed document holds once parsed: values only, so that importing this loads no parser."""

from dataclasses import dataclass
from datetime import timedelta

from storage.model import Entry


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed feed document.

    ``version`` is feedparser's name for the format (``rss20``, ``atom10``, …) or ``json11`` for JSON Feed.
    """

    version: str
    entries: tuple[Entry, ...]
    title: str | None = None
    link: str | None = None
    language: str | None = None
    """BCP 47, as the document says."""
    dropped: int = 0
    """Entries beyond the limit of 2,000 for one document."""
    malformed: str | None = None
    """Why the document is not well-formed, in words; its entries are archived, its validators are not stored."""
    ttl: timedelta | None = None
    """The longest of ``<ttl>`` and ``sy:updatePeriod`` / ``sy:updateFrequency``."""
    skip_hours: tuple[int, ...] = ()
    """GMT hours in which not to poll, 0–23."""
    skip_days: tuple[int, ...] = ()
    """GMT days on which not to poll, Monday 0."""
