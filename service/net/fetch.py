"""Gets one URL, as a polite and careful client: every hop has its host's turn, a checked address and a limit.

Nothing here keeps cookies, sends a Referer, reads proxies from the environment or lets a library decode a body.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from service.errors import BlockedError, FetchError, Weight
from service.net import urls
from service.net.addresses import AllowedNetwork
from service.net.body import Body
from service.net.hosts import Hosts
from service.net.names import Resolve, system_resolve
from service.net.response import REDIRECTS, Exchange, Hop, Response, check
from service.net.slots import Slots
from service.net.transport import AddressGuard, GuardedTransport, discard, heads, peer
from storage.model import Validators

__all__ = ["Fetcher", "Hop", "Response", "check"]

MAX_REDIRECTS = 5
HOLD = 300.0
"""Seconds a host that answers 429 without a Retry-After is left alone."""
_TIMEOUTS = {"connect": 10.0, "read": 15.0, "write": 15.0, "pool": 15.0}

Permit = Callable[[str], Awaitable[object]]
"""Called with an address before it is asked for; raises a ``FetchError`` to refuse it."""
_UNCONDITIONAL = Validators()


class Fetcher:
    """Fetches URLs over HTTP/1.1, inside one event loop.

    Args:
        user_agent: The ``User-Agent`` sent.
        hosts: Where each hop takes its turn.
        allowed: Networks the address guard opens.
        timeout: Seconds on the network in all, over all hops of one URL; waiting for turns does not count.
        max_bytes: Bytes of a body on the wire at most; twice as many decoded.
        slots: Where each hop takes a slot, once it has its turn; by default 64 of them.
        keep_wire: Whether answers hold what a raw copy needs (``Response.heads``).
        resolve: How names become addresses.
        ssl_context: What certificates are verified against; by default the usual public authorities.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        hosts: Hosts,
        allowed: Sequence[AllowedNetwork] = (),
        timeout: float = 60.0,
        max_bytes: int = 10_000_000,
        slots: Slots | None = None,
        keep_wire: bool = False,
        resolve: Resolve = system_resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._user_agent = user_agent.encode()
        self.hosts = hosts
        self._timeout = timeout
        self._max_bytes = max_bytes
        self.slots = slots or Slots(64)
        self._keep_wire = keep_wire
        self._transport = GuardedTransport(AddressGuard(allowed, resolve), ssl_context)

    async def get(
        self,
        url: str,
        *,
        accept: str,
        validators: Validators = _UNCONDITIONAL,
        validators_url: str | None = None,
        permit: Permit | None = None,
        cut: int | None = None,
        trace: list[Exchange] | None = None,
    ) -> Response:
        """Get ``url``, following up to five redirects.

        A host that answers 429 is put on hold for as long as it asks, and that is remembered.

        Args:
            url: What to get.
            accept: The ``Accept`` header.
            validators: Sent byte for byte, and only to the URL they belong to.
            validators_url: That URL, where it is not ``url``.
            permit: Asked for leave before each request, of redirect targets too: robots.txt.
            cut: Decoded bytes after which to stop reading, instead of refusing a larger body.
            trace: Gets each exchange as it begins.

        Raises:
            FetchError: No answer that could be read came.
            BlockedError: The scheme, the address or a downgrade from https to http is refused, or ``permit`` is.
            TooLargeError: The body is over the limit.
        """
        belongs_to = _request_url(validators_url or url)
        current, hops, spent = _request_url(url), list[Hop](), 0.0
        while True:
            echo = validators if current == belongs_to else _UNCONDITIONAL
            host = urls.host(current)
            if permit is not None:  # before the turn: robots.txt takes one at the same host
                await permit(current)
            # in this order: a host's pause must not cost another host its slot
            async with self.hosts.turn(host), self.slots.one():
                started = time.monotonic()
                try:
                    async with asyncio.timeout(self._timeout - spent):
                        answer = await self._exchange(current, accept, echo, cut, trace)
                except TimeoutError:
                    raise FetchError(f"timed out after {self._timeout:g} s") from None
                spent += time.monotonic() - started
            if answer.status == 429:
                await self.hosts.hold(host, answer.retry_after or HOLD)
            target = _redirect_target(answer)
            if target is None:
                return replace(answer, requested_url=url, hops=tuple(hops), seconds=spent)
            if len(hops) == MAX_REDIRECTS:
                raise FetchError(f"more than {MAX_REDIRECTS} redirects", weight=Weight.HARD, status=answer.status)
            hops.append(Hop(current, answer.status, target))
            current = target

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _exchange(
        self, url: str, accept: str, validators: Validators, cut: int | None, trace: list[Exchange] | None
    ) -> Response:
        headers = [
            (b"User-Agent", self._user_agent),
            (b"Accept", accept.encode("ascii")),
            (b"Accept-Encoding", b"gzip"),
        ]
        if validators.etag is not None:
            headers.append((b"If-None-Match", validators.etag))
        if validators.last_modified is not None:
            headers.append((b"If-Modified-Since", validators.last_modified))
        request = self._transport.request(url, headers, _TIMEOUTS)
        exchange = Exchange(url, tuple(request.headers.raw))
        if trace is not None:
            trace.append(exchange)
        answer = await self._transport.handle_async_request(request)
        response = Response(
            url=url,
            requested_url=url,
            status=answer.status_code,
            headers=tuple((name.lower(), value) for name, value in answer.headers.raw),
            conditional=bool(validators),
            heads=heads(request, answer) if self._keep_wire else None,
        )
        exchange.address, exchange.status, exchange.headers = peer(answer), response.status, response.headers
        try:
            if not 200 <= response.status < 300:
                await discard(answer)
                return response
            body = Body(
                response.header("content-encoding"),
                max_wire=self._max_bytes,
                max_bytes=2 * self._max_bytes,
                cut=cut,
            )
            content = await body.read(answer.aiter_raw())
            return replace(response, content=content, wire_bytes=body.wire_bytes)
        finally:
            await answer.aclose()


def _request_url(url: str) -> str:
    try:
        address = urls.request_url(url)
    except ValueError as error:
        raise BlockedError(str(error), weight=Weight.HARD) from None
    if not urls.is_http(address):
        raise BlockedError(f"neither http nor https: {url[:200]}", weight=Weight.HARD)
    return address


def _redirect_target(answer: Response) -> str | None:
    location = answer.raw_header("location")
    if answer.status not in REDIRECTS or location is None:
        return None
    try:
        link = location.decode("utf-8")
    except UnicodeDecodeError:
        link = location.decode("latin-1")
    try:
        target = urls.join(answer.url, link)
    except ValueError as error:
        raise FetchError(f"redirects nowhere: {error}", weight=Weight.HARD, status=answer.status) from None
    target = _request_url(target)
    if answer.url.startswith("https:") and target.startswith("http:"):
        raise BlockedError("redirect from https to http refused", weight=Weight.HARD, status=answer.status)
    return target
