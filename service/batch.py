"""What is known while a batch is archived: of what is there already, and of what the batch itself will add."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.homes import Revisions
from service.nearness import near_articles
from storage.forms import Forms
from storage.model import AlsoNear, Article, Sketched, Standing
from storage.paragraphs import Paragraphs
from storage.references import Texts
from storage.store import Store


@dataclass(frozen=True, slots=True)
class _Added:
    """A record of the batch: its full text, and which paragraphs of it do not stand there."""

    paragraphs: Sequence[str]
    forms: Forms
    removed: frozenset[int]


@dataclass(slots=True)
class Batch:
    """A batch under way; what it adds is forgotten with it, should it fail."""

    store: Store
    texts: Texts
    """Those of the archive."""
    revisions: Revisions
    sightings: Mapping[str, Sequence[str]]
    """Feeds that have listed each article, in the order of their first sighting."""
    index: Paragraphs
    now: datetime
    _added: dict[tuple[str, int], _Added] = field(default_factory=dict)

    def add(self, article: Article, paragraphs: Sequence[str], forms: Forms) -> None:
        """Know of a record that the batch will add, of all its paragraphs, and of their forms."""
        self.index.add(article, forms=forms)
        removed = frozenset(removal.position for removal in article.removed)
        self._added[article.id, article.revision] = _Added(paragraphs, forms, removed)

    def text_at(self, standing: Standing) -> str | None:
        """The paragraph that stands somewhere; None where it cannot be read."""
        added = self._added.get((standing.id, standing.revision))
        if added is not None and standing.at not in added.removed:
            return added.paragraphs[standing.at]
        return self.texts.at(standing)

    def neighbours(self, articles: Sequence[Article]) -> Iterator[tuple[AlsoNear, ...]]:
        """Of each article that was added, in order: those that have much the same text, of the archive or before it."""
        sketches = [self.index.sketch(article) for article in articles]
        sketched = dict(self.store.sketched({band for sketch in sketches if sketch for band in sketch.bands}))
        for article, sketch in zip(articles, sketches, strict=True):
            added = self._added[article.id, article.revision]
            yield near_articles(
                article,
                added.paragraphs,
                texts=added.forms.texts,
                index=self.index,
                sketch=sketch,
                sketched=sketched,
                text_of=self._full_text,
            )
            if sketch is not None:
                one = Sketched(article.id, article.revision, sketch.signature)
                for band in sketch.bands:
                    sketched.setdefault(band, one)

    def _full_text(self, article_id: str, revision: int) -> Sequence[str] | None:
        added = self._added.get((article_id, revision))
        return added.paragraphs if added is not None else self.texts.full(article_id, revision)
