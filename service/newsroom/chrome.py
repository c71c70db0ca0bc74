"""What stands around an article on every page of a site: menus, notices, rails of headlines, comments, footer."""

import json
from functools import lru_cache
from html import escape
from itertools import cycle

from service.newsroom.sites import Site
from service.newsroom.stories import Story, headline
from service.newsroom.words import Labels

SCRIPT_SHARE = 0.19
"""Of a page's bytes: the median of real news pages."""

_HEADLINES = 200
"""How many other headlines a site's rails choose from."""
_RAIL = 8
"""Cards in a rail."""

STYLE = """:root{--ink:#1a1a1a;--paper:#fff;--accent:#b3002d}
*,*::before,*::after{box-sizing:border-box}
body{margin:0;font:1rem/1.6 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
a{color:inherit;text-decoration:none}a:hover{text-decoration:underline}
img{max-width:100%;height:auto}ul{list-style:none;margin:0;padding:0}
.wrap{max-width:75rem;margin:0 auto;padding:0 1rem}
.columns{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,1fr);gap:2rem}
.site-header{border-bottom:4px solid var(--accent)}.menu ul{display:flex;gap:1rem;flex-wrap:wrap}
.card{border-top:1px solid #ddd;padding:.75rem 0}.card h3{font-size:1rem;margin:.25rem 0}
.share-bar ul{display:flex;gap:.5rem}.ad-slot{min-height:250px;background:#f4f4f4;text-align:center}
figure{margin:1rem 0}figcaption{font-size:.8rem;color:#555}
@media (max-width:48rem){.columns{grid-template-columns:1fr}}
"""


def cookie_notice(labels: Labels) -> str:
    """The notice that covers the page at first."""
    return f"""<div class="cookie-notice" id="cookie-notice" role="dialog">
<p>{escape(labels.cookies)}</p>
<div><button type="button">{escape(labels.refuse)}</button> <button type="button">{escape(labels.accept)}</button></div>
</div>
"""


def header(site: Site) -> str:
    """Logo, search and the menu of sections, each with a few places below it."""
    stock, labels = site.stock, site.stock.labels
    menus = []
    for number, (slug, label) in enumerate(stock.sections):
        places = (stock.places[number:] + stock.places)[:6]
        below = "".join(f'<li><a href="/{slug}/{i}/">{escape(place)}</a></li>' for i, place in enumerate(places))
        menus.append(f'<li><a href="/{slug}/">{escape(label)}</a><ul>{below}</ul></li>')
    return f"""<header class="site-header">
<div class="wrap"><a href="/" class="logo"><img src="/logo.svg" alt="{escape(site.publisher)}"></a>
<form action="/search" role="search"><label>{escape(labels.search)} <input type="search" name="q"></label>
<button type="submit">{escape(labels.search)}</button></form></div>
<nav class="menu" aria-label="{escape(labels.home)}"><ul><li><a href="/">{escape(labels.home)}</a></li>
{"".join(menus)}</ul></nav>
</header>"""


def newsletter(labels: Labels) -> str:
    """The invitation to subscribe."""
    return f"""<div class="newsletter"><form action="/newsletter" method="post"><p>{escape(labels.newsletter)}</p>
<input type="email" name="address" placeholder="name@mail.example">
<button>{escape(labels.subscribe)}</button></form></div>
"""


def footer(site: Site) -> str:
    """Sections again, the house's own pages, other houses, the rights."""
    labels = site.stock.labels
    sections = "".join(f'<li><a href="/{slug}/">{escape(label)}</a></li>' for slug, label in site.stock.sections)
    house = "".join(f'<li><a href="/house/{i}/">{escape(label)}</a></li>'
                    for i, label in enumerate((labels.about, labels.contact, labels.legal)))  # fmt: skip
    networks = "".join(f'<li><a href="https://{name}.example/{site.name}">{name.title()}</a></li>'
                       for name in ("chirp", "faces", "pigeon"))  # fmt: skip
    return f"""<footer class="site-footer"><div class="wrap">
<ul>{sections}</ul>
<ul>{house}</ul>
<p>{escape(labels.follow)}</p><ul>{networks}</ul>
<p>© {escape(site.publisher)}. {escape(labels.rights)}</p>
</div></footer>"""


