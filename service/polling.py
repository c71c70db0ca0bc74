"""One poll of one feed: conditional request, parse, decide, COMMIT 1."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.articles.workers import Workers
from service.errors import BlockedError, FetchError, ParseError, Weight
from service.feeds import cadence, moves
from service.feeds.decide import Decision, decide
from service.feeds.document import Document
from service.net import freshness
from service.net.capture import capture
from service.net.fetch import Fetcher, Response, check
from service.net.robots import Robots
from service.offload import InGroups, OneThread
from storage.model import ArchivedRevision, Asked, Capture, Feed, FeedState, Health, Poll, Validators
from storage.store import Store

Keep = Callable[[Capture], Awaitable[object]]
"""Keeps a raw copy, durably."""
ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True, slots=True)
class _Request:
    """What a poll asks for: an address, and the validators that belong to it."""

    url: str
    validators: Validators
    validators_url: str | None
    body_hash: bytes | None
    """Of the body these validators came with; None asks for the document whatever it is."""


@dataclass(frozen=True, slots=True)
class _Read:
    """An answer whose document was read."""

    response: Response
    body_hash: bytes
    """SHA-256 of the body, decoded."""


class Poller:
    """Polls feeds. What is expected to go wrong with one of them becomes part of its state, with a due time.

    Args:
        store: What is known of feeds and entries.
        thread: The only one that speaks to it.
        fetcher: Asks, in each host's turn.
        robots: Gives leave.
        workers: Reads documents.
        limits: What due times keep to.
        jitter: A share of 1, at random.
        clock: The time now, aware.
        keep: Where documents go that differ from those of the poll before; None: nowhere.
    """

    def __init__(
        self,
        store: Store,
        thread: OneThread,
        fetcher: Fetcher,
        robots: Robots,
        workers: Workers,
        *,
        limits: cadence.Limits,
        jitter: Callable[[], float],
        clock: Callable[[], datetime],
        keep: Keep | None = None,
    ) -> None:
        self._store = store
        self._thread = thread
        self._fetcher = fetcher
        self._robots = robots
        self._workers = workers
        self._limits = limits
        self._jitter = jitter
        self._clock = clock
        self._keep = keep
        self._commit = InGroups(thread, store.commit_polls)
        self._kept: dict[str, bytes] = {}
        """SHA-256 of each feed's document that was kept last; its state remembers none of a malformed one."""

    async def poll(self, feed: Feed, state: FeedState | None, *, force: bool = False, commit: bool = True) -> Poll:
        """Ask a feed for what is new, and remember it.

        Args:
            feed: The feed as the catalogue has it.
            state: What is remembered of it; None for a first poll. Of another URL, only the name still holds.
            force: Ask unconditionally, and parse the document even where it is the same as before.
            commit: Whether to remember anything.

        Raises:
            StorageError: The poll could not be remembered; the feed is as it was before.
        """
        if state is None or state.url != feed.url:
            state = FeedState(feed.name, feed.url)
        started = time.monotonic()
        poll, read = await self._ask(feed, state, force=force)
        poll = replace(poll, seconds=time.monotonic() - started)
        if commit:
            if read is not None and self._keep is not None:
                await self._keep_document(self._keep, read, state, poll)
            await self._commit(poll)
        return poll

    def is_due(self, feed: Feed, state: FeedState | None) -> bool:
        """Whether a feed's time has come, by the interval that the catalogue gives it now."""
        if state is None or state.url != feed.url:
            return True
        return cadence.is_due(state, self._clock(), self._limits, fixed=feed.interval)

    def is_alive(self, feed: Feed, state: FeedState | None) -> bool:
        """Whether a feed can be polled at all: it is not gone for good."""
        return state is None or state.url != feed.url or state.health is not Health.GONE

    async def _keep_document(self, keep: Keep, read: "_Read", state: FeedState, poll: Poll) -> None:
        """Keep the document before anything is remembered that came of it, unless the last poll brought it too."""
        if read.body_hash in {state.body_hash, self._kept.get(poll.feed)}:
            return
        if (document := capture(read.response, poll.at, feed=poll.feed)) is not None:
            with self._fetcher.slots.kept(len(document.body)):
                await keep(document)
            self._kept[poll.feed] = read.body_hash

    async def _ask(self, feed: Feed, state: FeedState, *, force: bool) -> "tuple[Poll, _Read | None]":
        request = _Request(
            url=moves.poll_url(state),
            validators=Validators() if force else state.validators,
            validators_url=state.effective_url,
            body_hash=None if force else state.body_hash,
        )
        try:
            response = await self._fetch(feed, request)
            body_hash = response.content.sha256()
            if response.status == 304 or body_hash == request.body_hash:
                return self._nothing_new(feed, state, request, response), None
            with self._fetcher.slots.kept(len(response.content.data)):
                document = await self._workers.parse(
                    response.content,
                    feed=feed.name,
                    url=response.url,
                    content_type=response.header("content-type"),
                    now=self._clock(),
                    language=feed.language,
                )
        except FetchError as error:
            weight, status, after = error.weight, error.status, error.retry_after
            return self._failed(feed, state, error, weight=weight, status=status, after=after), None
        except ParseError as error:
            return self._failed(feed, state, error, weight=Weight.HARD, status=200), None
        poll = await self._decide(feed, state, request, response, document, body_hash)
        return poll, _Read(response, body_hash)

    async def _fetch(self, feed: Feed, request: _Request) -> Response:
        response = await self._fetcher.get(
            request.url,
            accept=ACCEPT,
            validators=request.validators,
            validators_url=request.validators_url,
            permit=self._permit if feed.obey_robots else None,
        )
        check(response)
        return response

    async def _permit(self, url: str) -> None:
        verdict = await self._robots.verdict(url)
        try:
            verdict.check()
        except BlockedError as error:
            raise BlockedError(f"{error} (obey_robots = false polls it all the same)", weight=Weight.HARD) from None

    def _nothing_new(self, feed: Feed, state: FeedState, request: _Request, response: Response) -> Poll:
        """A 304, or the very body of the poll before: validators are renewed, nothing is parsed."""
        before, now = state, self._clock()
        fresh = response.validators
        if response.status == 304:
            fresh = Validators(
                fresh.etag or state.validators.etag, fresh.last_modified or state.validators.last_modified
            )
        state = moves.after_redirect(state, now, request.url, response.url if response.permanently_moved else None)
        state = cadence.after_not_modified(
            replace(state, validators=fresh, effective_url=response.url),
            now,
            self._limits,
            self._jitter(),
            fixed=feed.interval,
            lifetime=_lifetime(response),
            status=response.status,
            conditional=response.conditional,
        )
        return replace(_poll(feed, state, now, response), warnings=_news(before, state))

    async def _decide(
        self,
        feed: Feed,
        state: FeedState,
        request: _Request,
        response: Response,
        document: Document,
        body_hash: bytes,
    ) -> Poll:
        keys = {entry.key for entry in document.entries}
        article_ids = {entry.article_id for entry in document.entries}
        own, by_article = await self._thread(self._store.known_entries, feed.name, keys, article_ids)
        archived = await self._thread(self._store.latest, by_article.keys())
        by_article = {
            article_id: tuple(known for known in entries if known.feed == feed.name or _was_read(archived, article_id))
            for article_id, entries in by_article.items()
        }
        before, now = state, self._clock()
        decision: Decision = decide(feed, state, document, own, by_article, now)
        trusted = document.malformed is None
        state = moves.after_redirect(state, now, request.url, response.url if response.permanently_moved else None)
        state = cadence.after_success(
            replace(
                state,
                # a malformed document may be half of one: the next poll must not be told "not modified"
                validators=response.validators if trusted else Validators(),
                body_hash=body_hash if trusted else None,
                effective_url=response.url,
                title=document.title,
            ),
            now,
            self._limits,
            self._jitter(),
            fixed=feed.interval,
            asked=Asked(_lifetime(response), document.ttl, document.skip_hours, document.skip_days),
            known_share=decision.known_share,
            gap=decision.gap is not None,
            status=response.status,
        )
        return replace(
            _poll(feed, state, now, response),
            listed=len(document.entries),
            dropped=document.dropped,
            entries=decision.entries,
            seen=decision.seen,
            redated=decision.redated,
            gap=decision.gap,
            warnings=(*_dropped(document), *decision.warnings, *_news(before, state)),
        )

    def _failed(
        self,
        feed: Feed,
        state: FeedState,
        error: FetchError | ParseError,
        *,
        weight: Weight,
        status: int | None,
        after: float | None = None,
    ) -> Poll:
        now = self._clock()
        state = cadence.after_failure(
            state,
            now,
            self._limits,
            self._jitter(),
            error=str(error),
            weight=weight,
            fixed=feed.interval,
            status=status,
            retry_after=after,
        )
        return Poll(feed=feed.name, at=now, state=state, status=status, error=str(error))


