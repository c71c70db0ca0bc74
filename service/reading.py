"""From a pending entry to a draft: its page fetched and read, or the feed's own content where no page can be had."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from service import __version__
from service.articles.compose import Draft
from service.articles.page import Metadata
from service.articles.retry import next_try
from service.articles.rights import Reserved, read_reserved
from service.articles.workers import Workers
from service.choices import TdmPolicy
from service.errors import BlockedError, ExtractError, FetchError, GoneError, HeldError
from service.net.capture import capture
from service.net.fetch import Fetcher, Response, check
from service.net.robots import Robots, Verdict
from storage.forms import forms_of
from storage.model import (
    Capture,
    Content,
    ExtractorFacts,
    Feed,
    HttpFacts,
    Outcome,
    PendingEntry,
    Resolution,
    Retry,
    Rights,
)

ACCEPT = "text/html, application/xhtml+xml, */*;q=0.5"
RIGHTS_HEADERS = ("x-robots-tag", "tdm-reservation", "tdm-policy")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as it came; without one, the feed's own content is to be read, and ``warnings`` say why."""

    pending: PendingEntry
    feed: Feed
    at: datetime
    response: Response | None = None
    verdict: Verdict | None = None
    warnings: tuple[str, ...] = ()
    otherwise: Resolution | None = None
    """The outcome where the feed carries no text of its own either."""
    reserved: Reserved | None = None
    """What a page without text says of its use."""

    @property
    def size(self) -> int:
        """Bytes it holds in memory."""
        return len(self.response.content.data) if self.response else 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A pending entry that brings no record: a final outcome, or a later try."""

    pending: PendingEntry
    resolution: Resolution | None = None
    retry: Retry | None = None
    was_read: bool = False
    """Whether the page itself showed it. A feed's own words for it speak for no other feed."""
    capture: Capture | None = None
    """The page that no text was found in, where a raw copy of it is to be kept."""
    size = 0
    """Bytes it holds in memory."""

    @property
    def resolutions(self) -> tuple[Resolution, ...]:
        """What ends: an unchanged page ends its siblings too; after any other end they are tried for themselves."""
        if self.resolution is None:
            return ()
        siblings = self.pending.siblings if self.was_read and self.resolution.outcome is Outcome.UNCHANGED else ()
        return self.resolution, *(replace(self.resolution, number=sibling.number) for sibling in siblings)

    @property
    def retries(self) -> tuple[Retry, ...]:
        """What waits: siblings that would ask for the very same address wait with their lead."""
        if self.retry is None:
            return ()
        same = (sibling for sibling in self.pending.siblings if sibling.url == self.pending.entry.url)
        return self.retry, *(replace(self.retry, number=sibling.number) for sibling in same)


