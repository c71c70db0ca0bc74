"""The service over a newsroom for the better part of an hour: does anything grow, run late or get lost?

    python bench/soak.py [--minutes 50] [--rate 18.5] [--feeds 300] [--output DIR]

``veille run`` is a process with anybody's settings, but for a pace at which 50,000 articles need no week. The newsroom
is another (``bench/press.py``); it publishes steadily, and the feeds are polled often enough that their windows hold
what comes between. Every few seconds the memory, descriptors, threads and CPU of each process are read from ``/proc``,
the disk use, and how late the scheduler's tick ran, from the service's own metrics. In the end the publishing stops,
the service settles and is stopped, and all that was published is compared with what the archive holds.

Memory is resident memory (RSS). Worker processes are replaced every 2,000 calls, so each one's is a sawtooth: what is
judged is the mean over the workers alive at a moment. A role is flat if its mean over the last quarter of the
publishing is no more than 5 % above or below its mean over the second quarter.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import mean
from urllib.error import URLError
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # what tests share

from accounts import complaints, status
from command import start
from plot import Line, Panel, draw
from processes import ROLES, Usage, family
from prometheus_client.parser import text_string_to_metric_families

from service.errors import SettingsError
from service.settings import load
from storage.segments import records

ARTICLES, MINUTES = 50_000, 45
"""The least that a full run archives, and how long it takes."""
FLAT = 0.05
"""The share by which the last quarter may differ from the second."""
FEW_FDS = 2
"""Descriptors by which it may differ in any case: 5 % of ten are none."""
LATE = 1.0
"""Seconds under which 99 in 100 ticks begin."""
BEYOND = 120.0
"""Seconds at which a tick is drawn that was later than any bucket has room for."""
METRICS = "127.0.0.1:19309"
LAG = "veille_scheduler_lag_seconds"
SETTLING = 300
"""Seconds the service has for what is left when nothing more is published."""
PACE = {
    "poll_interval": "20s",
    "poll_min": "20s",
    "poll_max": "45s",
    "workers": "2",
    "log_format": "json",
}
MB = 1e6


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at a moment."""

    seconds: float
    """Since the publishing began."""
    processes: list[Usage]
    disk: dict[str, int]
    """Bytes by what they are for."""
    published: int
    archived: int
    lag: dict[str, float] | None
    """Ticks so far that were late by no more than so many seconds; None where the service does not say."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was asked, and the answer."""

    question: str
    answer: str
    passed: bool


