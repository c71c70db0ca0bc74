"""What several feeds brought over many days: revisions, paragraphs that come again, removals of every reason."""

from datetime import timedelta
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

from articles import NOON, digest, make_article
from holdings import new_store

from storage.archive import Archive
from storage.fingerprints import exact
from storage.model import Article, Entry, FeedState, NewEntry, Outcome, Poll, Removal, Resolution
from storage.rebuild import full_text_hash

FEEDS = {"rfi-fr": "fr", "rfi-ar": "ar", "rfi-km": "km"}
SIGN_OFF = {
    "rfi-fr": "Retrouvez toute l’actualité internationale sur notre site et sur notre application.",
    "rfi-ar": "تابعوا آخر الأخبار الدولية على موقعنا وعلى تطبيقنا في كل وقت ومن كل مكان.",
    "rfi-km": "សូមតាមដានព័ត៌មានអន្តរជាតិថ្មីៗ នៅលើគេហទំព័រ និងកម្មវិធីរបស់យើង។",
}


def make_history(seed: int = 1, *, days: int = 6, a_day: int = 7) -> list[Article]:
    """Articles in the order of archiving. Each feed's end with its sign-off; what was removed refers to what stands."""
    random = Random(seed)
    standing: dict[str, tuple[str, int, int]] = {}
    feeds = list(FEEDS)
    revisions: dict[str, int] = {}
    history = []
    for number in range(days * a_day):
        at = NOON + timedelta(days=number // a_day, hours=number % a_day * 24 / a_day - 12)  # from midnight to midnight
        name = random.choice(list(revisions)) if number > a_day and random.random() < 0.2 else f"story{number}"
        revision = revisions[name] = revisions.get(name, 0) + 1
        feed = feeds[int(digest(name), 16) % len(feeds)]
        words = [f"{name}, revision {revision}, begins.", *(_paragraph(random.randrange(30)) for _ in range(5))]
        paragraphs = [*words, words[1], SIGN_OFF[feed]]
        history.append(_article(name, revision, feed, paragraphs, standing, random, archived=at))
    return history


def _paragraph(number: int) -> str:
    return f"Paragraph {number} says what other articles of any feed may say just the same."


def _article(
    name: str,
    revision: int,
    feed: str,
    paragraphs: list[str],
    standing: dict[str, tuple[str, int, int]],
    random: Random,
    **changes: Any,
) -> Article:
    kept, removed, own = [], [], dict[str, int]()
    for position, text in enumerate(paragraphs):
        other = standing.get(text)
        if text in own:
            removed.append(Removal(position, "repeat", digest(name), revision, own[text], exact(text).hex()))
        elif other is not None and other[0] != digest(name) and random.random() < 0.5:
            reason = "boilerplate" if text in SIGN_OFF.values() else "known"
            removed.append(Removal(position, reason, *other, exact(text).hex()))
        else:
            kept.append(text)
            own[text] = position
            standing.setdefault(text, (digest(name), revision, position))
    return make_article(
        name,
        revision,
        feed=feed,
        language=FEEDS[feed],
        text="\n".join(kept),
        paragraphs=len(paragraphs),
        removed=tuple(removed),
        text_hash=full_text_hash(paragraphs),
        **changes,
    )


def full_text(article: Article, history: list[Article]) -> list[str]:
    """An article's paragraphs, those removed put back."""
    kept, gone = iter(article.text.split("\n")), {removal.position: removal for removal in article.removed}
    found: list[str] = []
    for position in range(article.paragraphs):
        if (removal := gone.get(position)) is None:
            found.append(next(kept))
        elif (removal.id, removal.revision) == (article.id, article.revision):
            found.append(found[removal.at])
        else:
            other = next(one for one in history if (one.id, one.revision) == (removal.id, removal.revision))
            found.append(full_text(other, history)[removal.at])
    return found


def archive_history(directory: Path, history: list[Article]) -> None:
    """An archive in ``directory`` that holds these articles, each from an entry of its own."""
    directory.mkdir(exist_ok=True)
    store = new_store(directory)
    archive = Archive.open(directory, store, history[0].archived)
    for _, day in groupby(enumerate(history, 1), key=lambda numbered: numbered[1].archived.date()):
        some = list(day)
        for number, article in some:
            entry = Entry(article.id, article.id, digest(f"content {number}"), url=article.url)
            state = FeedState(article.feed, "https://news.test/rss")
            new = NewEntry(entry, article.revision)
            store.commit_poll(Poll(article.feed, article.archived, state, entries=(new,)))
        resolutions = [Resolution(number, Outcome.ARCHIVED) for number, _ in some]
        archive.commit([article for _, article in some], resolutions, some[-1][1].archived)
    archive.close()
    store.close()
