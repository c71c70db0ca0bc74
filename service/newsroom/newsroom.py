"""The newsroom: sites that publish, edit and remove stories, and fail on demand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Self

from service.newsroom.desk import Desk
from service.newsroom.faults import Fault
from service.newsroom.log import Kind, Request, RequestLog, kind_of
from service.newsroom.overrides import Handler, Overrides, Spot
from service.newsroom.resources import Resource
from service.newsroom.server import Reply, Server, listen
from service.newsroom.sites import FeedLink, Site, catalogue, site_at
from service.newsroom.stories import Story
from service.newsroom.wire import Answer, Head

_STEP = timedelta(seconds=1)
"""What the newsroom's clock moves on with each event: validators and dates tell any two apart."""

_NOT_FOUND = Answer(404, (("Content-Type", "text/html"),), b"<!DOCTYPE html><title>404</title><h1>404</h1>\n")


class Newsroom:
    """News sites on loopback, for as long as the ``with`` block lasts; every method may be called from any thread.

    Dates follow the newsroom's own clock: it stands at ``start`` when the first stories are out, and moves on by a
    second with each story published, edited or removed.
    """

    def __init__(
        self,
        sites: int = 7,
        stories: int = 10,
        seed: int = 1,
        *,
        start: datetime | None = None,
        window: int = 20,
        weight: int = 24,
        port: int = 0,
        gzip: bool = True,
        log: Path | None = None,
    ) -> None:
        """Describe a newsroom; entering it opens it.

        Args:
            sites: How many sites; seven have a language and a template each, further ones begin again.
            stories: How many stories each site has to begin with.
            seed: Chooses the stories' words.
            start: When the newest of the first stories is dated, aware; an hour ago if not given.
            window: How many stories a feed lists at most.
            weight: About how many kB a page weighs; real news pages of today: 60 to 120.
            port: The port of every site, each on its own address; 0 lets the system choose one for each.
            gzip: Whether bodies are compressed for clients that accept it.
            log: A file that gets a JSON line for each request.
        """
        self._seed = seed
        self._first_stories = stories
        self._clock = (start or datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
        self._addresses = [f"127.77.{number // 250}.{number % 250 + 1}" for number in range(sites)]
        self._port = port
        self._log, self._log_file = RequestLog(), log
        self._lock = RLock()
        self._window, self._weight, self._compress = window, weight, gzip
        self._desks: dict[str, Desk] = {}
        self._turn = 0
        self._overrides = Overrides()
        self._server: Server | None = None

    def __enter__(self) -> Self:
        listeners = {}
        try:
            self._log.open(self._log_file)
            for number, address in enumerate(self._addresses):
                listener = listen(address, self._port)
                site = site_at(number, f"http://{address}:{listener.getsockname()[1]}")
                listeners[site.name] = listener
                self._desks[site.name] = Desk(
                    site, self._seed, window=self._window, weight=self._weight, compress=self._compress
                )
            self._publish_first()
            self._server = Server(listeners, self._respond, self._log)
            self._server.start()
        except BaseException:
            for listener in listeners.values():
                listener.close()
            self._log.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.stop()
        self._log.close()

    # -- what there is -------------------------------------------------------------------------------------------------

    @property
    def sites(self) -> tuple[Site, ...]:
        """The sites, in order; none before the newsroom is entered."""
        return tuple(desk.site for desk in self._desks.values())

    @property
    def feeds(self) -> tuple[FeedLink, ...]:
        """All feeds of all sites, ready for a catalogue."""
        return tuple(feed for site in self.sites for feed in site.feeds)

    def feeds_toml(self) -> str:
        """The catalogue of all feeds as ``feeds.toml`` spells it."""
        return catalogue(self.feeds)

    def stories(self, site: Site | str | None = None) -> tuple[Story, ...]:
        """The stories that are there, each in its newest version: site by site, newest first."""
        with self._lock:
            return tuple(story for desk in self._chosen(site) for story in desk.stories)

    def listed(self, site: Site | str | None = None) -> tuple[Story, ...]:
        """The stories in the main feeds: site by site, newest first."""
        with self._lock:
            return tuple(story for desk in self._chosen(site) for story in desk.listed)

    # -- what happens --------------------------------------------------------------------------------------------------

    def publish(self, count: int = 1, site: Site | str | None = None) -> tuple[Story, ...]:
        """Publish new stories: on one site, or on one site after the other."""
        with self._lock:
            return tuple(desk.publish(self._tick()) for desk in self._turns(site, count))

    def edit(self, count: int = 1, site: Site | str | None = None, *, story: Story | None = None) -> tuple[Story, ...]:
        """Change stories: title, summary and text, in the feeds and on the pages; returns the new versions.

        Takes the ``story`` given, or the listed ones with the fewest edits, newest first, one site after the other.

        Raises:
            LookupError: there are not as many stories to change.
        """
        with self._lock:
            if story:
                return (self._desks[story.site].edit(story, self._tick()),)
            edited: list[Story] = []
            for desk in self._turns(site, count):
                candidates = [story for story in desk.listed if story not in edited]
                if not candidates:
                    raise LookupError(f"{desk.site.name} lists no further story to change")
                edited.append(desk.edit(min(candidates, key=lambda story: story.version), self._tick()))
            return tuple(edited)

    def remove(
        self, count: int = 1, site: Site | str | None = None, *, story: Story | None = None, status: int = 410
    ) -> tuple[Story, ...]:
        """Take stories down: their pages answer ``status``, their entries leave the feeds; returns what was removed.

        Takes the ``story`` given, or the oldest listed ones, one site after the other.

        Raises:
            LookupError: there are not as many stories to remove.
        """
        with self._lock:
            if story:
                return (self._desks[story.site].remove(story, self._tick(), status),)
            removed: list[Story] = []
            for desk in self._turns(site, count):
                if not desk.listed:
                    raise LookupError(f"{desk.site.name} lists no story to remove")
                removed.append(desk.remove(desk.listed[-1], self._tick(), status))
            return tuple(removed)

    def serve(
        self,
        path: str,
        body: bytes | str | Handler,
        content_type: str = "text/html; charset=utf-8",
        headers: Mapping[str, str] | None = None,
        site: Site | str | None = None,
        *,
        status: int = 200,
        validators: bool = True,
    ) -> str:
        """Put a body at a path of a site (the first one if none is named), in place of whatever stood there.

        ``headers`` are added to the answer and win over those the newsroom would send; with ``validators`` false there
        is no entity tag either. A body with a ``Content-Encoding`` of its own is sent as it is. A handler answers by
        itself, without validators or compression.

        Returns:
            The URL.
        """
        desk = self._chosen(site)[0]
        mounted: Resource | Handler
        if callable(body):
            mounted = body
        else:
            data = body.encode() if isinstance(body, str) else body
            mounted = Resource(
                data,
                content_type,
                kind_of(path, content_type),
                status=status,
                headers=headers,
                etag=validators,
                compress=self._compress,
            )
        with self._lock:
            self._overrides.mount(desk.site.name, path, mounted)
        return desk.site.base_url + path

    def robots(self, text: str, site: Site | str | None = None) -> None:
        """Set robots.txt, on one site or on all of them."""
        for desk in self._chosen(site):
            self.serve("/robots.txt", text, "text/plain; charset=utf-8", site=desk.site)

    def fault(self, target: Site | Story | str, fault: Fault, *, times: int | None = None) -> None:
        """Put a fault on a site (or its name), a story's page, a URL, or a path on every site.

        The nearest one counts: URL before path before site. It works on the full, uncompressed answer; ``times`` ends
        it after as many requests.
        """
        with self._lock:
            self._overrides.put_fault(self._spot(target), fault, times)

    def heal(self, target: Site | Story | str | None = None) -> None:
        """Take the target's fault off, or all faults."""
        with self._lock:
            self._overrides.heal(None if target is None else self._spot(target))

    # -- what was asked for --------------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in the order of their answers' ends (at most the newest 100,000)."""
        if self._server:
            self._server.settle()
        return self._log.snapshot()

    def page_requests(self) -> list[Request]:
        """The requests for stories' pages and other mounted documents."""
        return [request for request in self.requests if request.kind is Kind.PAGE]

    def feed_requests(self) -> list[Request]:
        """The requests for feeds."""
        return [request for request in self.requests if request.kind is Kind.FEED]

    def clear_log(self) -> None:
        """Forget the requests so far."""
        if self._server:
            self._server.settle()
        self._log.clear()

    # -- within --------------------------------------------------------------------------------------------------------

    def _publish_first(self) -> None:
        """The first stories are some 40 minutes apart on each site, the newest dated at the start."""
        for offset, desk in enumerate(self._desks.values()):
            for back in range(self._first_stories - 1, -1, -1):
                desk.publish(self._clock - back * timedelta(minutes=37 + offset, seconds=11))

    def _tick(self) -> datetime:
        self._clock += _STEP
        return self._clock

    def _chosen(self, site: Site | str | None) -> Sequence[Desk]:
        if site is None:
            return list(self._desks.values())
        return [self._desks[site if isinstance(site, str) else site.name]]

    def _turns(self, site: Site | str | None, count: int) -> list[Desk]:
        """The desks whose turn it is, once for each of ``count`` events."""
        desks = self._chosen(site)
        if site is not None:
            return list(desks) * count
        first = self._turn
        self._turn += count
        return [desks[turn % len(desks)] for turn in range(first, first + count)]

    def _spot(self, target: Site | Story | str) -> Spot:
        if isinstance(target, Site):
            return target.name, None
        if isinstance(target, Story):
            return target.site, target.path
        if target.startswith("/"):
            return None, target
        if target in self._desks:
            return target, None
        for site in self.sites:
            if target.startswith(site.base_url + "/"):
                return site.name, target.removeprefix(site.base_url)
        raise LookupError(f"{target} is no site, path or URL of this newsroom")

    def _respond(self, site: str, head: Head) -> Reply:
        with self._lock:
            fault = self._overrides.take_fault(site, head.path)
            document = self._overrides.mounted(site, head.path) or self._desks[site].resource(head.path)
            if fault:
                head = Head(head.method, head.path, {})
            if isinstance(document, Resource):
                return Reply(document.answer(head), document.kind, fault)
        if document is None:
            return Reply(_NOT_FOUND, Kind.OTHER, fault)
        answer = document(head)
        return Reply(answer, kind_of(head.path, dict(answer.headers).get("Content-Type", "")), fault)
