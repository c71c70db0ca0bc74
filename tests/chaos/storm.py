"""Everything goes wrong, one thing after the other, while stories are published; then the books are compared.

    python -m chaos [--minutes N] [--seed N]        needs root and a C compiler

A tenth of the sites at a time reset connections, drip, answer 500 or move; the database is locked, the disk full, the
clock set; workers are killed and the catalogue is read again all along. Once a thing is over (a move: while it lasts),
each site it concerned publishes a story, and the seconds until all of these are archived are the time to recovery. In
the end nothing is wrong any more; pages that were put off, by 15 minutes to an hour as always, come as the service's
clock is set on. Ends with 0 only if it recovered from everything with nobody's help but the supervisor's, and the books
balance.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from accounts import complaints
from processes import WORKER, family

from chaos.faults import answering_500, database_locked, disk_full, dripping, moved, resetting
from chaos.supervisor import Supervisor
from chaos.world import Clock, Publishing, entries, small_disk, why_not
from service.newsroom import Newsroom
from service.newsroom.sites import Site

SITES, STORIES, WINDOW, RATE = 40, 3, 60, 2.0
DISK = 200
"""Megabytes."""
PATIENCE = 60.0
"""Seconds within which it is to work again."""
PACE = {"poll_interval": "2s", "poll_min": "2s", "poll_max": "4s", "timeout": "5s", "log_format": "json"}
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
PUT_OFF = timedelta(minutes=65)
"""Longer than a page is put off that was caught in the fall of a worker."""
LONGEST_LULL, MOST_STEPS = 10.0, 8
"""Seconds in which nothing more comes before the clock is set on, and how often it is."""

Block = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong."""

    name: str
    block: Callable[["Storm", Sequence[Site]], AbstractContextManager[None]]
    seconds: float
    share: float = 1.0
    """Of the sites it concerns."""
    lasting: bool = False
    """Whether it is to work while this lasts, and not only after it."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of it."""

    name: str
    lasted: float
    seconds: float | None
    """Until all was archived that came next; None: it did not come while anybody waited."""
    ends: tuple[int, ...]
    """How the daemon ended meanwhile, as often as it did."""


@dataclass
class Outcome:
    """What a storm came to."""

    recoveries: list[Recovery] = field(default_factory=list)
    published: int = 0
    killed: int = 0
    reloads: int = 0
    steps: int = 0
    """How often the clock was set on in the end."""
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{one.name}: {one.lasted:.0f} s; "
            + ("DID NOT RECOVER" if one.seconds is None else f"recovered after {one.seconds:.1f} s")
            + (f"; ended with {', '.join(map(str, one.ends))} and was started again" if one.ends else "")
            for one in self.recoveries
        ]
        lines.append(
            f"{self.published} stories published, {self.killed} workers killed, {self.reloads} reloads, clock set on "
            f"{self.steps} times by {PUT_OFF} in the end; books: {'; '.join(self.complaints) or 'balanced'}"
        )
        return "\n".join(lines)

    @property
    def stuck(self) -> list[str]:
        """The troubles it did not recover from."""
        return [one.name for one in self.recoveries if one.seconds is None]


