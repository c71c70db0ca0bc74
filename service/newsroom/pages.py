"""A site's HTML pages: an article amid all that real sites put around it, and the front page."""

import json
from collections.abc import Sequence
from html import escape

from service.newsroom import chrome
from service.newsroom.layouts import Link, render_article
from service.newsroom.sites import Format, Site
from service.newsroom.stories import Story

_FEED_TYPES = {
    Format.RSS2: "application/rss+xml",
    Format.RSS1: "application/rdf+xml",
    Format.ATOM: "application/atom+xml",
    Format.JSON: "application/feed+json",
}


def render_page(site: Site, story: Story, related: Sequence[Link], weight: int) -> bytes:
    """A story's page, in the site's charset.

    It weighs about ``weight`` kB, between 0.75 and 1.25 of it from story to story, unless the article alone weighs
    more; the rest is made up of menus, rails of other headlines and scripts, in the proportions real pages have.
    """
    labels = site.stock.labels
    article = render_article(site, story, related)
    head = _head(site, story.title, _story_head(site, story))
    top = chrome.cookie_notice(labels) + chrome.header(site)
    after = chrome.comments(site, story) if site.profile.comments else ""
    bottom = chrome.newsletter(labels) + chrome.footer(site)
    fixed = sum(len(part.encode()) for part in (article, head, top, after, bottom))
    wanted = weight * (750 + story.number * 137 % 500)
    rails = chrome.rails(site, story, wanted - fixed)
    html = f"""<!DOCTYPE html>
<html lang="{site.language}" dir="{site.stock.direction}">
{head}
<body class="page page--{story.section[0]}">
{top}
<main class="wrap" id="main">
<div class="columns">
<div class="column column--wide">
{article}
{after}</div>
{rails}
</div>
</main>
{bottom}
</body>
</html>
"""
    return html.encode(site.profile.charset, "xmlcharrefreplace")


def render_front(site: Site, stories: Sequence[Story]) -> bytes:
    """The front page: the newest stories, and the feeds as alternates."""
    teasers = "\n".join(
        f'<article class="teaser"><h2><a href="{story.path}">{escape(story.title)}</a></h2>'
        f"<p>{escape(story.summary)}</p></article>"
        for story in stories
    )
    html = f"""<!DOCTYPE html>
<html lang="{site.language}" dir="{site.stock.direction}">
{_head(site, site.publisher, "")}
<body>
{chrome.header(site)}
<main>
{teasers}
</main>
{chrome.footer(site)}
</body>
</html>
"""
    return html.encode(site.profile.charset, "xmlcharrefreplace")


def _head(site: Site, title: str, more: str) -> str:
    feeds = "\n".join(
        f'<link rel="alternate" type="{_FEED_TYPES[site.profile.format]}" href="{path}">' for path in site.feed_paths
    )
    return f"""<head>
<meta charset="{site.profile.charset}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} | {escape(site.publisher)}</title>
<link rel="icon" href="/favicon.ico">
{feeds}
{more}<style>
{chrome.STYLE}</style>
</head>"""


def _story_head(site: Site, story: Story) -> str:
    modified = f'<meta property="article:modified_time" content="{story.changed.isoformat()}">\n'
    return f"""<link rel="canonical" href="{story.url}">
<meta name="description" content="{escape(story.summary)}">
<meta name="author" content="{escape(", ".join(story.authors))}">
<meta name="robots" content="index, follow, max-image-preview:large">
<meta property="og:type" content="article">
<meta property="og:site_name" content="{escape(site.publisher)}">
<meta property="og:title" content="{escape(story.title)}">
<meta property="og:description" content="{escape(story.summary)}">
<meta property="og:url" content="{story.url}">
<meta property="og:image" content="{site.base_url}/media/{story.guid}.jpg">
<meta property="og:locale" content="{site.language.replace("-", "_")}">
<meta property="article:published_time" content="{story.published.isoformat()}">
{modified if story.modified else ""}<meta property="article:section" content="{escape(story.section[1])}">
{"".join(f'<meta property="article:tag" content="{escape(tag)}">' for tag in story.tags)}
<meta name="twitter:card" content="summary_large_image">
<script type="application/ld+json">{_json_ld(site, story)}</script>
"""


def _json_ld(site: Site, story: Story) -> str:
    facts: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": {"@type": "WebPage", "@id": story.url},
        "headline": story.title,
        "description": story.summary,
        "inLanguage": site.language,
        "datePublished": story.published.isoformat(),
        "dateModified": story.changed.isoformat(),
        "articleSection": story.section[1],
        "keywords": list(story.tags),
        "author": [{"@type": "Person", "name": author} for author in story.authors],
        "publisher": {
            "@type": "NewsMediaOrganization",
            "name": site.publisher,
            "logo": {"@type": "ImageObject", "url": f"{site.base_url}/logo.png"},
        },
        "image": [f"{site.base_url}/media/{story.guid}.jpg"],
    }
    if site.profile.free is not None:
        facts["isAccessibleForFree"] = site.profile.free
    return json.dumps(facts, ensure_ascii=False).replace("</", "<\\/")
