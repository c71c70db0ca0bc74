"""A newsroom within the container, told by lines on its standard input: how many stories to publish on each site.

Answers each line, and begins, with a line of JSON: the catalogue by site, and the address of every story so far. Runs
by the Python of /opt/veille, and so uses nothing but the installed wheel.
"""

import json
import sys

from service.newsroom import Newsroom
from service.newsroom.sites import catalogue

SITES = 3
STORIES = 4


def main() -> None:
    """Serve until the input ends."""
    with Newsroom(SITES, STORIES) as room:
        while True:
            feeds = [catalogue(site.feeds[:1]) for site in room.sites]
            stories = [[story.url for story in room.stories(site)] for site in room.sites]
            sys.stdout.write(json.dumps({"feeds": feeds, "stories": stories}) + "\n")
            sys.stdout.flush()
            line = sys.stdin.readline()
            if not line:
                return
            for site in room.sites:
                room.publish(int(line), site)


main()
