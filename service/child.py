"""Modules of this program that run as processes of their own: they can be killed, and their memory goes with them."""

import asyncio
import sys
from contextlib import suppress
from typing import Any

import orjson


class ChildError(Exception):
    """It gave no answer; the message is a line for people."""


async def ask(module: str, job: object, *, seconds: float | None = None) -> Any:
    """Run ``python -m module`` with ``job`` as JSON on its standard input; returns the JSON it prints.

    No argument and no variable tells other users what the job is. It is killed where it takes longer than ``seconds``,
    and where this call is cancelled.

    Raises:
        ChildError: it took too long, or ended without an answer.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        start_new_session=True,  # Ctrl-C at a terminal is its parent's own affair
    )
    try:
        async with asyncio.timeout(seconds):
            answer, said = await process.communicate(orjson.dumps(job))
    except TimeoutError:
        raise ChildError(f"no answer within {seconds:g} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError:
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise ChildError(last or f"its process ended with {process.returncode}") from None
