"""Feed documents: RSS 2.0, RSS 1.0 (RDF), Atom (RFC 4287), JSON Feed 1.1.

What they say depends on the stories alone, so a feed stays the same, byte for byte, until one of them changes.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

from service.newsroom.sites import Format, Site
from service.newsroom.stories import Story

CONTENT_TYPES = {
    Format.RSS2: "application/rss+xml; charset=utf-8",
    Format.RSS1: "application/rdf+xml; charset=utf-8",
    Format.ATOM: "application/atom+xml; charset=utf-8",
    Format.JSON: "application/feed+json; charset=utf-8",
}


def render_feed(site: Site, stories: Sequence[Story], path: str, section: tuple[str, str] | None) -> bytes:
    """The document that stands at ``path``: the stories given, in their order. ``section``: slug and label."""
    title = site.publisher if section is None else f"{site.publisher} - {section[1]}"
    text = _RENDERERS[site.profile.format](site, stories, site.base_url + path, title)
    return text.encode()


def body_html(story: Story) -> str:
    """A story's lines as the HTML that feeds carry."""
    return "\n".join(f"<p>{escape(line, quote=False)}</p>" for line in story.paragraphs)


def _rss2(site: Site, stories: Sequence[Story], url: str, title: str) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/"\
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"\
 xmlns:media="http://search.yahoo.com/mrss/">
<channel>
<title>{escape(title)}</title>
<link>{site.base_url}/</link>
<atom:link href="{url}" rel="self" type="application/rss+xml"/>
<description>{escape(site.stock.labels.newsletter)}</description>
<language>{site.language}</language>
<lastBuildDate>{_rfc822(_newest(stories))}</lastBuildDate>
{"".join(_rss2_item(site, story) for story in stories)}</channel>
</rss>
"""


def _rss2_item(site: Site, story: Story) -> str:
    modified = f"<dcterms:modified>{story.modified.isoformat()}</dcterms:modified>\n" if story.modified else ""
    content = f"<content:encoded><![CDATA[{body_html(story)}]]></content:encoded>\n" if site.profile.full_text else ""
    return f"""<item>
<title>{escape(story.title, quote=False)}</title>
<link>{story.url}</link>
<guid isPermaLink="false">{story.guid}</guid>
<description><![CDATA[<p>{escape(story.summary, quote=False)}</p>]]></description>
{content}<pubDate>{_rfc822(story.published)}</pubDate>
{modified}{"".join(f"<dc:creator>{escape(author)}</dc:creator>" for author in story.authors)}
{"".join(f"<category>{escape(tag)}</category>" for tag in (story.section[1], *story.tags))}
<media:content url="{site.base_url}/media/{story.guid}.jpg" type="image/jpeg" medium="image"/>
</item>
"""


def _rss1(site: Site, stories: Sequence[Story], url: str, title: str) -> str:
    listed = "".join(f'<rdf:li rdf:resource="{story.url}"/>' for story in stories)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"\
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel rdf:about="{url}">
<title>{escape(title)}</title>
<link>{site.base_url}/</link>
<description>{escape(site.stock.labels.newsletter)}</description>
<dc:language>{site.language}</dc:language>
<items><rdf:Seq>{listed}</rdf:Seq></items>
</channel>
{"".join(_rss1_item(site, story) for story in stories)}</rdf:RDF>
"""


def _rss1_item(site: Site, story: Story) -> str:
    content = f"<content:encoded><![CDATA[{body_html(story)}]]></content:encoded>\n" if site.profile.full_text else ""
    return f"""<item rdf:about="{story.url}">
<title>{escape(story.title, quote=False)}</title>
<link>{story.url}</link>
<description>{escape(story.summary, quote=False)}</description>
{content}<dc:date>{story.published.isoformat()}</dc:date>
<dc:creator>{escape(", ".join(story.authors))}</dc:creator>
<dc:subject>{escape(story.section[1])}</dc:subject>
</item>
"""


def _atom(site: Site, stories: Sequence[Story], url: str, title: str) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{site.language}">
<title>{escape(title)}</title>
<id>{url}</id>
<link href="{site.base_url}/" rel="alternate"/>
<link href="{url}" rel="self"/>
<updated>{_newest(stories).isoformat()}</updated>
{"".join(_atom_entry(site, story) for story in stories)}</feed>
"""


def _atom_entry(site: Site, story: Story) -> str:
    content = f'<content type="html">{escape(body_html(story))}</content>\n' if site.profile.full_text else ""
    return f"""<entry>
<title>{escape(story.title, quote=False)}</title>
<link href="{story.url}" rel="alternate" type="text/html"/>
<id>tag:{site.name}.example,2026:{story.guid}</id>
<published>{story.published.isoformat()}</published>
<updated>{story.changed.isoformat()}</updated>
{"".join(f"<author><name>{escape(author)}</name></author>" for author in story.authors)}
{"".join(f'<category term="{escape(tag)}"/>' for tag in (story.section[1], *story.tags))}
<summary type="text">{escape(story.summary, quote=False)}</summary>
{content}</entry>
"""


def _json(site: Site, stories: Sequence[Story], url: str, title: str) -> str:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": f"{site.base_url}/",
        "feed_url": url,
        "language": site.language,
        "items": [_json_item(site, story) for story in stories],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def _json_item(site: Site, story: Story) -> dict[str, object]:
    item: dict[str, object] = {
        "id": story.guid,
        "url": story.url,
        "title": story.title,
        "summary": story.summary,
        "date_published": story.published.isoformat(),
        "authors": [{"name": author} for author in story.authors],
        "tags": [story.section[1], *story.tags],
        "image": f"{site.base_url}/media/{story.guid}.jpg",
    }
    if story.modified:
        item["date_modified"] = story.modified.isoformat()
    if site.profile.full_text:
        item["content_html"] = body_html(story)
    else:
        item["content_text"] = story.summary
    return item


def _newest(stories: Sequence[Story]) -> datetime:
    return max((story.changed for story in stories), default=datetime(2020, 1, 1, tzinfo=UTC))


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment)


_RENDERERS: dict[Format, Callable[[Site, Sequence[Story], str, str], str]] = {
    Format.RSS2: _rss2,
    Format.RSS1: _rss1,
    Format.ATOM: _atom,
    Format.JSON: _json,
}
