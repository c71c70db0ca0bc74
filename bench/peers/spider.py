"""Scrapy as it comes, feeds read by its own selectors, texts by trafilatura."""

import json
import sys
from pathlib import Path

import scrapy
from scrapy.crawler import CrawlerProcess
from trafilatura import extract

feeds, output = sys.argv[1:]


class News(scrapy.Spider):
    """From feeds to texts."""

    name = "news"

    def __init__(self):
        self.start_urls = Path(feeds).read_text().split()
        self.texts = Path(output).open("w")  # noqa: SIM115  closed with the spider

    def parse(self, response):
        """A feed."""
        if response.text.lstrip().startswith("{"):
            links = [item["url"] for item in response.json()["items"]]
        else:
            response.selector.remove_namespaces()
            links = response.xpath("//item/link/text() | //entry/link[@rel='alternate']/@href").getall()
        for link in links:
            yield scrapy.Request(link.strip(), callback=self.read)

    def read(self, response):
        """A page."""
        found = extract(response.body, output_format="json", with_metadata=True, include_comments=False)
        if found:
            self.texts.write(json.dumps({"url": response.url, "text": json.loads(found)["text"]}) + "\n")

    def closed(self, reason):  # noqa: ARG002  Scrapy passes it
        """The end."""
        self.texts.close()


process = CrawlerProcess({"LOG_LEVEL": "WARNING", "TELNETCONSOLE_ENABLED": False})
process.crawl(News)
process.start()
