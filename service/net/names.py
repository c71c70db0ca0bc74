"""Names to addresses, without a queue: a silent name server holds up its own names only."""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

Resolve = Callable[[str, int], Sequence[str]]
"""Host name or literal address, and port, to the addresses behind it. Blocking; raises ``OSError``."""


def system_resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver, which also reads ``0x7f.1`` and ``2130706433`` as the addresses they are."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def look_up(resolve: Resolve, host: str, port: int) -> Sequence[str]:
    """Look a name up in a thread of its own. Raises what ``resolve`` does.

    Where a name server is down it takes many seconds: no other name is to wait for that, nor the end of the process.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(addresses: Sequence[str], error: Exception | None) -> None:
        if not found.done():  # nobody waits any more
            found.set_exception(error) if error else found.set_result(addresses)

    def ask() -> None:
        addresses: Sequence[str] = ()
        problem: Exception | None = None
        try:
            addresses = resolve(host, port)
        except Exception as error:  # noqa: BLE001  it is raised where the name is waited for
            problem = error
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, addresses, problem)

    threading.Thread(target=ask, name=f"resolver of {host}", daemon=True).start()
    return await found
