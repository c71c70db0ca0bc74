"""The figures as one HTML page that needs nothing else: no script, no other file, no network. Pure.

The texts on it come from the web, by way of records and feeds: all are escaped, none can reach out of its place.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from html import escape

from service.stats.charts import Calendar, Series, bar_chart, calendar, sparkline
from service.stats.report import Passage, Report, Sums, by_day, by_feed, counted, legible, share, total
from service.stats.style import CSS
from storage.model import Intake

_TITLE = "What came in, what was removed, what repeats"
_FEEDS = 6
"""So many have a colour of their own, those with most articles."""
_LONGEST = 400
"""Characters of a paragraph, and"""
_LONGEST_TITLE = 120
"""of a title."""
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)
_WEB = re.compile(r"https?://[^\s]+", re.IGNORECASE)


def render(report: Report, *, made: str, feeds: Collection[str] = ()) -> str:
    """The page: HTML that is well-formed XML too.

    Args:
        report: The figures.
        made: When it was made, in words.
        feeds: Names of the feeds it is restricted to.
    """
    only = f" Only of {escape(legible(', '.join(feeds)))}." if feeds else ""
    body = [
        f"<h1>{_TITLE}</h1>",
        f'<p class="soft">Made {escape(legible(made))} by veille. Days are UTC days of archiving.{only}</p>',
    ]
    if not report.is_complete:
        body.append("<p>Paragraphs are not all counted yet: the next crawl learns them from the records.</p>")
    if report.intakes:
        body += _figures(report)
    else:
        body.append("<p>Nothing has been archived yet.</p>")
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="referrer" content="no-referrer"/>'
        f"<title>veille: {_TITLE[0].lower()}{_TITLE[1:]}</title><style>{CSS}</style></head>\n<body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def _figures(report: Report) -> Iterable[str]:
    intakes = report.intakes
    days, feeds = by_day(intakes), by_feed(intakes)
    periods = calendar(min(days), max(days))
    yield _totals(intakes)
    yield f"<h2>By {periods.step}</h2>"
    yield _articles(feeds, periods)
    yield _paragraphs(days, periods)
    yield "<h2>By feed</h2>"
    yield _by_feed(feeds, periods)
    yield "<h2>Learned boilerplate</h2>"
    least = f"{report.least_articles} articles of the feed, on {counted(report.least_days, 'day')} or more"
    yield f'<p class="soft">What has stood at the head, or at the tail, of at least {least}.</p>'
    yield _boilerplate(report) if report.boilerplate else "<p>None yet.</p>"
    yield "<h2>Most repeated paragraphs</h2>"
    yield _repeated(report) if report.repeated else "<p>None yet.</p>"


def _totals(intakes: Sequence[Intake]) -> str:
    sums, days = total(intakes), [one.day for one in intakes]
    span = f"{min(days)} to {max(days)}"
    cards = [
        ("Article versions", f"{sums.articles:,}", span),
        ("Feeds", f"{len({one.feed for one in intakes}):,}", ""),
        ("Paragraphs", f"{sums.paragraphs:,}", f"{sums.kept:,} kept"),
        ("Removed", f"{sums.removed:,}", share(sums.removed, sums.paragraphs)),
        *(
            (reason, f"{count:,}", f"{share(count, sums.removed)} of all removed")
            for reason, count in sums.reasons.items()
        ),
    ]
    items = (f"<div><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>" for name, value, note in cards)
    return f"<dl>{''.join(items)}</dl>"


# -- over time ---------------------------------------------------------------------------------------------------------


def _articles(feeds: Mapping[str, Sequence[Intake]], periods: Calendar) -> str:
    own = list(feeds)[: len(feeds) if len(feeds) <= _FEEDS + 1 else _FEEDS]
    series = [Series(legible(feed), f"s{n}", _by_period(feeds[feed], periods)) for n, feed in enumerate(own)]
    if rest := [feed for feed in feeds if feed not in own]:
        intakes = [one for feed in rest for one in feeds[feed]]
        series.append(Series(counted(len(rest), "other feed"), f"s{_FEEDS}", _by_period(intakes, periods)))
    return _chart(f"Article versions by {periods.step}", "article versions", periods, series)


def _by_period(intakes: Sequence[Intake], periods: Calendar) -> list[int]:
    return periods.sums((one.day, one.articles) for one in intakes)


def _paragraphs(days: Mapping[date, Sums], periods: Calendar) -> str:
    def series(name: str, style: str, attribute: str) -> Series:
        return Series(name, style, periods.sums((day, getattr(sums, attribute)) for day, sums in days.items()))

    all_ = [
        series("removed: repeat", "s5", "repeat"),
        series("removed: boilerplate", "s1", "boilerplate"),
        series("removed: known", "s4", "known"),
        series("kept", "s6", "kept"),
    ]
    return _chart(f"Paragraphs by {periods.step}", "paragraphs", periods, all_)


def _chart(title: str, unit: str, periods: Calendar, series: Sequence[Series]) -> str:
    labels = [periods.label(start) for start in periods.starts]
    return bar_chart(title, unit, labels, series, heading=f"{periods.step} (UTC)")


# -- tables ------------------------------------------------------------------------------------------------------------


def _by_feed(feeds: Mapping[str, Sequence[Intake]], periods: Calendar) -> str:
    rows = []
    for feed, intakes in feeds.items():
        name, sums = legible(feed), total(intakes)
        bars = sparkline(f"{name}: article versions by {periods.step}", _by_period(intakes, periods))
        cells = "".join(f"<td>{cell}</td>" for cell in _cells(sums))
        rows.append(f'<tr><th scope="row"><bdi>{escape(name)}</bdi></th><td>{bars}</td>{cells}</tr>')
    columns = (f"articles by {periods.step}", "articles", "paragraphs", "repeat", "boilerplate", "known", "removed")
    note = '<p class="soft">The small bars of each feed are as high as its busiest time.</p>'
    return note + _table("By feed", [("feed", "words"), *((column, "") for column in columns)], rows)


def _cells(sums: Sums) -> Iterable[str]:
    numbers = (sums.articles, sums.paragraphs, *sums.reasons.values())
    return (*(f"{number:,}" for number in numbers), share(sums.removed, sums.paragraphs))


def _boilerplate(report: Report) -> str:
    rows = [
        f'<tr>{_text(passage)}<td class="words"><bdi>{escape(legible(one.feed))}</bdi></td>'
        f"<td>{one.articles:,}</td><td>{one.days:,}</td><td>{one.head:,}</td><td>{one.tail:,}</td>{_source(passage)}</tr>"
        for one, passage in report.boilerplate
    ]
    counts = ((name, "") for name in ("articles", "days", "at head", "at tail"))
    columns = [("paragraph", "said words"), ("feed", "words"), *counts, ("stands first in", "words")]
    return _table("Learned boilerplate", columns, rows)


def _repeated(report: Report) -> str:
    rows = [
        f"<tr>{_text(passage)}<td>{one.articles:,}</td><td>{one.feeds:,}</td><td>{one.days:,}</td>{_source(passage)}</tr>"
        for one, passage in report.repeated
    ]
    counts = ((name, "") for name in ("articles", "feeds", "days"))
    return _table(
        "Most repeated paragraphs", [("paragraph", "said words"), *counts, ("stands first in", "words")], rows
    )


def _table(title: str, columns: Iterable[tuple[str, str]], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col" class="{style}">{name}</th>' for name, style in columns)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{title}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _text(passage: Passage) -> str:
    if passage.text is None:
        return '<th scope="row" class="said soft">its record cannot be read</th>'
    return f'<th scope="row" class="said"{_language(passage)}>{_shown(passage.text, _LONGEST)}</th>'


def _source(passage: Passage) -> str:
    """The article, by its title where it is known, as a link where it has an address; and how veille finds it."""
    standing = passage.standing
    title = _shown(passage.title or passage.url or "", _LONGEST_TITLE)
    if title and passage.url and passage.url.isprintable() and _WEB.fullmatch(passage.url):
        title = f'<a href="{escape(passage.url)}" rel="noreferrer noopener nofollow">{title}</a>'
    named = f"<div{_language(passage)}>{title}</div>" if title else ""
    place = f"revision {standing.revision}, position {standing.at}"
    return f'<td class="words source">{named}<code>{escape(standing.id)}</code> <span class="soft">{place}</span></td>'


def _language(passage: Passage) -> str:
    language = passage.language or ""
    return ' dir="auto"' + (f' lang="{language}"' if _TAG.fullmatch(language) else "")


def _shown(text: str, longest: int) -> str:
    line = legible(text)
    return escape(line if len(line) <= longest else f"{line[:longest].rstrip()}…")
