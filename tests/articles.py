"""Articles for tests of the storage: true in every part that is checked, and short."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from storage.model import Article, ExtractorFacts, HttpFacts, RawRef, Removal, Rights
from storage.rebuild import full_text_hash

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def digest(text: str) -> str:
    """32 hex digits."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def make_article(name: str = "story", revision: int = 1, **changes: Any) -> Article:
    """An article whose id comes from ``name``; its third paragraph repeats the first, and was removed."""
    full = [f"{name} begins.", f"{name}, revision {revision}, goes on.", f"{name} begins."]
    removal = Removal(2, "repeat", digest(name), revision, 0, digest(full[2]))
    url = f"https://news.test/{name}"
    article = Article(
        id=digest(name),
        revision=revision,
        url=url,
        requested_url=url,
        canonical_url=None,
        feed="rfi-fr",
        feed_url="https://news.test/rss",
        guid=f"guid of {name}",
        also_in=(),
        title=name.title(),
        description=None,
        authors=("Ann", "Bo"),
        publisher=None,
        section=None,
        tags=(),
        image=None,
        language="fr",
        language_source="page",
        published=NOON,
        published_source="feed",
        published_raw="Mon, 23 Nov 2026 13:00:00 +0100",
        modified=None,
        first_seen=NOON,
        fetched=NOON,
        archived=NOON,
        text="\n".join(full[:2]),
        text_source="page",
        paragraphs=3,
        removed=(removal,),
        near=(),
        also_near=(),
        text_hash=full_text_hash(full),
        normaliser=1,
        accessible_for_free=None,
        license=None,
        rights=Rights(),
        http=HttpFacts(status=200, bytes=1234),
        raw=RawRef(),
        extractor=ExtractorFacts("trafilatura", "2.3.1"),
        warnings=(),
    )
    return replace(article, **changes)
