"""A newsroom as a process of its own: ``python -m service.newsroom --publish-every 5s --feeds-file feeds.toml``.

Prints one JSON line with its sites and feeds once it serves, and goes on until SIGTERM or SIGINT.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from service.newsroom.newsroom import Newsroom
from service.units import parse_duration


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; returns the exit code."""
    options = _parser().parse_args(arguments)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with Newsroom(
        options.sites,
        options.stories,
        options.seed,
        start=options.start,
        window=options.window,
        weight=options.weight,
        port=options.port,
        log=options.log,
    ) as room:
        if options.feeds_file:
            options.feeds_file.write_text(room.feeds_toml(), encoding="utf-8")
        sites = [{"name": site.name, "url": site.base_url, "language": site.language} for site in room.sites]
        facts = {"sites": sites, "feeds": [feed._asdict() for feed in room.feeds]}
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        pause = options.publish_every.total_seconds() if options.publish_every else None
        while not stopping.wait(pause):
            room.publish()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service.newsroom", description="News sites on loopback.")
    parser.add_argument("--sites", type=int, default=7, metavar="N", help="how many sites (7)")
    parser.add_argument("--stories", type=int, default=10, metavar="N", help="stories each has to begin with (10)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="chooses the stories' words (1)")
    parser.add_argument(
        "--start", type=_moment, metavar="TIME", help="date of the first stories, ISO 8601 (an hour ago)"
    )
    parser.add_argument("--window", type=int, default=20, metavar="N", help="stories a feed lists at most (20)")
    parser.add_argument("--weight", type=int, default=24, metavar="KB", help="what a page weighs, about (24)")
    parser.add_argument("--port", type=int, default=0, help="port of every site (any free one)")
    parser.add_argument("--publish-every", type=_pause, metavar="TIME", help="publish a story that often, such as 5s")
    parser.add_argument("--feeds-file", type=Path, metavar="FILE", help="write a feeds.toml that lists the feeds")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write a JSON line for each request")
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pause(text: str) -> timedelta:
    pause = parse_duration(text)
    if not pause:
        raise ValueError("no pause at all")
    return pause


if __name__ == "__main__":
    sys.exit(main())
