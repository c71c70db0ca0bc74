"""Which archived articles have much the same text as a new one: wire copy, reprints, updates. Linked, never removed.

Candidates are, first, articles where at least half of the text stands, paragraph by paragraph; then those whose sketch
shares a band (``storage.sketches``). What is told of a pair is the exact similarity of the two full texts.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from storage.fingerprints import Fingerprint
from storage.model import AlsoNear, Article, Sketched
from storage.paragraphs import Paragraphs
from storage.sketches import NEAR, WORTH_READING, Sketch, estimate, similarity

MOST = 5
"""Articles that are compared, and so named, at most: of a story that all copy, the likeliest."""

TextOf = Callable[[str, int], Sequence[str] | None]
"""The full paragraphs of an archived article's revision; None where they cannot be read."""


def near_articles(
    article: Article,
    full: Sequence[str],
    *,
    texts: Sequence[Fingerprint],
    index: Paragraphs,
    sketch: Sketch | None,
    sketched: Mapping[int, Sketched],
    text_of: TextOf,
) -> tuple[AlsoNear, ...]:
    """The articles whose text is near, most similar first; of each its most similar revision that was compared.

    Args:
        article: The new article.
        full: All its paragraphs.
        texts: Their fingerprints.
        index: Where each of them stands first.
        sketch: Of its text; None where that is too short.
        sketched: The article versions whose sketches have one of its bands.
        text_of: Reads an archived article.
    """
    found: dict[str, AlsoNear] = {}
    for id_, revision in _candidates(article.id, dict(zip(full, texts, strict=True)), index, sketch, sketched):
        other = text_of(id_, revision)
        if other is None:
            continue
        near = AlsoNear(id_, revision, similarity("\n".join(full), "\n".join(other)))
        if near.similarity >= max(NEAR, found[id_].similarity if id_ in found else 0):
            found[id_] = near
    return tuple(sorted(found.values(), key=lambda near: (-near.similarity, near.id)))


def _candidates(
    article_id: str,
    full: Mapping[str, Fingerprint],
    index: Paragraphs,
    sketch: Sketch | None,
    sketched: Mapping[int, Sketched],
) -> list[tuple[str, int]]:
    """The likeliest articles, as id and revision; of an article given by its distinct paragraphs."""
    likely: dict[tuple[str, int], float] = {}
    shared: Counter[tuple[str, int]] = Counter()
    for text, printed in full.items():
        if (standing := index.elsewhere(article_id, printed)) is not None:
            shared[standing.id, standing.revision] += len(text)
    total = sum(map(len, full))
    likely |= {one: characters / total for one, characters in shared.items() if characters >= NEAR * total}
    for band in sketch.bands if sketch is not None else ():
        other = sketched.get(band)
        if sketch is not None and other is not None and other.id != article_id:
            alike = estimate(sketch.signature, other.signature)
            if alike >= WORTH_READING:
                likely.setdefault((other.id, other.revision), alike)
    return sorted(likely, key=lambda one: (-likely[one], one))[:MOST]
