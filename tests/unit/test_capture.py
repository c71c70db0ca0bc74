"""What a raw copy keeps of an HTTP exchange is what went over the wire, and no more memory than the answer takes."""

import asyncio
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from service.net.addresses import AllowedNetwork
from service.net.capture import capture, pieces
from service.net.fetch import Fetcher, Response
from service.net.hosts import Hosts
from storage.model import Capture, Validators

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOOPBACK = (AllowedNetwork.parse("127.0.0.0/8"), AllowedNetwork.parse("::1"))
PAGE = b"<p>caf\xc3\xa9</p>" * 40


@dataclass
class Wire:
    """What a server read and wrote, byte for byte."""

    url: str = ""
    requests: bytes = b""


def exchange(
    *answers: bytes, address: str = "127.0.0.1", keep_wire: bool = True, **options: Any
) -> tuple[Response, Wire]:
    """Get ``/a?b=c`` from a server that gives one answer after the other; ``HERE`` in one is its own address."""
    wire, left = Wire(), list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left:
            wire.requests += await reader.readuntil(b"\r\n\r\n")
            writer.write(left.pop(0).replace(b"HERE", wire.url.encode()))
            await writer.drain()
        writer.close()

    async def story() -> Response:
        server = await asyncio.start_server(serve, address, 0)
        port = server.sockets[0].getsockname()[1]
        wire.url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
        client = Fetcher(user_agent="veille/0 (+test)", hosts=Hosts(0), allowed=LOOPBACK, keep_wire=keep_wire)
        try:
            return await client.get(f"{wire.url}/a?b=c", accept="text/html", **options)
        finally:
            await client.aclose()
            server.close()

    return asyncio.run(story()), wire


def captured(response: Response) -> Capture:
    kept = capture(response, NOON, feed="rfi-fr")
    assert kept is not None
    return kept


def test_both_heads_are_kept_as_they_went_over_the_wire() -> None:
    head = (
        b"HTTP/1.1 200 Just Fine\r\nServer: x\r\nSET-cookie: a=1; Path=/\r\nset-COOKIE: b=2\r\nX-Odd: caf\xe9 \xff\r\n"
        b"X-Empty: \r\nContent-Length: %d\r\n\r\n" % len(PAGE)
    )
    validators = Validators(b'W/"caf\xe9"', b"whenever")
    response, wire = exchange(head + PAGE, validators=validators)
    kept = captured(response)
    assert kept.head == head
    assert kept.request == wire.requests
    assert wire.requests.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b'If-None-Match: W/"caf\xe9"\r\n' in kept.request
    assert (kept.url, kept.at, kept.address, kept.body) == (f"{wire.url}/a?b=c", NOON, "127.0.0.1", PAGE)


def test_an_answer_of_http_1_0_is_kept_as_one() -> None:
    response, _ = exchange(b"HTTP/1.0 203 \r\nContent-Type: text/html\r\n\r\n" + PAGE)
    assert captured(response).head == b"HTTP/1.0 203 \r\nContent-Type: text/html\r\n\r\n"
    assert captured(response).body == PAGE


def test_the_address_is_the_bare_one_of_either_version() -> None:
    response, _ = exchange(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", address="::1")
    assert captured(response).address == "::1"


def split(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        yield b"%x;odd=1\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\nX-Trailer: 1\r\n\r\n"


@pytest.mark.parametrize("body", [PAGE, gzip.compress(PAGE)], ids=["plain", "gzip"])
def test_a_chunked_body_is_kept_whole_and_the_head_claims_no_chunks(body: bytes) -> None:
    coding = b"Content-Encoding: gzip\r\n" if body != PAGE else b""
    head = b"HTTP/1.1 200 OK\r\n" + coding + b"%bTransfer-Encoding: chunked\r\n%bContent-Length: 7\r\nServer: x\r\n\r\n"
    undone = b"X-Archive-Orig-"
    response, _ = exchange(head % (b"", b"") + b"".join(split(body, 50)))
    kept = captured(response)
    assert kept.body == body
    assert kept.head == head % (undone, undone)
    assert b"".join(pieces(kept.head, kept.body)) == PAGE


@pytest.mark.parametrize("coding", [b"gzip", b"X-Gzip"])
def test_a_body_in_gzip_is_kept_as_it_came_and_read_as_before(coding: bytes) -> None:
    body = gzip.compress(PAGE[:100]) + gzip.compress(PAGE[100:]) + b"what follows is ignored"
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (coding, len(body), body)
    response, _ = exchange(answer)
    kept = captured(response)
    assert kept.body == body
    assert (response.body, response.content.size) == (PAGE, len(PAGE))
    assert b"".join(pieces(kept.head, kept.body)) == PAGE


@pytest.mark.parametrize("body", [b"", gzip.compress(b"")], ids=["nothing", "gzip of nothing"])
def test_an_empty_body_is_kept_as_it_came(body: bytes) -> None:
    response, _ = exchange(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert captured(response).body == body
    assert response.body == b""


def test_a_capture_costs_no_memory_beside_the_answer() -> None:
    body = gzip.compress(PAGE)
    response, _ = exchange(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert captured(response).body is response.content.data
    assert len(response.content.data) == len(body)


def test_every_redirect_on_the_way_is_noted() -> None:
    response, wire = exchange(
        b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: HERE/c\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    )
    kept = capture(response, NOON, feed="rfi-fr", via="https://news.test/rss")
    assert kept is not None
    assert kept.url == f"{wire.url}/c"
    assert kept.request.startswith(b"GET /c HTTP/1.1\r\n")
    assert kept.notes[:-1] == (
        ("feed", "rfi-fr"),
        ("via", "https://news.test/rss"),
        ("redirect", f"301 {wire.url}/a?b=c -> {wire.url}/b"),
        ("redirect", f"302 {wire.url}/b -> {wire.url}/c"),
    )
    assert kept.notes[-1][0] == "fetchTimeMs"
    assert int(kept.notes[-1][1]) < 10_000


def test_where_no_raw_copies_are_kept_an_answer_holds_nothing_for_them() -> None:
    body = gzip.compress(PAGE)
    response, _ = exchange(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
        keep_wire=False,
    )
    assert response.heads is None
    assert response.body == PAGE
    assert capture(response, NOON, feed="rfi-fr") is None
