"""Runs the installed ``veille`` command as a process, in an environment of the test's own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

VEILLE = Path(sys.executable).with_name("veille")
LOOPBACK = {"VEILLE_ALLOWED_NETWORKS": "127.0.0.0/8", "VEILLE_HOST_DELAY": "0s", "VEILLE_WORKERS": "1"}


def environment(**settings: str) -> dict[str, str]:
    """The environment without any setting but these, by their names in lower case; loopback is allowed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("VEILLE_")}
    return clean | LOOPBACK | {f"VEILLE_{name.upper()}": value for name, value in settings.items()}


def veille(cwd: Path, *words: object, within: float = 120, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end, which comes ``within`` so many seconds."""
    return subprocess.run(
        [VEILLE, *map(str, words)],
        cwd=cwd,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


def start(
    cwd: Path, *words: object, own_session: bool = False, stderr: "int | IO[str]" = subprocess.PIPE, **settings: str
) -> "subprocess.Popen[str]":
    """Start the command and leave it running; the caller ends it."""
    return subprocess.Popen(
        [VEILLE, *map(str, words)],
        cwd=cwd,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=own_session,
    )


def messages(done: "subprocess.CompletedProcess[str]") -> list[str]:
    """What was said on standard error; no test ever accepts a traceback there."""
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done.stderr.splitlines()


def last_words(said: str) -> str:
    """The one line in which a command says why it ended; a service says it in its log."""
    assert "Traceback" not in said, said
    plain = [line.removeprefix("veille: ") for line in said.splitlines() if line.startswith("veille: ")]
    logged = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    (line,) = plain + [line["reason"] for line in logged if line["event"] == "ended"]
    return str(line)
