"""``veille init`` and ``veille demo``: how to begin."""

from pathlib import Path

import click

from service.cli.context import Context, Verb, pass_context
from storage.errors import StorageError

FEEDS_TOML = """\
# The feeds to watch: one [[feed]] table each. `veille feeds add URL` adds one; comments survive.
#
# name       unique: lower-case letters, digits and hyphens; the feed's identity in the archive
# url        RSS, Atom or JSON Feed
# language   BCP 47, used where neither page nor feed says (optional)
# publisher  (optional)
# More: interval = "30m"  enabled = false  dedup = "off"  content = "feed"  obey_robots = false  tags = ["africa"]

[[feed]]
name = "rfi-fr"
url = "https://www.rfi.fr/fr/rss"
language = "fr"
publisher = "RFI"
"""


@click.command(cls=Verb)
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@pass_context
def init(context: Context, directory: Path) -> int:
    """Write a .env and a feeds.toml to start from; files that are there already stay as they are."""
    from service.settings import example

    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in ((".env", example()), ("feeds.toml", FEEDS_TOML)):
            path = directory / name
            if path.exists():
                context.say(f"{path} is there already and stays as it is")
                continue
            path.write_text(text, encoding="utf-8")
            context.emit(f"wrote {path}")
    except OSError as error:
        raise StorageError(f"{error.filename or directory}: cannot be written: {error.strerror}") from None
    context.say("next: change them to your needs, then veille crawl")
    return 0


@click.command(cls=Verb)
@click.argument("directory", metavar="[DIR]", default="demo", type=click.Path(path_type=Path, file_okay=False))
@pass_context
def demo(context: Context, directory: Path) -> int:
    """Crawl a small newsroom on loopback into ./demo, twice: works without a network."""
    from service.newsroom import Newsroom

    _make_room(directory)
    with Newsroom() as room:
        feeds_file = directory / "feeds.toml"
        feeds_file.write_text(MARK + room.feeds_toml(), encoding="utf-8")
        context.say(f"A newsroom of {len(room.sites)} sites on loopback, crawled into {directory}:")
        first = _crawl(context, directory)
        room.publish(3)
        room.edit(2)
        context.say("Three stories are new and two were edited; crawled again:")
        second = _crawl(context, directory)
    context.say(WHAT_TO_LOOK_AT.format(directory=directory, veille=_this_command()))
    return max(first, second)


MARK = "# made by veille demo; the next demo replaces this directory\n"
WHAT_TO_LOOK_AT = """
one article, as it is archived:
  head -1 {directory}/articles/*/*.jsonl
every feed, and how every entry ended:
  {veille} --data {directory} --feeds {directory}/feeds.toml status
an article; --full puts removed paragraphs back, --raw is its page:
  {veille} --data {directory} show ID
proof that all of it is sound:
  {veille} --data {directory} verify"""


def _this_command() -> str:
    """How this command was called: it need not be on the PATH."""
    import shutil
    import sys

    return "veille" if shutil.which("veille") else sys.argv[0]


def _make_room(directory: Path) -> None:
    """An empty directory for the demo: what an earlier demo left is removed, anything else is refused."""
    import shutil

    feeds_file = directory / "feeds.toml"
    if directory.exists() and any(directory.iterdir()):
        if not feeds_file.exists() or not feeds_file.read_text(encoding="utf-8", errors="replace").startswith(MARK):
            raise click.UsageError(f"{directory} is not empty and no demo's; name another directory")
        shutil.rmtree(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{directory}: cannot be written: {error.strerror}") from None


def _crawl(context: Context, directory: Path) -> int:
    """One crawl of the newsroom, as ``veille crawl --all`` would do it."""
    import os
    from urllib.parse import quote

    from service.catalogues import load as load_feeds
    from service.cli.crawl import crawl_with_report
    from service.settings import load

    settings = load(
        Path(os.devnull),
        data_dir=directory,
        feeds_file=directory / "feeds.toml",
        database_url=f"sqlite:///{quote(str((directory / 'veille.db').absolute()))}",
        allowed_networks=("127.0.0.0/8",),
        host_delay="0s",
    )
    feeds = load_feeds(settings.feeds_file)
    return crawl_with_report(context, settings, feeds, feeds, poll_all=True, force=False, fail_on="any")
