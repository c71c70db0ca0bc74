"""What one writes in an afternoon: httpx, feedparser, trafilatura, one page after the other."""

import json
import sys
from pathlib import Path

import feedparser
import httpx
from trafilatura import extract

feeds, output = sys.argv[1:]
with (
    Path(feeds).open() as lines,
    Path(output).open("w") as texts,
    httpx.Client(follow_redirects=True, timeout=30) as client,
):
    for feed in lines.read().split():
        for entry in feedparser.parse(client.get(feed).content).entries:
            page = client.get(entry.link)
            found = extract(page.content, output_format="json", with_metadata=True, include_comments=False)
            if found:
                texts.write(json.dumps({"url": entry.link, "text": json.loads(found)["text"]}) + "\n")
