"""Fundus, whose publishers have hand-written parsers, with a publisher that takes every ``<p>`` for the text."""

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from fundus import Crawler
from fundus.parser import ArticleBody, BaseParser, ParserProxy, attribute
from fundus.parser.utility import extract_article_body_with_selector, generic_author_parsing, generic_date_parsing
from fundus.publishers.base_objects import Publisher
from fundus.scraping.url import RSSFeed
from lxml.etree import XPath


class Generic(ParserProxy):
    """Of any site."""

    class V1(BaseParser):
        """Since ever."""

        _paragraphs = XPath("//p")

        @attribute
        def body(self) -> ArticleBody | None:
            """All paragraphs."""
            return extract_article_body_with_selector(self.precomputed.doc, paragraph_selector=self._paragraphs)

        @attribute
        def authors(self):
            """As the page's head says."""
            return generic_author_parsing(self.precomputed.meta.get("author"))

        @attribute
        def publishing_date(self):
            """As the page's head says."""
            return generic_date_parsing(self.precomputed.meta.get("article:published_time"))

        @attribute
        def title(self) -> str | None:
            """As the page's head says."""
            return self.precomputed.meta.get("og:title")


feeds, output = sys.argv[1:]
with Path(feeds).open() as lines:
    publishers = [
        Publisher(
            name=feed, domain="{0.scheme}://{0.netloc}".format(urlsplit(feed)), parser=Generic, sources=[RSSFeed(feed)]
        )
        for feed in lines.read().split()
    ]
with Path(output).open("w") as texts:
    for article in Crawler(*publishers, delay=0.0).crawl(only_complete=False):
        text = str(article.body) if article.body else ""
        texts.write(json.dumps({"url": article.html.requested_url, "text": text}) + "\n")
