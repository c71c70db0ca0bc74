"""What is tried, each a function whose docstring is its line in the report; they share one machine, in this order."""

import json
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from systemd.machine import Machine

UNIT = "veille.service"
CRAWL = "veille-crawl.service"
STATE = "/var/lib/private/veille"
"""Where DynamicUser puts the state directory."""
COMMAND = "/opt/veille/bin/veille"
WATCHDOG = 6
PATIENCE = 45.0
DROP_IN = f"[Service]\nWatchdogSec={WATCHDOG}\nRestartSec=1\n"
SETTINGS = """\
VEILLE_ALLOWED_NETWORKS=127.0.0.0/8
VEILLE_HOST_DELAY=0s
VEILLE_WORKERS=1
VEILLE_POLL_INTERVAL=1s
VEILLE_POLL_MIN=1s
VEILLE_POLL_MAX=2s
VEILLE_METRICS_BIND=127.0.0.1:9464
"""
HEALTH = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9464/healthz', timeout=5).status)"


class Newsroom:
    """The newsroom in the container: ``desk.py``."""

    def __init__(self, machine: Machine) -> None:
        source = Path(__file__).with_name("desk.py").read_text(encoding="utf-8")
        self._process: subprocess.Popen[str] = subprocess.Popen(
            machine.entering("/opt/veille/bin/python", "-c", source),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._listen()

    def publish(self, stories: int = 1) -> None:
        """Publish so many more stories on each site."""
        self._pipe(self._process.stdin).write(f"{stories}\n")
        self._pipe(self._process.stdin).flush()
        self._listen()

    def stories(self, sites: int) -> list[str]:
        """The addresses of all stories of the first ``sites`` sites."""
        return [story for site in self._stories[:sites] for story in site]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _listen(self) -> None:
        line = self._pipe(self._process.stdout).readline()
        assert line, "the newsroom did not start"
        told = json.loads(line)
        self.feeds: list[str] = told["feeds"]
        self._stories: list[list[str]] = told["stories"]

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


class Trial:
    """A machine with the units, a newsroom on its loopback, and what is known of both."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        machine.write(f"/etc/systemd/system/{UNIT}.d/trial.conf", DROP_IN)
        machine.write("/etc/veille/.env", SETTINGS)
        machine.run("systemctl", "daemon-reload")
        self.room = Newsroom(machine)
        self.sites = 0

    def watch(self, sites: int) -> None:
        """Write a feeds.toml with the first ``sites`` sites."""
        self.machine.write("/etc/veille/feeds.toml", "\n".join(self.room.feeds[:sites]))
        self.sites = sites

    def systemctl(self, *words: str) -> None:
        """Run systemctl; fails where it does."""
        self.machine.run("systemctl", *words)

    def of(self, key: str, unit: str = UNIT) -> str:
        """A property of a unit."""
        return self.machine.of(unit, key)

    def journal(self, since: float, unit: str = UNIT) -> str:
        """What systemd and the unit have said from a moment on."""
        return self.machine.run("journalctl", "--no-pager", "--output=cat", f"--since=@{since:.3f}", f"--unit={unit}")

    def records(self) -> list[str]:
        """The page behind every record on disk, in lines that are complete."""
        pages = []
        # read in the container: the state may be on a file system of its own there
        lines = self.machine.run("sh", "-c", f"cat {STATE}/articles/*/*.jsonl 2>/dev/null || true").splitlines()
        for line in lines:
            try:
                pages.append(json.loads(line)["requested_url"])
            except ValueError:
                continue  # being written
        return pages

    def all_archived(self) -> bool:
        """Whether there is a record of every story of the watched sites."""
        return set(self.room.stories(self.sites)) <= set(self.records())

    def await_archived(self) -> None:
        """Wait until every story is archived."""
        self.until(self.all_archived, "every story is archived")

    def until(self, holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Wait until something holds; fails, with the end of the journal, where it does not."""
        deadline = time.monotonic() + patience
        while not holds():
            if time.monotonic() > deadline:
                last = self.machine.run("journalctl", "--no-pager", "--output=cat", "--lines=4", f"--unit={UNIT}")
                raise AssertionError(f"after {patience:.0f} s it is still not so that {what}; last words: {last}")
            time.sleep(0.2)

    @contextmanager
    def restarted(self) -> Iterator[None]:
        """What is done within the block makes systemd start the daemon anew; waits until it is ready again."""
        before, main = int(self.of("NRestarts")), self.of("MainPID")
        yield
        self.until(
            lambda: (
                int(self.of("NRestarts")) == before + 1
                and self.of("MainPID") not in {"0", main}
                and self.of("ActiveState") == "active"
            ),
            "systemd has started it again, once",
        )

    def verified(self, **environment: str) -> None:
        """Stories are archived exactly once each, and ``veille verify`` finds nothing wrong."""
        again = [page for page, times in Counter(self.records()).items() if times > 1]
        assert not again, f"archived more than once: {again}"
        assert self.all_archived()
        words = [f"{name}={value}" for name, value in environment.items()]
        self.machine.run("env", *words, COMMAND, "--data", "/var/lib/veille", "verify")


def ready(trial: Trial) -> None:
    """ready: started, and up once it watches"""
    trial.watch(2)
    trial.systemctl("start", UNIT)
    assert trial.of("ActiveState") == "active"
    assert trial.of("StatusText")


def health(trial: Trial) -> None:
    """health: /healthz answers 200 on loopback, with no more rights than the units give"""
    assert trial.machine.run("/opt/veille/bin/python", "-c", HEALTH) == "200"


def status(trial: Trial) -> None:
    """status: its text has live figures, the articles archived among them"""
    for _ in range(2):
        trial.await_archived()
        archived = str(len(trial.records()))
        trial.until(lambda: archived in re.findall(r"\d+", trial.of("StatusText")), f"the status text says {archived}")  # noqa: B023
        trial.room.publish()
    trial.await_archived()


def reload(trial: Trial) -> None:
    """reload: a feed added to feeds.toml is polled, by the same process"""
    main = trial.of("MainPID")
    assert not set(trial.room.stories(3)) <= set(trial.records())
    trial.watch(3)
    trial.systemctl("reload", UNIT)
    trial.await_archived()
    assert (trial.of("MainPID"), trial.of("ActiveState")) == (main, "active")


def bad_reload(trial: Trial) -> None:
    """bad_reload: refused, the status text says so, the old feeds are polled on"""
    main = trial.of("MainPID")
    trial.machine.write("/etc/veille/feeds.toml", "[[feed]]\nname = broken\n")
    trial.systemctl("reload", UNIT)
    trial.until(lambda: "refused" in trial.of("StatusText"), "the status text says that the reload was refused")
    trial.room.publish()
    trial.await_archived()
    assert (trial.of("MainPID"), trial.of("ActiveState")) == (main, "active")
    trial.watch(3)
    trial.systemctl("reload", UNIT)
    trial.until(lambda: "refused" not in trial.of("StatusText"), "the status text is a good one again")


def hang(trial: Trial) -> None:
    """hang: the whole process stands still (SIGSTOP); the watchdog restarts it"""
    since = time.time()
    with trial.restarted():
        trial.systemctl("kill", "--kill-whom=main", "--signal=SIGSTOP", UNIT)
    assert "Watchdog timeout" in trial.journal(since)
    trial.room.publish()
    trial.await_archived()


def writer(trial: Trial) -> None:
    """writer: only the thread that writes stands still, in an fdatasync that does not end; the watchdog restarts it"""
    assert shutil.which("strace"), "strace, which holds the thread, is not on PATH"
    since = time.time()
    main = trial.machine.seen_from_here(trial.of("MainPID"))
    with trial.restarted():
        # strace holds the calling thread, and no other, before the call
        disk = subprocess.Popen(
            ["strace", "-qq", "-f", "-p", str(main), "-o", "/dev/null",
             "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=100s"],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            trial.room.publish()
            trial.until(
                lambda: "Watchdog timeout" in trial.journal(since), "the watchdog has noticed", 3.0 * WATCHDOG + 10
            )
        finally:
            disk.kill()  # it heeds SIGTERM only once the delay is over
            disk.wait()
    trial.await_archived()


def kill(trial: Trial) -> None:
    """kill: -9, amid its work; restarted, nothing lost, nothing twice"""
    trial.room.publish(3)
    before = len(trial.records())
    trial.until(lambda: len(trial.records()) > before, "the first of the new stories is archived")
    with trial.restarted():
        trial.systemctl("kill", "--kill-whom=main", "--signal=SIGKILL", UNIT)
    trial.await_archived()
    trial.verified()


def clash(trial: Trial) -> None:
    """clash: a crawl of the timer beside the daemon leaves with 75, which is a success"""
    trial.systemctl("start", CRAWL)
    told = trial.of("Result", CRAWL), trial.of("ExecMainStatus", CRAWL), trial.of("ActiveState")
    assert told == ("success", "75", "active"), told


def stop(trial: Trial) -> None:
    """stop: drains and ends with 0; the archive is whole"""
    trial.systemctl("stop", UNIT)
    told = trial.of("Result"), trial.of("ExecMainStatus"), trial.of("ActiveState")
    assert told == ("success", "0", "inactive"), told
    trial.verified()


def crawl(trial: Trial) -> None:
    """crawl: the timer's unit, by itself, archives what is new and ends with 0"""
    trial.room.publish()
    time.sleep(2.5)  # until every feed is due
    trial.systemctl("start", CRAWL)
    told = trial.of("Result", CRAWL), trial.of("ExecMainStatus", CRAWL)
    assert told == ("success", "0"), told
    trial.verified()


def secret(trial: Trial) -> None:
    """secret: a file in /etc/credstore is what VEILLE_DATABASE_URL_FILE names; here it moves the database"""
    # on a small file system, which the next check fills; a new archive, for the old one has its database elsewhere
    trial.machine.run("sh", "-c", f"rm -rf {STATE}/* && mount -t tmpfs -o size=12m,mode=0700 tmpfs {STATE}")
    trial.machine.write("/etc/credstore/veille.database_url", "sqlite:////var/lib/veille/secret.db\n", 0o600)
    trial.systemctl("start", UNIT)
    trial.await_archived()
    there = trial.machine.run("sh", "-c", f"cd {STATE} && ls *.db")
    assert there == "secret.db", there


def full_disk(trial: Trial) -> None:
    """full_disk: ends with 74, is started again and again, and goes on once there is room; nothing lost"""
    since = time.time()
    ballast = f"{STATE}/ballast"
    trial.machine.run("sh", "-c", f"head -c 12M /dev/zero >{ballast} || true")
    trial.room.publish(3)
    trial.until(lambda: "status=74" in trial.journal(since), "it has ended with 74")
    trial.until(lambda: int(trial.of("NRestarts")) > 0, "it has been started again")
    trial.machine.run("rm", ballast)
    trial.await_archived()
    trial.systemctl("stop", UNIT)
    trial.verified(VEILLE_DATABASE_URL="sqlite:////var/lib/veille/secret.db")


CHECKS: tuple[Callable[[Trial], None], ...] = (
    ready, health, status, reload, bad_reload, hang, writer, kill, clash, stop, crawl, secret, full_disk,
)  # fmt: skip


def report(machine: Machine, say: Callable[[str], None], skip: frozenset[str] = frozenset()) -> int:
    """Try everything but what is skipped; ``say`` gets a line for each. Returns how many failed."""
    trial = Trial(machine)
    failed = 0
    try:
        for check in CHECKS:
            told = check.__doc__ or check.__name__
            if check.__name__ in skip:
                say(f"skipped          {told}")
                continue
            began = time.monotonic()
            try:
                check(trial)
                result = "ok"
            except Exception as error:  # noqa: BLE001  whatever it was, the next check is worth its line
                failed += 1
                result, told = "FAILED", f"{told}: {str(error) or type(error).__name__}"
            say(f"{result:8}{time.monotonic() - began:6.1f} s  {told}")
    finally:
        trial.room.close()
    return failed
