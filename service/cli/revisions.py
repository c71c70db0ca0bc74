"""``veille show --revisions``: an article's versions, oldest first, and what changed from each to the next."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from service.cli.context import Context

if TYPE_CHECKING:
    from service.articles.revisions import Change
    from storage.database import Database
    from storage.model import ArchivedRevision

_MARKS = {"keep": ("", ""), "remove": ("[-", "-]"), "add": ("{+", "+}")}
"""As wdiff writes them."""
_STYLES = {"keep": "", "remove": "red strike", "add": "green"}


def list_revisions(context: Context, store: "Database", known: "Sequence[ArchivedRevision]") -> None:
    """Print each revision: when it was archived, its title, and the words that changed since the one before.

    Raises:
        StorageError: a record cannot be read, or not be put together again.
    """
    from service.articles.revisions import differences
    from storage.rebuild import full_paragraphs
    from storage.references import finder
    from storage.segments import Reader

    read = Reader(context.settings.data_dir, store).read
    find = finder(read, store)
    before: list[str] | None = None
    for revision in known:
        article = read(revision.place)
        paragraphs = full_paragraphs(article, find)
        changes = differences(before, paragraphs) if before is not None else ()
        if context.json:
            context.emit(
                {
                    "id": article.id,
                    "revision": article.revision,
                    "archived": article.archived,
                    "title": article.title,
                    "changes": [{"op": change.op, "text": change.text} for change in changes],
                }
            )
        else:
            when = f"{article.archived:%Y-%m-%d %H:%M} UTC"
            context.emit(f"{article.id} revision {article.revision}, archived {when}: {article.title or ''}")
            if before is not None:
                _print_changes(context, changes)
        before = paragraphs


def _print_changes(context: Context, changes: "Sequence[Change]") -> None:
    from service.articles.revisions import Op, shortened

    if all(change.op is Op.KEEP for change in changes):
        context.emit("the text is the same")
        return
    if context.out.color_system is not None and not context.out.no_color:
        from rich.text import Text

        text = Text.assemble(*((change.text, _STYLES[change.op]) for change in shortened(changes)))
        context.out.print(text, soft_wrap=True)
    else:
        context.emit("".join(map(_marked, shortened(changes))))


def _marked(change: "Change") -> str:
    """With marks around each line of its own: a paragraph begins at the left, whatever became of it."""
    before, after = _MARKS[change.op]
    return "\n".join(f"{before}{line}{after}" if line else "" for line in change.text.split("\n"))
