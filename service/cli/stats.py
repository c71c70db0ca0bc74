"""``veille stats``: what came in, what was removed, what repeats; on a terminal, as JSON Lines, or as a page."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.archive import NO_ARCHIVE, no_archive
from service.cli.context import Context, Verb, pass_context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.stats.report import Passage, Report, Sums
    from storage.store import Store

_COLUMNS = ("articles", "paragraphs", "repeat", "boilerplate", "known", "removed")
_WIDEST = 240
"""Characters of a paragraph shown where no terminal says how much fits."""


@click.command(cls=Verb)
@click.option("--feed", "feeds", multiple=True, metavar="NAME", help="Only of this feed; may be given again.")
@click.option("--days", type=click.IntRange(1), default=14, show_default=True, help="How many days to list.")
@click.option(
    "--top", type=click.IntRange(1), default=10, show_default=True, help="How many repeated paragraphs to list."
)
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write it all as a page instead.")
@pass_context
def stats(context: Context, feeds: tuple[str, ...], days: int, top: int, page: Path | None) -> int:
    """What came in, what was removed, what repeats. Days are UTC days of archiving."""
    from service.app import open_readonly
    from service.stats.report import gather
    from storage.references import finder
    from storage.segments import Reader

    if page is not None and page.exists() and not page.is_file():
        raise click.UsageError(f"{page} is no file that a page can be written to")
    if no_archive(context):
        return NO_ARCHIVE
    settings = context.settings
    with open_readonly(settings) as store:
        if feeds:
            _check(context, store, feeds)
        report = gather(
            store,
            finder(Reader(settings.data_dir, store).read, store),
            least_articles=settings.boilerplate_articles,
            least_days=settings.boilerplate_days,
            top=top,
            feeds=feeds,
        )
    if not report.intakes:
        context.say(f"no article of {', '.join(feeds)} has been archived yet" if feeds else "no articles archived yet")
    elif not report.is_complete:
        context.say("paragraphs are not all counted yet: the next veille crawl, or run, learns them from the records")
    if page is not None:
        _write_page(context, page, report, feeds)
    if context.json:
        for line in _json_lines(report):
            context.emit(line)
    elif page is None and report.intakes:
        _print(context, report, days)
    return 0


def _check(context: Context, store: "Store", names: "Iterable[str]") -> None:
    """Refuse the name of a feed that is neither watched nor in the archive."""
    from service.feeds.catalogue import suggest

    known = {feed.name for feed in context.feeds} | store.ledger().keys()
    for name in names:
        if name not in known:
            raise click.UsageError(f"no feed is named {name}{suggest(name, known) or '; see: veille feeds list'}")


def _write_page(context: Context, path: Path, report: "Report", feeds: tuple[str, ...]) -> None:
    from service.cli.files import write_file
    from service.stats.page import render

    made = context.time(datetime.now(UTC))
    write_file(path, render(report, made=made, feeds=feeds).encode())
    context.say(f"wrote {path}")


# -- for machines ------------------------------------------------------------------------------------------------------


def _json_lines(report: "Report") -> "Iterable[dict[str, Any]]":
    from service.stats.report import total

    for one in report.intakes:
        yield {"day": one.day, "feed": one.feed, **_figures(total([one]))}
    for recurrence, passage in report.boilerplate:
        yield {
            "boilerplate": passage.text,
            "feed": recurrence.feed,
            "articles": recurrence.articles,
            "days": recurrence.days,
            "head": recurrence.head,
            "tail": recurrence.tail,
            **_place(passage),
        }
    for repeated, passage in report.repeated:
        counts = {"articles": repeated.articles, "feeds": repeated.feeds, "days": repeated.days}
        yield {"repeated": passage.text, **counts, **_place(passage)}
    yield {"total": _figures(total(report.intakes)), "complete": report.is_complete}


def _figures(sums: "Sums") -> dict[str, Any]:
    return {"articles": sums.articles, "paragraphs": sums.paragraphs, "removed": sums.reasons}


def _place(passage: "Passage") -> dict[str, Any]:
    standing = passage.standing
    return {"id": standing.id, "revision": standing.revision, "at": standing.at}


# -- for people --------------------------------------------------------------------------------------------------------


def _print(context: Context, report: "Report", days: int) -> None:
    from service.stats.report import by_day, by_feed, counted, frequency, share, total

    sums = total(report.intakes)
    context.emit(
        f"{counted(sums.articles, 'article version')} archived, {counted(sums.paragraphs, 'paragraph')} in them"
    )
    reasons = ", ".join(f"{count} {reason}" for reason, count in sums.reasons.items())
    context.emit(f"{sums.removed} removed ({share(sums.removed, sums.paragraphs)}): {reasons}")
    context.emit("")
    _print_table(context, "feed", {feed: total(some) for feed, some in by_feed(report.intakes).items()})
    by_date = by_day(report.intakes)
    last = max(by_date)
    span = [last - timedelta(back) for back in reversed(range(days)) if last - timedelta(back) >= min(by_date)]
    context.emit("")
    _print_table(context, "UTC day", {day.isoformat(): by_date.get(day, total([])) for day in span})
    learned = f"at the head or tail of {report.least_articles} articles of a feed, on {report.least_days} days"
    context.emit(
        f"\nlearned boilerplate ({learned}):" if report.boilerplate else f"\nno boilerplate learned ({learned})"
    )
    for recurrence, passage in report.boilerplate:
        _print_passage(context, passage, frequency(recurrence), f"{recurrence.feed}: ")
    if report.repeated:
        context.emit("\nmost repeated paragraphs:")
    for repeated, passage in report.repeated:
        where = f"of {counted(repeated.feeds, 'feed')}, on {counted(repeated.days, 'day')}"
        _print_passage(context, passage, f"in {counted(repeated.articles, 'article')} {where}")


def _print_table(context: Context, heading: str, rows: "dict[str, Sums]") -> None:
    from rich.table import Table
    from rich.text import Text

    from service.stats.report import share

    table = Table(box=None, pad_edge=False)
    table.add_column(heading, no_wrap=True, min_width=max(map(len, rows)))
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for name, sums in rows.items():
        counts = (sums.articles, sums.paragraphs, *sums.reasons.values())
        table.add_row(Text(name), *map(str, counts), share(sums.removed, sums.paragraphs))
    with context.out.capture() as drawn:
        context.out.print(table)
    context.emit(drawn.get().rstrip("\n"))  # past rich, which would end the command where a reader has seen enough


def _print_passage(context: Context, passage: "Passage", frequency: str, before: str = "") -> None:
    from rich.text import Text

    from service.stats.report import legible

    text = legible(passage.text) if passage.text is not None else "(its record cannot be read; veille verify says why)"
    line = Text(before + text)
    line.truncate(min(context.out.width, _WIDEST), overflow="ellipsis")
    standing = passage.standing
    context.emit(line.plain)
    context.emit(f"    {frequency}; veille show {standing.id}, revision {standing.revision}, position {standing.at}")
