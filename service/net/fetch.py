"""Gets one URL, as a polite and careful client: every hop has its host's turn, a checked address and a limit.

Nothing here keeps cookies, sends a Referer, reads proxies from the environment or lets a library decode a body.
"""

import asyncio
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import httpx

from service.errors import BlockedError, FetchError, Weight
from service.net import urls
from service.net.addresses import AllowedNetwork
from service.net.body import Body
from service.net.hosts import Hosts
from service.net.response import REDIRECTS, Hop, Response, check
from service.net.transport import AddressGuard, GuardedTransport, Resolve, system_resolve
from storage.model import Validators

__all__ = ["Fetcher", "Hop", "Response", "check"]

MAX_REDIRECTS = 5
HOLD = 300.0
"""Seconds a host that answers 429 without a Retry-After is left alone."""
_TIMEOUTS = {"connect": 10.0, "read": 15.0, "write": 15.0, "pool": 15.0}
_DISCARD_BYTES, _DISCARD_SECONDS = 65_536, 2.0
"""How much of a body nobody reads is worth taking in to keep its connection."""
_UNCONDITIONAL = Validators()


class Fetcher:
    """Fetches URLs over HTTP/1.1, inside one event loop.

    Args:
        user_agent: The ``User-Agent`` sent.
        hosts: Where each hop takes its turn.
        allowed: Networks the address guard opens.
        timeout: Seconds on the network in all, over all hops of one URL; waiting for turns does not count.
        max_bytes: Bytes of a body on the wire at most; twice as many decoded.
        concurrency: Requests under way at once, over all hosts; waiting for turns does not count.
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
        concurrency: int = 64,
        resolve: Resolve = system_resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._user_agent = user_agent.encode()
        self.hosts = hosts
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._slots = asyncio.Semaphore(concurrency)
        self._transport = GuardedTransport(AddressGuard(allowed, resolve), ssl_context)

    async def get(
        self,
        url: str,
        *,
        accept: str,
        validators: Validators = _UNCONDITIONAL,
        validators_url: str | None = None,
        cut: int | None = None,
    ) -> Response:
        """Get ``url``, following up to five redirects.

        A host that answers 429 is put on hold for as long as it asks.

        Args:
            url: What to get.
            accept: The ``Accept`` header.
            validators: Sent byte for byte, and only to the URL they belong to.
            validators_url: That URL, where it is not ``url``.
            cut: Decoded bytes after which to stop reading, instead of refusing a larger body.

        Raises:
            FetchError: No answer that could be read came.
            BlockedError: The scheme, the address or a downgrade from https to http is refused.
            TooLargeError: The body is over the limit.
        """
        belongs_to = _request_url(validators_url or url)
        current, hops, spent = _request_url(url), list[Hop](), 0.0
        while True:
            echo = validators if current == belongs_to else _UNCONDITIONAL
            host = urls.host(current)
            async with self.hosts.turn(host), self._slots:  # a host's pause must not cost another host its request
                started = time.monotonic()
                try:
                    async with asyncio.timeout(self._timeout - spent):
                        answer = await self._exchange(current, accept, echo, cut)
                except TimeoutError:
                    raise FetchError(f"timed out after {self._timeout:g} s") from None
                spent += time.monotonic() - started
            if answer.status == 429:
                self.hosts.hold(host, answer.retry_after or HOLD)
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

    async def _exchange(self, url: str, accept: str, validators: Validators, cut: int | None) -> Response:
        headers = [
            (b"User-Agent", self._user_agent),
            (b"Accept", accept.encode("ascii")),
            (b"Accept-Encoding", b"gzip"),
        ]
        if validators.etag is not None:
            headers.append((b"If-None-Match", validators.etag))
        if validators.last_modified is not None:
            headers.append((b"If-Modified-Since", validators.last_modified))
        try:
            request = httpx.Request("GET", url, headers=headers, extensions={"timeout": _TIMEOUTS})
        except httpx.InvalidURL as error:
            raise FetchError(f"not a URL that can be asked for: {error}", weight=Weight.HARD) from None
        answer = await self._transport.handle_async_request(request)
        response = Response(
            url=url,
            requested_url=url,
            status=answer.status_code,
            headers=tuple((name.lower(), value) for name, value in answer.headers.raw),
            conditional=bool(validators),
        )
        try:
            if not 200 <= response.status < 300:
                await _discard(answer)
                return response
            body = Body(
                response.header("content-encoding"), max_wire=self._max_bytes, max_bytes=2 * self._max_bytes, cut=cut
            )
            decoded = await body.read(answer.aiter_raw())
            return replace(response, body=decoded, wire_bytes=body.wire_bytes)
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


async def _discard(answer: httpx.Response) -> None:
    """Take in the rest of a small body, so that the connection can be used again."""
    taken = 0
    with suppress(FetchError, TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            async for chunk in answer.aiter_raw():
                taken += len(chunk)
                if taken > _DISCARD_BYTES:
                    return
