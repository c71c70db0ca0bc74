"""A newsroom in a process of its own, which publishes steadily until it is told to stop.

    python bench/press.py --feeds 300 --rate 18 --directory DIR

Writes ``feeds.toml`` and, as it goes, ``published``: a line for each story, its time and its address. A line on its
standard input ends the publishing; the end of its input ends the newsroom.
"""

import argparse
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from service.newsroom import Newsroom
from service.newsroom.sites import PROFILES, catalogue
from service.newsroom.stories import Story

STORIES = 2
"""Those a site begins with."""
WINDOW = 60
"""Stories a feed lists: several times what is published between two polls."""
WEIGHT = 8
"""kB a page weighs that its article and what stands around it do not outweigh, which come to some 19 kB."""
PIECE = 0.25
"""Seconds between two rounds of publishing."""


def main() -> None:
    """Publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--rate", type=float, default=18.0, help="stories a second, over all sites")
    parser.add_argument("--directory", type=Path, required=True)
    options = parser.parse_args()
    with (
        Newsroom(sites_for(options.feeds), STORIES, window=WINDOW, weight=WEIGHT, gzip=False) as room,
        (options.directory / "published").open("w", encoding="utf-8", buffering=1) as published,
    ):
        note(published, room.stories())
        toml = catalogue(room.feeds[: options.feeds])
        (options.directory / "feeds.toml").write_text(toml, encoding="utf-8")
        print("open", flush=True)
        if sys.stdin.readline():  # a first line: begin
            publish(room, options.rate, published)
            print("closed", flush=True)
            sys.stdin.read()


def publish(room: Newsroom, rate: float, published: TextIO) -> None:
    """Publish ``rate`` stories a second, site after site, until standard input says something or ends."""
    began, count = time.monotonic(), 0
    while not select.select([sys.stdin], [], [], PIECE)[0]:
        wanted = int((time.monotonic() - began) * rate)
        note(published, room.publish(wanted - count))
        count = wanted
    sys.stdin.readline()


def note(published: TextIO, stories: Sequence[Story]) -> None:
    """Write down what has been published."""
    now = time.time()
    published.writelines(f"{now:.3f} {story.url}\n" for story in stories)


def sites_for(feeds: int) -> int:
    """How many sites have at least so many feeds."""
    sites = 0
    while feeds > 0:
        feeds -= 2 if PROFILES[sites % len(PROFILES)].section_feed_path else 1
        sites += 1
    return sites


if __name__ == "__main__":
    main()
