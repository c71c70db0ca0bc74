import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from service.errors import BlockedError, FetchError
from service.net.addresses import AllowedNetwork, is_public, may_connect
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.names import Resolve

PUBLIC = "93.184.215.14"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody; quicker to make than one that knows the authorities."""


class Connections(list[tuple[str, int]]):
    """Every address the process tries to connect a TCP socket to; none but loopback is let through."""


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    seen = Connections()
    connect = socket.socket.connect

    def spy(self: socket.socket, address: tuple[str, int]) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            seen.append((address[0], address[1]))
            if not ip_address(address[0]).is_loopback:
                raise ConnectionRefusedError(111, "no network in tests")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", spy)
    return seen


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def was_connected_to(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def get(url: str, resolve: Resolve, *allowed: str, timeout: float = 5) -> FetchError:
    """The error that ``url`` ends in."""

    async def attempt() -> FetchError:
        networks = [AllowedNetwork.parse(text) for text in allowed]
        fetcher = Fetcher(
            user_agent="test", hosts=Hosts(0), allowed=networks, timeout=timeout, resolve=resolve, ssl_context=TLS
        )
        try:
            with pytest.raises(FetchError) as caught:
                await fetcher.get(url, accept="*/*")
        finally:
            await fetcher.aclose()
        return caught.value

    return asyncio.run(attempt())


def always(*addresses: str) -> Resolve:
    return lambda *_: addresses


def literals_as_the_system_reads_them(host: str, port: int) -> Sequence[str]:
    """Names lead to loopback, as an attacker's would; every spelling of an address leads where it really leads."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return ["127.0.0.1"]
    return [str(sockaddr[0]) for *_, sockaddr in found]


REFUSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.9", "169.254.169.254",
    "172.16.0.1", "192.0.0.1", "192.0.0.9", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:224.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str, connections: Connections) -> None:
    assert not is_public(ip_address(address))
    error = get("http://example.org/", always(address))
    assert isinstance(error, BlockedError)
    assert address in str(error)
    assert not connections


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "::ffff:1.1.1.1", "2a00:1450:4007::200e", "2606:4700::1111"])
def test_a_public_address_is_connected_to_on_web_ports_only(address: str) -> None:
    assert is_public(ip_address(address))
    assert [port for port in (22, 80, 443, 8080) if may_connect(ip_address(address), port, ())] == [80, 443]


@pytest.mark.shared
def test_no_known_forgery_opens_a_connection_to_an_inner_address(shared_data: Path, connections: Connections) -> None:
    lines = (shared_data / "suites" / "security" / "ssrf_urls.dev.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 93
    refused = 0
    for line in lines:
        url = json.loads(line)["url"]
        refused += isinstance(get(url, literals_as_the_system_reads_them), BlockedError)
    # One of them holds a public address once read as browsers do: "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/".
    assert connections == [("2.2.2.2", 80)]
    assert refused == 92


SPELLINGS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "0", "localhost", "LOCALHOST.",
    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "①②⑦.⓪.⓪.①", "127。0。0。1", "user:pw@127.0.0.1", "127.0.0.1%2e",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_loopback_reaches_a_listening_socket(spelling: str, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    error = get(f"http://{spelling}:{port}/", literals_as_the_system_reads_them, f"10.0.0.0/8:{port}")
    assert isinstance(error, BlockedError)
    assert not was_connected_to(listener)


def test_the_socket_hears_of_a_connection_that_is_allowed(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    error = get(f"http://inner.test:{port}/", always("127.0.0.1"), f"127.0.0.0/8:{port}", timeout=0.2)
    assert str(error) == "timed out after 0.2 s"
    assert was_connected_to(listener)


def test_one_inner_address_among_public_ones_is_enough_to_refuse(connections: Connections) -> None:
    assert isinstance(get("https://example.org/", always(PUBLIC, "127.0.0.1")), BlockedError)
    assert not connections


def test_the_address_that_was_checked_is_the_one_connected_to(connections: Connections) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    error = get("http://rebinding.test/", lambda *_: next(answers))
    assert str(error) == "connection refused"
    assert connections == [(PUBLIC, 80)]
    assert len(list(answers)) == 2


def test_each_address_of_a_name_is_tried_until_one_answers(connections: Connections) -> None:
    assert str(get("http://example.org/", always(PUBLIC, "1.1.1.1"))) == "connection refused"
    assert connections == [(PUBLIC, 80), ("1.1.1.1", 80)]


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_a_name_that_does_not_exist_is_said_so(code: int) -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(code, "whatever the system says")

    assert str(get("http://nowhere.test/", resolve)) == "name not found"


def test_a_slow_name_server_does_not_hold_up_other_names() -> None:
    release = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        if host == "slow.test":
            release.wait(10)
        return ["127.0.0.1"]

    async def both() -> None:
        fetcher = Fetcher(user_agent="test", hosts=Hosts(0), resolve=resolve, timeout=0.2, ssl_context=TLS)
        slow = asyncio.create_task(fetcher.get("http://slow.test/", accept="*/*"))
        with pytest.raises(BlockedError):
            await fetcher.get("http://quick.test/", accept="*/*")
        with pytest.raises(FetchError, match=r"timed out after 0\.2 s"):
            await slow
        release.set()
        await fetcher.aclose()

    asyncio.run(both())


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("127.0.0.0/8", ("127.9.9.9", 1), ("128.0.0.1", 1)),
        ("10.0.0.0/8:8080", ("10.1.1.1", 8080), ("10.1.1.1", 80)),
        ("10.1.2.3", ("10.1.2.3", 22), ("10.1.2.4", 22)),
        ("10.1.2.3:81", ("10.1.2.3", 81), ("10.1.2.3", 82)),
        ("[fd00::]/8:443", ("fd12::1", 443), ("fd12::1", 80)),
        ("[fd00::]/8", ("fd12::1", 80), ("fc12::1", 80)),
        ("fd00::/8", ("fd12::1", 8080), ("fe80::1", 8080)),
        ("::1", ("::1", 8080), ("::2", 8080)),
        ("[::1]:8080", ("::1", 8080), ("::1", 8081)),
        (" 127.0.0.0/8 ", ("::ffff:127.0.0.1", 1), ("::1", 1)),
    ],
)
def test_an_allowed_network_opens_itself_and_nothing_else(
    text: str, inside: tuple[str, int], outside: tuple[str, int]
) -> None:
    allowed = [AllowedNetwork.parse(text)]
    assert may_connect(ip_address(inside[0]), inside[1], allowed)
    assert not may_connect(ip_address(outside[0]), outside[1], allowed)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no network"),
        ("localhost", "does not appear"),
        ("10.0.0.1/8", "host bits"),
        ("10.0.0.0/33", "no network"),
        ("10.0.0.0/8:", "port"),
        ("10.0.0.0/8:0", "port"),
        ("10.0.0.0/8:65536", "port"),
        ("10.0.0.0/8:http", "port"),
        ("[fd00::]/8:x", "no network"),
        ("[10.0.0.0", "no network"),
    ],
)
def test_what_is_no_network_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        AllowedNetwork.parse(text)
    assert "\n" not in str(caught.value)