class Reader:
    """Fetches and reads. Expected failures come back as ``Ended``; nothing is remembered here."""

    def __init__(
        self,
        fetcher: Fetcher,
        robots: Robots,
        workers: Workers,
        *,
        tdm_policy: TdmPolicy,
        clock: Callable[[], datetime],
    ) -> None:
        self._fetcher = fetcher
        self._robots = robots
        self._workers = workers
        self._tdm_policy = tdm_policy
        self._clock = clock

    async def fetch(self, pending: PendingEntry, feed: Feed) -> Fetched | Ended:
        """Fetch the page of a pending entry, once."""
        url, now = pending.entry.url, self._clock()
        if url is None or feed.content is Content.FEED:
            return Fetched(pending, feed, now)
        verdicts: list[Verdict] = []

        async def permit(address: str) -> None:
            verdicts.append(await self._robots.verdict(address))
            verdicts[-1].check()

        try:
            response = await self._fetcher.get(url, accept=ACCEPT, permit=permit)
            check(response)
        except FetchError as error:
            return self._not_fetched(pending, feed, error, verdicts[-1] if verdicts else None)
        return Fetched(pending, feed, now, response, verdicts[-1])

    def _not_fetched(
        self, pending: PendingEntry, feed: Feed, error: FetchError, verdict: Verdict | None
    ) -> Fetched | Ended:
        now = self._clock()
        if (at := next_try(pending, error, now)) is not None:
            was_tried = not isinstance(error, HeldError)
            return Ended(pending, retry=Retry(pending.number, at, str(error), was_tried))
        match error:
            case GoneError():
                outcome = Outcome.GONE
            case BlockedError():
                outcome = Outcome.SKIPPED
            case _:
                outcome = Outcome.FAILED
        otherwise = Resolution(pending.number, outcome, str(error))
        return Fetched(pending, feed, now, verdict=verdict, warnings=(f"page: {error}",), otherwise=otherwise)

    async def read(self, fetched: Fetched) -> Draft | Ended:
        """Extract the text of a fetched page, or of the feed's own content where there is no page to read."""
        if fetched.response is None:
            return await self._read_feed(fetched)
        pending, response = fetched.pending, fetched.response
        try:
            page = await self._workers.extract(
                response.content,
                url=response.url,
                content_type=response.content_type,
                charset=response.charset,
                headers=_said_in_headers(response),
                now=fetched.at,
            )
        except ExtractError as error:
            otherwise = Resolution(pending.number, Outcome.FAILED, str(error))
            warnings, reserved = (f"page: {error}",), error.reserved
            return await self._read_feed(replace(fetched, warnings=warnings, otherwise=otherwise, reserved=reserved))
        if self._tdm_policy is TdmPolicy.SKIP and (said := _reservation(page.metadata)):
            return Ended(pending, Resolution(pending.number, Outcome.SKIPPED, f"the page says {said}"))
        summary = None if page.metadata.description else await self._plain(pending.entry.summary, response.url)
        return Draft(
            pending=pending,
            feed=fetched.feed,
            paragraphs=page.paragraphs,
            forms=page.forms or forms_of(page.paragraphs),
            text_source="page",
            metadata=page.metadata,
            summary=summary,
            extractor=page.extractor,
            rights=_rights(page.metadata, response, fetched.verdict),
            http=_facts(response, page.charset),
            url=response.url,
            fetched=fetched.at,
            warnings=fetched.warnings + page.warnings,
            capture=_capture(fetched),
        )

    async def _read_feed(self, fetched: Fetched) -> Draft | Ended:
        pending, entry = fetched.pending, fetched.pending.entry
        base = entry.url or pending.feed_url
        headers = _said_in_headers(fetched.response) if fetched.response else {}
        reserved = fetched.reserved or read_reserved({}, headers)
        rights = _rights(reserved, fetched.response, fetched.verdict)
        if self._tdm_policy is TdmPolicy.SKIP and (said := _reservation(rights)):
            return Ended(pending, Resolution(pending.number, Outcome.SKIPPED, f"the page says {said}"))
        try:
            paragraphs = await self._paragraphs(entry.content, base) or await self._paragraphs(entry.summary, base)
        except ExtractError as error:
            unread = Resolution(pending.number, Outcome.FAILED, f"the feed's text: {error}")
            return Ended(pending, unread, capture=self._unread(fetched))
        if not paragraphs:
            nothing = Resolution(pending.number, Outcome.FAILED, "the feed carries no text for this entry")
            return Ended(pending, fetched.otherwise or nothing, capture=self._unread(fetched))
        return Draft(
            pending=pending,
            feed=fetched.feed,
            paragraphs=paragraphs,
            forms=forms_of(paragraphs),
            text_source="feed",
            metadata=Metadata(),
            summary=await self._plain(entry.summary, base),
            extractor=ExtractorFacts("feed", __version__),
            rights=rights,
            http=_facts(fetched.response, None) if fetched.response else HttpFacts(),
            url=fetched.response.url if fetched.response else entry.url,
            fetched=fetched.at,
            warnings=fetched.warnings + reserved.warnings,
            capture=self._unread(fetched),
        )

    def _unread(self, fetched: Fetched) -> Capture | None:
        """The page that no text was found in, but where nobody could see whether it is one to be left out."""
        if self._tdm_policy is TdmPolicy.SKIP and fetched.reserved is None:
            return None
        return _capture(fetched)

    async def _plain(self, html: str | None, url: str) -> str | None:
        try:
            return " ".join(await self._paragraphs(html, url)) or None
        except ExtractError:
            return None  # a summary only describes; the article does not wait for it

    async def _paragraphs(self, html: str | None, url: str) -> tuple[str, ...]:
        return await self._workers.fragment(html, url=url) if html else ()


def _capture(fetched: Fetched) -> Capture | None:
    response, pending = fetched.response, fetched.pending
    return capture(response, fetched.at, feed=pending.feed, via=pending.feed_url) if response else None


def _reservation(said: Metadata | Rights) -> str | None:
    return "noarchive" if said.noarchive else "tdm-reservation" if said.tdm_reservation else None


def _said_in_headers(response: Response) -> dict[str, str]:
    return {name: "\n".join(response.lines(name)) for name in RIGHTS_HEADERS}


def _content_signal(response: Response | None, verdict: Verdict | None) -> str | None:
    """What the answer's headers and robots.txt signal: Content-Signal as written, Content-Usage with its name."""
    said: list[str | None] = [verdict.content_signal] if verdict else []
    if response is not None:
        usage = response.header("content-usage")
        said = [response.header("content-signal"), f"Content-Usage: {usage}" if usage else None, *said]
    return ", ".join(dict.fromkeys(filter(None, said))) or None


def _rights(said: Metadata | Reserved, response: Response | None, verdict: Verdict | None) -> Rights:
    return Rights(
        robots_allowed=verdict.allowed if verdict else None,
        noarchive=said.noarchive,
        noai=said.noai,
        tdm_reservation=said.tdm_reservation,
        content_signal=_content_signal(response, verdict),
    )


def _facts(response: Response, charset: str | None) -> HttpFacts:
    return HttpFacts(
        status=response.status,
        etag=response.header("etag"),
        last_modified=response.header("last-modified"),
        content_type=response.header("content-type"),
        charset=charset,
        bytes=response.content.size,
    )
