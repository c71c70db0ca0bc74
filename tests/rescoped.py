"""Archives made of full texts by the live filter, in any order, and what an export of them holds."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from articles import NOON, digest, make_article
from holdings import new_store

from service.articles.paragraphs import Learned, filter_article
from service.elsewhere import OtherArticles
from service.rescoping import Rescoped, Rescoping
from storage.archive import Archive
from storage.database import Database, open_database
from storage.export import open_export
from storage.export_card import Exported
from storage.fingerprints import fingerprint
from storage.model import Article, Scope
from storage.ranks import open_ranks
from storage.rebuild import full_text_hash
from storage.records import decode
from storage.references import Texts, finder

DAY = timedelta(days=1)
NAMES = ("rfi",)
LEARNED = Learned(articles=2, days=2)


@dataclass(frozen=True)
class Story:
    """An article version before any filter."""

    name: str
    paragraphs: tuple[str, ...]
    revision: int = 1
    feed: str = "rfi-fr"
    published: datetime | None = NOON
    archived: datetime = NOON

    @property
    def key(self) -> tuple[str, int]:
        return digest(self.name), self.revision


def make_archive(
    directory: Path, stories: Iterable[Story], scope: Scope = Scope.ALL, *, sealed: datetime | None = None
) -> None:
    """Archive stories in this order, each through the filter over those before it; ``sealed``: what is older is."""
    directory.mkdir(exist_ok=True)
    with closing(new_store(directory)) as store, closing(Archive.open(directory, store, NOON)) as archive:
        texts = Texts(finder(archive.read, store))
        for story in stories:
            archive.commit([_article(story, store, texts, scope)], [], story.archived)
        if sealed is not None:
            archive.seal(sealed)


def _article(story: Story, store: Database, texts: Texts, scope: Scope) -> Article:
    id_ = digest(story.name)
    index = store.paragraphs({fingerprint(text) for text in story.paragraphs}, {id_})
    filtered = filter_article(
        story.paragraphs,
        article_id=id_,
        revision=story.revision,
        scope=scope,
        names=NAMES,
        elsewhere=OtherArticles(index, texts.at, article_id=id_, feed=story.feed, learned=LEARNED),
    )
    return make_article(
        story.name,
        story.revision,
        feed=story.feed,
        published=story.published,
        archived=story.archived,
        text="\n".join(filtered.kept),
        removed=filtered.removed,
        near=filtered.near,
        paragraphs=len(story.paragraphs),
        text_hash=full_text_hash(story.paragraphs),
    )


def rescope(
    data: Path,
    scope: Scope,
    take: Callable[[Rescoped], None],
    *,
    learned: Learned = LEARNED,
    scratch: Path | None = None,
) -> list[str]:
    """Hand over every record of an archive under a scope; returns what was left out."""
    left_out: list[str] = []
    with (
        closing(open_database(f"sqlite:///{data / 'veille.db'}", readonly=True)) as store,
        open_ranks(scratch) as ranks,
    ):
        rescoping = Rescoping(
            data, store, ranks, scope=scope, learned=learned, names=lambda _: NAMES, leave_out=left_out.append
        )
        rescoping.rank()
        for rescoped in rescoping.records():
            take(rescoped)
    return left_out


def export(data: Path, out: Path, scope: Scope, **more: Any) -> list[str]:
    """Write an archive's export; returns what was left out."""
    with open_export(out) as files:
        left_out = rescope(data, scope, lambda rescoped: files.write(rescoped.after), scratch=out.parent, **more)
        files.finish(Exported(scope, files.records, len(left_out), 5, 3))
    return left_out


def exported(out: Path) -> dict[tuple[str, int], Article]:
    """The records of an export, by id and revision."""
    lines = [line for file in sorted(out.glob("articles/*/*.jsonl")) for line in file.read_bytes().splitlines()]
    articles = [decode(line) for line in lines]
    found = {(article.id, article.revision): article for article in articles}
    assert len(found) == len(lines)
    return found


def contents(out: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def seed() -> Sequence[str]:
    """The article the project started from."""
    file = Path(__file__).parent / "fixtures" / "seed" / "article.expected.json"
    lines: list[str] = json.loads(file.read_text(encoding="utf-8"))["lines"]
    return lines
