"""A static server in a process of its own: every answer is made beforehand, so that a page costs it next to nothing.

    python bench/serving.py WORLD        # a directory that ``bench/world.py`` has filled

Prints a line once it serves, and goes on until its standard input ends. Each answer is a line in ``WORLD/requests``
once all of it has been handed to the kernel: address and path, status, bytes of the body; in the place of the status
stands ``HEAD`` where only the head was asked for, and ``cut`` where the client hung up before.
"""

import asyncio
import gzip
import pickle
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

ANYTHING = "/*"
"""The path at which stands what a site answers where it has nothing else."""


@dataclass(frozen=True, slots=True)
class Document:
    """What stands at an address and path."""

    packed: bytes
    """The body, gzip-encoded, as it is sent to whoever takes that."""
    content_type: str
    etag: str | None = None
    """With its quotes; a request that names it is answered with 304."""


class Connection(asyncio.Protocol):
    """One client's connection: requests in, one after the other, answers out."""

    def __init__(self, documents: Mapping[str, Document], log: TextIO) -> None:
        self._documents, self._log = documents, log
        self._transport: asyncio.Transport
        self._site = ""
        self._read = b""
        self._unsent: list[tuple[str, int]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(0)  # so that we hear when the last byte has gone
        address, port = transport.get_extra_info("sockname")[:2]
        self._site = address if port == 80 else f"{address}:{port}"

    def data_received(self, data: bytes) -> None:
        """Answer all requests that are complete."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head, self._read = self._read[: end + 2], self._read[end + 4 :]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        method, path = head.decode("latin-1").split(" ", 2)[:2]
        fields = head.lower()
        document = self._documents.get(self._site + path) or self._documents.get(self._site + ANYTHING)
        if document is None:
            status, body, more = "404 Not Found", b"", ""
        elif document.etag and document.etag.encode() in field(fields, b"if-none-match"):
            status, body, more = "304 Not Modified", b"", f"ETag: {document.etag}\r\n"
        else:
            status, body, more = "200 OK", document.packed, f"Content-Type: {document.content_type}\r\n"
            more += f"ETag: {document.etag}\r\n" if document.etag else ""
            if b"gzip" in field(fields, b"accept-encoding"):
                more += "Content-Encoding: gzip\r\n"
            else:
                body = gzip.decompress(body)
        is_last = field(fields, b"connection") == b"close"
        length = "" if status.startswith("304") else f"Content-Length: {len(body)}\r\n"
        last = "Connection: close\r\n" if is_last else ""
        answer = f"HTTP/1.1 {status}\r\n{more}{length}{last}\r\n".encode("latin-1")
        if method == "HEAD":
            status, body = "HEAD", b""  # in the log: the page has not been sent
        self._unsent.append((f"{self._site}{path} {status[:4].strip()}", len(body)))
        self._transport.write(answer + body)
        if not self._transport.get_write_buffer_size():
            self._note()
        if is_last:
            self._transport.close()

    def resume_writing(self) -> None:
        """All has been sent."""
        self._note()

    def connection_lost(self, exc: Exception | None) -> None:
        """Write down what has not been sent."""
        if self._log.closed:  # the server ends, and its clients' connections with it
            return
        if exc is None and self._unsent:  # closed by us: what was left has been sent first
            self._note()
        self._log.writelines(f"{what.split()[0]} cut {size}\n" for what, size in self._unsent)

    def _note(self) -> None:
        self._log.writelines(f"{what} {size}\n" for what, size in self._unsent)
        self._unsent.clear()


def field(head: bytes, name: bytes) -> bytes:
    """The value of a header, in lower case as ``head`` is; empty where there is none."""
    start = head.find(b"\r\n" + name + b":")
    return head[start + len(name) + 3 : head.index(b"\r\n", start + 2)].strip() if start >= 0 else b""


async def serve(directory: Path) -> None:
    """Serve until standard input ends."""
    documents: dict[str, Document] = pickle.loads((directory / "documents").read_bytes())
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    loop = asyncio.get_running_loop()
    with (directory / "requests").open("w", encoding="utf-8", buffering=1) as log:
        for site in sorted({key.partition("/")[0] for key in documents}):
            address, _, port = site.partition(":")
            listener = socket.create_server((address, int(port or 80)), backlog=512)
            await loop.create_server(lambda: Connection(documents, log), sock=listener)
        print("open", flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    sys.modules["serving"] = sys.modules["__main__"]  # by that name whoever wrote the documents knows their class
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started it: with that its standard input ends
    asyncio.run(serve(Path(sys.argv[1])))
