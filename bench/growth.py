"""What a crawl costs as the archive grows: the same work over an empty archive, and over 10⁴, 10⁵ and 10⁶ records.

    python bench/growth.py [--sizes 0,10000,100000,1000000] [--rounds 3] [--directory DIR] [--output FILE]

Archives are generated (``bench/filled.py``) and kept in the directory; each run works on copies of them. Over each, in
turn, round by round: a start that finds one quiet feed; a newsroom of new articles (``bench/world.py``), without raw
copies; a thousand feeds with nothing new, which say 304, and a thousand that send their unchanged document again. In
the end a hundred thousand pending entries wait, once of one site, once of a thousand, and what is measured is how long
a crawl takes to ask for the first of their pages; it is stopped some seconds later. CPU is that of all processes; what
a start takes is told apart, and not in what an article or a feed does.
"""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from contestants import CRAWL, LONG, checked, settings
from filled import filled
from measuring import Spent, adopt, as_installed, end, machine, pss, reap, run
from options import new_file, positive, run_main
from serving import ANYTHING
from world import Builder, Ground, Server, World, build_newsroom, free_ground, served

from service.newsroom.sites import FeedLink
from storage.database import open_database
from storage.model import Entry, FeedState, NewEntry, Poll

MB = 1e6
NAMES = [f"paper-{number:02}" for number in range(40)]
"""Feeds that all records are of, and the new articles too."""
WEIGHT = 20_000
"""Bytes of a quiet feed's document, about."""
A_POLL = 100
"""Entries that one poll has found of them."""
FEWEST = 500
"""Articles of a round below which what they cost says nothing."""
AFTERWARDS = 5.0
"""Seconds that a crawl over the backlog goes on after its first page, for its memory to be seen."""
FIRST_WITHIN = 120.0
"""Seconds in which it must have asked for one."""


@dataclass(slots=True)
class Size:
    """An archive, and what was measured over it."""

    records: int
    data: Path
    figures: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, **figures: float) -> None:
        """Keep figures of a round."""
        for name, figure in figures.items():
            self.figures[name].append(figure)


