"""Modules of this program that run as processes of their own: they can be killed, and their memory goes with them."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

_LONGEST_LINE = 1 << 20
"""Bytes."""


class ChildError(Exception):
    """It gave no answer; the message is a line for people."""


async def ask(
    module: str, job: object, *, seconds: float | None = None, hear: Callable[[Any], None] | None = None
) -> Any:
    """Run ``python -m module`` with ``job`` as JSON on its standard input; returns the last JSON line it prints.

    ``hear`` is called with each line as it comes: what was heard is known even if the last one never comes.

    No argument and no variable tells other users what the job is. It is killed where it takes longer than ``seconds``,
    and where this call is cancelled; where this process ends, it ends by itself (``job``).

    Raises:
        ChildError: it took too long, or ended without an answer.
        OSError: it could not be started.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module),  # -P: what lies in the working directory is not imported
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        start_new_session=True,  # Ctrl-C at a terminal is its parent's own affair
        limit=_LONGEST_LINE,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None  # noqa: PT018
    try:
        async with asyncio.timeout(seconds):
            process.stdin.write(orjson.dumps(job) + b"\n")  # and stays open: its end would end the child
            answer, said = await asyncio.gather(_last_line(process.stdout, hear), process.stderr.read())
            await process.wait()
    except TimeoutError:
        raise ChildError(f"no answer within {seconds:g} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it has started
            await process.wait()
        process.stdin.close()
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError:
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise ChildError(last or f"its process ended with {process.returncode}") from None


async def _last_line(output: asyncio.StreamReader, hear: Callable[[Any], None] | None) -> bytes:
    line = b""
    while (another := await output.readline()).endswith(b"\n"):
        line = another
        if hear is not None:
            hear(orjson.loads(line))
    return line


def job() -> Any:
    """In such a process: what it is to do. From then on it ends when its parent does, however that comes."""
    line = b""
    while not line.endswith(b"\n"):
        if not (some := os.read(0, 65_536)):
            os._exit(1)
        line += some
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return orjson.loads(line)


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)
