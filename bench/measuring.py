"""What a program uses: CPU of it and of all it starts, wall clock, and the most memory at a time."""

import ctypes
import os
import platform
import resource
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")
EVERY = 0.3
"""Seconds between two looks at the memory, each of which takes some ms of a core."""
PATIENCE = 20.0
"""Seconds that what a program leaves behind has to end by itself."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one run took."""

    cpu: float
    """Seconds, of all processes of the run, the kernel's work for them included."""
    wall: float
    """Seconds."""
    pss: int
    """Bytes: the most that one process had at a look, what it shares counted in parts."""
    pss_tree: int
    """Bytes: the most that all had together."""
    pss_main: int
    """Bytes: the most that the program's first process had."""
    code: int | None
    """The exit code; None: stopped because it took too long."""


@dataclass(slots=True)
class _Memory:
    """Looks at the memory of all our descendants, again and again, in a thread."""

    spared: Collection[int]
    main: int = 0
    pss: int = 0
    pss_main: int = 0
    tree: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self.done.wait(EVERY):
            found = {pid: size for pid in descendants(self.spared) if (size := pss(pid)) is not None}
            self.pss = max(self.pss, *found.values(), 0)
            self.pss_main = max(self.pss_main, found.get(self.main, 0))
            self.tree = max(self.tree, sum(found.values()))


def adopt() -> None:
    """Have processes whose parent has ended become ours, so that their CPU is counted. Call once, before ``run``."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def run(
    command: Sequence[object],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    within: float = 3600,
    spared: Collection[int] = (),
) -> Spent:
    """Run a program to its end, or for ``within`` seconds; its output goes to ``stdout`` and ``stderr`` in ``cwd``.

    ``spared``: children of ours that are no part of the run, such as the server.
    """
    memory = _Memory(spared)
    before, began = children_cpu(), time.monotonic()
    with (cwd / "stdout").open("wb") as out, (cwd / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=as_installed(os.environ if environment is None else environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    memory.main = process.pid
    watcher = threading.Thread(target=memory.watch)
    watcher.start()
    try:
        code: int | None = process.wait(within)
    except subprocess.TimeoutExpired:
        code = None
        end(spared)
        process.wait()
    except BaseException:  # interrupted: what has been started must not go on alone
        end(spared)
        raise
    finally:
        wall = time.monotonic() - began
        memory.done.set()
        watcher.join()
        reap(spared)
    return Spent(children_cpu() - before, wall, memory.pss, memory.tree, memory.pss_main, code)


def as_installed(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which Python keeps its compiled modules: no installed program is compiled at each start."""
    return {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}


def reap(spared: Collection[int]) -> None:
    """Wait for everything a run left behind to end, so that its CPU is counted; what does not is made to."""
    deadline = time.monotonic() + PATIENCE
    while left := [pid for pid in children() if pid not in spared]:
        for pid in left:
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)
        if time.monotonic() > deadline:
            end(spared)


def end(spared: Collection[int]) -> None:
    """Kill all of our descendants but those that are spared."""
    for pid in descendants(spared):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def children_cpu() -> float:
    """CPU seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu(pid: int) -> float:
    """CPU seconds of a process that still runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def children() -> list[int]:
    """Our children, adopted ones included, whichever thread of ours has started them."""
    return [int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]


def descendants(spared: Collection[int]) -> list[int]:
    """All processes below this one, but for those that are spared and what is below them."""
    below: defaultdict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            below[int(path.read_text().rpartition(")")[2].split()[1])].append(int(path.parent.name))
        except OSError:
            continue  # it has ended
    found, queue = [], [os.getpid()]
    while queue:
        new = [pid for pid in below[queue.pop()] if pid not in spared]
        found += new
        queue += new
    return found


def pss(pid: int) -> int | None:
    """Bytes of a process's memory, what it shares counted in parts; None where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), None)


def machine() -> str:
    """What this runs on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    name = names[0] if names else platform.machine()
    return f"{name}, {cores} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
