"""/metrics, /healthz and /readyz over HTTP, from a thread of its own: they answer while the service itself hangs.

    one thread: accept ── read a request ── answer ── close
                                             │
                       what is asked of the service, in threads that may hang: one for each of the two probes

A client has ``PATIENCE`` for all of it, and where too many are there at once, the one that came first has to go: who is
slow, or says nothing, keeps nobody else waiting.
"""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import h11
import structlog

from service.errors import SettingsError
from service.logs import printable
from service.metrics import Metrics
from service.settings import PREFIX
from service.units import Address

PATIENCE = 10.0
"""Seconds a client has from its connection to the end of it."""
MOST = 32
"""Connections at once; one more, and the oldest is cut."""
MAX_HEAD = 16_384
"""Bytes a request's head may have."""
WAIT = 5.0
"""Seconds the service has to say how it is. Less than a scrape may take: 10 by default."""

log = structlog.get_logger()

Probe = Callable[[], Sequence[str]]
"""Says why something is not as it should be, a reason a line, for people; nothing where all is well.

Called in a thread of its own, never twice at once.
"""


@contextmanager
def serving(address: Address, metrics: Metrics, healthy: Probe, ready: Probe) -> Iterator[Address]:
    """Within it, the three can be asked for at the address it yields; where the port was 0, the system has chosen one.

    Raises:
        SettingsError: nothing can listen there; says why.
    """
    listener = _listen(address)
    host, port = listener.getsockname()[:2]
    server = _Server(metrics, _Asking("healthy", healthy), _Asking("ready", ready))
    thread = threading.Thread(target=asyncio.run, args=(server.serve(listener),), name="monitoring", daemon=True)
    thread.start()
    try:
        yield Address(host, port)
    finally:
        server.stop()
        thread.join(PATIENCE)


