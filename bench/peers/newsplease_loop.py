"""news-please as a library: ``from_url`` for each entry of each feed."""

import json
import sys
from pathlib import Path

import feedparser
from newsplease import NewsPlease

feeds, output = sys.argv[1:]
with Path(feeds).open() as lines, Path(output).open("w") as texts:
    for feed in lines.read().split():
        for entry in feedparser.parse(feed).entries:
            try:
                article = NewsPlease.from_url(entry.link)
            except Exception as error:  # noqa: BLE001  a page that it cannot read is not to end the others
                print(entry.link, error, file=sys.stderr)
                continue
            if article and article.maintext:
                texts.write(json.dumps({"url": entry.link, "text": article.maintext}) + "\n")
                texts.flush()
