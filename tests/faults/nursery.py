"""Starts scribes and commands in processes forked off one that has loaded everything: each is there in no time.

A process forked so is a process like any other: it takes the lock, writes and dies by itself.
"""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

TESTS = Path(__file__).resolve().parents[1]


class Child:
    """A process of a nursery."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._descriptor = os.pidfd_open(pid)
        self._code: int | None = None

    def wait(self, seconds: float = 60) -> int:
        """Its exit code, or the negative number of the signal that killed it. Raises TimeoutError."""
        if self._code is None:
            if not self.ends_within(seconds):
                raise TimeoutError
            os.close(self._descriptor)
            self._code = self._nursery.ask({"wait": self.pid})
        return self._code

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, at the latest when ``seconds`` have passed."""
        return bool(self._code is not None or select.select([self._descriptor], [], [], seconds)[0])

    def kill(self) -> int:
        """Kill it as nobody can defend themselves against, with all it has started; returns what ``wait`` does."""
        if self._code is None:
            os.killpg(self.pid, signal.SIGKILL)
        return self.wait()


class Nursery:
    """``with Nursery() as nursery: nursery.start("scribe", directory, out=file)``."""

    def __init__(self) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("VEILLE_")}
        self._children: list[Child] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment | {"PYTHONPATH": os.pathsep.join([str(TESTS), environment.get("PYTHONPATH", "")])},
        )

    def start(self, program: str, *words: object, out: Path) -> Child:
        """Start ``scribe``, ``stumble``, ``mutant`` or ``veille`` with these arguments; it writes to ``out``."""
        child = Child(self, self.ask({"start": [program, *map(str, words)], "out": str(out)}))
        self._children.append(child)
        return child

    def ask(self, request: dict[str, Any]) -> int:
        """One request to the process that does the forking."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for child in self._children:
            child.kill()
        self._process.communicate()


def serve() -> None:
    """Answer requests until there are no more: a process id for ``start``, an exit code for ``wait``."""
    import service.oneshot  # noqa: F401  loaded here once, and not in every command
    from faults import mutants, scribe, stumble
    from service.__main__ import main

    def veille(*words: str) -> int:
        sys.argv = ["veille", *words]
        main()
        return 0

    programs = {"scribe": scribe.main, "stumble": stumble.main, "mutant": mutants.main, "veille": veille}
    alive: set[int] = set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when whoever asks does
    try:
        while request := sys.stdin.readline():
            os.write(1, f"{_answer(json.loads(request), programs, alive)}\n".encode())
    finally:
        for pid in alive:  # whoever asked is gone
            os.killpg(pid, signal.SIGKILL)


def _answer(request: dict[str, Any], programs: dict[str, Any], alive: set[int]) -> int:
    if "wait" in request:
        alive.discard(pid := request["wait"])
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    program, *words = request["start"]
    if (pid := os.fork()) == 0:
        _become(programs[program], words, request["out"])
    os.setpgid(pid, pid)  # here and there: whoever comes first, it is done before the pid is told
    alive.add(pid)
    return pid


def _become(program: Any, words: list[str], out: str) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code: Any = 1
    try:
        code = program(*words)
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        os._exit(int(code or 0))


if __name__ == "__main__":
    serve()