class Storm:
    """The world, and the service in it."""

    def __init__(self, directory: Path, disk: Path, room: Newsroom, publishing: Publishing, seed: int) -> None:
        self.room, self.data = room, disk / "data"
        self.clock = Clock(directory)
        self.outcome = Outcome()
        self._directory = directory
        self._publishing = publishing
        self._chance = random.Random(seed)
        settings = PACE | {"data_dir": str(self.data)}
        self.supervisor = Supervisor(directory, self.clock.surroundings, **settings)

    def go_through(self, troubles: Sequence[Trouble], disturbed_every: float) -> Outcome:
        """All of them, from the first start to the comparison of the books."""
        with self.supervisor:
            self._recover(self.room.sites, "the first start")
            with self._disturbances(disturbed_every):
                for trouble in troubles:
                    self._endure(trouble)
            self._publishing.stop()
            self._settle()
            if code := self.supervisor.stop():
                self.outcome.complaints.append(f"the service ended with {code}")
        urls = self._publishing.urls
        self.outcome.published = len(urls)
        self.outcome.complaints += complaints(self._directory, self.data, urls)
        return self.outcome

    @contextmanager
    def started_a_year_ahead(self, _: Sequence[Site]) -> Iterator[None]:
        """It is started with a wrong clock, works so, and the clock is corrected."""
        self.supervisor.stop()
        self.clock.set(self.clock.ahead + YEAR)
        self.supervisor.start()
        self._wait_for(self._publishing.one_each(self.room.sites[:5]))
        yield
        self.clock.set(self.clock.ahead - YEAR)

    # -- one after the other -------------------------------------------------------------------------------------------

    def _endure(self, trouble: Trouble) -> None:
        count = max(1, round(trouble.share * len(self.room.sites)))
        sites = self._chance.sample(self.room.sites, count)
        ends, ahead = len(self.supervisor.ends), self.clock.ahead
        began = time.monotonic()
        with trouble.block(self, sites):
            if trouble.lasting:
                recovery = self._wait_for(self._publishing.one_each(sites))
            time.sleep(max(0.0, trouble.seconds - (time.monotonic() - began)))
        lasted = time.monotonic() - began
        if not trouble.lasting:
            recovery = self._wait_for(self._publishing.one_each(sites))
        self._note(Recovery(trouble.name, lasted, recovery, tuple(self.supervisor.ends[ends:])))
        if recovery is None:
            self.clock.set(ahead)  # so that the rest can be seen all the same

    def _recover(self, sites: Sequence[Site], name: str) -> None:
        began = time.monotonic()
        found = self._wait_for(self._publishing.one_each(sites))
        self._note(Recovery(name, time.monotonic() - began, found, tuple(self.supervisor.ends)))

    def _note(self, recovery: Recovery) -> None:
        self.outcome.recoveries.append(recovery)
        sys.stderr.write(f"{recovery}\n")

    def _wait_for(self, stories: Sequence[object]) -> float | None:
        """The seconds until all of these are archived; None where they are not in time."""
        began, wanted = time.monotonic(), {story.url for story in stories}  # type: ignore[attr-defined]
        while wanted - entries(self.data, "archived"):
            if time.monotonic() - began > PATIENCE:
                return None
            time.sleep(0.2)
        return time.monotonic() - began

    def _settle(self) -> None:
        """Let the rest come; when nothing more does, let the time pass that pages were put off for."""
        for _ in range(MOST_STEPS):
            before, since = -1, time.monotonic()
            while time.monotonic() - since < LONGEST_LULL:
                found = entries(self.data, "archived")
                if not self._publishing.urls - found and not entries(self.data, "pending"):
                    return
                if len(found) != before:
                    before, since = len(found), time.monotonic()
                time.sleep(0.2)
            self.outcome.steps += 1
            self.clock.set(self.clock.ahead + PUT_OFF)

    @contextmanager
    def _disturbances(self, every: float) -> Iterator[None]:
        """A worker is killed, the catalogue read again, in turns."""
        over = threading.Event()

        def disturb() -> None:
            while not over.wait(every):
                self._kill_a_worker()
                if not over.wait(every):
                    self.supervisor.reload()
                    self.outcome.reloads += 1

        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _kill_a_worker(self) -> None:
        pid = self.supervisor.pid
        workers = [usage.pid for usage in family(pid) if usage.role == WORKER] if pid else []
        if workers:
            try:
                os.kill(self._chance.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                return
            self.outcome.killed += 1


def clock_by(ahead: timedelta) -> Callable[[Storm, Sequence[Site]], AbstractContextManager[None]]:
    """The clock is set, and stays so."""

    @contextmanager
    def block(storm: Storm, _: Sequence[Site]) -> Iterator[None]:
        storm.clock.set(storm.clock.ahead + ahead)
        yield

    return block


def of_sites(seconds: float) -> list[Trouble]:
    """What goes wrong with sites, a tenth of them at a time."""
    return [
        Trouble("sites reset connections", lambda storm, sites: resetting(storm.room, sites), seconds, 0.1),
        Trouble("sites drip", lambda storm, sites: dripping(storm.room, sites), seconds, 0.1),
        Trouble("sites answer 500", lambda storm, sites: answering_500(storm.room, sites), seconds, 0.1),
        Trouble("sites move (301)", lambda storm, sites: moved(storm.room, sites), seconds, 0.1, lasting=True),
    ]


def of_the_machine(seconds: float) -> list[Trouble]:
    """What goes wrong with database and disk; and the clock, set to where it should have been."""
    return [
        Trouble("database locked", lambda storm, _: database_locked(storm.data), seconds),
        Trouble("disk full", lambda storm, _: disk_full(storm.data), seconds),
        Trouble("clock an hour forward", clock_by(HOUR), 0),
    ]


def of_the_clock() -> list[Trouble]:
    """A clock that is set back."""
    return [
        Trouble("clock an hour forward", clock_by(HOUR), 5),
        Trouble("clock an hour back", clock_by(-HOUR), 0),
        Trouble("started a year ahead, corrected", Storm.started_a_year_ahead, 5),
    ]


def rage(directory: Path, troubles: Sequence[Trouble], *, disturbed_every: float = 7.0, seed: int = 1) -> Outcome:
    """Go through all of it in an empty directory."""
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(directory / "disk", DISK))
        room = stack.enter_context(Newsroom(SITES, STORIES, window=WINDOW, weight=8, gzip=False))
        (directory / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        publishing = stack.enter_context(Publishing(room, RATE))
        return Storm(directory, disk, room, publishing, seed).go_through(troubles, disturbed_every)


def main() -> int:
    """Parse the arguments, and rage; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15, help="about how long it goes on (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which sites, which workers")
    given = parser.parse_args()
    if why := why_not():
        parser.error(why)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _: sys.exit(128 + which))
    round_ = of_sites(20) + of_the_machine(20)
    a_round = sum(trouble.seconds + 5 for trouble in round_) / 60
    troubles = round_ * max(1, round(given.minutes / a_round)) + of_the_clock()
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        outcome = rage(Path(name), troubles, seed=given.seed)
    sys.stdout.write(f"{outcome}\n")
    return 1 if outcome.stuck or outcome.complaints else 0