def comments(site: Site, story: Story) -> str:
    """What readers wrote below the story."""
    labels, remarks = site.stock.labels, site.stock.remarks
    slots = {"town": story.tags[0], "neighbour": story.tags[1], "body": story.tags[2]}
    items = []
    for place in range(len(remarks) - story.number % 2):
        remark = remarks[(story.number + place) % len(remarks)].format(**slots)
        reader = site.stock.given[(story.number * 3 + place) % len(site.stock.given)]
        items.append(
            f'<li class="comment"><div class="comment-head"><b>{escape(reader)}</b></div>'
            f'<p>{escape(remark)}</p><a href="#reply">{escape(labels.reply)}</a></li>'
        )
    return f"""<section class="comments" id="comments"><h2>{escape(labels.comments)}</h2>
<ol class="comment-list">{"".join(items)}</ol></section>
"""


def rails(site: Site, story: Story, size: int) -> str:
    """Rails of other headlines, and the page's scripts: about ``size`` bytes in all, at least one short rail."""
    others = _headlines(site)
    scripts = _scripts(story, others, int(size * SCRIPT_SHARE))
    left = size - len(scripts.encode())
    cards: list[str] = []
    while len(cards) < 3 or left > 0:
        card = _card((story.number * 7 + len(cards)) % _HEADLINES, others)
        cards.append(card)
        left -= len(card.encode())
    titles = cycle((site.stock.labels.most_read, *(label for _, label in site.stock.sections)))
    html = "\n".join(
        f'<section class="rail"><h2>{escape(next(titles))}</h2><ul>{"".join(cards[i : i + _RAIL])}</ul></section>'
        for i in range(0, len(cards), _RAIL)
    )
    return f'<aside class="column sidebar">\n{html}\n</aside>\n{scripts}'


def _card(number: int, others: tuple[str, ...]) -> str:
    """A teaser with the attributes real ones carry: several picture sizes, class names in rows, tracking data."""
    path, text, picture = f"/archive/{number}", escape(others[number]), f"/media/thumb-{number}"
    track = escape(json.dumps({"type": "card", "id": number, "list": "rail", "slot": number % _RAIL}))
    sizes = ", ".join(f"{picture}-{width}x{width * 9 // 16}.webp?q=75 {width}w" for width in (120, 240, 320, 480))
    return f"""
      <li class="card card--horizontal card--small u-clearfix" data-id="{number}" data-track="{track}">
        <div class="card-media card-media--16x9 u-mb-2">
          <a href="{path}?from=rail" class="card-media-link js-track" tabindex="-1" data-track-event="click">
            <img class="card-image lazy" src="{picture}.jpg" srcset="{sizes}" sizes="(max-width: 48em) 40vw, 120px"
              width="120" height="68" alt="" loading="lazy" decoding="async">
          </a>
        </div>
        <div class="card-text card-text--compact"><h3 class="card-title u-font-serif u-size-16">
          <a href="{path}?from=rail" class="card-title-link js-track" data-track-event="click">{text}</a></h3>
          <span class="card-age u-size-12 u-muted" data-hours="{number % 23 + 1}">{number % 23 + 1} h</span>
        </div>
      </li>"""


def _scripts(story: Story, others: tuple[str, ...], size: int) -> str:
    """Scripts with the page's data, as sites hand it to their own code; none if there is no room for any."""
    blocks: list[str] = []
    while size > 400:
        first = len(blocks) * 6 % _HEADLINES
        items = [{"id": i, "label": others[i], "seen": False} for i in range(first, min(first + 6, _HEADLINES))]
        data = json.dumps({"page": story.guid, "block": len(blocks), "items": items})
        block = f"<script>window.app=window.app||[];window.app.push({data});</script>\n"
        blocks.append(block)
        size -= len(block)
    return "".join(blocks)


@lru_cache(maxsize=64)
def _headlines(site: Site) -> tuple[str, ...]:
    return tuple(headline(site, 0, -number) for number in range(1, _HEADLINES + 1))
