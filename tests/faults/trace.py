"""Runs the command under strace, and gives back what it asked of the kernel, in order."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from command import VEILLE, environment

DURABILITY = "write,pwrite64,ftruncate,fdatasync,fsync,rename,renameat,renameat2,unlink,unlinkat"
"""What changes files, and what makes the changes durable."""


@dataclass(frozen=True, slots=True)
class Call:
    """One system call. ``began`` and ``ended`` count lines of the trace: of two threads, calls may overlap."""

    name: str
    path: Path
    """What it was done to; of a rename, the new name."""
    text: str
    """The arguments as strace writes them."""
    began: int
    ended: int
    result: int
    error: str | None = None
    """EIO, say; None where it succeeded."""


@cache
def why_not() -> str | None:
    """Why nothing can be traced here; None where it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace does not work here: {tried.stderr.strip()}" if tried.returncode else None


def traced(
    cwd: Path, *words: object, options: tuple[str, ...] = (), **settings: str
) -> tuple["subprocess.CompletedProcess[str]", list[Call]]:
    """Run ``veille`` with these words to its end; returns how it ended and its calls in the order they began.

    Args:
        cwd: Where it runs.
        words: Its arguments.
        options: Of strace: ``-P FILE`` for the calls on one file only, ``-e inject=…`` for calls that fail.
        settings: As of ``command.veille``.
    """
    log = cwd / "strace.log"
    command = ["strace", "-f", "-y", "-s", "1000000", "-o", log, "-e", f"trace={DURABILITY}", *options]
    done = subprocess.run(
        [*command, VEILLE, *map(str, words)],
        cwd=cwd,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done, sorted(_calls(log, cwd), key=lambda call: call.began)


_BEGINS = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)$")
_RESUMES = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
_ENDS = re.compile(r"\)\s+= (?P<result>-?\d+)(?: (?P<error>E[A-Z]+))?")
_UNFINISHED = " <unfinished ...>"


def _calls(log: Path, cwd: Path) -> Iterator[Call]:
    begun: dict[str, tuple[str, str, int]] = {}
    for number, line in enumerate(log.read_text("ascii").splitlines()):
        if (match := _BEGINS.match(line)) and line.endswith(_UNFINISHED):
            begun[match["pid"]] = match["name"], match["rest"].removesuffix(_UNFINISHED), number
            continue
        if match:
            name, text, began = match["name"], match["rest"], number
        elif (match := _RESUMES.match(line)) and match["pid"] in begun:
            name, text, began = begun.pop(match["pid"])
            text += match["rest"]
        else:
            continue  # a signal, or the end of a process
        *_, end = _ENDS.finditer(text)
        given = text[: end.start()]
        yield Call(name, _path(name, given, cwd), given, began, number, int(end["result"]), end["error"])


def _path(name: str, text: str, cwd: Path) -> Path:
    if name.startswith(("rename", "unlink")):
        return cwd / re.findall(r'"([^"]*)"', text)[-1]
    match = re.match(r"\d+<(.*?)>", text)
    return Path(match[1] if match else "")