def _listen(address: Address) -> socket.socket:
    """A listening socket, of the first of the host's addresses that will do."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, ValueError):  # ValueError: no name at all
        raise _refused(address, f'"{printable(address.host)}" is no address or name of this machine') from None
    why = "it has no address"
    for family, _, _, _, place in found:
        any_address = place[0] == "::" and socket.has_dualstack_ipv6()
        try:
            return socket.create_server(place[:2], family=family, dualstack_ipv6=any_address)
        except OSError as error:
            why = _WHY.get(error.errno or 0, os.strerror(error.errno or 0))
    raise _refused(address, why)


_WHY = {
    errno.EADDRINUSE: "another program listens there already; stop that, or name another port",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "this user may not; ports from 1024 on are free to all",
}


def _refused(address: Address, why: str) -> SettingsError:
    return SettingsError(f"{PREFIX}METRICS_BIND: cannot listen on {printable(str(address))}: {why}")


# -- answers -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain; charset=utf-8"),)


def _text(status: int, *lines: str) -> _Answer:
    return _Answer(status, "".join(f"{printable(line)}\n" for line in lines).encode())


class _Asking:
    """Asks a probe, in a thread of its own and one at a time; who asks meanwhile gets the same answer."""

    def __init__(self, what: str, probe: Probe) -> None:
        self._what = what
        self._probe = probe
        self._asked: asyncio.Future[tuple[str, ...]] | None = None

    async def reasons(self) -> tuple[str, ...]:
        """What the probe says; where it says nothing within ``WAIT``, that."""
        if self._asked is None:
            self._asked = asyncio.get_running_loop().create_future()
            threading.Thread(target=self._ask, args=(self._asked,), name=self._what, daemon=True).start()
        asked = self._asked
        try:
            async with asyncio.timeout(WAIT):
                return await asyncio.shield(asked)
        except TimeoutError:
            return (f"the service does not say whether it is {self._what}: no answer within {WAIT:g} s",)

    def _ask(self, asked: "asyncio.Future[tuple[str, ...]]") -> None:
        try:
            reasons = tuple(self._probe())
        except Exception as error:  # noqa: BLE001  a probe with a bug is a reason like any other
            reasons = (f"the service cannot say whether it is {self._what}: {type(error).__name__}: {error}",)
        with suppress(RuntimeError):  # the loop is closed: nobody asks any more
            asked.get_loop().call_soon_threadsafe(self._answered, reasons)

    def _answered(self, reasons: tuple[str, ...]) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and not asked.done():
            asked.set_result(reasons)


class _Server:
    """Serves until stopped, inside one event loop of its own."""

    def __init__(self, metrics: Metrics, healthy: _Asking, ready: _Asking) -> None:
        self._metrics = metrics
        self._healthy = healthy
        self._ready = ready
        self._open: dict[asyncio.Task[None], None] = {}
        """The connections, oldest first."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = threading.Event()
        self._stopped: asyncio.Event

    def stop(self) -> None:
        """End, and cut all connections. Called from another thread."""
        self._running.wait(PATIENCE)
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stopped.set)

    async def serve(self, listener: socket.socket) -> None:
        """Serve whoever connects to ``listener``, which is closed at the end."""
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_say)
        server = await asyncio.start_server(self._connected, sock=listener)
        self._running.set()
        await self._stopped.wait()
        server.close()
        for task in (connections := list(self._open)):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST:
            oldest = next(iter(self._open))
            del self._open[oldest]  # it goes at its next turn; the next one to go is another
            oldest.cancel()
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._open[task] = None

        def ended(task: asyncio.Task[None]) -> None:
            self._open.pop(task, None)
            writer.transport.abort()  # here, for a task that is cut before its turn came never gets to its end

        task.add_done_callback(ended)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
                answer, with_body = await self._respond(connection, reader)
                if answer is None:
                    return
                writer.write(_encoded(connection, answer, with_body=with_body))
                await writer.drain()
                writer.write_eof()
                # closed with bytes unread, the connection would take the answer away from a client that still sends
                while await reader.read(MAX_HEAD):
                    pass
        except (TimeoutError, OSError):
            pass  # too slow, or gone

    async def _respond(self, connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[_Answer | None, bool]:
        """The answer to a client's request, None where it has none; and whether its body is wanted."""
        try:
            request = await _request(connection, reader)
            if request is None:
                return None, False
            return await self._answer(request), request.method != b"HEAD"
        except h11.RemoteProtocolError as error:
            return _text(error.error_status_hint, "this is no request that can be read"), True
        except Exception as error:  # noqa: BLE001  a bug here is no reason to leave the client without an answer
            log.error("monitoring failed", reason=f"{type(error).__name__}: {error}")
            return _text(500, "this cannot be told; the log says why"), True

    async def _answer(self, request: h11.Request) -> _Answer:
        path, _, query = request.target.decode("latin-1").partition("?")
        answers = {"/metrics": self._tell_metrics, "/healthz": self._tell_health, "/readyz": self._tell_readiness}
        if path not in answers:
            return _text(404, f"there is nothing here; there are {', '.join(answers)}")
        if request.method not in {b"GET", b"HEAD"}:
            refusal = _text(405, "only GET and HEAD")
            return _Answer(refusal.status, refusal.body, (*refusal.headers, ("Allow", "GET, HEAD")))
        return await answers[path](request, query)

    async def _tell_health(self, _request: h11.Request, _query: str) -> _Answer:
        return _verdict(await self._healthy.reasons())

    async def _tell_readiness(self, _request: h11.Request, _query: str) -> _Answer:
        return _verdict(await self._ready.reasons())

    async def _tell_metrics(self, request: h11.Request, query: str) -> _Answer:
        unhealthy, unready = await asyncio.gather(self._healthy.reasons(), self._ready.reasons())
        self._metrics.judged(healthy=not unhealthy, ready=not unready)
        accept, encoding = _field(request, b"accept"), _field(request, b"accept-encoding")
        exposition = self._metrics.render(accept=accept, accept_encoding=encoding, query=query)
        return _Answer(200, exposition.body, exposition.headers)


def _verdict(reasons: Sequence[str]) -> _Answer:
    return _text(503, *reasons) if reasons else _text(200, "ok")


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The request's head; None where the client said nothing. Raises h11.RemoteProtocolError."""
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(MAX_HEAD))
    return event if isinstance(event, h11.Request) else None


def _field(request: h11.Request, name: bytes) -> str:
    return ", ".join(value.decode("latin-1") for key, value in request.headers if key == name)


def _encoded(connection: h11.Connection, answer: _Answer, *, with_body: bool) -> bytes:
    headers = [
        *answer.headers,
        ("Content-Length", str(len(answer.body))),
        ("Date", formatdate(usegmt=True)),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Connection", "close"),
    ]
    reason = HTTPStatus(answer.status).phrase
    events: list[Any] = [h11.Response(status_code=answer.status, headers=headers, reason=reason)]
    events += [h11.Data(data=answer.body), h11.EndOfMessage()] if with_body else [h11.EndOfMessage()]
    return b"".join(connection.send(event) or b"" for event in events)


def _say(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.warning("monitoring", reason=str(context.get("exception") or context["message"]))
