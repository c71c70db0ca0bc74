"""What feeds and their sites call themselves: the only short lines that may go when they come again. Pure."""

import re
from collections.abc import Iterable, Mapping

from service.net.urls import site_name
from storage.model import Article, Feed, FeedState

_BEHIND_THE_NAME = re.compile(r"\s+[-–—|:·]\s+|:\s")


def names_of(feed: str, url: str, publishers: Iterable[str | None], title: str | None) -> set[str]:
    """The names of a feed and its site.

    Args:
        feed: The feed's name in the catalogue.
        url: Where the article was found, or its feed.
        publishers: Who publishes it, by all accounts.
        title: What the feed's document calls itself.
    """
    first_words = _BEHIND_THE_NAME.split(title)[0] if title else None
    candidates = (feed, feed.split("-")[0], *publishers, title, first_words, _site(url))
    return {name for name in candidates if name}


def _site(url: str) -> str | None:
    try:
        return site_name(url)
    except ValueError:
        return None


class Mastheads:
    """The same for articles that are archived: what their records say, and what is known of their feeds by now.

    Args:
        feeds: Those of the catalogue.
        states: What is known of feeds, by name.
    """

    def __init__(self, feeds: Iterable[Feed], states: Mapping[str, FeedState]) -> None:
        self._publishers = {feed.name: feed.publisher for feed in feeds}
        self._titles = {name: state.title for name, state in states.items()}

    def of(self, article: Article) -> set[str]:
        """The names that an article's feed and site go by."""
        publishers = (self._publishers.get(article.feed), article.publisher)
        return names_of(article.feed, article.url or article.feed_url, publishers, self._titles.get(article.feed))