def _poll(feed: Feed, state: FeedState, now: datetime, response: Response) -> Poll:
    return Poll(
        feed=feed.name,
        at=now,
        state=state,
        status=response.status,
        conditional=response.conditional,
        bytes=response.wire_bytes,
    )


def _dropped(document: Document) -> tuple[str, ...]:
    if not document.dropped:
        return ()
    return (f"{document.dropped} entries beyond the limit for one document were left out",)


def _news(before: FeedState, after: FeedState) -> tuple[str, ...]:
    """What has changed about the feed itself, said once."""
    news = []
    if after.moved_to is not None and after.moved_to != before.moved_to:
        at_once = moves.poll_url(after) == after.moved_to
        when = "from now on" if at_once else f"once that has held for {moves.ADOPT_AFTER.days} days"
        news.append(f"moved for good to {after.moved_to}; asked there {when}")
    if after.validators_broken and not before.validators_broken:
        news.append("its validators do not work: the same document came three times in spite of them")
    return tuple(news)


def _was_read(archived: Mapping[str, ArchivedRevision], article_id: str) -> bool:
    """Whether another feed's article stands for this feed's: not while it is but what that feed says of the page."""
    return article_id not in archived or archived[article_id].text_source == "page"


def _lifetime(response: Response) -> timedelta | None:
    return freshness.lifetime(*(response.header(name) for name in ("cache-control", "age", "expires", "date")))
