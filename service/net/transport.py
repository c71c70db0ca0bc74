"""Connections to hosts, each to an address that was checked first. The only importer of httpx.

The guard resolves a name once, refuses it if any of its addresses may not be connected to, and connects to the very
address it checked, so that a name that changes its answer between check and use (DNS rebinding) gains nothing. TLS
still verifies the certificate against the name.
"""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import httpcore
import httpx

from service.errors import AddressError, BlockedError, FetchError, Weight
from service.net.addresses import AllowedNetwork, may_connect, parse_address
from service.net.failures import name_error, plain_errors
from service.net.names import Resolve, look_up, system_resolve
from service.net.response import Heads
from service.net.stream import connect

KEEP_ALIVE = 60.0
"""Seconds an idle connection is kept. A short one makes a starved event loop close connections just given out."""
MAX_IDLE = 256
"""Idle connections kept at most, over all hosts."""
_MAX_ADDRESSES = 4
"""Addresses of one name tried at most."""

_DISCARD_BYTES, _DISCARD_SECONDS = 65_536, 2.0
"""How much of a body nobody reads is worth taking in to keep its connection."""

_Key = tuple[bytes, bytes, int | None]
"""Scheme, host and port of a pool."""


class AddressGuard(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to public addresses on web ports, and to those of the networks in ``allowed``."""

    def __init__(self, allowed: Iterable[AllowedNetwork] = (), resolve: Resolve = system_resolve) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002 - nobody here binds to one
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, connect; ``timeout`` covers all of it.

        Raises:
            AddressError: One of the addresses may not be connected to.
            FetchError: The name is not found.
            httpcore.ConnectError, httpcore.ConnectTimeout: None of the addresses answers.
        """
        deadline = time.monotonic() + timeout if timeout is not None else None
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._checked(host, port)
        except TimeoutError:
            raise FetchError("name servers do not answer") from None
        for left in range(len(addresses), 0, -1):
            # Each address gets an even share of the time left, so that a dead one does not use up all of it.
            share = max(deadline - time.monotonic(), 0.1) / left if deadline is not None else None
            try:
                return await connect(addresses[-left], port, share, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 1:
                    raise
        raise FetchError(f"{host} has no address")

    async def _checked(self, host: str, port: int) -> list[str]:
        try:
            addresses = await look_up(self._resolve, host, port)
        except (OSError, UnicodeError) as error:
            raise name_error(error) from None
        for address in addresses:
            if not may_connect(parse_address(address), port, self._allowed):
                where = f"{address} port {port}" if address == host else f"{host} is {address} port {port}"
                refusal = BlockedError if _is_literal(host) else AddressError  # a name may lead elsewhere tomorrow
                raise refusal(f"address refused: {where}", weight=Weight.HARD)
        return list(addresses[:_MAX_ADDRESSES])


def _is_literal(host: str) -> bool:
    try:
        parse_address(host.strip("[]"))
    except ValueError:
        return False
    return True


class GuardedTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 through an ``AddressGuard``: a small pool per origin, as one for all would search them all each time.

    Raises ``FetchError`` in place of httpx's and httpcore's errors.
    """

    @staticmethod
    def request(url: str, headers: Sequence[tuple[bytes, bytes]], timeouts: Mapping[str, float]) -> httpx.Request:
        """Make a GET request, with nothing in it but ``headers`` and the ``Host``.

        Args:
            url: What to get.
            headers: Header fields, sent as they are.
            timeouts: Seconds to wait: ``connect``, ``read``, ``write``, ``pool``.

        Raises:
            FetchError: The URL cannot be asked for.
        """
        try:
            # httpx would look the host up in IDNA 2008, which knows fewer names than there are: none with an emoji
            host = (b"Host", httpx.URL(url).netloc)
            return httpx.Request("GET", url, headers=[host, *headers], extensions={"timeout": timeouts})
        except httpx.InvalidURL as error:
            raise FetchError(f"not a URL that can be asked for: {error}", weight=Weight.HARD) from None

    def __init__(self, guard: AddressGuard, ssl_context: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._ssl_context = ssl_context or public_authorities()
        # Pools nobody is using, each with one connection and the time it was put here, the longest idle first.
        self._idle: OrderedDict[_Key, tuple[httpcore.AsyncConnectionPool, float]] = OrderedDict()
        self._sweeping: asyncio.Task[None] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; its body must be empty, so that it can be sent twice.

        A connection kept from an earlier request may have been closed by the server at this very moment: the request
        is then sent once more, on a new one (RFC 9110 §9.2.2).

        Raises:
            FetchError: No answer came, or the address is refused (``BlockedError``).
        """
        url = request.url
        key = (url.raw_scheme, url.raw_host, url.port)
        kept = self._idle.pop(key, None)
        pool = kept[0] if kept else self._new_pool()
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            extensions=request.extensions,
        )
        try:
            with plain_errors():
                try:
                    answer = await pool.handle_async_request(sent)
                except (httpcore.ReadError, httpcore.RemoteProtocolError) as error:
                    if not kept or not _is_unanswered(error):
                        raise
                    answer = await pool.handle_async_request(sent)
        except BaseException:
            await pool.aclose()
            raise
        body = _Body(answer, pool, lambda: self._put_back(key, pool))
        return httpx.Response(
            answer.status, headers=answer.headers, stream=body, request=request, extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close the idle connections."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        while self._idle:
            _, (pool, _) = self._idle.popitem()
            await pool.aclose()

    def _new_pool(self) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._ssl_context,
            max_connections=1,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=self._guard,
        )

    async def _put_back(self, key: _Key, pool: httpcore.AsyncConnectionPool) -> None:
        if pool.connections:  # the server lets the connection be used again
            if key in self._idle:
                await self._idle.pop(key)[0].aclose()
            self._idle[key] = pool, time.monotonic()
        await self._close_idle()
        if self._idle and self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().create_task(self._sweep())

    async def _close_idle(self) -> None:
        """Close what has been idle for too long, and the longest idle where there are too many."""
        closing = []
        while self._idle:
            longest, since = next(iter(self._idle.values()))
            if len(self._idle) <= MAX_IDLE and time.monotonic() - since < KEEP_ALIVE:
                break
            self._idle.popitem(last=False)
            closing.append(longest)
        for one in closing:
            await one.aclose()

    async def _sweep(self) -> None:
        """Close idle connections in their time, also where nothing is asked any more; ends when there are none."""
        while self._idle:
            await asyncio.sleep(KEEP_ALIVE / 2)
            await self._close_idle()
        self._sweeping = None


def _is_unanswered(error: Exception) -> bool:
    """Whether a kept connection was closed before any answer: only then nothing was asked of the host."""
    return isinstance(error, httpcore.ReadError) or "without sending a response" in str(error)


def public_authorities() -> ssl.SSLContext:
    """Return what certificates are verified against: the usual public authorities, whatever the environment says."""
    return httpx.create_ssl_context(trust_env=False)


def peer(answer: httpx.Response) -> str | None:
    """Return the address that gave an answer, with its port: ``192.0.2.1 port 443``."""
    stream = answer.extensions.get("network_stream")
    address = stream.get_extra_info("server_addr") if stream is not None else None
    return f"{address[0]} port {address[1]}" if address else None


def heads(request: httpx.Request, answer: httpx.Response) -> Heads:
    """Return what was sent, and what came before the body."""
    said = answer.extensions
    status = b"%b %d %b" % (said.get("http_version", b"HTTP/1.1"), answer.status_code, said.get("reason_phrase", b""))
    address = peer(answer)
    return Heads(
        request=_head(b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path), request.headers),
        answer=_head(status, answer.headers),
        address=address.partition(" port ")[0] if address else None,
    )


def _head(first: bytes, fields: httpx.Headers) -> bytes:
    return b"\r\n".join((first, *(b"%b: %b" % field for field in fields.raw), b"", b""))


async def discard(answer: httpx.Response) -> None:
    """Take in the rest of a small body nobody reads, so that its connection can be used again."""
    taken = 0
    with suppress(FetchError, TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            async for chunk in answer.aiter_raw():
                taken += len(chunk)
                if taken > _DISCARD_BYTES:
                    return


class _Body(httpx.AsyncByteStream):
    """An answer's body on the wire; closing it gives the connection back."""

    def __init__(
        self, answer: httpcore.Response, pool: httpcore.AsyncConnectionPool, put_back: Callable[[], Awaitable[None]]
    ) -> None:
        self._answer = answer
        self._pool = pool
        self._put_back = put_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with plain_errors():
            async for chunk in self._answer.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        try:
            await self._answer.aclose()
        except BaseException:  # cancelled on the way: nobody else knows of this connection
            await self._pool.aclose()
            raise
        await self._put_back()
