"""Puts an article together: what the page says, what the feed says, in that order of trust, field by field. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service.articles.page import Metadata
from service.articles.paragraphs import Filtered
from storage.fingerprints import NORMALISER
from storage.forms import Forms
from storage.model import (
    Article,
    Capture,
    Entry,
    ExtractorFacts,
    Feed,
    HttpFacts,
    PendingEntry,
    RawRef,
    Rights,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An article read but not yet archived: full paragraphs, not filtered; revision and duplicates not yet known."""

    pending: PendingEntry
    feed: Feed
    paragraphs: tuple[str, ...]
    forms: Forms
    """Of the paragraphs."""
    text_source: str
    """page | feed."""
    metadata: Metadata
    summary: str | None
    """The feed's summary as plain text, where the page describes itself no better."""
    extractor: ExtractorFacts
    rights: Rights
    http: HttpFacts
    url: str | None
    """Where the page was found, after redirects."""
    fetched: datetime
    warnings: tuple[str, ...] = ()
    capture: Capture | None = None
    """The page as it came, where a raw copy of it is to be kept."""

    @property
    def title(self) -> str | None:
        """The article's title: the page's, else the feed's."""
        return self.metadata.title or self.pending.entry.title


def compose(
    draft: Draft,
    filtered: Filtered,
    *,
    revision: int,
    also_in: Sequence[str],
    archived: datetime,
) -> Article:
    """The record of ``draft``, after the duplicate filter."""
    pending, page, entry = draft.pending, draft.metadata, draft.pending.entry
    language, language_source = _language(draft)
    published, published_source, published_raw = _published(page, entry)
    return Article(
        id=entry.article_id,
        revision=revision,
        url=draft.url,
        requested_url=entry.url,
        canonical_url=page.canonical_url,
        feed=pending.feed,
        feed_url=pending.feed_url,
        guid=entry.guid,
        also_in=tuple(also_in),
        title=draft.title,
        description=page.description or draft.summary,
        authors=page.authors or entry.authors,
        publisher=page.publisher or draft.feed.publisher,
        section=page.section or entry.section,
        tags=page.tags or entry.tags,
        image=page.image or entry.image,
        language=language,
        language_source=language_source,
        published=published,
        published_source=published_source,
        published_raw=published_raw,
        modified=page.modified or entry.modified,
        first_seen=pending.first_seen,
        fetched=draft.fetched,
        archived=archived,
        text="\n".join(filtered.kept),
        text_source=draft.text_source,
        paragraphs=len(draft.paragraphs),
        removed=filtered.removed,
        near=filtered.near,
        also_near=(),
        text_hash=draft.forms.hash,
        normaliser=NORMALISER,
        accessible_for_free=page.accessible_for_free,
        license=page.license or entry.license,
        rights=draft.rights,
        http=draft.http,
        raw=RawRef(),
        extractor=draft.extractor,
        warnings=draft.warnings,
    )


def _language(draft: Draft) -> tuple[str | None, str | None]:
    for language, source in (
        (draft.metadata.language, "page"),
        (draft.pending.entry.language, "feed"),
        (draft.feed.language, "catalogue"),
    ):
        if language:
            return language, source
    return None, None


def _published(page: Metadata, entry: Entry) -> tuple[datetime | None, str | None, str | None]:
    """The page's date where it has time and zone, else the feed's, else whatever the page gives."""
    if page.published is not None and (page.published_is_exact or entry.published is None):
        return page.published, "page", page.published_raw
    if entry.published is not None:
        return entry.published, "feed", entry.published_raw
    return None, None, page.published_raw or entry.published_raw
