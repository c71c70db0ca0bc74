"""A small HTTP server on loopback that says exactly what a test wants it to say."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Writes an answer by hand: slowly, in part, wrongly."""


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    path: str
    headers: dict[str, bytes]
    connection: int
    start: float


@dataclass
class LoopbackServer:
    """Serves ``answers`` by path, on a free port; several for one path come one after another, the last for good."""

    answers: dict[str, bytes | Script | list[bytes | Script]]
    address: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    seen: list[Seen] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    connections: int = 0

    @staticmethod
    def answer(status: int = 200, body: bytes = b"", **headers: str | bytes) -> bytes:
        """An answer whose length is right unless said otherwise; ``_`` stands for ``-``."""
        given = {name.replace("_", "-").encode(): value for name, value in headers.items()}
        given.setdefault(b"content-length", str(len(body)))
        lines = [b"HTTP/1.1 %d Whatever" % status]
        lines += [name + b": " + (v.encode() if isinstance(v, str) else v) for name, v in given.items() if v != ""]
        return b"\r\n".join([*lines, b"", body])

    def url(self, path: str = "/") -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}:{self.port}{path}"

    async def __aenter__(self) -> "LoopbackServer":
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(self._serve, self.address, 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                start, *lines = head[:-4].split(b"\r\n")
                headers = dict(line.split(b": ", 1) for line in lines)
                path = start.split(b" ")[1].decode()
                self.seen.append(
                    Seen(path, {k.decode().lower(): v for k, v in headers.items()}, connection, time.monotonic())
                )
                answer = self.answers.get(path, self.answer(404))
                if isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                if isinstance(answer, bytes):
                    writer.write(answer)
                else:
                    await answer(writer)
                await writer.drain()
                self.ended.append(time.monotonic())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


@pytest.fixture
def loopback() -> type[LoopbackServer]:
    """The server's class: ``async with loopback({"/": loopback.answer(200, b"...")}) as server``."""
    return LoopbackServer
