"""``veille feeds test`` and ``veille feeds discover``: asking a site about its feeds; nothing is kept."""

from typing import TYPE_CHECKING, Any

import click

from service.cli.context import Context, Verb, pass_context
from service.cli.crawl import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.app import Outside
    from service.feeds.discover import Found
    from service.feeds.document import Document
    from service.net.response import Response
    from service.net.robots import Verdict
    from storage.model import Feed

SOME_FAILED, ALL_FAILED = 3, 4
_PAGE = "text/html, application/xhtml+xml, */*;q=0.5"


# -- one feed ----------------------------------------------------------------------------------------------------------


@click.command(cls=Verb)
@click.argument("targets", metavar="URL|NAME...", nargs=-1, required=True)
@pass_context
def test(context: Context, targets: tuple[str, ...]) -> int:
    """Fetch and read feeds once, and say what came.

    Nothing is kept. Exit 3 where some of them fail, 4 where all do.
    """
    from service import logs
    from service.app import user_agent
    from storage.model import Feed

    names = tuple(target for target in targets if "://" not in target)
    named = {feed.name: feed for feed in choose(context.feeds, names)} if names else {}
    feeds = [named.get(target) or Feed("test", _address(target)) for target in targets]
    logs.configure(context.settings)
    import asyncio

    reports = asyncio.run(_test(context, feeds, user_agent(context.settings)))
    failed = sum(report["error"] is not None for report in reports)
    return 0 if not failed else ALL_FAILED if failed == len(reports) else SOME_FAILED


async def _test(context: Context, feeds: "Sequence[Feed]", agent: str) -> list[dict[str, Any]]:
    from service.app import RememberedRobots, open_outside

    reports = []
    async with open_outside(context.settings, RememberedRobots()) as outside:
        for feed in feeds:
            report = await _ask(outside, feed, agent)
            reports.append(report)
            if context.json:
                context.emit(report)
                continue
            for line in _in_words(report):
                context.emit(line)
            if feed is not feeds[-1]:
                context.emit("")
    return reports


async def _ask(outside: "Outside", feed: "Feed", agent: str) -> dict[str, Any]:
    """What a feed answers, as far as it got; ``error`` says why it got no further, and is None where all is well."""
    from service.errors import FetchError, ParseError
    from service.net.response import check
    from service.polling import ACCEPT

    report: dict[str, Any] = {"url": feed.url, "user_agent": agent, **dict.fromkeys(_FACTS)}
    try:
        verdict = await outside.robots.verdict(feed.url)
        report |= {"robots_allowed": verdict.allowed, "robots": verdict.reason}
        if feed.obey_robots:
            await _check(outside, verdict, feed.url)
        response = await outside.fetcher.get(feed.url, accept=ACCEPT)
        report |= _of_response(response)
        check(response)
        document = await _parse(outside, response, feed)
    except (FetchError, ParseError) as error:
        report["error"] = str(error)
        if isinstance(error, ParseError) and report["content_type"] in {"text/html", "application/xhtml+xml"}:
            report["error"] += f"; it is a web page, see: veille feeds discover {feed.url}"
        return report
    return report | _of_document(document)


_FACTS = (
    *("robots_allowed", "robots", "redirects", "final_url", "status", "content_type", "bytes", "wire_bytes", "seconds"),
    *(
        "etag",
        "last_modified",
        "format",
        "title",
        "language",
        "entries",
        "without_page",
        "newest",
        "malformed",
        "error",
    ),
)
"""What is said of a feed, in this order; null where it got no answer."""


def _of_response(response: "Response") -> dict[str, Any]:
    return {
        "redirects": [{"status": hop.status, "location": hop.location} for hop in response.hops],
        "final_url": response.url,
        "status": response.status,
        "content_type": response.content_type,
        "bytes": len(response.body),
        "wire_bytes": response.wire_bytes,
        "seconds": round(response.seconds, 3),
        "etag": response.validators.etag is not None,
        "last_modified": response.validators.last_modified is not None,
    }


def _of_document(document: "Document") -> dict[str, Any]:
    times = [entry.published or entry.modified for entry in document.entries]
    return {
        "format": _format(document.version),
        "title": document.title,
        "language": document.language,
        "entries": len(document.entries) + document.dropped,
        "without_page": sum(entry.url is None for entry in document.entries),
        "newest": max((time for time in times if time), default=None),
        "malformed": document.malformed,
    }


def _format(version: str) -> str:
    """A format's name for people: ``rss20`` is RSS 2.0."""
    kind = version.rstrip("0123456789un")
    digits = "".join(filter(str.isdigit, version))
    name = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed", "cdf": "CDF"}.get(kind, version)
    return f"{name} {digits[0]}.{digits[1:] or 0}" if digits and name != version else name


