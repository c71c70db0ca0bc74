"""The newsroom's HTTP/1.1 server: one event loop in a thread of its own, one listening socket a site."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from service.newsroom.faults import Fault
from service.newsroom.log import Kind, Request, RequestLog
from service.newsroom.wire import Answer, Head, Wire, read_head

MAX_HEAD = 64 * 1024
"""Bytes a request head may have."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a request is answered: what with, in what way, and what it was for."""

    answer: Answer
    kind: Kind
    fault: Fault | None = None


Responder = Callable[[str, Head], Reply]
"""Answers a request to the site of that name. Called in the server's thread."""


def listen(address: str, port: int) -> socket.socket:
    """A listening socket on a loopback address; port 0 lets the system choose.

    Raises:
        ValueError: the address is not in 127.0.0.0/8.
        OSError: the address and port are taken.
    """
    if not address.startswith("127."):
        raise ValueError(f"{address} is no loopback address")
    # asyncio sends without delay only on sockets that name their protocol
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


class Server:
    """Serves sites until stopped; leaves no thread, task or socket behind.

    ``listeners`` holds a listening socket for each site's name; the server owns and closes them. Connections that are
    open when it stops are cut.
    """

    def __init__(self, listeners: Mapping[str, socket.socket], respond: Responder, log: RequestLog) -> None:
        self._listeners = listeners
        self._respond = respond
        self._log = log
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._conversations: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="newsroom")

    def start(self) -> None:
        """Start serving; requests made from now on are answered."""
        self._thread.start()

    def stop(self) -> None:
        """Cut all connections, close all sockets, end the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def settle(self) -> None:
        """Wait until every answer that a client has fully received is in the log. From a handler: does nothing."""
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            done = threading.Event()
            self._loop.call_soon_threadsafe(done.set)
            done.wait()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        for site, listener in self._listeners.items():
            listener.setblocking(False)
            self._loop.add_reader(listener, self._accept, site, listener)
        await self._stopping.wait()
        for listener in self._listeners.values():
            self._loop.remove_reader(listener)
            listener.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _accept(self, site: str, listener: socket.socket) -> None:
        """Take a connection and begin the conversation in one step, so that stopping finds every one there is.

        ``asyncio.start_server`` takes several, and loses a connection that arrives just before it is closed.
        """
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # the client has changed its mind
        conversation = self._loop.create_task(self._converse(site, connection))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)
        conversation.add_done_callback(lambda _: connection.close())  # even if it never began

    async def _converse(self, site: str, connection: socket.socket) -> None:
        """Answer one connection's requests, one after the other."""
        reader, writer = await asyncio.open_connection(sock=connection, limit=MAX_HEAD)
        wire = Wire(writer)
        try:
            while wire.open:
                await self._exchange(site, await reader.readuntil(b"\r\n\r\n"), wire)
            writer.close()
            await writer.wait_closed()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # the client has hung up, or said more than a request
        finally:
            writer.transport.abort()

    async def _exchange(self, site: str, data: bytes, wire: Wire) -> None:
        """Read one request, answer it, note it."""
        arrived, began = datetime.now(UTC), time.monotonic()
        try:
            head = read_head(data)
        except ValueError:
            head = Head("?", "?", {}, keep_alive=False)
        wire.begin(keep_alive=head.keep_alive and head.method == "GET")
        reply = self._reply(site, head)
        try:
            if reply.fault:
                await reply.fault.send(wire, reply.fault.change(reply.answer))
            else:
                await wire.send(reply.answer)
        finally:
            self._log.add(
                Request(
                    time=arrived,
                    seconds=time.monotonic() - began,
                    site=site,
                    kind=reply.kind,
                    method=head.method,
                    path=head.path,
                    headers=head.headers,
                    status=wire.status,
                    bytes_sent=wire.body_bytes,
                )
            )

    def _reply(self, site: str, head: Head) -> Reply:
        if head.method == "?":
            return Reply(Answer(400), Kind.OTHER)
        if head.method != "GET":
            return Reply(Answer(405, (("Allow", "GET"),)), Kind.OTHER)
        return self._respond(site, head)
