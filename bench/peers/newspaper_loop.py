"""newspaper4k: an Article that downloads and parses itself, for each entry of each feed; without its pictures."""

import json
import sys
from pathlib import Path

import feedparser
import newspaper

feeds, output = sys.argv[1:]
with Path(feeds).open() as lines, Path(output).open("w") as texts:
    for feed in lines.read().split():
        for entry in feedparser.parse(feed).entries:
            article = newspaper.Article(entry.link, fetch_images=False)
            try:
                article.download()
                article.parse()
            except Exception as error:  # noqa: BLE001  a page that it cannot read is not to end the others
                print(entry.link, error, file=sys.stderr)
                continue
            texts.write(json.dumps({"url": entry.link, "text": article.text}) + "\n")
            texts.flush()
