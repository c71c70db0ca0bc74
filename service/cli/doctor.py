"""``veille doctor``: whether all that the service needs is there."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.context import Context, Verb, pass_context
from service.cli.crawl import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.health import Check
    from service.probing import Probe, Prober
    from storage.model import Feed

SOME_FAILED, ALL_FAILED, STORAGE, SETUP = 3, 4, 74, 78
AT_ONCE = 16
"""Feeds that are probed side by side; those of one host still take turns."""


@click.command(cls=Verb)
@click.argument("names", nargs=-1, metavar="[FEED]...")
@click.option("--network", is_flag=True, help="Ask the feeds too, as veille feeds test does: all that are on, or FEED.")
@click.option("--notify", is_flag=True, help="Send a test to VEILLE_NOTIFY_URL too.")
@pass_context
def doctor(context: Context, names: tuple[str, ...], network: bool, notify: bool) -> int:
    """Check settings, rights, clock, disk, archive and units; with --network names, feeds and servers' clocks too.

    One line for each: ok, warning or problem, and what to do; the last line names what is not ok. With -v settings that
    have their defaults too. Nothing is changed, and a running service is not disturbed. Exit 0 without a problem; else
    74 where one is with the archive or its disk, 78 where one is with settings, feeds file, machine or units, 3 where
    some feeds fail, 4 where all do. No archive yet is no problem.
    """
    import asyncio

    from service import logs
    from service.health import Found, check_machine
    from service.settings import origins

    if names and not network:
        raise click.UsageError("feeds are looked at with --network only")
    settings, feeds = context.settings, context.feeds
    chosen = choose(feeds, names)
    logs.configure(settings)
    env_file = context.env_file or Path(".env")
    found = Found(settings, origins(context.env_file), env_file, feeds, context.catalogue_path, context.given)
    checks = []
    for check in check_machine(found, datetime.now(UTC), with_defaults=context.verbose > 0):
        checks.append(check)
        _tell(context, check)
    if network:
        checks += asyncio.run(_ask_around(context, chosen))
    if notify:
        checks.append(asyncio.run(_try_to_tell(context)))
        _tell(context, checks[-1])
    return _sum_up(context, checks)


async def _ask_around(context: Context, feeds: "Sequence[Feed]") -> "list[Check]":
    """Names, then feeds, each told as it comes, then what their servers say of the time."""
    import asyncio
    from dataclasses import replace

    from service.app import open_prober
    from service.health import check_server_clocks
    from service.net import urls
    from service.net.body import EMPTY

    checks, answers = [await _names(feeds)], {}
    _tell(context, checks[0])
    side_by_side = asyncio.Semaphore(AT_ONCE)

    async def probe(prober: "Prober", feed: "Feed") -> None:
        async with side_by_side:
            found = await prober.probe(feed)
        checks.append(_of_feed(found))
        _tell(context, checks[-1])
        if found.response is not None and found.answered is not None:
            bare = replace(found.response, content=EMPTY)  # only its header fields are of use any more
            answers[urls.host(bare.url)] = bare, found.answered

    async with open_prober(context.settings) as prober, asyncio.TaskGroup() as group:
        for feed in feeds:
            group.create_task(probe(prober, feed))
    checks.append(check_server_clocks(list(answers.values())))
    _tell(context, checks[-1])
    return checks


async def _try_to_tell(context: Context) -> "Check":
    """Whether a message reaches those who are to be told of trouble."""
    import socket

    from service.health import Check, Result
    from service.telling import send_test

    if context.settings.notify_url is None:
        return Check("test message", Result.PROBLEM, "VEILLE_NOTIFY_URL is not set: there is nobody to send it to")
    failure = await send_test(context.settings.notify_url, socket.gethostname())
    if failure is not None:
        cure = "check it against Apprise's documentation, and whether this machine reaches that service"
        return Check("test message", Result.PROBLEM, f"{failure}: {cure}")
    return Check("test message", Result.OK, "sent to every address; has it arrived?")


def _of_feed(probe: "Probe") -> "Check":
    from service.cli.advice import how_it_went, warnings, what_to_do
    from service.health import Check, Kind, Result

    result = Result.PROBLEM if probe.error else Result.WARNING if warnings(probe) else Result.OK
    return Check(f"feed {probe.feed.name}", result, how_it_went(probe), what_to_do(probe), Kind.FEED)


async def _names(feeds: "Sequence[Feed]") -> "Check":
    """Whether the feeds' hosts have addresses."""
    import asyncio
    from urllib.parse import urlsplit

    from service.health import Check, Kind, Result
    from service.net.names import system_resolve

    hosts = sorted({urlsplit(feed.url).hostname or "" for feed in feeds})
    found = await asyncio.gather(
        *(asyncio.to_thread(system_resolve, host, 443) for host in hosts), return_exceptions=True
    )
    lost = [host for host, answer in zip(hosts, found, strict=True) if isinstance(answer, BaseException)]
    if not lost:
        return Check("names", Result.OK, f"{len(hosts)} of {len(hosts)} hosts have an address")
    detail = f"{len(lost)} of {len(hosts)} hosts have no address: {', '.join(lost[:5])}{', …' if lost[5:] else ''}"
    if len(lost) == len(hosts):
        cure = "is there a network, and a name server in /etc/resolv.conf?"
        return Check("names", Result.PROBLEM, detail, cure, Kind.FEED)
    return Check("names", Result.WARNING, detail, "are they spelled right? Each feed's own line says more")


def _tell(context: Context, check: "Check") -> None:
    from service.health import Result
    from service.logs import printable

    if context.json:
        context.emit({"check": check.name, "result": check.result, "detail": check.detail, "advice": check.advice})
    elif check.result is not Result.OK or not context.quiet:
        context.emit(
            printable("; ".join(filter(None, (f"{check.result:<8} {check.name}: {check.detail}", check.advice))))
        )


def _sum_up(context: Context, checks: "Sequence[Check]") -> int:
    from service.health import Kind, Result

    problems = [check for check in checks if check.result is Result.PROBLEM]
    warnings = [check for check in checks if check.result is Result.WARNING]
    parts = (
        _named("problem", problems),
        _named("warning", warnings),
    )
    number = sum(not check.name.startswith("setting ") for check in checks)
    context.say(f"{number} checks: {', '.join(parts)}")
    kinds = {check.kind for check in problems}
    if Kind.STORAGE in kinds:
        return STORAGE
    if Kind.SETUP in kinds:
        return SETUP
    failed, asked = len(problems), sum(check.kind is Kind.FEED for check in checks)
    return 0 if not failed else ALL_FAILED if failed >= asked else SOME_FAILED


def _named(noun: str, checks: "Sequence[Check]") -> str:
    number = f"{len(checks)} {noun}{'' if len(checks) == 1 else 's'}"
    names = dict.fromkeys(check.name for check in checks)
    return f"{number} ({', '.join(names)})" if names else number
