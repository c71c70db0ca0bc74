"""A request given up at any moment leaves no connection open, and none is answered by what came unasked."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore
import pytest

from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.stream import Stream, connect

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext"


class Counted(asyncio.Protocol):
    """Answers every request, and counts the connections that are open."""

    open = 0
    served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        type(self).open += 1

    def data_received(self, data: bytes) -> None:
        type(self).served += data.count(b"\r\n\r\n")
        self.transport.write(ANSWER * data.count(b"\r\n\r\n"))

    def connection_lost(self, _: Exception | None) -> None:
        type(self).open -= 1


async def left_open(steps: int, *, warm: bool, times: int) -> tuple[int, bool]:
    """Connections left open by a request given up after ``steps`` of the loop, and whether it had ended before."""
    count = type("Count", (Counted,), {})
    server = await asyncio.get_running_loop().create_server(count, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    fetcher = Fetcher(user_agent="test", hosts=Hosts(0), allowed=[AllowedNetwork.parse("127.0.0.0/8")], ssl_context=tls)
    if warm:
        await fetcher.get(url, accept="*/*")
    task = asyncio.create_task(fetcher.get(url, accept="*/*"))
    for _ in range(steps):
        await asyncio.sleep(0)
    had_ended = task.done()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([task])
    await fetcher.aclose()
    for _ in range(200):
        if count.open == 0:
            break
        await asyncio.sleep(0.005)
    server.close()
    return count.open, had_ended


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("warm", [False, True])
def test_a_request_cancelled_at_any_step_leaves_no_connection_open(warm: bool, times: int) -> None:
    async def at_every_step() -> None:
        steps, had_ended = 0, False
        while not had_ended:
            still_open, had_ended = await left_open(steps, warm=warm, times=times)
            assert still_open == 0, f"cancelled {times} times from step {steps} on"
            steps += 1
        assert steps > 5, "a request takes some steps"

    asyncio.run(at_every_step())


@pytest.mark.parametrize(
    "unasked", [ANSWER.replace(b"text", b"fake"), b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"junk"]
)
def test_what_a_server_sends_unasked_is_the_answer_to_nothing(unasked: bytes) -> None:
    class Talkative(Counted):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            asyncio.get_running_loop().call_later(0.02, self.transport.write, unasked)

    async def story() -> list[bytes | None]:
        server = await asyncio.get_running_loop().create_server(Talkative, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        fetcher = Fetcher(
            user_agent="test", hosts=Hosts(0), allowed=[AllowedNetwork.parse("127.0.0.0/8")], ssl_context=tls
        )
        bodies = []
        for _ in range(3):
            bodies.append((await fetcher.get(url, accept="*/*")).body)
            await asyncio.sleep(0.1)
        await fetcher.aclose()
        server.close()
        return bodies

    assert asyncio.run(story()) == [b"text"] * 3


def test_a_connection_is_closed_at_once_whatever_is_still_to_be_sent() -> None:
    async def story() -> int:
        async with connected() as (stream, peer):
            peer.transport.pause_reading()  # type: ignore[attr-defined]
            with pytest.raises(httpcore.WriteTimeout):
                await stream.write(bytes(50_000_000), 0.2)
            stream.close()
            await asyncio.sleep(0.01)
            return int(stream.get_extra_info("socket").fileno())

    assert asyncio.run(story()) == -1


def test_what_has_come_is_seen_even_where_the_loop_has_not_read_it() -> None:
    async def story() -> list[bool]:
        async with connected() as (stream, peer):
            seen = [stream.get_extra_info("is_readable")]
            peer.write(b"x")  # asyncio sends at once what it can
            time.sleep(0.05)
            seen.append(stream.get_extra_info("is_readable"))
            assert await stream.read(9, 5) == b"x"
            seen.append(stream.get_extra_info("is_readable"))
            stream.close()
            await asyncio.sleep(0.01)
            seen.append(stream.get_extra_info("is_readable"))
            return seen

    assert asyncio.run(story()) == [False, True, False, True]


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Stream, asyncio.StreamWriter]]:
    """A stream, and its other end; both are closed afterwards."""
    peers: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _, writer: peers.put_nowait(writer), "127.0.0.1", 0)
    async with server:
        stream = await connect("127.0.0.1", server.sockets[0].getsockname()[1], 5)
        peer = await peers.get()
        try:
            yield stream, peer
        finally:
            stream.close()
            peer.transport.abort()
            await asyncio.sleep(0.01)
