"""How a site marks up an article: headline, standfirst, picture, body with boxes in between, share bar, tags."""

from collections.abc import Callable, Sequence
from html import escape

from service.newsroom.sites import Layout, Site
from service.newsroom.stories import Story
from service.newsroom.words import Labels

Link = tuple[str, str]
"""Text and path."""


def render_article(site: Site, story: Story, related: Sequence[Link]) -> str:
    """The article's part of its page, in the site's layout. ``related`` are older stories to point to."""
    return _LAYOUTS[site.profile.layout](site.stock.labels, story, related)


def _semantic(labels: Labels, story: Story, related: Sequence[Link]) -> str:
    body = [f"<p>{line}</p>" for line in _lines(story)]
    body.insert(2, f'<aside class="read-also"><strong>{labels.read_also}</strong>{_links(related[:1])}</aside>')
    body.insert(4, _advertisement(labels))
    return f"""<article class="story" itemscope itemtype="https://schema.org/NewsArticle">
<header class="story-header">
<h1 itemprop="headline">{escape(story.title)}</h1>
<div class="byline">{_byline(labels, story)}</div>
{_share(labels, story)}
</header>
{_picture(labels, story)}
<section class="story-body" itemprop="articleBody">
{_joined(body)}
</section>
<footer class="story-footer">{_tags(story)}{_share(labels, story)}</footer>
<section class="related"><h2>{labels.related}</h2>{_links(related)}</section>
</article>"""


def _boxes(labels: Labels, story: Story, related: Sequence[Link]) -> str:
    body = [f'<p class="txt">{line}</p>' for line in _lines(story)]
    body.insert(2, _advertisement(labels))
    body.insert(3, f'<div class="related-box"><span>{labels.read_also}</span>{_links(related[:2])}</div>')
    return f"""<div class="detail" id="detail">
<div class="breadcrumb"><a href="/">{labels.home}</a> › <a href="/{story.section[0]}/">{story.section[1]}</a></div>
<h1 class="detail-title">{escape(story.title)}</h1>
<div class="teaser-text"><h2>{escape(story.summary)}</h2></div>
<div class="byline">{_byline(labels, story)}</div>
{_picture(labels, story)}
<div class="article-body">
{_joined(body)}
</div>
{_tags(story)}
{_share(labels, story)}
<div class="related"><h3>{labels.related}</h3>{_links(related)}</div>
</div>"""


def _blocks(labels: Labels, story: Story, related: Sequence[Link]) -> str:
    body = [
        f'<div class="b-block b-block--text" data-block="{i}"><p>{p}</p></div>' for i, p in enumerate(_lines(story))
    ]
    body.insert(1, f'<aside class="m-em-read-also"><p>{labels.read_also}</p>{_links(related[:1])}</aside>')
    body.insert(3, _advertisement(labels))
    return f"""<article class="t-content t-content--article">
<div class="breadcrumb"><a href="/">{labels.home}</a> / <a href="/{story.section[0]}/">{story.section[1]}</a></div>
<h1 class="t-content__title">{escape(story.title)}</h1>
<div class="t-content__dates byline">{_byline(labels, story)}</div>
<div class="m-teaser t-content__chapo"><p>{escape(story.summary)}</p></div>
{_picture(labels, story)}
{_share(labels, story)}
<div class="t-content__body article-body">
{_joined(body)}
</div>
{_tags(story)}
<aside class="o-related"><h2>{labels.related}</h2><p>{escape(story.summary)}</p>{_links(related)}</aside>
</article>"""


_LAYOUTS: dict[Layout, Callable[[Labels, Story, Sequence[Link]], str]] = {
    Layout.SEMANTIC: _semantic,
    Layout.BOXES: _boxes,
    Layout.BLOCKS: _blocks,
}


def _lines(story: Story) -> list[str]:
    """The lines as HTML: the first mention of a tag is a link, French quotation marks keep their no-break spaces."""
    lines = [escape(line, quote=False).replace("« ", "«&nbsp;").replace(" »", "&nbsp;»") for line in story.paragraphs]
    for number, tag in enumerate(story.tags[:2]):
        text = escape(tag, quote=False)
        for position, line in enumerate(lines):
            if text in line:
                lines[position] = line.replace(text, f'<a href="/tag/{story.number}-{number}/">{text}</a>', 1)
                break
    return lines


def _joined(parts: Sequence[str]) -> str:
    return "\n".join(parts)


def _links(links: Sequence[Link]) -> str:
    items = "".join(f'<li><a href="{path}">{escape(text)}</a></li>' for text, path in links)
    return f"<ul>{items}</ul>"


def _byline(labels: Labels, story: Story) -> str:
    authors = ", ".join(
        f'<a rel="author" href="/people/{i}/">{escape(name)}</a>' for i, name in enumerate(story.authors)
    )
    updated = f" – {labels.updated} {_time(story.changed.isoformat())}" if story.modified else ""
    published = f"{labels.published} {_time(story.published.isoformat())}"
    return f"<span>{labels.by} {authors}</span> <span>{published}{updated}</span>"


def _time(moment: str) -> str:
    return f'<time datetime="{moment}">{moment[:10]} {moment[11:16]}</time>'


def _picture(labels: Labels, story: Story) -> str:
    source = f"/media/{story.guid}"
    return f"""<figure class="picture">
<picture><source srcset="{source}-480.webp 480w, {source}-960.webp 960w" type="image/webp">
<img src="{source}.jpg" alt="{escape(story.caption)}" width="960" height="540"></picture>
<figcaption>{escape(story.caption)} <span class="credit">{labels.photo}: {escape(story.authors[0])}</span></figcaption>
</figure>"""


def _share(labels: Labels, story: Story) -> str:
    targets = "".join(
        f'<li><a href="https://{network}.example/share?url={story.url}" rel="nofollow"><svg width="20" height="20">'
        f'<use href="#i-{network}"/></svg><span>{network.title()}</span></a></li>'
        for network in ("chirp", "faces", "pigeon", "letter")
    )
    return f'<div class="share-bar"><span>{labels.share}</span><ul>{targets}</ul></div>'


def _tags(story: Story) -> str:
    items = "".join(
        f'<li><a href="/tag/{story.number}-{i}/">{escape(tag)}</a></li>' for i, tag in enumerate(story.tags)
    )
    return f'<div class="tags"><ul>{items}</ul></div>'


def _advertisement(labels: Labels) -> str:
    return f'<div class="slot ad-slot" data-size="300x250"><span>{labels.advertisement}</span></div>'
