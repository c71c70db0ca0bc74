"""The sites as a server on loopback. It answers by the simulated clock and notes every answer."""

import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from itertools import groupby
from typing import Self

from service.newsroom import Answer, Head, Kind, Reset
from service.newsroom.log import RequestLog
from service.newsroom.resources import Resource
from service.newsroom.server import Reply, Server, listen
from simulation.clock import Clock
from simulation.sites import Site, Story, Trouble, life
from storage.model import Feed

FEED, MOVED, ROBOTS = "/feed.xml", "/moved.xml", "/robots.txt"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NO_RULES = Answer(200, (("Content-Type", "text/plain"),), b"User-agent: *\nDisallow: /search\n")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as the server saw them."""

    at: datetime
    host: str
    path: str
    site: Site | None
    """Whose feed was asked for; None for robots.txt."""
    asked: Mapping[str, str]
    status: int | None
    """None: the connection was reset."""
    said: Mapping[str, str]
    bytes: int


class World:
    """Sites with feeds, for as long as the ``with`` block lasts."""

    def __init__(self, sites: Sequence[Site], clock: Clock, length: timedelta, seed: int = 1) -> None:
        self.sites = tuple(sites)
        self.start, self.end = clock(), clock() + length
        self.stories: dict[str, tuple[Story, ...]] = {
            site.name: life(site, self.start, length, seed) for site in self.sites
        }
        self.exchanges: list[Exchange] = []
        """Every request, in order. To be read while none is under way."""
        self.feeds: tuple[Feed, ...] = ()
        self.seconds = 0.0
        """CPU seconds of the server."""
        self._clock = clock
        self._feeds: dict[tuple[str, str], Site] = {}
        self._hosts = {site.host: site for site in self.sites}
        self._resource = lru_cache(4 * len(self.sites))(self._make_resource)

    def __enter__(self) -> Self:
        listeners = {}
        by_host = sorted(self.sites, key=lambda site: site.host)
        for number, (host, sites) in enumerate(groupby(by_host, key=lambda site: site.host)):
            listener = listeners[host] = listen(f"127.78.{number // 250}.{number % 250 + 1}", 0)
            address, port = listener.getsockname()
            for place, site in enumerate(sites):
                path = f"/{place}{FEED}"
                self._feeds[host, path] = self._feeds[host, f"/{place}{MOVED}"] = site
                self.feeds += (Feed(site.name, f"http://{address}:{port}{path}", language="en"),)
        self._server = Server(listeners, self._respond, RequestLog())
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def newest(self, site: Site, moment: datetime) -> int:
        """How many stories the site has published at a moment."""
        return bisect_right(self.stories[site.name], moment, key=lambda story: story.published)

    def listed(self, site: Site, moment: datetime) -> tuple[Story, ...]:
        """What the site's document lists at a moment, newest first."""
        newest = self.newest(site, moment)
        return self.stories[site.name][max(0, newest - site.window) : newest][::-1]

    # -- in the server's thread ----------------------------------------------------------------------------------------

    def _respond(self, host: str, head: Head) -> Reply:
        site = self._feeds.get((host, head.path))
        owner = self._hosts[host]
        now = self._clock()
        trouble = next(
            (t for t in owner.troubles if self.start + t.begins <= now < self.start + t.begins + t.lasts), None
        )
        if trouble is not None and (site is not None or trouble.status in (None, 429, 500)):
            answer = self._troubled(trouble, now)
        elif site is not None:
            answer = self._feed(site, head, now)
        else:
            answer = _NO_RULES if head.path == ROBOTS else Answer(404)
        self._note(host, head, site, answer, now)
        kind = Kind.FEED if site else Kind.ROBOTS
        return Reply(answer or Answer(), kind, None if answer else Reset())

    def _note(self, host: str, head: Head, site: Site | None, answer: Answer | None, now: datetime) -> None:
        status, said = (answer.status, dict(answer.headers)) if answer else (None, {})
        size = len(answer.body) if answer else 0
        self.exchanges.append(Exchange(now, host, head.path, site, head.headers, status, said, size))
        self.seconds = time.thread_time()

    def _troubled(self, trouble: Trouble, now: datetime) -> Answer | None:
        if trouble.status is None:
            return None
        headers = [("Date", _http(now))]
        if trouble.retry_after is not None:
            until = self.start + trouble.begins + trouble.retry_after
            left = max(0, round((until - now).total_seconds()))
            headers.append(("Retry-After", _http(until) if trouble.as_date else str(left)))
        return Answer(trouble.status, tuple(headers), b"sorry\n")

    def _feed(self, site: Site, head: Head, now: datetime) -> Answer:
        date = ("Date", _http(now))
        if site.moved and head.path.endswith(FEED):
            return Answer(301, (date, ("Location", head.path.replace(FEED, MOVED))))
        headers, made = [date], now
        if site.max_age is not None:
            headers.append(("Cache-Control", f"public, max-age={site.max_age // timedelta(seconds=1)}"))
            if site.cached:
                age = (now - self.start) % site.max_age
                made = now - age
                headers.append(("Age", str(age // timedelta(seconds=1))))
        if site.expires is not None:
            headers.append(("Expires", _http(now + site.expires)))
        resource = self._resource(site, self.newest(site, made), made if site.restless else None)
        asked = head.headers
        if not site.conditional:
            asked = {name: value for name, value in asked.items() if not name.startswith("if-")}
        answer = resource.answer(replace(head, headers=asked))
        return replace(answer, headers=(*answer.headers, *headers))

    def _make_resource(self, site: Site, newest: int, made: datetime | None) -> Resource:
        listed = self.stories[site.name][max(0, newest - site.window) : newest][::-1]
        return Resource(
            _document(site, listed, made),
            "application/rss+xml; charset=utf-8",
            Kind.FEED,
            etag=site.etag,
            last_modified=listed[0].published if site.last_modified else None,
        )


def _document(site: Site, stories: Sequence[Story], made: datetime | None) -> bytes:
    wishes = ""
    if site.ttl is not None:
        wishes += f"<ttl>{site.ttl}</ttl>"
    if site.syndication is not None:
        period, frequency = site.syndication
        wishes += f"<sy:updatePeriod>{period}</sy:updatePeriod><sy:updateFrequency>{frequency}</sy:updateFrequency>"
    if site.skip_hours:
        wishes += "<skipHours>" + "".join(f"<hour>{hour}</hour>" for hour in sorted(site.skip_hours)) + "</skipHours>"
    if site.skip_days:
        wishes += "<skipDays>" + "".join(f"<day>{_DAYS[day]}</day>" for day in sorted(site.skip_days)) + "</skipDays>"
    items = "".join(
        f"<item><title>Story {story.guid}</title><link>http://{site.name}.example/{story.guid}.html</link>"
        f'<guid isPermaLink="false">{story.guid}</guid><pubDate>{_http(story.published)}</pubDate>'
        f"<description>What happened in {story.guid}, and to whom.</description></item>\n"
        for story in stories
    )
    built = made or stories[0].published
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>'
        f"<title>{site.name}</title><link>http://{site.name}.example/</link><description>News</description>"
        f"<lastBuildDate>{_http(built)}</lastBuildDate>{wishes}\n{items}</channel></rss>\n"
    ).encode()


def _http(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
