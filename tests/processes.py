"""What the processes of a service use, read from ``/proc``."""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
MAIN, SERVER, TRACKER, WORKER = "main", "fork server", "resource tracker", "worker"
ROLES = (MAIN, SERVER, TRACKER, WORKER)


@dataclass(frozen=True, slots=True)
class Usage:
    """One process at one moment; memory in bytes."""

    pid: int
    role: str
    rss: int
    """Resident, what it shares with others counted in full."""
    pss: int
    """Resident, what it shares counted in parts."""
    uss: int
    """Resident and its own alone."""
    fds: int
    threads: int
    cpu: float
    """Seconds since its start."""


def family(main: int) -> list[Usage]:
    """A service's main process, and what it has started; without those that end just now."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children[parent].append(int(path.parent.name))
    roles = {main: MAIN}
    for child in children[main]:
        command = _command(child)
        if "forkserver" in command:
            roles[child] = SERVER
            roles |= dict.fromkeys(children[child], WORKER)
        elif "resource_tracker" in command:
            roles[child] = TRACKER
    return [usage for pid, role in roles.items() if (usage := _usage(pid, role)) is not None]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _usage(pid: int, role: str) -> Usage | None:
    folder = Path(f"/proc/{pid}")
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        rollup = (folder / "smaps_rollup").read_text().splitlines()[1:]
        fds = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        return None
    sizes = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in rollup}
    if not sizes:
        return None  # a zombie has no memory left
    return Usage(
        pid=pid,
        role=role,
        rss=sizes["Rss"],
        pss=sizes["Pss"],
        uss=sizes["Private_Clean"] + sizes["Private_Dirty"],
        fds=fds,
        threads=int(fields[17]),
        cpu=(int(fields[11]) + int(fields[12])) / TICKS,
    )