def main() -> None:
    """Run, judge, print, and end with 1 if anything is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=50, help="how long stories are published")
    parser.add_argument("--rate", type=float, default=18.5, help="stories a second")
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--every", type=float, default=5, help="seconds between two samples")
    parser.add_argument("--articles", type=int, default=ARTICLES, help="the least that is to be archived")
    parser.add_argument("--least-minutes", type=float, default=MINUTES, help="the least it is to take")
    parser.add_argument("--directory", type=Path, help="where the archive is put; a temporary place by default")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="where soak.svg and soak.json go")
    parser.add_argument("--samples", type=Path, help="a file for all that was seen, as JSON")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it has started ends with it
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        samples, ended = soak(directory, options.feeds, options.rate, options.minutes, options.every)
        published = dict(reversed(line.split()) for line in (directory / "published").read_text().splitlines())
        wrong = [*ended, *complaints(directory, directory / "data", published)]
        delays = sorted(
            article.archived.timestamp() - float(published[article.url])
            for _, article in records(directory / "data")
            if article.url in published
        )
    if options.samples:
        options.samples.write_text(json.dumps([asdict(one) for one in samples]) + "\n", encoding="utf-8")
    verdicts = list(judge(samples, wrong, len(delays), options))
    report(samples, verdicts, delays, options.output)
    sys.exit(not all(verdict.passed for verdict in verdicts))


# -- running -----------------------------------------------------------------------------------------------------------


def soak(directory: Path, feeds: int, rate: float, minutes: float, every: float) -> tuple[list[Sample], list[str]]:
    """Run the service over the newsroom; returns what was seen while stories came, and what is wrong with its end."""
    with newsroom(directory, feeds, rate) as room, (directory / "log").open("w", encoding="utf-8") as log:
        daemon = start(directory, "run", stderr=log, **PACE, **metrics())
        try:
            watch = partial(sample, daemon.pid, directory, Tail(directory / "log"), Tail(directory / "published"))
            wait_until(lambda: '"watching"' in (directory / "log").read_text("utf-8"), 60)
            samples, began = [], time.monotonic()
            tell(room, "begin")
            while (now := time.monotonic() - began) < minutes * 60 and daemon.poll() is None:
                samples.append(watch(now))
                progress(samples[-1])
                time.sleep(max(0.0, every - (time.monotonic() - began - now)))
            tell(room, "stop")
            wrong = settle(room, daemon, directory, lambda: watch(time.monotonic() - began))
        finally:
            daemon.send_signal(signal.SIGTERM)
            code = daemon.wait(60)
        return samples, wrong + ([f"the service ended with {code}"] if code else [])


def settle(
    room: "subprocess.Popen[str]", daemon: "subprocess.Popen[str]", directory: Path, watch: Callable[[], Sample]
) -> list[str]:
    """Wait until all that was published is archived and nothing is pending; returns what is wrong if that never is."""
    assert room.stdout is not None
    room.stdout.readline()
    deadline = time.monotonic() + SETTLING
    while time.monotonic() < deadline and daemon.poll() is None:
        now = watch()
        total = status(directory, directory / "data")[-1]["total"]
        assert isinstance(total, dict)
        if now.archived >= now.published and not total["pending"]:
            return []
        time.sleep(2)
    return ["the service did not settle"]


@contextmanager
def newsroom(directory: Path, feeds: int, rate: float) -> "Iterator[subprocess.Popen[str]]":
    """A newsroom that is open."""
    command = [sys.executable, Path(__file__).with_name("press.py")]
    numbers = ["--feeds", str(feeds), "--rate", str(rate), "--directory", directory]
    with subprocess.Popen([*command, *numbers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as room:
        assert room.stdout is not None
        assert room.stdout.readline() == "open\n"
        yield room


def tell(room: "subprocess.Popen[str]", word: str) -> None:
    """Have the newsroom begin, or stop."""
    assert room.stdin is not None
    room.stdin.write(word + "\n")
    room.stdin.flush()


def metrics() -> dict[str, str]:
    """The setting that has the service export metrics, where it knows how to."""
    try:
        load(Path(os.devnull), metrics_bind=METRICS)
    except SettingsError:
        return {}
    return {"metrics_bind": METRICS}


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)


# -- looking -----------------------------------------------------------------------------------------------------------


class Tail:
    """Reads what has come to a file since the last time."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self.count = path, 0, 0

    def counted(self, what: bytes) -> int:
        """How many lines so far hold ``what``."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if line.endswith(b"\n"):
                    self._read += len(line)
                    self.count += what in line
        return self.count


def sample(main: int, directory: Path, log: Tail, published: Tail, seconds: float) -> Sample:
    """Look at everything once."""
    return Sample(
        seconds=seconds,
        processes=family(main),
        disk=disk_use(directory / "data"),
        published=published.counted(b"http"),
        archived=log.counted(b'"event": "archived"'),
        lag=scheduler_lag(),
    )


def disk_use(data: Path) -> dict[str, int]:
    """Bytes in records, raw copies and the database."""
    found = {"articles": 0, "raw": 0, "database": 0}
    for folder, _, names in os.walk(data):
        place = Path(folder).relative_to(data).parts
        what = place[0] if place and place[0] in found else "database"
        for name in names:
            try:
                found[what] += (Path(folder) / name).stat().st_size
            except OSError:
                continue  # it has just been sealed
    return found


def scheduler_lag() -> dict[str, float] | None:
    """The histogram of the tick's lateness: ticks by the most that they were late; None where there is none."""
    try:
        with urlopen(f"http://{METRICS}/metrics", timeout=2) as answer:
            text = answer.read().decode()
    except (URLError, OSError):
        return None
    found = {
        one.labels["le"]: one.value
        for metric in text_string_to_metric_families(text)
        for one in metric.samples
        if one.name == f"{LAG}_bucket"
    }
    return found or None


def progress(now: Sample) -> None:
    """A line for whoever waits."""
    resident = {usage.role: usage.rss for usage in now.processes}
    line = f"{now.seconds:6.0f} s  {now.published} published, {now.archived} archived"
    print(line, *(f"{role} {rss / MB:.0f} MB" for role, rss in resident.items()), sep="  ", file=sys.stderr)


# -- judging -----------------------------------------------------------------------------------------------------------


def judge(
    samples: Sequence[Sample], wrong: Sequence[str], archived: int, options: argparse.Namespace
) -> Iterator[Verdict]:
    """All that was asked."""
    last = samples[-1]
    took, least, minutes = last.seconds / 60, options.articles, options.least_minutes
    yield Verdict(f"at least {least:,} articles archived", f"{archived:,}", archived >= least)
    yield Verdict(f"at least {minutes:g} minutes", f"{took:.1f}", took >= minutes - 0.1)
    for role in ROLES:
        yield flat(f"resident memory of {role}, MB", samples, lambda one, role=role: resident(one, role) / MB)
    for role in ROLES:
        yield flat(f"open descriptors of {role}", samples, lambda one, role=role: fds(one, role), FEW_FDS)
    late = quantile(last.lag, 0.99)
    said = "not told" if late is None else f"at most {late:g} s"
    yield Verdict(f"99 in 100 ticks late by less than {LATE:g} s", said, late is not None and late <= LATE)
    yield Verdict("every story archived once, books balance", "; ".join(wrong) or "yes", not wrong)


