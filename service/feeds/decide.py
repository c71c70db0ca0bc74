"""What a poll's document means for the archive: old state and new facts in, intents out. Pure.

| its key          | its article                                           | becomes                                   |
|------------------|-------------------------------------------------------|-------------------------------------------|
| known, same hash |                                                       | seen                                      |
| known, new hash  |                                                       | its next version, pending                 |
| new              | is this feed's under another key, same hash, archived | unchanged, as an alias of the other guid  |
| new              | is this feed's under another key, otherwise           | pending: the texts will be compared       |
| new              | is another feed's, archived                           | unchanged, as archived from that feed     |
| new              | is another feed's, pending                            | pending: both end together                |
| new              | is new; or failed, was skipped or is gone elsewhere   | pending                                   |

A change is a changed content hash, never a changed date: publishers re-date whole feeds without touching a word. Keys
are a feed's own, so that an entry whose guid equals another feed's never matches it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from service.feeds.document import Document
from storage.model import Entry, Feed, FeedState, Gap, KnownEntry, NewEntry, Outcome

IN_ARCHIVE = (Outcome.ARCHIVED, Outcome.UNCHANGED)
ALIAS = "same article under another guid"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to add to the ledger after a poll."""

    entries: tuple[NewEntry, ...]
    """New entries and new versions of known ones, in the document's order."""
    seen: tuple[str, ...]
    """Keys of the entries listed again without a change."""
    redated: Mapping[str, datetime | None]
    """Keys of those of them that carry another date than before, and that date."""
    gap: Gap | None
    """Set where nothing in the document was in the window before, and most of it is new."""
    known_share: float | None
    """Which part of the document's entries was known, changed or not; None where it lists none."""
    warnings: tuple[str, ...] = ()


def decide(
    feed: Feed,
    state: FeedState,
    document: Document,
    own: Mapping[str, KnownEntry],
    by_article: Mapping[str, tuple[KnownEntry, ...]],
    now: datetime,
) -> Decision:
    """Decide what becomes of a document's entries, by the module's table.

    Args:
        feed: The feed polled.
        state: Its state before the poll.
        document: What the poll brought.
        own: The newest version of each entry of this feed that the document lists, by key.
        by_article: All entries, of any feed, that lead to the document's articles, by article id.
        now: When the document came, aware UTC.
    """
    new: list[NewEntry] = []
    seen: list[str] = []
    redated: dict[str, datetime | None] = {}
    known = overlap = 0
    for entry in document.entries:
        before = own.get(entry.key)
        elsewhere = by_article.get(entry.article_id, ())
        ours = [before] if before else [other for other in elsewhere if other.feed == feed.name]
        known += bool(ours)
        overlap += any(_was_listed(other, state) for other in ours)
        if before is None:
            new.append(_new(entry, feed.name, elsewhere))
        elif before.content_hash == entry.content_hash:
            seen.append(entry.key)
            if before.dated != (dated := entry.published or entry.modified):
                redated[entry.key] = dated
        else:
            new.append(NewEntry(_of_its_article(entry, before), before.version + 1))
    return Decision(
        entries=tuple(new),
        seen=tuple(seen),
        redated=redated,
        gap=None if overlap else _gap(feed, state, len(document.entries), known, now),
        known_share=known / len(document.entries) if document.entries else None,
        warnings=_redating(sum(own[key].dated is not None for key in redated), known),
    )


def _new(entry: Entry, feed: str, elsewhere: Iterable[KnownEntry]) -> NewEntry:
    ours = [other for other in elsewhere if other.feed == feed]
    if any(other.content_hash == entry.content_hash and other.outcome in IN_ARCHIVE for other in ours):
        return NewEntry(entry, outcome=Outcome.UNCHANGED, reason=ALIAS)
    if ours:
        return NewEntry(entry)
    archived = [other for other in elsewhere if other.outcome in IN_ARCHIVE]
    if archived:
        # The feed that brought the record, before one that only saw the article too.
        source = min(archived, key=lambda other: (other.outcome is not Outcome.ARCHIVED, other.feed))
        return NewEntry(entry, outcome=Outcome.UNCHANGED, reason=f"archived from {source.feed}")
    return NewEntry(entry)


def _of_its_article(entry: Entry, before: KnownEntry) -> Entry:
    """A known entry's next version: under the same link it leads to the article that link was found to lead to."""
    return replace(entry, article_id=before.article_id) if entry.url == before.url else entry


def _was_listed(entry: KnownEntry, state: FeedState) -> bool:
    """Whether an entry was in the window before this one."""
    return state.window_listed is None or entry.last_seen is None or entry.last_seen >= state.window_listed


def _gap(feed: Feed, state: FeedState, listed: int, known: int, now: datetime) -> Gap | None:
    if state.window_seen is None or not listed or known * 2 > listed:  # an old window may come again, out of a cache
        return None
    back = f", and {known} of them come back from before it" if known else ""
    return Gap(feed.name, state.window_seen, now, f"none of the {listed} entries listed was in the window before{back}")


def _redating(redated: int, known: int) -> tuple[str, ...]:
    if redated * 2 <= known:
        return ()
    return (f"{redated} of {known} known entries carry other dates than before; that alone makes no revision",)
