"""A week of 200 feeds in minutes: what the service asks of sites, and what escapes it.

    python bench/week.py [--days 7] [--seed 1]

The sites, their timetables and the clock are those of ``tests/simulation``; runner, poller, parsing workers, database
and HTTP over loopback are the service's own. No page of a story is fetched. What was allowed and what was lost is
worked out from the server's notes and the timetables, not from what the service says of itself.
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # what tests share

from simulation import audit
from simulation.audit import Fates
from simulation.clock import Clock
from simulation.sites import two_hundred
from simulation.watch import watching
from simulation.world import Exchange, World

T = TypeVar("T", bound=Any)

START = datetime(2026, 3, 5, tzinfo=UTC)
"""A Thursday: the week-end falls in the middle."""
DAY = timedelta(days=1)
NORMAL = "normal, 14 a day"
COLUMNS = (
    "kind of feed",
    "feeds",
    "stories, of them seen",
    "requests a feed and day: mean, median, p95",
    "304",
    "conditional",
    "early",
    "missed",
    "missed, and said so",
    "gaps, of them empty",
    "delay: median, p95",
)


def main() -> None:
    """Run, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1, help="chooses when stories come")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(simulate(options.days, options.seed, Path(directory) / "veille.db"))


async def simulate(days: int, seed: int, database: Path) -> None:
    """Let the days pass, and print what they came to."""
    clock = Clock(START)
    with World(two_hundred(), clock, days * DAY, seed) as world:
        started = time.monotonic()
        async with watching(world, clock, database) as watch:
            for day in range(1, days + 1):
                await watch.until(START + day * DAY)
                print(f"day {day}: {watch.polls} polls, {time.monotonic() - started:.0f} s", file=sys.stderr)
            cpu = tree_cpu() - world.seconds
        report(world, audit.fates(world, database), days)
        print(
            f"{cpu:.0f} CPU seconds ({1000 * cpu / watch.polls:.1f} ms a poll, the simulated sites' own not counted),"
        )
        print(f"{time.monotonic() - started:.0f} s in all.", machine())


def report(world: World, fates: Sequence[Fates], days: int) -> None:
    """The table, a row for each kind of feed, and what does not fit in it."""
    asked = [exchange for exchange in world.exchanges if exchange.site is not None]
    by_kind: defaultdict[str, list[Exchange]] = defaultdict(list)
    for exchange in asked:
        assert exchange.site is not None
        by_kind[exchange.site.kind].append(exchange)
    early = audit.early_polls(world)
    too_early = Counter(one.exchange.site.kind for one in early if one.exchange.site is not None)
    print(line(COLUMNS))
    print("|---|" + "--:|" * (len(COLUMNS) - 1))
    for kind in dict.fromkeys(site.kind for site in world.sites):
        print(row(kind, by_kind[kind], [fate for fate in fates if fate.site.kind == kind], too_early[kind], days))
    print(row("**all**", asked, fates, len(early), days))
    print()
    print_days(by_kind, fates, days)
    print()
    for one in early[:20]:
        print(f"early: {one}", file=sys.stderr)
    robots = sum(exchange.site is None for exchange in world.exchanges)
    hosts = len({site.host for site in world.sites})
    print(f"{len(asked)} requests for feeds, {robots} for robots.txt ({robots / hosts / days:.1f} a host and day),")
    print(f"{sum(exchange.bytes for exchange in asked) / 1e6:.1f} MB of bodies.")


def print_days(by_kind: Mapping[str, Sequence[Exchange]], fates: Sequence[Fates], days: int) -> None:
    """How requests become fewer and sightings later with each day, where little is new."""
    print(line(("day", *range(1, days + 1))))
    print("|---|" + "--:|" * days)
    for title, kind in (("a normal feed", NORMAL), ("a dead feed", "dead")):
        feeds = sum(fate.site.kind == kind for fate in fates)
        on = Counter((exchange.at - START) // DAY for exchange in by_kind[kind])
        print(line((f"requests of {title}", *(f"{on[day] / feeds:.1f}" for day in range(days)))))
    delays: defaultdict[int, list[timedelta]] = defaultdict(list)
    for fate in fates:
        if fate.site.kind == NORMAL:
            for story, delay in fate.seen.items():
                delays[(story.published - START) // DAY].append(delay)
    print(line(("median delay of a normal feed", *(words(quantile(delays[day], 0.5)) for day in range(days)))))


def row(kind: str, exchanges: Sequence[Exchange], fates: Sequence[Fates], early: int, days: int) -> str:
    """One row of the table."""
    per_day = Counter((exchange.site, (exchange.at - START) // DAY) for exchange in exchanges)
    counts = [per_day[fate.site, day] for fate in fates for day in range(days)]
    conditional = audit.conditional_requests(exchanges)
    delays = [delay for fate in fates for delay in fate.seen.values()]
    seen, said = len(delays), sum(len(fate.missed_and_said) for fate in fates)
    missed, waiting = sum(len(fate.missed) for fate in fates), sum(len(fate.waiting) for fate in fates)
    cells = (
        kind,
        len(fates),
        f"{seen + said + missed + waiting}, {seen}",
        f"{statistics.mean(counts):.1f}, {statistics.median(counts):.0f}, {quantile(counts, 0.95)}",
        f"{sum(exchange.status == 304 for exchange in exchanges) / len(exchanges):.0%}",
        f"{conditional.exact / conditional.possible:.0%}" if conditional.possible else "–",
        early,
        missed,
        said,
        f"{sum(fate.gaps for fate in fates)}, {sum(fate.empty_gaps for fate in fates)}",
        f"{words(quantile(delays, 0.5))}, {words(quantile(delays, 0.95))}",
    )
    return line(cells)


def line(cells: Iterable[object]) -> str:
    """A line of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def quantile(values: Iterable[T], share: float) -> T | None:
    """The value that ``share`` of the others do not exceed."""
    ranked = sorted(values)
    return ranked[min(int(share * len(ranked)), len(ranked) - 1)] if ranked else None


def words(delay: timedelta | None) -> str:
    """A delay as hours and minutes."""
    if delay is None:
        return "–"
    hours, minutes = divmod(round(delay / timedelta(minutes=1)), 60)
    return f"{hours} h {minutes:02}" if hours else f"{minutes} min"


def machine() -> str:
    """What this ran on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    name = names[0] if names else platform.machine()
    return f"{name}, {len(os.sched_getaffinity(0))} cores, {platform.system()}, Python {platform.python_version()}."


def tree_cpu() -> float:
    """CPU seconds of this process and of all that came from it, ended ones included."""
    children, used = defaultdict(list), {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        pid = int(path.parent.name)
        children[int(fields[1])].append(pid)
        used[pid] = sum(map(int, fields[11:15]))
    family = [os.getpid()]
    for pid in family:
        family += children[pid]
    return sum(used.get(pid, 0) for pid in family) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