def _in_words(report: dict[str, Any]) -> list[str]:
    from service.logs import printable
    from service.units import format_size

    lines = [f"asked: {report['url']}", f"as: {report['user_agent']}"]
    if report["robots"] is not None:
        lines.append(f"robots.txt: {report['robots']}")
    lines += [f"redirected: {hop['status']} to {hop['location']}" for hop in report["redirects"] or ()]
    if report["status"] is not None:
        size = f"{format_size(report['bytes'])} ({format_size(report['wire_bytes'])} on the wire)"
        kind = report["content_type"] or "no content type"
        lines.append(f"answered: {report['status']}, {kind}, {size}, in {report['seconds']:.2f}s")
        held = [name for key, name in (("etag", "ETag"), ("last_modified", "Last-Modified")) if report[key]]
        lines.append(f"validators: {' and '.join(held) or 'none, so every poll brings the whole document'}")
    if report["format"] is not None:
        lines.append(
            f"format: {report['format']}{', malformed: ' + report['malformed'] if report['malformed'] else ''}"
        )
        lines.append(f"title: {report['title'] or '-'}")
        lines.append(f"language: {report['language'] or '-'}")
        newest = f", the newest of {report['newest']:%Y-%m-%d %H:%M} UTC" if report["newest"] else ", none dated"
        bare = f", {report['without_page']} without a page of their own" if report["without_page"] else ""
        lines.append(f"entries: {report['entries']}{newest if report['entries'] else ''}{bare}")
    lines.append(f"failed: {report['error']}" if report["error"] else "works")
    return [printable(line) for line in lines]


# -- a site's feeds ----------------------------------------------------------------------------------------------------


@click.command(cls=Verb)
@click.argument("url")
@pass_context
def discover(context: Context, url: str) -> int:
    """Find the feeds of a site.

    Those its page points to, else those in the usual places. Exit 4 where there is none.
    """
    from service import logs
    from service.logs import printable

    url = _address(url if "://" in url else f"https://{url}")
    logs.configure(context.settings)
    import asyncio

    found = asyncio.run(_discover(context, url))
    for feed in found:
        if context.json:
            context.emit({"url": feed.url, "title": feed.title, "type": feed.type})
        else:
            context.emit(printable("  ".join(filter(None, (feed.url, feed.type, feed.title)))))
    if not found:
        context.say(f"no feed found for {url}")
    return 0 if found else ALL_FAILED


async def _discover(context: Context, url: str) -> "list[Found]":
    from service.app import RememberedRobots, open_outside
    from service.errors import FetchError
    from service.feeds.discover import links, usual_places

    async with open_outside(context.settings, RememberedRobots()) as outside:
        try:
            response = await _get(outside, url)
        except FetchError as error:
            context.say(f"{url}: {error}")
            if error.status is None:  # no answer, or not for us: asking the same host elsewhere would bring no more
                return []
        else:
            if (itself := await _as_feed(outside, response)) is not None:
                return [itself]
            if found := links(response.body, response.url):
                return found
            url = response.url
            context.say(f"{url} points to no feed; trying the usual places")
        places = [await _try(outside, place) for place in usual_places(url)]
    return list({feed.url: feed for feed in places if feed is not None}.values())


async def _try(outside: "Outside", url: str) -> "Found | None":
    from service.errors import FetchError

    try:
        return await _as_feed(outside, await _get(outside, url))
    except FetchError:
        return None


async def _get(outside: "Outside", url: str) -> "Response":
    from service.net.response import check

    await _check(outside, await outside.robots.verdict(url), url)
    response = await outside.fetcher.get(url, accept=_PAGE)
    check(response)
    return response


async def _as_feed(outside: "Outside", response: "Response") -> "Found | None":
    """The answer as a feed, if it is one."""
    from service.errors import ParseError
    from service.feeds.discover import Found
    from storage.model import Feed

    try:
        document = await _parse(outside, response, Feed("test", response.url))
    except ParseError:
        return None
    return Found(response.url, document.title, _format(document.version))


async def _check(outside: "Outside", verdict: "Verdict", url: str) -> None:
    """Pass where a URL may be fetched; where robots.txt could not be had, ask for it again to learn why.

    Raises:
        FetchError: it may not, or the site cannot be reached.
    """
    from service.net import urls
    from service.net.response import check

    if not verdict.allowed and verdict.retry_after is not None:
        check(await outside.fetcher.get(f"{urls.origin(url)}/robots.txt", accept="text/plain, */*;q=0.5"))
    verdict.check()


async def _parse(outside: "Outside", response: "Response", feed: "Feed") -> "Document":
    from service.app import now

    return await outside.workers.parse(
        response.body,
        feed=feed.name,
        url=response.url,
        content_type=response.header("content-type"),
        now=now(),
        language=feed.language,
    )


def _address(url: str) -> str:
    from service.feeds.fields import check_url

    try:
        return check_url(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="URL") from None
