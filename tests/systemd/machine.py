"""A machine to try units on: systemd in a container over an overlay of ``/``, with no network but loopback."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

TOOLS = ("systemd-nspawn", "nsenter", "mount", "umount")
NAME = "veille-trial"
DEPENDENCIES = "/opt/dependencies"
"""Where the container sees the packages of the Python that runs this; what is installed in /opt/veille comes first."""
HIDDEN = ("/root/", "/home/")
"""The units see nothing below these, an interpreter neither."""
BOOT = 60.0
POWER_OFF = 15.0


class UnableError(Exception):
    """No container can be had here; says why."""


def obstacle() -> str | None:
    """Why no container can be had here; None where nothing is known to be in the way."""
    if os.geteuid() != 0:
        return "only root may boot a container"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{' and '.join(missing)} not on PATH"
    if _interpreter() is None:
        return (
            f"no Python {'.'.join(map(str, sys.version_info[:2]))} outside /root and /home, which the units cannot see"
        )
    return None


def _interpreter() -> Path | None:
    """A Python the units can see, of this version: the packages of this one are for it too."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (Path(sys.executable), Path("/usr/bin", name), Path("/usr/local/bin", name)):
        if path.exists() and not str(path.resolve()).startswith(HIDDEN):
            return path.resolve()
    return None


class Machine:
    """A container with the built wheel at /opt/veille, running within the ``with`` block; leaves nothing behind.

    Raises:
        UnableError: on entering, where the overlay cannot be mounted or systemd does not come up.
    """

    def __init__(self, wheel: Path, units: Path) -> None:
        self._wheel = wheel
        self._units = units
        self._leader = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self.root = self._stack.enter_context(_overlay())
            self._stack.callback(_clear_groups)
            self._install()
            self._stack.enter_context(self._booted())
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def path(self, inside: str) -> Path:
        """A file of the container, as seen from here; not for what is mounted within it, such as /run and /tmp."""
        return self.root / inside.lstrip("/")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the container, and its directories."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def entering(self, *words: str) -> list[str]:
        """The command line that runs ``words`` in the container, as root."""
        return ["nsenter", "--target", str(self._leader), "--all", *words]

    def run(self, *words: str, check: bool = True) -> str:
        """Run a command in the container; returns what it printed."""
        done = subprocess.run(
            self.entering(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout.strip()[-400:]}")
        return done.stdout.strip()

    def succeeds(self, *words: str) -> bool:
        """Whether a command in the container ends with 0."""
        return subprocess.run(self.entering(*words), capture_output=True, timeout=90, check=False).returncode == 0

    def of(self, unit: str, key: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "--property", key, "--value", unit)

    def seen_from_here(self, pid: str) -> int:
        """The number that a process of the container has outside it."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:")).split()[
                    1:
                ]
            except (OSError, StopIteration):
                continue  # it has just ended
            if len(numbers) > 1 and numbers[-1] == pid and _within(int(numbers[0]), self._leader):
                return int(numbers[0])
        raise AssertionError(f"no process {pid} in the container")

    def _install(self) -> None:
        """The wheel and the units, as INSTALL.md has it, but for the packages: those are lent, not downloaded."""
        shutil.copy(self._wheel, self.path("/opt"))
        for unit in self._units.glob("veille*.*"):
            shutil.copy(unit, self.path("/etc/systemd/system"))
        # journals of two machines with one id would be mixed up
        self.path("/etc/machine-id").write_text(os.urandom(16).hex() + "\n", encoding="ascii")
        script = (
            f"{_interpreter()} -m venv --without-pip /opt/veille"
            f" && echo {DEPENDENCIES} >$(echo /opt/veille/lib/python3*/site-packages)/dependencies.pth"
            " && exec /opt/veille/bin/python -m pip install --quiet --no-index --no-deps --ignore-installed"
            f" --root-user-action=ignore --disable-pip-version-check /opt/{self._wheel.name}"
        )
        done = subprocess.run(
            [*self._nspawn(), "--pipe", "--", "/bin/sh", "-c", script],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode or not self.path("/opt/veille/bin/veille").exists():
            raise UnableError(f"nothing runs in a container here: {done.stderr.strip()[-400:]}")

    def _nspawn(self) -> list[str]:
        lent = f"{sysconfig.get_path('purelib')}:{DEPENDENCIES}"
        return [
            "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--link-journal=no",
            f"--machine={NAME}", f"--bind-ro={lent}", f"--directory={self.root}",
        ]  # fmt: skip

    @contextmanager
    def _booted(self) -> Iterator[None]:
        said = self.root.with_name("console")
        with said.open("wb") as console:
            process = subprocess.Popen(
                # no timers: the machine's own housekeeping is not wanted here
                [*self._nspawn(), "--boot", "--", "--unit=basic.target", "systemd.mask=timers.target"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )  # fmt: skip
        try:
            self._await_systemd(process, said)
            yield
        finally:
            process.terminate()  # which powers the container off
            try:
                process.wait(POWER_OFF)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _await_systemd(self, process: "subprocess.Popen[bytes]", said: Path) -> None:
        deadline = time.monotonic() + BOOT
        while time.monotonic() < deadline and process.poll() is None:
            for child in _children(process.pid):
                self._leader = child
                if self.run("systemctl", "is-system-running", check=False) in {"running", "degraded"}:
                    return
            time.sleep(0.1)
        last = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise UnableError(f"systemd does not come up in a container here: {' / '.join(last)}")


@contextmanager
def _overlay() -> Iterator[Path]:
    """An overlay of ``/``; what is written there stays in memory, and goes with it."""
    base = Path(tempfile.mkdtemp(prefix="veille-trial-"))
    mounted: list[Path] = []
    try:
        _mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", str(base))
        mounted.append(base)
        for name in ("upper", "work", "root"):
            (base / name).mkdir()
        layers = f"lowerdir=/,upperdir={base}/upper,workdir={base}/work"
        _mount("-t", "overlay", "overlay", "-o", layers, str(base / "root"))
        mounted.append(base / "root")
        yield base / "root"
    finally:
        for path in reversed(mounted):
            subprocess.run(["umount", "--lazy", str(path)], check=False)
        base.rmdir()


def _clear_groups() -> None:
    """Remove the control groups that systemd-nspawn leaves beside its own; those in use stay."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    hierarchy = next((words[1] for words in mounts if words[2] == "cgroup2"), None)
    own = next(
        (line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")), None
    )
    if hierarchy is None or own is None:
        return
    for name in ("payload", "supervisor"):
        group = Path(hierarchy, own.lstrip("/"), name)
        for path in sorted([group, *group.glob("**/")], reverse=True):  # the innermost first
            with suppress(OSError):
                path.rmdir()


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnableError(f"cannot mount {words[1]}: {done.stderr.strip()}")


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _within(pid: int, ancestor: int) -> bool:
    """Whether both processes are in one PID namespace."""
    return Path(f"/proc/{pid}/ns/pid").readlink() == Path(f"/proc/{ancestor}/ns/pid").readlink()
