"""From drafts to lines of the archive: the duplicate filter, revisions, and the second commit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from service.articles.compose import Draft, compose
from service.articles.paragraphs import Learned, filter_article
from service.articles.revisions import same_but_for_typography
from service.batch import Batch
from service.elsewhere import OtherArticles
from service.homes import Newest, Revisions, addresses_of, at_home, own_article
from service.mastheads import names_of
from service.offload import OneThread
from service.reading import Ended
from storage.archive import Archive
from storage.errors import CorruptArchiveError, SchemaError
from storage.model import (
    Article,
    Capture,
    Outcome,
    PendingEntry,
    Place,
    RawRef,
    Resolution,
    Scope,
    Sealed,
)
from storage.rebuild import full_paragraphs
from storage.records import encode
from storage.references import Texts, finder
from storage.store import Store

Keep = Callable[[Sequence[Capture], datetime], Sequence[RawRef]]
"""Keeps raw copies, durably, and says where each is (``storage.raw.RawCopies.keep``)."""


log = structlog.get_logger()

SEAL_AGAIN = timedelta(hours=1)
"""After how long sealing is tried again where a file could not be sealed."""
TWIN = "same page and text under another address"


@dataclass(frozen=True, slots=True)
class Archived:
    """A draft that became a line of the archive."""

    pending: PendingEntry
    article: Article

    @property
    def resolutions(self) -> tuple[Resolution, ...]:
        """What ends: the lead entry is archived, its siblings came to the same article.

        Where the text is the feed's own, it is that feed's word only: the others wait for their turn.
        """
        siblings = self.pending.siblings if self.article.text_source == "page" else ()
        reason = f"archived from {self.pending.feed}"
        return (
            Resolution(self.pending.number, Outcome.ARCHIVED, article_id=self.article.id),
            *(Resolution(sibling.number, Outcome.UNCHANGED, reason) for sibling in siblings),
        )


class Archivist:
    """Archives batches, one at a time. All that waits for the disk happens in ``thread``.

    Args:
        store: The ledger, and what is archived already.
        archive: Where records go.
        thread: The only one that speaks to the two.
        scope: How far the duplicate filter looks, where a feed does not say.
        learned: From when on a paragraph is a feed's boilerplate.
        clock: The time now, aware.
        keep: Where the pages go that come with a batch; None: nowhere.
    """

    def __init__(
        self,
        store: Store,
        archive: Archive,
        thread: OneThread,
        *,
        scope: Scope,
        learned: Learned,
        clock: Callable[[], datetime],
        keep: Keep | None = None,
    ) -> None:
        self._store = store
        self._archive = archive
        self._thread = thread
        self._scope = scope
        self._learned = learned
        self._clock = clock
        self._keep = keep
        self._find = finder(archive.read, store)
        self._texts = Texts(self._find)
        self._seal_after = datetime.min.replace(tzinfo=UTC)

    async def pending_hosts(self) -> Sequence[str]:
        """Hosts with entries due for archiving, most entries first; ``""`` for entries without a page."""
        return await self._thread(self._store.pending_hosts, self._clock())

    async def pending(self, host: str, limit: int, after: int) -> Sequence[PendingEntry]:
        """The next entries of a host that are due, by number, one per article."""
        return await self._thread(self._store.pending, host, self._clock(), limit, after)

    async def archive(self, readings: Sequence[Draft | Ended]) -> list[Archived | Ended]:
        """Filter, number and archive a batch, and end its entries; returns what became of each, in order.

        Pages of what is archived, or failed to be, are kept before anything refers to them.

        Raises:
            StorageError: nothing of the batch is acknowledged; what reached the disk is adopted at the next start.
        """
        return await self._thread(self._archive_batch, readings)

    async def seal(self, is_stopping: Callable[[], bool]) -> list[Sealed]:
        """Seal the files that are finished, as long as nobody is stopping; returns those that were sealed.

        A file of 256 MB takes many seconds. The storage thread does it a piece at a time, polls and batches between: so
        no second thread ever touches the store, and a stop waits for a piece only. A file that cannot be sealed (it is
        damaged, the disk is full) is logged, and tried again after an hour: it is as readable as before, and neither
        the others nor new articles wait for it.

        Raises:
            StorageError: the disk or the database fails: the archive must be opened again.
        """
        sealed: list[Sealed] = []
        if timedelta(0) < self._seal_after - self._clock() <= SEAL_AGAIN:  # more, and the clock has been set back
            return sealed
        async for piece in self._thread.each(self._archive.sealing(self._clock())):
            if isinstance(piece, Sealed):
                sealed.append(piece)
            elif piece is not None:
                self._seal_after = self._clock() + SEAL_AGAIN
                log.warning(
                    "a file cannot be sealed; veille verify tells more", file=piece.file, reason=str(piece.error)
                )
            if is_stopping():
                break
        return sealed

    def _archive_batch(self, readings: Sequence[Draft | Ended]) -> list[Archived | Ended]:
        now = self._clock()
        drafts = [reading for reading in readings if isinstance(reading, Draft)]
        ids = {id_ for draft in drafts for id_ in (draft.pending.entry.article_id, own_article(draft.pending.entry))}
        homes = self._store.find_urls({url for draft in drafts for url in addresses_of(draft)})
        revisions = Revisions(self._store.latest(ids | set(homes.values())), homes, self._store.lost_revisions(ids))
        sightings = self._store.sightings(ids)
        index = self._store.paragraphs({text for draft in drafts for text in draft.forms.texts}, ids)
        batch = Batch(self._store, self._texts, revisions, sightings, index, now)
        results = [reading if isinstance(reading, Ended) else self._number(reading, batch) for reading in readings]
        results = self._with_neighbours(results, batch)
        results = self._with_pages(readings, results, now)
        if archived := [result for result in results if isinstance(result, Archived)]:
            resolutions = [resolution for result in archived for resolution in result.resolutions]
            self._archive.commit([result.article for result in archived], resolutions, now, index)
        if ended := [result for result in results if isinstance(result, Ended)]:
            resolutions = [resolution for result in ended for resolution in result.resolutions]
            retries = [retry for result in ended for retry in result.retries]
            self._store.settle(resolutions, retries, now)
        return results

    def _with_neighbours(self, results: Sequence[Archived | Ended], batch: Batch) -> list[Archived | Ended]:
        """The results, once each article names those that have much the same text."""
        named = batch.neighbours([result.article for result in results if isinstance(result, Archived)])
        with_neighbours = list(results)
        for place, result in enumerate(results):
            if isinstance(result, Archived) and (near := next(named)):
                with_neighbours[place] = replace(result, article=replace(result.article, also_near=near))
        return with_neighbours

    def _with_pages(
        self, readings: Sequence[Draft | Ended], results: Sequence[Archived | Ended], now: datetime
    ) -> list[Archived | Ended]:
        """The results, once their pages are kept, with where those are."""
        if self._keep is None:
            return list(results)
        pages = [
            (place, reading.capture)
            for place, (reading, result) in enumerate(zip(readings, results, strict=True))
            if reading.capture is not None and _is_worth_its_page(result)
        ]
        kept = self._keep([page for _, page in pages], now)
        with_pages = list(results)
        for (place, _), raw in zip(pages, kept, strict=True):
            result = results[place]
            if isinstance(result, Archived):
                with_pages[place] = replace(result, article=replace(result.article, raw=raw))
        return with_pages

    def _number(self, draft: Draft, batch: Batch) -> Archived | Ended:
        revisions = batch.revisions
        draft = at_home(draft, revisions)
        pending, article_id = draft.pending, draft.pending.entry.article_id
        newest = revisions.newest(article_id)
        if newest is None:
            twin, draft = revisions.twin(draft)
            if twin is not None:
                return _unchanged(draft, TWIN, twin)
        else:
            try:
                reason = self._why_unchanged(draft, newest)
            except (CorruptArchiveError, SchemaError) as error:  # a damaged line must not keep a newer text out
                reason, warning = None, f"revision {newest.revision} could not be read for comparison: {error}"
                draft = replace(draft, warnings=(*draft.warnings, warning))
            if reason:
                return _unchanged(draft, reason, article_id)
        revision = revisions.next_number(article_id)
        filtered = filter_article(
            draft.paragraphs,
            article_id=article_id,
            revision=revision,
            scope=draft.feed.dedup or self._scope,
            names=names(draft),
            elsewhere=OtherArticles(
                batch.index,
                batch.text_at,
                article_id=article_id,
                feed=pending.feed,
                learned=self._learned,
            ),
            texts=draft.forms.texts,
        )
        also_in = [feed for feed in batch.sightings.get(article_id, ()) if feed != pending.feed]
        article = compose(draft, filtered, revision=revision, also_in=also_in, archived=batch.now)
        try:
            encode(article)
        except (TypeError, ValueError) as error:  # one article that no line can hold must not stop the archive
            return Ended(pending, Resolution(pending.number, Outcome.FAILED, f"it cannot be written as JSON: {error}"))
        revisions.add(article, draft)
        batch.add(article, draft.paragraphs, draft.forms)
        return Archived(pending, article)

    def _why_unchanged(self, draft: Draft, newest: Newest) -> str | None:
        """Why a draft is no new revision; None where it is one. Reads the archive only where the hashes differ."""
        if (newest.text_hash, newest.title) == (draft.forms.hash, draft.title):
            return f"same text and title as revision {newest.revision}"
        if newest.text_source == "page" and draft.text_source == "feed" and draft.pending.entry.url:
            return f"revision {newest.revision}, read from the page, stands: {'; '.join(draft.warnings)}"
        if same_but_for_typography([newest.title or ""], [draft.title or ""]) and (
            newest.text_hash == draft.forms.hash or same_but_for_typography(self._paragraphs(newest), draft.paragraphs)
        ):
            return f"same words as revision {newest.revision}: only encoding or typography differs"
        return None

    def _paragraphs(self, newest: Newest) -> Sequence[str]:
        if isinstance(newest.text, Place):
            return full_paragraphs(self._archive.read(newest.text), self._find)
        return newest.text


def _is_worth_its_page(result: Archived | Ended) -> bool:
    """A page is evidence of what was read in it, or why nothing was; one that brought nothing new is neither."""
    return isinstance(result, Archived) or (
        result.resolution is not None and result.resolution.outcome is Outcome.FAILED
    )


def _unchanged(draft: Draft, reason: str, article_id: str) -> Ended:
    resolution = Resolution(draft.pending.number, Outcome.UNCHANGED, reason, article_id)
    return Ended(draft.pending, resolution, was_read=draft.text_source == "page")


def names(draft: Draft) -> set[str]:
    """What the feed and its site call themselves, as far as a draft knows."""
    feed = draft.feed
    publishers = (feed.publisher, draft.metadata.publisher)
    return names_of(feed.name, draft.url or feed.url, publishers, draft.pending.feed_title)