def main() -> None:
    """Measure, and print."""
    options = arguments()
    adopt()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it has started ends with it
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        work = Path(name)
        sizes = [Size(count, copied(options.directory, count, work)) for count in options.sizes]
        ground = free_ground()
        quiet = {kind: build_quiet(work / kind, ground, turn, kind, options.quiet) for turn, kind in enumerate(KINDS)}
        for round_ in range(options.rounds):
            grow(sizes, work, ground, round_, options)
        for kind, world in quiet.items():
            measure_quiet(sizes, kind, world, options.rounds)
        for hosts in (1, options.quiet):
            measure_backlog(sizes, quiet["unmodified"], hosts, options.backlog)
    print(table(sizes, options))
    if options.sites * options.stories < FEWEST:
        print("So few articles cost their start: this is a look, and no measurement.")
    if options.output:
        rows = [{"records": size.records, **size.figures} for size in sizes]
        options.output.write_text(json.dumps({"machine": machine(), "sizes": rows}, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "veille-bench"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="0,10000,100000,1000000", help="records; %(default)s by default")
    parser.add_argument("--rounds", type=positive, default=3, help="%(default)s by default")
    parser.add_argument("--sites", type=positive, default=20, help="that publish, at most 40; %(default)s by default")
    parser.add_argument(
        "--stories", type=positive, default=50, help="of each of them in a round; %(default)s by default"
    )
    parser.add_argument("--quiet", type=positive, default=1000, help="feeds with nothing new; %(default)s by default")
    parser.add_argument("--backlog", type=positive, default=100_000, help="entries that wait; %(default)s by default")
    parser.add_argument("--directory", type=Path, default=cache, help="where archives are kept; %(default)s by default")
    parser.add_argument("--output", type=new_file, help="a file for all figures, as JSON")
    options = parser.parse_args()
    try:
        options.sizes = list(map(whole, options.sizes.split(",")))
        options.directory.mkdir(parents=True, exist_ok=True)
    except (ValueError, OverflowError):
        parser.error("--sizes: whole numbers, with commas between them")
    except OSError as error:
        parser.error(f"--directory: {error.strerror}")
    if min(options.sizes) < 0 or options.sites > len(NAMES):
        parser.error(f"no size is below 0, and there are at most {len(NAMES)} sites")
    return options


def whole(text: str) -> int:
    """A whole number, as 1e6 is too. Raises ValueError or OverflowError."""
    number = float(text)
    if number != int(number):
        raise ValueError
    return int(number)


def copied(directory: Path, count: int, work: Path) -> Path:
    """A copy of an archive with so many records, which shares its sealed files; an empty directory for none."""
    copy = work / f"{count}" / "data"
    if not count:
        copy.mkdir(parents=True)
        return copy

    def link(source: str, target: str) -> None:
        (os.link if source.endswith(".gz") else shutil.copy2)(source, target)

    shutil.copytree(filled(directory, count, NAMES), copy, copy_function=link)
    return copy


# -- measuring ---------------------------------------------------------------------------------------------------------


def grow(sizes: Sequence[Size], work: Path, ground: Ground, round_: int, options: argparse.Namespace) -> None:
    """A round: a start, and a newsroom of articles that no archive knows."""
    first = len(KINDS) * options.quiet + round_ * options.sites
    world = build_newsroom(
        work / f"newsroom-{round_}", options.sites, options.stories, ground, first=first, names=NAMES
    )
    with served(world) as server:
        for size in sizes:
            before = crawl(size, world.share(0), server)  # the first feed is read now, and quiet from here on
            start = crawl(size, world.share(0), server)
            spent = crawl(size, world, server)
            if len(server.delivered(world.pages)) != len(world.pages):
                raise RuntimeError(f"{size.records}: not every page was asked for")
            count = len(world.pages)
            size.add(
                article=(before.cpu + spent.cpu - 2 * start.cpu) / count,
                wall=(before.wall + spent.wall - 2 * start.wall) / count,
                start=start.cpu,
                start_wall=start.wall,
                main=max(before.pss_main, spent.pss_main),
            )
            print(f"{round_ + 1}  {size.records} records", file=sys.stderr, flush=True)


def measure_quiet(sizes: Sequence[Size], kind: str, world: World, rounds: int) -> None:
    """Crawls that find nothing new, after one that has found all there is."""
    with served(world) as server:
        for size in sizes:
            crawl(size, world, server)
        for _ in range(rounds):
            for size in sizes:
                start = crawl(size, world.share(0), server)
                server.requests()
                spent = crawl(size, world, server)
                statuses = [status for key, status, _ in server.requests() if key.endswith(".xml")]
                if statuses != [KINDS[kind]] * len(world.feeds):
                    raise RuntimeError(f"{kind}: {len(statuses)} answers, {set(statuses)}")
                size.add(**{kind: (spent.cpu - start.cpu) / (len(world.feeds) - 1)})


def crawl(size: Size, world: World, server: Server) -> Spent:
    """One crawl over an archive."""
    place = size.data.parent
    world.write_feeds(place)
    environment = settings(raw=False, processes=len(os.sched_getaffinity(0)))
    return checked(run([*CRAWL, "--all"], cwd=place, environment=environment, within=LONG, spared=[server.pid]), place)


def measure_backlog(sizes: Sequence[Size], world: World, hosts: int, backlog: int) -> None:
    """How long a crawl takes to begin with what waits, and what its first process needs meanwhile."""
    for size in sizes:
        place = size.data.parent
        wait(size.data, world, hosts, backlog)
        world.share(0).write_feeds(place)
        with served(world) as server:
            environment = settings(raw=False, processes=len(os.sched_getaffinity(0)))
            with (place / "stdout").open("wb") as out, (place / "stderr").open("wb") as err:
                began = time.monotonic()
                process = subprocess.Popen(CRAWL, cwd=place, env=as_installed(environment), stdout=out, stderr=err)
            most, is_begun = 0, False
            while not is_begun and process.poll() is None and time.monotonic() - began < FIRST_WITHIN:
                is_begun = any("/backlog/" in key for key, _, _ in server.requests())
                time.sleep(0.01)
            took = time.monotonic() - began
            while process.poll() is None and time.monotonic() - began < took + AFTERWARDS:
                most = max(most, pss(process.pid) or 0)
                time.sleep(0.1)
            end([server.pid])
            process.wait()
            reap([server.pid])
        if not is_begun:
            raise RuntimeError(f"{size.records} records, {hosts} hosts: the crawl has asked for no page")
        name = "backlog_of_one" if hosts == 1 else "backlog_of_all"
        size.add(**{name: took, f"{name}_main": most})


def wait(data: Path, world: World, hosts: int, backlog: int) -> None:
    """Have entries of so many hosts wait in an archive, and none that waited before."""
    with closing(sqlite3.connect(data / "veille.db")) as database, database:
        database.execute("UPDATE entries SET outcome = 'gone' WHERE outcome = 'pending'")
        database.execute("DELETE FROM waiting")
    at = datetime.now(UTC) - timedelta(hours=1)
    with closing(open_database(f"sqlite:///{(data / 'veille.db').absolute()}")) as store:
        state = FeedState("backlog", "http://127.0.0.1:9/rss", last_polled=at, next_due=at + timedelta(days=9))
        for first in range(0, backlog, A_POLL):
            entries = tuple(map(NewEntry, (waiting(number, world, hosts) for number in range(first, first + A_POLL))))
            store.commit_poll(Poll("backlog", at, state, 200, listed=A_POLL, entries=entries))


def waiting(number: int, world: World, hosts: int) -> Entry:
    """An entry whose page stands on one of the world's sites."""
    base = world.feeds[number % hosts].url.rpartition("/")[0]
    url = f"{base}/backlog/{hosts}-{number}"
    return Entry(f"guid:{url}", f"{hosts:016x}{number:016x}", f"{number:032x}", guid=url, url=url, title=f"No {number}")


# -- worlds ------------------------------------------------------------------------------------------------------------

KINDS = {"unmodified": "304", "unchanged": "200"}
"""How a feed says that nothing is new, and with what status."""


def build_quiet(directory: Path, ground: Ground, turn: int, kind: str, count: int) -> World:
    """Feeds of one story each, without a page of it; with validators, or without any. All pages there are are alike."""
    builder, random = Builder(kind, directory, ground), Random(turn)
    words = ["".join(random.choices("etaoinsrhldcu", k=3 + number % 7)) for number in range(2000)]
    page = "".join(f"<p>{' '.join(random.choices(words, k=60))}</p>" for _ in range(8))
    for number in range(count):
        base = builder.base(turn * count + number)
        text = " ".join(random.choices(words, k=60))
        filler = " ".join(random.choices(words, k=WEIGHT // 7))
        item = f"<title>{text[:60]}</title><guid isPermaLink='false'>{kind} {number}</guid>"
        body = (
            f'<?xml version="1.0"?><rss version="2.0"><channel><title>{kind} {number}</title><link>{base}/</link>'
            f"<description>{filler}</description>"
            f"<item>{item}<description>&lt;p&gt;{text}&lt;/p&gt;</description></item></channel></rss>"
        )
        builder.serve(f"{base}/robots.txt", b"User-agent: *\nAllow: /\n", "text/plain")
        builder.serve(base + ANYTHING, f"<html><body><article>{page}</article></body></html>".encode(), "text/html")
        link = FeedLink(f"{kind}-{number}", f"{base}/rss.xml", "en", f"Quiet {number}")
        builder.feed(link, body.encode(), "application/rss+xml", etag=kind == "unmodified")
    return builder.build()


# -- telling -----------------------------------------------------------------------------------------------------------

TOLD = {
    "article": ("CPU ms an article", 1000),
    "wall": ("ms an article", 1000),
    "start": ("CPU s of a start", 1),
    "start_wall": ("s of it", 1),
    "main": ("MB, first process", 1 / MB),
    "unmodified": ("CPU ms a feed, 304", 1000),
    "unchanged": ("CPU ms a feed, unchanged 200", 1000),
    "backlog_of_one": ("s to the first of {backlog:,} pages, 1 site", 1),
    "backlog_of_all": ("s to the first of them, {quiet:,} sites", 1),
    "backlog_of_one_main": ("MB then, first process, 1 site", 1 / MB),
    "backlog_of_all_main": ("MB then, {quiet:,} sites", 1 / MB),
}


def table(sizes: Sequence[Size], options: argparse.Namespace) -> str:
    """The medians as Markdown, a column for each archive; the cost of an article also as a multiple of the first's."""
    lines = [f"| records | {' | '.join(f'{size.records:,}' for size in sizes)} |", "|---" + "|---:" * len(sizes) + "|"]
    lines += [f"| {' | '.join(cells)} |" for cells in rows(sizes, options)]
    return "\n".join(lines)


def rows(sizes: Sequence[Size], options: argparse.Namespace) -> Iterator[list[str]]:
    """The table's cells, line by line."""
    for name, (words, factor) in TOLD.items():
        yield [
            words.format(**vars(options)),
            *(f"{factor * statistics.median(size.figures[name]):.2f}" for size in sizes),
        ]
    ratios = [
        statistics.median(
            own / base for own, base in zip(size.figures["article"], sizes[0].figures["article"], strict=True)
        )
        for size in sizes
    ]
    yield ["CPU an article, × the first", *(f"{ratio:.2f}" for ratio in ratios)]


if __name__ == "__main__":
    run_main(main)
