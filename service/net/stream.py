"""TCP and TLS connections for httpcore, on asyncio's own streams.

httpcore brings streams of its own, through anyio. Closing one of those takes several steps of the event loop, and a
close that is cancelled on the way leaves the connection open. Here it is one step, and a request costs less.
"""

import asyncio
import select
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

_EXTRA = {"ssl_object": "ssl_object", "client_addr": "sockname", "server_addr": "peername", "socket": "socket"}
"""asyncio's names for what httpcore asks for."""


class Stream(httpcore.AsyncNetworkStream):
    """A connection. Used by one task at a time; whoever opened it closes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._socket = writer.get_extra_info("socket")  # a lost connection no longer tells its own

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Return what has come, up to ``max_bytes``, waiting for it where nothing has; b"" at the end.

        Raises:
            httpcore.ReadTimeout: Nothing came in time.
            httpcore.ReadError: The connection broke.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._reader.read(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Send ``buffer``.

        Raises:
            httpcore.WriteTimeout: The other side takes nothing.
            httpcore.WriteError: The connection broke.
        """
        self._writer.write(buffer)
        try:
            async with asyncio.timeout(timeout):
                await self._writer.drain()
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> "Stream":
        """Return this connection, from now on encrypted; where that fails, closed.

        Raises:
            httpcore.ConnectTimeout: The handshake was not over in time.
            httpcore.ConnectError: It failed.
        """
        if self._has_come:  # it would be read as if it had come encrypted
            self.close()
            raise httpcore.ConnectError("bytes before the handshake")
        try:
            async with asyncio.timeout(timeout):
                await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except TimeoutError as error:
            self.close()
            raise httpcore.ConnectTimeout from error
        except OSError as error:
            self.close()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            self.close()
            raise
        return self

    @property
    def _has_come(self) -> bool:
        """Whether bytes, their end or an error wait to be read."""
        buffered: bytearray = self._reader._buffer  # type: ignore[attr-defined]  # noqa: SLF001  it has no other way
        return bool(buffered) or self._reader.at_eof() or self._reader.exception() is not None

    def close(self) -> None:
        """Close the connection at once: nobody waits for what may still be on its way."""
        self._writer.transport.abort()

    async def aclose(self) -> None:
        """``close``, without giving way to anything."""
        self.close()

    def get_extra_info(self, info: str) -> Any:
        """Return one of httpcore's facts of a connection; None for those it does not have."""
        if info == "is_readable":  # asyncio reads ahead: what came while nothing was asked is no longer in the socket
            return self._has_come or _is_readable(self._socket.fileno())
        return self._writer.get_extra_info(_EXTRA[info]) if info in _EXTRA else None


async def connect(
    address: str,
    port: int,
    timeout: float | None,  # noqa: ASYNC109 - what httpcore gives
    options: Iterable[httpcore.SOCKET_OPTION] | None = None,
) -> Stream:
    """Connect to an IP address.

    Raises:
        httpcore.ConnectTimeout: No answer came in time.
        httpcore.ConnectError: The address cannot be connected to.
    """
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(address, port)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    for option in options or ():
        writer.get_extra_info("socket").setsockopt(*option)
    return Stream(reader, writer)


def _is_readable(descriptor: int) -> bool:
    """Whether there is something to read on an idle connection: its end, as a rule. A closed one counts as ended."""
    if descriptor < 0:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
