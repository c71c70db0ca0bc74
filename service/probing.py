"""One feed asked for a look, twice: what was sent, what came, what the rules make of it. Nothing is remembered.

    ask hop by hop → read → what a first poll would keep → ask again with its validators

It asks as a poll does, in the same turns and by the same leave; all of it is noted, as far as it gets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from service.articles.workers import Workers
from service.errors import BlockedError, FetchError, HeldError, ParseError
from service.feeds import cadence, moves
from service.feeds.document import Document
from service.net import freshness, urls
from service.net.addresses import AllowedNetwork, may_connect, parse_address, unmapped
from service.net.fetch import Fetcher, Response, check
from service.net.response import REDIRECTS, Exchange
from service.net.robots import Robots, RobotsCache
from service.polling import ACCEPT
from storage.model import Asked, Feed, FeedState, Validators

_NONE = Validators()


class Stage(StrEnum):
    """How far a probe got: what failed."""

    ADDRESS = "address"
    """The URL itself, or the address guard."""
    ROBOTS = "robots.txt"
    SILENCE = "silence"
    """The host has asked to be left alone."""
    CONNECTION = "connection"
    """No answer came."""
    REDIRECT = "redirect"
    ANSWER = "answer"
    """Its status."""
    BODY = "body"
    DOCUMENT = "document"
    """It is no feed."""
    AGAIN = "conditional request"


class Conditional(StrEnum):
    """What became of the validators in a second request."""

    WORK = "work"
    DO_NOT_WORK = "do not work"
    UNDECIDED = "undecided"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class RobotsSaid:
    """What robots.txt says of one hop."""

    allowed: bool
    reason: str
    obeyed: bool
    status: int | None = None
    """What its origin answered for it; None: nothing."""
    bytes: int = 0
    crawl_delay: float | None = None
    content_signal: str | None = None


@dataclass(slots=True)
class Step:
    """One hop: the leave asked for it, the request, the answer."""

    url: str
    robots: RobotsSaid | None = None
    """None: that could not be learned."""
    exchange: Exchange | None = None
    """None: it was not asked for."""
    opened_by: str | None = None
    """The entry of ALLOWED_NETWORKS that let the connection through; None for a public address on a web port."""


@dataclass(slots=True)
class Probe:
    """What a feed answered, as far as it got; ``error`` says why no further, and is None where all is well."""

    feed: Feed
    steps: list[Step] = field(default_factory=list)
    answered: datetime | None = None
    """When the answer had come."""
    response: Response | None = None
    document: Document | None = None
    state: FeedState | None = None
    """What a first poll would remember now."""
    conditional: Conditional = Conditional.NOT_TRIED
    reason: str | None = None
    """Why ``conditional`` is what it is."""
    again: list[Step] = field(default_factory=list)
    """The hops of the second request."""
    stage: Stage | None = None
    error: FetchError | ParseError | None = None


class Prober:
    """Probes feeds.

    Args:
        fetcher: Asks, in each host's turn.
        robots: Gives leave.
        files: Where ``robots`` keeps what it was given.
        workers: Reads documents.
        allowed: The networks the fetcher's guard opens, as the settings spell them.
        limits: What a first poll's due time keeps to.
        clock: The time now, aware.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        robots: Robots,
        files: RobotsCache,
        workers: Workers,
        *,
        allowed: Sequence[str],
        limits: cadence.Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._fetcher = fetcher
        self._robots = robots
        self._files = files
        self._workers = workers
        self._allowed = [(AllowedNetwork.parse(text), text) for text in allowed]
        self._limits = limits
        self._clock = clock

    async def probe(self, feed: Feed) -> Probe:
        """Ask a feed, read what came, ask again. Whatever goes wrong with it is in the result."""
        probe = Probe(feed)
        try:
            response = await self._get(feed, probe.steps)
        except FetchError as error:
            probe.stage, probe.error = _stage(probe.steps, error), error
            return probe
        probe.response, probe.answered = response, self._clock()
        try:
            probe.stage = Stage.ANSWER
            check(response)
            probe.stage = Stage.DOCUMENT
            with self._fetcher.slots.kept(len(response.content.data)):
                probe.document = await self._workers.parse(
                    response.content,
                    feed=feed.name,
                    url=response.url,
                    content_type=response.header("content-type"),
                    now=self._clock(),
                    language=feed.language,
                )
            probe.stage = Stage.AGAIN
            probe.state = self._first_poll(feed, response, probe.document)
            await self._again(probe, response, probe.state.validators)
        except (FetchError, ParseError) as error:
            probe.error = error
            return probe
        probe.stage = None
        return probe

    def _first_poll(self, feed: Feed, response: Response, document: Document) -> FeedState:
        """The state after a first poll that got this answer, without its jitter."""
        now = self._clock()
        lifetime = freshness.lifetime(
            *(response.header(name) for name in ("cache-control", "age", "expires", "date")),
        )
        state = FeedState(
            feed.name,
            feed.url,
            effective_url=response.url,
            validators=response.validators if document.malformed is None else _NONE,
            title=document.title,
        )
        state = moves.after_redirect(state, now, feed.url, response.url if response.permanently_moved else None)
        return cadence.after_success(
            state,
            now,
            self._limits,
            0.0,
            fixed=feed.interval,
            asked=Asked(lifetime, document.ttl, document.skip_hours, document.skip_days),
            status=response.status,
        )

    async def _again(self, probe: Probe, first: Response, validators: Validators) -> None:
        """Ask once more, as the next poll would. Raises FetchError where that poll would fail."""
        if not validators:
            given = bool(first.validators)
            probe.reason = "of a malformed document none are kept" if given else "the server gives no validators"
            return
        probe.conditional = Conditional.UNDECIDED
        try:
            second = await self._get(probe.feed, probe.again, validators, first.url)
            check(second)
        except FetchError as error:
            if error.status != 429 and not isinstance(error, HeldError):
                raise
            probe.reason = f"two requests in a row are too many for this host: {error}"  # polls are further apart
            return
        if second.status == 304:
            probe.conditional, probe.reason = Conditional.WORK, "304"
        elif not second.conditional:
            probe.reason = f"this time the redirect led to {second.url}"
        elif second.content.sha256() == first.content.sha256():
            probe.conditional, probe.reason = Conditional.DO_NOT_WORK, "the whole document came again"
        elif second.validators == first.validators:
            probe.conditional = Conditional.DO_NOT_WORK
            probe.reason = "another document came under the same validators"
        else:
            probe.reason = "another document came: it changed in between, or is made anew for each request"

    async def _get(
        self, feed: Feed, steps: list[Step], validators: Validators = _NONE, validators_url: str | None = None
    ) -> Response:
        trace: list[Exchange] = []

        async def permit(url: str) -> None:
            steps.append(Step(url))
            await self._judge(feed, steps[-1])

        try:
            return await self._fetcher.get(
                feed.url,
                accept=ACCEPT,
                validators=validators,
                validators_url=validators_url,
                permit=permit,
                trace=trace,
            )
        finally:
            for step, exchange in zip(steps, trace, strict=False):  # the last hop may not have been asked for
                step.exchange, step.opened_by = exchange, self._opened_by(exchange.address)

    async def _judge(self, feed: Feed, step: Step) -> None:
        """Ask robots.txt for leave, and note what it says even where it is not to be obeyed."""
        try:
            verdict = await self._robots.verdict(step.url)
        except FetchError:
            if feed.obey_robots:
                raise
            return
        file = await self._files.load(urls.origin(step.url))
        step.robots = RobotsSaid(
            verdict.allowed,
            verdict.reason,
            feed.obey_robots,
            file.status if file else None,
            len(file.body) if file else 0,
            verdict.crawl_delay,
            verdict.content_signal,
        )
        if feed.obey_robots:
            verdict.check()

    def _opened_by(self, address: str | None) -> str | None:
        host, _, port = (address or "").rpartition(" port ")
        if not host or may_connect(parse_address(host), int(port), ()):
            return None
        there = unmapped(parse_address(host))
        return next((text for entry, text in self._allowed if entry.admits(there, int(port))), None)


def _stage(steps: Sequence[Step], error: FetchError) -> Stage:
    if not steps:
        return Stage.ADDRESS
    step = steps[-1]
    if isinstance(error, HeldError):
        return Stage.SILENCE
    if step.exchange is None and error.status is not None:  # it was robots.txt that answered so
        return Stage.ROBOTS
    if step.exchange is None and step.robots is not None:  # it was not asked for, for robots.txt said no, or nothing
        refused = isinstance(error, BlockedError) or step.robots.status is not None
        return Stage.ROBOTS if refused else _unanswered(error)
    if step.exchange is None or step.exchange.status is None:
        return _unanswered(error)
    return Stage.REDIRECT if step.exchange.status in REDIRECTS else Stage.BODY


def _unanswered(error: FetchError) -> Stage:
    # where robots.txt met the guard, only the words are left of it
    return Stage.ADDRESS if isinstance(error, BlockedError) or "address refused" in str(error) else Stage.CONNECTION
