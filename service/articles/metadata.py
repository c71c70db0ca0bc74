"""What a page says of itself: JSON-LD, OpenGraph, meta tags, in that order of trust, field by field. Pure."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from service.articles.dates import Stamp, parse_date
from service.articles.head import Head
from service.articles.jsonld import JsonLd
from service.articles.languages import normalise_language
from service.articles.lines import one_line
from service.articles.names import person_names
from service.articles.page import Metadata
from service.articles.rights import read_reserved
from service.net import urls

_MOST_TAGS = 100
_LONGEST = 10_000
"""Characters of one value that are kept."""
_LIKELY_TITLE = 10
"""Characters from which a text is long enough to be a title."""
_SAME_DATE = timedelta(hours=26)
"""A day and a moment of it, written in any two zones, are no further apart."""
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")

_TITLE = ("og:title", "twitter:title", "headline", "parsely-title", "sailthru.title", "dc.title", "dcterms.title")
_DESCRIPTION = ("og:description", "description", "twitter:description", "dc.description", "dcterms.description")
_PUBLISHER = ("og:site_name", "publisher", "dc.publisher", "dcterms.publisher", "application-name")
_SECTION = ("article:section", "og:article:section", "parsely-section", "section")
_TAGS = ("article:tag", "og:article:tag")
_KEYWORDS = ("news_keywords", "keywords", "parsely-tags", "sailthru.tags")
_IMAGE = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src", "image")
_AUTHOR = ("article:author", "og:article:author", "author", "byl", "parsely-author", "sailthru.author", "dc.creator")
_PUBLISHED = (
    *("article:published_time", "og:article:published_time", "og:published_time", "datepublished", "publishdate"),
    *("publish-date", "publish_date", "published", "published_time", "pubdate", "publication_date"),
    *("article.published", "article_date_original", "parsely-pub-date", "sailthru.date", "date", "dc.date"),
    *("dc.date.issued", "dcterms.created", "dcterms.date", "dcterms.issued", "citation_publication_date"),
    *("citation_date", "cxenseparse:recs:publishtime", "bt:pubdate", "rnews:datepublished"),
)
_MODIFIED = (
    *("article:modified_time", "og:article:modified_time", "og:updated_time", "article:updated_time", "datemodified"),
    *("lastmod", "last-modified", "modified_time", "article.updated", "dcterms.modified", "dc.date.modified"),
)


class Looks(Protocol):
    """What can be made out from how a page looks. Costly, so asked for only where the page states nothing."""

    def title(self) -> str | None:
        """The headline."""

    def authors(self) -> str | None:
        """The byline, names parted by semicolons."""

    def day(self) -> str | None:
        """The date of publication."""


def read_metadata(
    head: Head, *, looks: Looks, url: str, headers: Mapping[str, str], now: datetime
) -> tuple[Metadata, tuple[str, ...]]:
    """Read the metadata of a page.

    Args:
        head: What the page's elements say.
        looks: Asked for title, authors and day of publication where ``head`` has none.
        url: Where the page was found, absolute, after redirects.
        headers: Headers of the answer, names in lower case, values of one name joined by commas.
        now: Dates more than 24 hours after it do not count.

    Returns:
        The metadata; and warnings: ``published: no zone`` where the date names no zone, and UTC was assumed;
        ``tdm-policy: URL`` where the page names its terms for text and data mining.
    """
    canonical = _canonical((*head.links.get("canonical", ()), *head.meta.get("og:url", ())), url)
    json_ld = JsonLd(head.json_ld, [each for each in (url, canonical) if each])
    publisher = _first(json_ld.strings("publisher", "sourceOrganization"), _said(head, _PUBLISHER))
    published = _published(head, json_ld, looks, now)
    modified = read_moment([*json_ld.strings("dateModified"), *_said(head, _MODIFIED)], (), now=now)
    reserved = read_reserved(head.meta, headers)
    metadata = Metadata(
        title=_title(head, json_ld, looks, publisher),
        description=_first(json_ld.strings("description"), _said(head, _DESCRIPTION)),
        authors=_authors(head, json_ld, looks, publisher),
        publisher=publisher,
        section=_first(json_ld.strings("articleSection"), _said(head, _SECTION)),
        tags=_tags(head, json_ld),
        image=_image(head, json_ld, url),
        language=_language(head, json_ld),
        published=published.moment if published else None,
        published_raw=published.raw if published else None,
        published_is_exact=published is not None and published.timed and published.zoned,
        modified=modified.moment if modified else None,
        canonical_url=canonical,
        accessible_for_free=_accessible_for_free(head, json_ld),
        license=_license(head, json_ld, url),
        noarchive=reserved.noarchive,
        noai=reserved.noai,
        tdm_reservation=reserved.tdm_reservation,
    )
    zoneless = ("published: no zone",) if published and not published.zoned else ()
    return metadata, zoneless + reserved.warnings


def _published(head: Head, json_ld: JsonLd, looks: Looks, now: datetime) -> Stamp | None:
    stated = [*json_ld.strings("datePublished"), *_said(head, _PUBLISHED), *head.published]
    created = json_ld.strings("dateCreated", "uploadDate")
    return read_moment([*stated, *created], head.times, now=now) or read_moment(
        [looks.day() or ""], head.times, now=now
    )


def read_moment(stated: Iterable[str], shown: Iterable[str], *, now: datetime) -> Stamp | None:
    """The date that ``stated``, most trusted first, agree on, as exactly as any of them or of ``shown`` says it.

    The first readable one is believed. Where it lacks a zone or the time of day, another date of the same day that
    has them takes its place.
    """
    trusted = [stamp for raw in stated if (stamp := parse_date(raw, now=now))]
    if not trusted:
        return None
    first = trusted[0]
    if first.zoned:
        return first
    others = [*trusted, *(stamp for raw in shown if (stamp := parse_date(raw, now=now)))]
    same = [stamp for stamp in others if abs(stamp.moment - first.moment) <= _SAME_DATE]
    exact = [stamp for stamp in same if stamp.zoned]
    return next(iter(exact), first if first.timed else next((stamp for stamp in same if stamp.timed), first))


def _said(head: Head, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from head.meta.get(name, ())


def _clean(text: str) -> str:
    """A value as one line of plain text: entities decoded, tags dropped."""
    return one_line(_TAG.sub("", html.unescape(text[:_LONGEST])))


def _first(*sources: Iterable[str]) -> str | None:
    return next((value for source in sources for text in source if (value := _clean(text))), None)


def _title(head: Head, json_ld: JsonLd, looks: Looks, publisher: str | None) -> str | None:
    stated = (*json_ld.strings("headline"), *_said(head, _TITLE), *json_ld.strings("name"))
    # Some templates name the site where the article's title belongs.
    title = _first(each for each in stated if not _same(_clean(each), publisher)) or _first([looks.title() or ""])
    return _in_full(_without_site(title, publisher, head.headings), head.headings) if title else None


def _in_full(title: str, headings: Iterable[str]) -> str:
    """The page's only heading where ``title`` is cut short beside it: its beginning, or a word or two of it."""
    shown = {heading for each in headings if (heading := _clean(each))}
    if len(shown) != 1:
        return title
    (heading,) = shown
    is_beginning = len(title) >= _LIKELY_TITLE and heading.startswith(title)
    is_part = len(title) < _LIKELY_TITLE <= len(heading) and f" {title} " in f" {heading} "
    return heading if is_beginning or is_part else title


