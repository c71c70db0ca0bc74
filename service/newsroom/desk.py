"""One site's desk: its stories, its feeds, and what stands at each of its paths."""

from collections.abc import Callable
from datetime import datetime

from service.newsroom.feeds import CONTENT_TYPES, render_feed
from service.newsroom.log import Kind
from service.newsroom.pages import render_front, render_page
from service.newsroom.resources import Resource
from service.newsroom.sites import Site
from service.newsroom.stories import Story, compose, headline

RELATED = 6
"""Older stories a page points to."""


class Desk:
    """Writes a site's stories and serves them. Not safe for threads: the newsroom holds a lock around it.

    Everything is rendered when first asked for and then kept until it changes, so a body stays the same, byte for
    byte, for as long as nothing happens to it.
    """

    def __init__(self, site: Site, seed: int, *, window: int, weight: int, compress: bool) -> None:
        self.site = site
        self._seed = seed
        self._window = window
        self._weight = weight
        self._compress = compress
        self._count = 0
        self._stories: dict[int, Story] = {}
        self._by_path: dict[str, int] = {}
        self._removed: dict[str, int] = {}
        """Status by path."""
        self._cache: dict[str, Resource] = {}
        self._changed: datetime | None = None

    @property
    def stories(self) -> tuple[Story, ...]:
        """All stories that are there, newest first, in their newest version."""
        return tuple(self._stories[number] for number in reversed(self._stories))

    @property
    def listed(self) -> tuple[Story, ...]:
        """The stories in the main feed, newest first."""
        return self.stories[: self._window]

    def publish(self, at: datetime) -> Story:
        """Write the next story."""
        story = compose(self.site, self._seed, self._count, at)
        self._stories[self._count] = story
        self._by_path[story.path] = self._count
        self._count += 1
        self._touch(at)
        return story

    def edit(self, story: Story, at: datetime) -> Story:
        """Put a new version of the story in the place of its newest one."""
        old = self._stories[story.number]
        new = compose(self.site, self._seed, old.number, old.published, version=old.version + 1, modified=at)
        self._stories[old.number] = new
        self._touch(at, old.path)
        return new

    def remove(self, story: Story, at: datetime, status: int) -> Story:
        """Take the story down; its path answers ``status`` from now on."""
        gone = self._stories.pop(story.number)
        self._removed[gone.path] = status
        self._touch(at, gone.path)
        return gone

    def resource(self, path: str) -> Resource | None:
        """What stands at the path; None: nothing ever did."""
        resource = self._cache.get(path)
        if resource is None and (render := self._renderer(path)):
            resource = self._cache[path] = render()
        return resource

    def _touch(self, at: datetime, path: str | None = None) -> None:
        self._changed = at
        for stale in (*self.site.feed_paths, "/", *([path] if path else [])):
            self._cache.pop(stale, None)

    def _renderer(self, path: str) -> Callable[[], Resource] | None:
        if path in self.site.feed_paths:
            return lambda: self._feed(path)
        if path in self._removed:
            status = self._removed[path]
            return lambda: Resource(b"", "text/html", Kind.PAGE, status=status, etag=False)
        if path in self._by_path:
            story = self._stories[self._by_path[path]]
            return lambda: self._page(story)
        if path == "/":
            return lambda: Resource(
                render_front(self.site, self.listed), self._html, Kind.OTHER, compress=self._compress
            )
        if path == "/robots.txt":
            return lambda: Resource(b"User-agent: *\nAllow: /\n", "text/plain; charset=utf-8", Kind.ROBOTS)
        return None

    @property
    def _html(self) -> str:
        return f"text/html; charset={self.site.profile.charset}"

    def _feed(self, path: str) -> Resource:
        section = None if path == self.site.feed_paths[0] else self.site.stock.sections[0]
        stories = [story for story in self.stories if section is None or story.section == section]
        profile = self.site.profile
        return Resource(
            render_feed(self.site, stories[: self._window], path, section),
            CONTENT_TYPES[profile.format],
            Kind.FEED,
            etag=profile.etag,
            weak_etag=profile.weak_etag,
            last_modified=self._changed if profile.last_modified else None,
            compress=self._compress,
        )

    def _page(self, story: Story) -> Resource:
        profile = self.site.profile
        related = []
        for number in range(story.number - 1, story.number - 1 - RELATED, -1):
            known = self._stories.get(number)
            path = known.path if known else f"/archive/{number % 997}"
            related.append((headline(self.site, self._seed, number), path))
        return Resource(
            render_page(self.site, story, related, self._weight),
            self._html,
            Kind.PAGE,
            etag=profile.etag,
            weak_etag=profile.weak_etag,
            last_modified=story.changed if profile.last_modified else None,
            compress=self._compress,
        )
