"""``veille crawl`` and ``veille run``: the service, once and for ever."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from service.cli.context import Context, Verb, pass_context

if TYPE_CHECKING:
    from service.events import Event, Listener
    from service.oneshot import Crawled
    from service.settings import Settings
    from storage.model import Feed


@click.command(cls=Verb)
@click.argument("names", nargs=-1, metavar="[FEED]...")
@click.option(
    "--all",
    "poll_all",
    is_flag=True,
    help="Poll feeds due or not (conditionally, as always), but for those that are gone.",
)
@click.option(
    "--force", is_flag=True, help="Poll every feed, gone ones too, unconditionally: as if for the first time."
)
@click.option("--dry-run", is_flag=True, help="Poll, say what is new, keep nothing.")
@click.option(
    "--fail-on",
    type=click.Choice(["any", "all", "never"]),
    default="any",
    show_default=True,
    help="Which failing feeds make the exit code 3 (some) or 4 (all).",
)
@pass_context
def crawl(context: Context, names: tuple[str, ...], poll_all: bool, force: bool, dry_run: bool, fail_on: str) -> int:
    """Poll the feeds that are due, archive their new articles, and end."""
    import asyncio

    from service import logs
    from service.oneshot import FailOn, exit_code, look

    settings, feeds = context.settings, _feeds(context)
    logs.configure(settings)
    chosen = choose(feeds, names)
    if dry_run:
        reporter = _Reporter(context, dry_run=True)
        failed = asyncio.run(look(settings, chosen, force=force, listen=reporter))
        return exit_code(FailOn(fail_on), failed, len(chosen))
    return crawl_with_report(context, settings, feeds, chosen, poll_all=poll_all, force=force, fail_on=fail_on)


def crawl_with_report(
    context: Context,
    settings: "Settings",
    feeds: "tuple[Feed, ...]",
    chosen: "tuple[Feed, ...]",
    *,
    poll_all: bool,
    force: bool,
    fail_on: str,
) -> int:
    """One crawl, told while it happens and summed up at its end; returns the exit code."""
    import asyncio
    import signal

    from service.oneshot import FailOn, crawl

    with _reporting(context) as (listen, on_start):
        try:
            crawled = asyncio.run(
                crawl(settings, feeds, chosen, poll_all=poll_all, force=force, listen=listen, on_start=on_start)
            )
        except asyncio.CancelledError:
            context.say("interrupted twice: what was under way stays pending")
            return 128 + signal.SIGINT
    _summarise(context, crawled)
    return crawled.exit_code(FailOn(fail_on))


@click.command(cls=Verb)
@pass_context
def run(context: Context) -> int:
    """Watch the feeds for ever: the daemon. SIGHUP reloads, SIGTERM drains."""
    import signal

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # all is read just now; from the first session on it reloads

    import asyncio

    from service import daemon, logs

    settings, feeds = context.settings, _feeds(context)
    logs.configure(settings)
    logs.serve()
    return asyncio.run(daemon.run(settings, feeds, reload=lambda: _again(context)))


def _feeds(context: Context) -> "tuple[Feed, ...]":
    """The feeds of the catalogue in use. Raises SettingsError where it has none."""
    from service.errors import SettingsError

    if not context.feeds:
        raise SettingsError(f"{context.catalogue_path}: there are no feeds in it; veille feeds add URL adds one")
    return context.feeds


def _again(context: Context) -> "tuple[Settings, tuple[Feed, ...]]":
    """Settings and feeds as the files have them now."""
    # the file in use, by name: while an editor has it away for a moment, the shipped catalogue must not step in
    fresh = Context(context.env_file, context.data, context.catalogue_path, verbose=context.verbose)
    return fresh.settings, _feeds(fresh)  # an editor that empties the file before it writes must not end the watch


def choose(feeds: "tuple[Feed, ...]", names: tuple[str, ...]) -> "tuple[Feed, ...]":
    """The named feeds, disabled ones included; without names, all that are enabled.

    Raises:
        click.UsageError: a name is not in the catalogue; says which is nearest.
    """
    import difflib

    by_name = {feed.name: feed for feed in feeds}
    for name in names:
        if name not in by_name:
            close = difflib.get_close_matches(name, by_name, n=1)
            hint = f"; did you mean {close[0]}?" if close else "; see: veille feeds list"
            hint += "; an address begins with https://" if "." in name or "/" in name else ""
            raise click.UsageError(f"no feed is named {name}{hint}")
    if not names:
        return tuple(feed for feed in feeds if feed.enabled)
    return tuple(by_name[name] for name in dict.fromkeys(names))


# -- telling about it --------------------------------------------------------------------------------------------------


class _Reporter:
    """Says what matters while it happens: every event with ``--json``, else failures and gaps, all with ``-v``.

    A reason that several feeds share is said once; ``finish`` tells how many more it was.
    """

    def __init__(self, context: Context, *, dry_run: bool = False) -> None:
        self._context = context
        self._dry_run = dry_run
        self._reasons: dict[str, int] = {}

    def __call__(self, event: "Event") -> None:
        from service.cli import reports

        context, verbose = self._context, bool(self._context.verbose)
        if context.json:
            context.emit(reports.as_json(event))
        elif self._dry_run:
            for line in reports.dry_run_lines(event):
                context.emit(line)
        elif verbose or self._is_new(reports.failure(event)):
            context.say(reports.line(event, verbose=verbose))

    def _is_new(self, reason: str | None) -> bool:
        if reason is None:
            return True
        self._reasons[reason] = self._reasons.get(reason, 0) + 1
        return self._reasons[reason] == 1

    def finish(self) -> None:
        """Say what was left unsaid."""
        for reason, count in self._reasons.items():
            if count > 1:
                self._context.say(f"{count - 1} more: {reason}")


@contextlib.contextmanager
def _reporting(context: Context) -> "Iterator[tuple[Listener, Callable[[int], None]]]":
    """A listener that reports, and moves a progress display where there is a terminal to show it on."""
    report = _Reporter(context)
    if not context.err.is_terminal or context.quiet or context.json:
        yield report, lambda _due: None
    else:
        from service.cli.reports import Display

        with Display(context.err) as display:

            def listen(event: "Event") -> None:
                report(event)
                display.advance(event)

            yield listen, display.start
    report.finish()


def _summarise(context: Context, crawled: "Crawled") -> None:
    from service.cli import reports

    if context.json:
        context.emit(reports.summary_as_json(crawled))
    elif not context.quiet:
        for line in reports.summary(crawled):
            context.emit(line)
