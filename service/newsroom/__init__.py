"""A newsroom on loopback: many small news sites with feeds, pages and faults on demand.

    with Newsroom(sites=3, stories=5) as room:
        crawl(room.feeds)
        room.publish(2)                    # new stories, in feeds and as pages
        room.edit()                        # a changed one
        room.fault(room.sites[0], Status(503, retry_after=60))
        crawl(room.feeds)
        assert room.page_requests() == …

Every site has its own address in 127.0.0.0/8. Stories are composed from a seed: the same one gives the same words, and
with the same ``start`` and ``port`` the same bytes. Nothing here leaves the machine.
"""

from service.newsroom.faults import (
    Drip,
    Empty,
    EndlessHeaders,
    Fault,
    HtmlInsteadOfFeed,
    NotXml,
    Pdf,
    Redirect,
    Reset,
    Slow,
    Status,
    Truncate,
    WrongCharset,
)
from service.newsroom.log import Kind, Request
from service.newsroom.newsroom import Newsroom
from service.newsroom.sites import FeedLink, Site
from service.newsroom.stories import Story
from service.newsroom.wire import Answer, Head

__all__ = [
    "Answer",
    "Drip",
    "Empty",
    "EndlessHeaders",
    "Fault",
    "FeedLink",
    "Head",
    "HtmlInsteadOfFeed",
    "Kind",
    "Newsroom",
    "NotXml",
    "Pdf",
    "Redirect",
    "Request",
    "Reset",
    "Site",
    "Slow",
    "Status",
    "Story",
    "Truncate",
    "WrongCharset",
]
