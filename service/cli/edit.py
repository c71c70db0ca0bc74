"""Verbs of ``veille feeds`` that change the feeds file, or carry it elsewhere."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from service.cli.context import Context, Verb, pass_context
from service.cli.crawl import choose

NEW_FILE = """\
# The feeds to watch, one [[feed]] each. `veille feeds` edits this file and keeps its comments.
# A feed may also say: interval = "30m", enabled = false, dedup = "all", content = "feed", obey_robots = false,
# tags = ["africa"]
"""


def _checked(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that reads an option as the catalogue reads the key of that name."""

    def check(_context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        from service.feeds.fields import READERS

        if value is None:
            return None
        try:
            return READERS[name](list(value) if isinstance(value, tuple) else value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return check


@click.command(cls=Verb)
@click.argument("url", callback=_checked("url"))
@click.option("--name", callback=_checked("name"), help="Its identity in the archive; made from the host if not given.")
@click.option("--language", callback=_checked("language"), metavar="TAG", help="BCP 47, such as fr or pt-BR.")
@click.option("--publisher", callback=_checked("publisher"), metavar="TEXT")
@click.option("--interval", callback=_checked("interval"), metavar="DURATION", help="Poll as often as this: 30m, 2h.")
@click.option("--tag", "tags", multiple=True, callback=_checked("tags"), help="May be given again.")
@click.option("--disabled", is_flag=True, help="Add it switched off.")
@pass_context
def add(context: Context, url: str, name: str | None, disabled: bool, **values: Any) -> None:
    """Add a feed to the feeds file.

    Where there is none, it becomes the first of a new one, ./feeds.toml.
    """
    from service.feeds.catalogue import add_feed
    from service.feeds.fields import address_key, host_name, make_name
    from storage.model import Feed

    known = context.feeds if _has_file(context) else ()
    for feed in known:
        if address_key(feed.url) == address_key(url):
            raise click.UsageError(f"{url} is watched already, as {feed.name}")
        if feed.name == name:
            raise click.UsageError(f"another feed is named {name}: {feed.url}")
    made = name or make_name(host_name(url), taken={feed.name for feed in known})
    added = Feed(made, url, enabled=not disabled, **values)
    _edit(context, lambda text, source: add_feed(text, added, source=source), "added", [made], start=NEW_FILE)
    if not context.json:
        context.say(f"to see whether it answers: veille feeds test {made}")


@click.command(cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@pass_context
def remove(context: Context, names: tuple[str, ...]) -> None:
    """Take feeds out of the feeds file.

    What they brought stays in the archive, under their names.
    """
    from service.feeds.catalogue import remove_feed

    _edit_each(context, names, lambda text, name, source: remove_feed(text, name, source=source), "removed")


@click.command(cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@pass_context
def enable(context: Context, names: tuple[str, ...]) -> None:
    """Switch feeds on."""
    from service.feeds.catalogue import set_enabled

    _edit_each(context, names, lambda text, name, source: set_enabled(text, name, True, source=source), "enabled")


@click.command(cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@pass_context
def disable(context: Context, names: tuple[str, ...]) -> None:
    """Switch feeds off."""
    from service.feeds.catalogue import set_enabled

    _edit_each(context, names, lambda text, name, source: set_enabled(text, name, False, source=source), "disabled")


@click.command("import", cls=Verb)
@click.argument("file", metavar="FILE.opml", type=click.File("rb"))
@pass_context
def import_feeds(context: Context, file: Any) -> None:
    """Add the feeds of an OPML file.

    Of another reader's subscriptions, those that are not watched already; - reads it from standard input.
    """
    from service.errors import ParseError
    from service.feeds.catalogue import add_feeds
    from service.feeds.fields import address_key
    from service.feeds.opml import parse_opml

    known = context.feeds if _has_file(context) else ()
    try:
        found = parse_opml(file.read(), taken={feed.name for feed in known})
    except ParseError as error:
        raise click.BadParameter(f"{file.name}: {error}", param_hint="FILE.opml") from None
    for line in found.skipped:
        context.say(f"left out: {line}")
    watched = {address_key(feed.url) for feed in known}
    fresh = [feed for feed in found.feeds if address_key(feed.url) not in watched]
    for feed in set(found.feeds).difference(fresh):
        context.say(f"left out: {feed.url} is watched already")
    names = [feed.name for feed in fresh]
    if not names:
        context.say(f"{file.name} brings no feed that is not watched already")
        return
    _edit(context, lambda text, source: add_feeds(text, fresh, source=source), "added", names, start=NEW_FILE)


@click.command(cls=Verb)
@click.option("--format", "form", type=click.Choice(["opml", "toml"]), default="opml", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead.")
@pass_context
def export(context: Context, form: str, output: Path | None) -> None:
    """Print the feeds as OPML or TOML.

    OPML is for other readers; TOML is the feeds file itself, with its comments.
    """
    from service.catalogues import read
    from service.cli.files import write_file

    if form == "toml":
        data = read(context.catalogue_path).encode()
    else:
        from service.feeds.opml import format_opml

        data = format_opml(context.feeds, created=datetime.now(UTC).replace(microsecond=0))
    if output is None:
        click.echo(data, nl=False)
    else:
        write_file(output, data)
        context.say(f"wrote {output}")


def _has_file(context: Context) -> bool:
    path = context.catalogue_path
    return path is not None and path.exists()


def _edit_each(context: Context, names: tuple[str, ...], change: Callable[[str, str, str], str], done: str) -> None:
    """Edit the named feeds of the catalogue in use; of the shipped one, in a copy that becomes the feeds file."""
    from service.catalogues import read

    chosen = [feed.name for feed in choose(context.feeds, names)]

    def change_all(text: str, source: str) -> str:
        for name in chosen:
            text = change(text, name, source)
        return text

    _edit(context, change_all, done, chosen, start=read(context.catalogue_path))


def _edit(context: Context, change: Callable[[str, str], str], done: str, names: list[str], *, start: str) -> None:
    """Change the feeds file, or write it from ``start`` where there is none, and say so."""
    from service.catalogues import read
    from service.cli.files import write_file

    path = context.catalogue_path or Path("feeds.toml")
    before = read(path) if path.exists() else start
    after = change(before, str(path))
    if after == before:
        context.say(f"nothing to change in {path}")
        return
    write_file(path, after.encode())
    for name in names:
        if context.json:
            context.emit({"feed": name, "change": done, "file": str(path)})
        else:
            context.say(f"{path}: {done} {name}")
    if context.catalogue_path is None:
        context.say(f"{path} is new: it is used from now on, and no longer the shipped RFI catalogue")