def _without_site(title: str, site: str | None, headings: Iterable[str]) -> str:
    """``title`` without what templates add to it after a bar or dash: the site's name, or all that no heading has."""
    match = re.fullmatch(r"(.*\S)\s+[|–—·:-]\s+(\S.*)", title)
    if match and _same(match[2], site):
        return match[1]
    for heading in map(_clean, headings):
        rest = title.removeprefix(heading)
        if len(heading) >= _LIKELY_TITLE and rest != title and re.match(r"\s*[|｜–—-]|\s+[·:•«»]|：", rest):
            return heading
    return title


def _same(text: str, name: str | None) -> bool:
    return name is not None and text.casefold() == name.casefold()


def _authors(head: Head, json_ld: JsonLd, looks: Looks, publisher: str | None) -> tuple[str, ...]:
    for lines in (json_ld.strings("author", "creator"), *(head.meta.get(name, []) for name in _AUTHOR)):
        if found := person_names(map(_clean, lines)):
            break
    else:
        found = person_names([looks.authors() or ""])
    return tuple(name for name in found if not _same(name, publisher)) or found


def _tags(head: Head, json_ld: JsonLd) -> tuple[str, ...]:
    for source in (json_ld.strings("keywords"), list(_said(head, _TAGS)), _split(_said(head, _KEYWORDS))):
        # A list has a tag an item; a single string is the list.
        parts = source if len(source) > 1 else _split(source)
        if found := dict.fromkeys(tag for part in parts if (tag := _clean(part))):
            return tuple(found)[:_MOST_TAGS]
    return ()


def _split(texts: Iterable[str]) -> list[str]:
    return [part for text in texts for part in re.split(r"[,;،、，]", text)]


def _image(head: Head, json_ld: JsonLd, url: str) -> str | None:
    of = ("url", "contentUrl", "@id")
    named = (*json_ld.strings("image", "thumbnailUrl", of=of), *_said(head, _IMAGE), *head.links.get("image_src", ()))
    return next((address for each in named if (address := _absolute(each, url))), None)


def _license(head: Head, json_ld: JsonLd, url: str) -> str | None:
    linked = (_absolute(each, url) for each in head.links.get("license", ()) if not each.startswith("#"))
    stated = _said(head, ("dcterms.license", "dc.rights.license"))
    return _first(json_ld.strings("license", of=("url", "@id", "name")), filter(None, linked), stated)


def _language(head: Head, json_ld: JsonLd) -> str | None:
    # og:locale last: site builders write "en_US" there for pages in any language.
    written = [
        *json_ld.strings("inLanguage", of=("alternateName", "@id", "name")),
        head.language or "",
        *_said(head, ("content-language", "language", "dc.language", "dcterms.language", "og:locale")),
    ]
    return next((tag for each in written if (tag := normalise_language(each))), None)


def _accessible_for_free(head: Head, json_ld: JsonLd) -> bool | None:
    for said in json_ld.strings("isAccessibleForFree"):
        word = said.rsplit("/", 1)[-1].strip().lower()
        if word in ("true", "false"):
            return word == "true"
    tier = _first(_said(head, ("article:content_tier", "og:article:content_tier")))
    return {"free": True, "locked": False}.get(tier.lower()) if tier else None


def _canonical(candidates: Iterable[str], url: str) -> str | None:
    """The first that stays on the page's site and is not its home page."""
    for candidate in candidates:
        address = _absolute(candidate, url)
        if address and urls.same_site(address, url) and not urls.is_home(address):
            return address
    return None


def _absolute(link: str, url: str) -> str | None:
    try:
        address = urls.join(url, link.strip())
    except ValueError:
        return None
    return address if urls.is_http(address) else None
