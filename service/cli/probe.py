"""``veille feeds test`` and ``veille feeds discover``: asking a site about its feeds; nothing is kept."""

from typing import TYPE_CHECKING

import click

from service.cli.context import Context, Verb, pass_context
from service.cli.crawl import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.app import Outside
    from service.feeds.discover import Found
    from service.net.response import Response
    from storage.model import Feed

SOME_FAILED, ALL_FAILED = 3, 4
_PAGE = "text/html, application/xhtml+xml, */*;q=0.5"


# -- one feed ----------------------------------------------------------------------------------------------------------


@click.command(cls=Verb)
@click.argument("targets", metavar="URL|NAME...", nargs=-1, required=True)
@pass_context
def test(context: Context, targets: tuple[str, ...]) -> int:
    """Ask feeds as a poll would, twice, and show it hop by hop.

    What was sent and received, what the address guard, robots.txt and the parser said, whether conditional requests
    work, when the next poll would be due. -v shows every header field. Nothing is kept. Exit 3 where some of them
    fail, 4 where all do.
    """
    from service import logs
    from storage.model import Feed

    names = tuple(target for target in targets if "://" not in target)
    named = {feed.name: feed for feed in choose(context.feeds, names)} if names else {}
    feeds = [named.get(target) or Feed("", _address(target)) for target in targets]
    logs.configure(context.settings)
    import asyncio

    failed = asyncio.run(_test(context, feeds))
    return 0 if not failed else ALL_FAILED if failed == len(feeds) else SOME_FAILED


async def _test(context: Context, feeds: "Sequence[Feed]") -> int:
    """Probe one feed after another; returns how many failed."""
    from service.app import open_prober
    from service.cli.probed import as_json, in_words

    failed = 0
    async with open_prober(context.settings) as prober:
        for number, feed in enumerate(feeds):
            probe = await prober.probe(feed)
            failed += probe.error is not None
            if context.json:
                context.emit(as_json(probe))
                continue
            for line in ["", *in_words(probe, verbose=bool(context.verbose))][not number :]:
                context.emit(line)
    return failed


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
    from service.app import open_outside, passing_memory
    from service.errors import FetchError, GoneError
    from service.feeds.discover import links, usual_places

    async with open_outside(context.settings, passing_memory(context.settings)) as outside:
        try:
            response = await _get(outside, url)
        except FetchError as error:
            context.say(f"{url}: {error}")
            if not isinstance(error, GoneError):  # no answer, or not for us: asking elsewhere would bring no more
                return []
        else:
            if (itself := await _as_feed(outside, response)) is not None:
                return [itself]
            if pointed_to := links(response.body, response.url):
                return pointed_to
            url = response.url
            context.say(f"{url} points to no feed; trying the usual places")
        found: dict[str, Found] = {}
        for place in usual_places(url):
            try:
                if (feed := await _as_feed(outside, await _get(outside, place))) is not None:
                    found[feed.url] = feed
            except GoneError:
                continue
            except FetchError as error:
                if error.status is None or error.status >= 429:  # whoever is asked not to ask does not go on guessing
                    context.say(f"{place}: {error}")
                    break
    return list(found.values())


async def _get(outside: "Outside", url: str) -> "Response":
    from service.net.response import check

    response = await outside.fetcher.get(url, accept=_PAGE, permit=outside.robots.permit)
    check(response)
    return response


async def _as_feed(outside: "Outside", response: "Response") -> "Found | None":
    """The answer as a feed, if it is one."""
    from service.app import now
    from service.cli.advice import format_name
    from service.errors import ParseError
    from service.feeds.discover import Found

    try:
        document = await outside.workers.parse(
            response.content, feed="", url=response.url, content_type=response.header("content-type"), now=now()
        )
    except ParseError:
        return None
    return Found(response.url, document.title, format_name(document.version))


def _address(url: str) -> str:
    from service.feeds.fields import check_url

    try:
        return check_url(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="URL") from None
