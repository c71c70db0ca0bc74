"""robots.txt: asked for once a day and origin, obeyed, and remembered for when a site is down (RFC 9309)."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from weakref import WeakValueDictionary

from service.errors import BlockedError, FetchError, HeldError, Weight
from service.net import urls
from service.net.fetch import Fetcher
from service.net.response import Exchange
from service.net.rules import MAX_BYTES, Rules
from storage.model import RobotsFile

FRESH = timedelta(hours=24)
"""How long a robots.txt, or its absence, holds."""
DOWN = timedelta(minutes=1)
"""How long it is not asked for again where it could not be had: once for all pages of a lane, not for each. Longer
pauses are the business of whoever retries."""
LAST_GOOD = timedelta(days=30)
"""How long the last rules stand in while it cannot be had."""
_ACCEPT = "text/plain, */*;q=0.5"
_REMEMBERED = 512
"""Origins whose parsed rules are kept at hand."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a URL may be fetched, and what else robots.txt says to us."""

    allowed: bool
    reason: str
    crawl_delay: float | None = None
    """Seconds, as written; the host's turns already keep to it."""
    content_signal: str | None = None
    retry_after: float | None = None
    """Seconds until it is worth asking again, where the refusal only means that robots.txt could not be had."""

    def check(self) -> None:
        """Pass where the URL may be fetched.

        Raises:
            BlockedError: The site forbids it.
            FetchError: Its robots.txt cannot be had now; temporary, with ``retry_after``.
        """
        if self.allowed:
            return
        if self.retry_after is not None:
            raise FetchError(self.reason, retry_after=self.retry_after)
        raise BlockedError(self.reason)


class RobotsCache(Protocol):
    """Where robots.txt files outlive the process."""

    async def load(self, origin: str) -> RobotsFile | None:
        """Return what was last saved for ``origin``."""

    async def save(self, file: RobotsFile) -> None:
        """Remember ``file`` under its origin, in place of an earlier one."""


class _Problem(NamedTuple):
    """Why a file could not be had."""

    words: str
    pause: timedelta
    """Until it is worth asking again."""


class _Known(NamedTuple):
    file: RobotsFile
    rules: Rules | None
    problem: _Problem | None = None
    """Set where this process asked for it in vain."""

    def is_fresh(self, now: datetime) -> bool:
        pause = self.problem.pause if self.problem and _is_down(self.file) else None
        return _is_fresh(self.file, now, pause)


class Robots:
    """Judges URLs by the robots.txt of their origin, and has its crawl delay kept.

    Args:
        fetcher: Fetches it, in its host's turn as everything else.
        cache: Where files are kept between runs.
        user_agent_token: The product token that groups name us by, without version.
        clock: The time now, aware.
    """

    def __init__(
        self, fetcher: Fetcher, cache: RobotsCache, user_agent_token: str, clock: Callable[[], datetime]
    ) -> None:
        self._fetcher = fetcher
        self._cache = cache
        self._token = user_agent_token
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def verdict(self, url: str) -> Verdict:
        """Judge ``url``, asking its origin for robots.txt where what is known is too old.

        No file (4xx) allows everything. One that cannot be had (5xx, no connection) forbids everything but what the
        last good one, up to 30 days old, allowed.

        Raises:
            FetchError: The host is on hold, or puts us on hold with a 429: nothing is known of the URL.
            BlockedError: ``url`` is neither http nor https, or its host's address is refused.
        """
        if not urls.is_http(url):
            raise BlockedError(f"neither http nor https: {url[:200]}")
        file, rules, problem = await self._rules(urls.origin(url))
        if rules is None and _is_down(file):
            words, pause = problem or _Problem("it could not before", DOWN)
            wait = (file.fetched + pause - self._clock()).total_seconds()
            return Verdict(False, f"robots.txt cannot be had: {words}", retry_after=max(wait, 0.0))
        self._fetcher.hosts.set_crawl_delay(urls.host(url), rules.crawl_delay if rules else None)
        if rules is None:
            return Verdict(True, "no robots.txt")
        allowed = rules.allow(url)
        reason = "allowed by robots.txt" if allowed else "forbidden by robots.txt"
        return Verdict(allowed, reason, rules.crawl_delay, rules.content_signal)

    async def permit(self, url: str) -> Verdict:
        """Judge ``url``, and pass where it may be fetched: made for ``Fetcher.get``.

        Raises:
            FetchError, BlockedError: It may not (``Verdict.check``), or nothing is known of it (``verdict``).
        """
        verdict = await self.verdict(url)
        verdict.check()
        return verdict

    async def _rules(self, origin: str) -> "_Known":
        lock = self._locks.setdefault(origin, asyncio.Lock())
        async with lock:  # whoever comes while the file is being fetched waits for that one
            now = self._clock()
            known = self._known.get(origin)
            if known is None or not known.is_fresh(now):
                known = await self._renew(origin, known.file if known else await self._cache.load(origin), now)
                self._known[origin] = known
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            self._known.move_to_end(origin)
            return known

    async def _renew(self, origin: str, last: RobotsFile | None, now: datetime) -> "_Known":
        # that it was down is news of the process that saw it: the next one looks for itself
        if last is not None and not _is_down(last) and _is_fresh(last, now):
            return _Known(last, self._parse(last, now))
        file, problem = await self._fetch(origin, last)
        await self._cache.save(file)
        return _Known(file, self._parse(file, now), problem)

    async def _fetch(self, origin: str, last: RobotsFile | None) -> tuple[RobotsFile, _Problem | None]:
        """The file as it is now, and why it cannot be had where it cannot."""
        status, body, problem = await self._get(f"{origin}/robots.txt")
        now = self._clock()
        if status is None or status >= 500:
            good = (last.good_body, last.good_fetched) if last else (None, None)
            return RobotsFile(origin, status, b"", now, *good), problem
        if status < 300:
            return RobotsFile(origin, status, body, now, body, now), None
        return RobotsFile(origin, status, b"", now), None

    async def _get(self, url: str) -> tuple[int | None, bytes, _Problem]:
        asked: list[Exchange] = []
        try:
            response = await self._fetcher.get(url, accept=_ACCEPT, cut=MAX_BYTES + 1, trace=asked)
        except BlockedError as error:
            if len(asked) <= 1:  # it is the origin itself that may not be connected to: no page of it can be had
                raise
            return None, b"", _Problem(str(error), DOWN)
        except HeldError:
            raise
        except FetchError as error:
            return (
                error.status,
                b"",
                _Problem(str(error), DOWN),
            )  # one with a status is a redirect that leads nowhere: there is no file
        if response.status == 429:  # the host is on hold now; a page of it would have been refused no less
            raise FetchError(
                f"robots.txt {response.refusal}", weight=Weight.SOFT, status=429, retry_after=response.retry_after
            )
        pause = max(DOWN, timedelta(seconds=response.retry_after or 0))
        return response.status, response.body, _Problem(f"status {response.status}", pause)

    def _parse(self, file: RobotsFile, now: datetime) -> Rules | None:
        if file.good_body is None or file.good_fetched is None or now - file.good_fetched > LAST_GOOD:
            return None
        return Rules(file.good_body, self._token)


def _is_down(file: RobotsFile) -> bool:
    return file.status is None or file.status >= 500


def _is_fresh(file: RobotsFile, now: datetime, pause: timedelta | None = None) -> bool:
    return abs(now - file.fetched) < (
        pause or (DOWN if _is_down(file) else FRESH)
    )  # one from the future is by a wrong clock