def flat(what: str, samples: Sequence[Sample], value: Callable[[Sample], float], few: float = 0) -> Verdict:
    """Whether a figure's mean over the last quarter is about its mean over the second one."""
    end = samples[-1].seconds
    quarters = [
        [value(one) for one in samples if number <= 4 * one.seconds / (end or 1) < number + 1] for number in (1, 3)
    ]
    if not all(quarters) or not all(map(any, quarters)):
        return Verdict(f"{what}: flat", "not seen", passed=False)
    before, after = map(mean, quarters)
    passed = abs(after - before) <= max(FLAT * before, few)
    return Verdict(f"{what}: flat", f"{before:.1f}, then {after:.1f} ({after / before - 1:+.1%})", passed)


def resident(one: Sample, role: str) -> float:
    """RSS of a role's processes, on average."""
    return mean([usage.rss for usage in one.processes if usage.role == role] or [0])


def fds(one: Sample, role: str) -> float:
    """Open descriptors of a role's processes, on average."""
    return mean([usage.fds for usage in one.processes if usage.role == role] or [0])


def quantile(buckets: dict[str, float] | None, share: float) -> float | None:
    """The bound of the first bucket that ``share`` of all are in; None where there are none."""
    if not buckets or not (count := buckets.get("+Inf")):
        return None
    return min((float(bound) for bound, inside in buckets.items() if inside >= share * count), default=None)


# -- telling -----------------------------------------------------------------------------------------------------------


def report(samples: Sequence[Sample], verdicts: Sequence[Verdict], delays: Sequence[float], output: Path) -> None:
    """Print the table, and write picture and figures."""
    last, minutes = samples[-1], samples[-1].seconds / 60
    figures = {
        "machine": machine(),
        "minutes": round(minutes, 1),
        "archived": len(delays),
        "articles_a_second": round(last.archived / last.seconds, 1),
        "cpu_ms_an_article": cpu_by_role(samples, last.archived),
        "most_threads": {
            role: max(usage.threads for one in samples for usage in one.processes if usage.role == role)
            for role in {usage.role for one in samples for usage in one.processes}
        },
        "disk_bytes": last.disk,
        "seconds_until_archived": {
            name: round(delays[min(int(share * len(delays)), len(delays) - 1)], 1)
            for name, share in (("median", 0.5), ("p99", 0.99), ("most", 1))
            if delays
        },
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / "soak.svg").write_text(picture(samples, len(delays)), encoding="utf-8")
    (output / "soak.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({name: figure for name, figure in figures.items() if name != "verdicts"}, indent=1))
    print("\n| asked | seen | |\n|---|---|---|")
    for verdict in verdicts:
        print(f"| {verdict.question} | {verdict.answer} | {'pass' if verdict.passed else '**FAIL**'} |")


def cpu_by_role(samples: Sequence[Sample], archived: int) -> dict[str, float]:
    """CPU milliseconds an article; of workers that end between two samples the last moments are not in it."""
    most: dict[tuple[str, int], float] = {}
    for one in samples:
        most |= {(usage.role, usage.pid): usage.cpu for usage in one.processes}
    return {
        role: round(1000 * sum(cpu for (whose, _), cpu in most.items() if whose == role) / max(archived, 1), 2)
        for role in ROLES
    }


def picture(samples: Sequence[Sample], archived: int) -> str:
    """Memory, descriptors, articles and lag over time."""

    def line(name: str, value: Callable[[Sample], float]) -> Line:
        return Line(name, [(one.seconds / 60, value(one)) for one in samples])

    late = [
        (after.seconds / 60, min(worst, BEYOND))
        for before, after in pairwise(samples)
        if before.lag and after.lag and (worst := quantile(difference(before.lag, after.lag), 1.0)) is not None
    ]
    panels = [
        Panel(
            "resident memory, MB (workers: mean of those alive)",
            [line(role, lambda one, role=role: resident(one, role) / MB) for role in ROLES],
        ),
        Panel(
            "open descriptors (workers: mean of those alive)",
            [line(role, lambda one, role=role: fds(one, role)) for role in ROLES],
        ),
        Panel(
            "articles a second",
            [Line("published", rates(samples, "published")), Line("archived", rates(samples, "archived"))],
        ),
        Panel("disk use, MB", [line(what, lambda one, what=what: one.disk[what] / MB) for what in samples[0].disk]),
        Panel(
            f"the latest tick of each sample, s (its bucket's bound; {BEYOND}: beyond all)",
            [Line("at most", late)],
        ),
    ]
    return draw(f"{archived:,} articles, published over {samples[-1].seconds / 60:.0f} minutes", panels)


def difference(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """What came to a histogram between two samples."""
    return {bound: value - before.get(bound, 0) for bound, value in after.items()}


def rates(samples: Sequence[Sample], what: str, over: float = 30) -> list[tuple[float, float]]:
    """How much a count grew a second, over some seconds at a time."""
    points, start = [], samples[0]
    for one in samples[1:]:
        if one.seconds - start.seconds >= min(over, samples[-1].seconds / 10):
            grown = getattr(one, what) - getattr(start, what)
            points.append((one.seconds / 60, grown / (one.seconds - start.seconds)))
            start = one
    return points


def machine() -> str:
    """What this ran on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    cores = len(os.sched_getaffinity(0))
    name = names[0] if names else platform.machine()
    return f"{name}, {cores} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
