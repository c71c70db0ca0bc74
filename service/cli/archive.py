"""``veille show``: looking at one article, without disturbing a running service."""

import sys
from typing import TYPE_CHECKING

import click

from service.cli.context import Context, Verb, pass_context
from service.cli.raw import show_raw
from service.cli.revisions import list_revisions

if TYPE_CHECKING:
    from storage.database import Database
    from storage.model import ArchivedRevision, Article

NO_ARCHIVE = 10


@click.command(cls=Verb)
@click.argument("article", metavar="ID|URL")
@click.option(
    "--full",
    is_flag=True,
    help="Put the removed paragraphs back: the article as it was extracted.",
)
@click.option("--raw", is_flag=True, help="The page it was read from, byte for byte; --json: where its raw copy is.")
@click.option("--revisions", is_flag=True, help="List the article's revisions, and which words changed.")
@pass_context
def show(context: Context, article: str, full: bool, raw: bool, revisions: bool) -> int:
    """Show one article: by its id (the first digits will do) or its URL."""
    from service.app import open_readonly

    if full + raw + revisions > 1:
        raise click.UsageError("--full, --raw and --revisions show different things: one at a time")
    if no_archive(context):
        return NO_ARCHIVE
    with open_readonly(context.settings) as store:
        article_id = _identify(store, article)
        known = store.revisions(article_id) if article_id else ()
        if not known:
            if "://" in article:
                raise click.UsageError(f"the archive holds no article with the address {article}")
            raise click.UsageError(
                f"the archive holds no article, or several, whose id begins with {article}: give an address, or "
                "more of the id's 32 digits"
            )
        if revisions:
            list_revisions(context, store, known)
            return 0
        if raw:
            from storage.segments import Reader

            return show_raw(context, Reader(context.settings.data_dir, store).read(known[-1].place))
        _show(context, store, known[-1], full=full)
    return 0


def _show(context: Context, store: "Database", found: "ArchivedRevision", *, full: bool) -> None:
    from storage.rebuild import full_paragraphs
    from storage.records import encode
    from storage.references import finder
    from storage.segments import Reader

    read = Reader(context.settings.data_dir, store).read
    record = read(found.place)
    if context.json and not full:
        sys.stdout.buffer.write(encode(record))
        return
    if full:
        paragraphs = full_paragraphs(record, finder(read, store))
        if context.json:
            context.emit({"id": record.id, "revision": record.revision, "full_text": "\n".join(paragraphs)})
            return
    else:
        paragraphs = record.text.split("\n")
        for label, value in _heading(context, record):
            context.emit(f"{label}: {value}")
        context.emit("")
    for paragraph in paragraphs:
        context.emit(paragraph)


def _heading(context: Context, record: "Article") -> list[tuple[str, str]]:
    lines = [
        ("title", record.title),
        ("by", ", ".join(record.authors)),
        (
            "published",
            f"{context.time(record.published)} ({record.published_source})" if record.published else None,
        ),
        ("url", record.url),
        ("feed", ", ".join((record.feed, *record.also_in))),
        ("id", f"{record.id} revision {record.revision}"),
    ]
    if record.removed:
        count = f"{len(record.removed)} of {record.paragraphs} paragraphs"
        lines.append(("removed", f"{count} (--full puts them back)"))
    return [(label, value) for label, value in lines if value]


def no_archive(context: Context) -> bool:
    """Whether there is no archive to look at; says so, and what makes one."""
    from storage.card import is_export

    settings = context.settings
    if settings.database_url is not None or (settings.data_dir / "veille.db").exists():
        return False
    if is_export(settings.data_dir):
        context.say(f"{settings.data_dir} is an export, complete in itself: no archive that veille keeps")
    elif any(settings.data_dir.glob("articles/*/*.jsonl*")):
        context.say(
            f"the database of {settings.data_dir} is missing; veille crawl or verify --repair makes it again from "
            "the records"
        )
    else:
        context.say(f"no archive in {settings.data_dir} yet; veille crawl makes one")
    return True


def _identify(store: "Database", article: str) -> str | None:
    if "://" in article:
        from service.feeds.identity import article_id

        return store.find_urls([article]).get(article) or article_id(article)
    return store.find_id(article.lower())
