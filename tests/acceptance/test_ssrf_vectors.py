"""No trick of an address, a name or a redirect opens a connection to where none may go (rule 20).

Two witnesses, neither of them part of the service: listening sockets where the tricks lead, and the interpreter's own
audit event for every connection it attempts. Nothing leaves this machine: an attempt beyond loopback is heard, then
refused.
"""

import asyncio
import json
import re
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest

from service.errors import BlockedError, FetchError
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.names import Resolve
from service.newsroom import Newsroom
from service.newsroom.wire import Answer

PUBLIC = "93.184.215.14"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody; quicker to make than one that knows the authorities."""
TRAPS = ("127.0.0.1", "127.0.0.2", "127.1.1.1", "127.2.2.2", "127.88.23.245", "127.255.0.9", "::1")
"""Every loopback address that a vector or a form leads to, but for the unspecified ones, which end at these."""
REDIRECTS = (301, 302, 307, 308)

# -- the forms ---------------------------------------------------------------------------------------------------------

IPV4 = [
    "0", "0.0.0.0", "0.1.2.3", "0x7f.1", "0X7F.0.0.1", "0x7f000001", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "00000177.1",
    "017700000001", "2130706433", "127.0.0.1", "127.1", "127.0.1", "127.0.0.2", "127.255.0.9", "10.0.0.1",
    "100.64.0.1", "169.254.169.254", "2852039166", "0xa9fea9fe", "172.16.0.1", "192.0.0.1", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "4294967295",
]  # fmt: skip
IPV6 = [
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::0.0.0.1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::FFFF:a9fe:a9fe]", "[::ffff:192.0.0.192]",
    "[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[64:ff9b:1:ffff::a9fe:a9fe]",
    "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:c0a8:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[2001::1]", "[2001:3::1]", "[2001:20::1]", "[2001:db8::1]", "[3fff::1]",
    "[fe80::1]", "[febf::1]", "[fec0::1]", "[fc00::1]", "[fd00::1]", "[fd00:ec2::254]", "[ff02::1]", "[100::1]",
]  # fmt: skip
NAMES = [
    "localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "inner.localhost", "ip6-localhost", "ip6-loopback",
    "127.0.0.1.", "127.1.", "2130706433.", "0x7f.1.", "127.0.0.1%2e", "%31%32%37.0.0.1", "%6cocalhost",
    "１２７。０。０。１", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "①②⑦.⓪.⓪.①", "０ｘ７ｆ.1",
    "２１３０７０６４３３", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "ｌｏｃａｌｈｏｓｔ", "127.0.0.1.names.test", "metadata",
]  # fmt: skip
CREDENTIALS = [
    "me:secret@127.0.0.1", f"{PUBLIC}@127.0.0.1", f"{PUBLIC}:80@127.0.0.1", f"{PUBLIC}:80:@@127.2.2.2",
    f"{PUBLIC}%23@127.0.0.1", f"{PUBLIC}%2f@127.0.0.1", f"{PUBLIC} &@127.0.0.1", f"@{PUBLIC}@127.0.0.1",
    f"127.0.0.1\\@{PUBLIC}", f"127.0.0.1/@{PUBLIC}", f"127.0.0.1?@{PUBLIC}", f"127.0.0.1#@{PUBLIC}",
    "localhost:80@[::1]",
]  # fmt: skip
SPELLINGS = [
    "https://127.0.0.1/", "HTTP://127.0.0.1/", "http:127.0.0.1/", "http:/127.0.0.1/", "http:///127.0.0.1/",
    "http:\\\\127.0.0.1\\", " http://127.0.0.1/ ", "ht\ntp://127.0.\t0.1/", "http://127.0.0.1:/", "http://127.0.0.1:00080/",
    "http://127.0.0.1:443/", "https://[::1]:80/", "http://127.0.0.1:22/", "http://[::1]:8080/", "http://[fe80::1%25lo]/",
]  # fmt: skip
FORMS = [*(f"http://{host}/" for host in (*IPV4, *IPV6, *NAMES, *CREDENTIALS)), *SPELLINGS]
"""Each leads, or would like to, where no connection may go."""

PUBLIC_AFTER_ALL = [
    f"http://127.0.0.1@{PUBLIC}/", f"http://localhost:80@{PUBLIC}/", f"http://{PUBLIC}?@127.0.0.1/",
    f"http://{PUBLIC}#@127.0.0.1/", f"http://{PUBLIC}/@127.0.0.1/", f"http://{PUBLIC}\\@127.0.0.1/",
    f"http://[::ffff:{PUBLIC}]/",
]  # fmt: skip
"""What browsers read as the public address in them."""
PUBLIC_VECTOR = "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/"
"""The one among the vectors whose host is public once read as browsers do: 2.2.2.2."""
RELATIVE = ("http:127.0.0.1/", "http:/127.0.0.1/")
"""On a page of the same scheme these are links to that page's own server."""


@pytest.fixture(scope="session")
def vectors(shared_data: Path) -> list[str]:
    lines = (shared_data / "suites" / "security" / "ssrf_urls.dev.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 93
    return [json.loads(line)["url"] for line in lines]


# -- the witnesses -----------------------------------------------------------------------------------------------------


class Witness:
    """Listens on ``TRAPS`` and hears every attempt to connect; within one event loop.

    The traps stand behind every port of loopback but those of the test's own server: ports 80 and 443 themselves may
    be taken, or not ours to open. An address is never changed.
    """

    now: "Witness | None" = None
    """The one that listens: an audit hook cannot be taken off again."""

    def __init__(self, server: tuple[str, int] | None) -> None:
        self.server = server
        self.attempts: list[tuple[str, int]] = []
        """Addresses and ports this process tried to connect to, as the interpreter says it."""
        self.accepted = 0
        """Connections that came in at the traps."""
        self.port = 0
        self._traps: list[socket.socket] = []

    async def __aenter__(self) -> "Witness":
        for attempt in range(1, 6):
            try:
                self._listen()
                break
            except OSError:  # on one of the addresses the port is taken
                self._close()
                if attempt == 5:
                    raise
        Witness.now = self
        return self

    def _listen(self) -> None:
        self.port = 0
        for address in TRAPS:
            trap = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            self._traps.append(trap)
            trap.bind((address, self.port))
            trap.listen(64)
            trap.setblocking(False)
            asyncio.get_running_loop().add_reader(trap, self._accept, trap)
            self.port = trap.getsockname()[1]

    def _close(self) -> None:
        for trap in self._traps:
            asyncio.get_running_loop().remove_reader(trap)
            trap.close()
        self._traps.clear()

    async def __aexit__(self, *_: object) -> None:
        Witness.now = None
        for trap in self._traps:
            self._accept(trap)  # what has come in since
        self._close()

    def _accept(self, trap: socket.socket) -> None:
        while True:
            try:
                connection, _ = trap.accept()
            except BlockingIOError:
                return
            connection.close()
            self.accepted += 1

    def hear(self, address: str, port: int) -> None:
        self.attempts.append((address, port))
        if not is_here(address):
            raise ConnectionRefusedError(111, "nothing leaves this machine")

    def divert(self, address: tuple[Any, ...]) -> tuple[Any, ...]:
        if not is_here(address[0]) or address[:2] == self.server:
            return address
        return (address[0], self.port, *address[2:])


def is_here(address: str) -> bool:
    plain = plain_address(address)
    return plain.is_loopback or plain.is_unspecified


def plain_address(address: str) -> IPv4Address | IPv6Address:
    """Where a connection to the address ends: an IPv4 address where it is one in IPv6 clothes."""
    plain = ip_address(address)
    return (plain.ipv4_mapped or plain) if isinstance(plain, IPv6Address) else plain


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and Witness.now is not None and arguments[0].family != socket.AF_UNIX:
        Witness.now.hear(*arguments[1][:2])


@pytest.fixture(scope="module", autouse=True)
def hearing() -> Iterator[None]:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on loopback: half of the forms would lead nowhere")
    sys.addaudithook(_audit)
    connect = socket.socket.connect

    def diverted(self: socket.socket, address: Any) -> None:
        connect(self, Witness.now.divert(address) if Witness.now and self.family != socket.AF_UNIX else address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", diverted)
        yield


# -- asking ------------------------------------------------------------------------------------------------------------


def as_the_system_reads_them(host: str, port: int) -> Sequence[str]:
    """Every spelling of an address leads where it really leads, and every name to loopback, as an attacker's would."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return ["127.0.0.1"]
    return [str(sockaddr[0]) for *_, sockaddr in found]


Get = Callable[[str], Awaitable[str]]
"""Gets a URL; says the status, ``BLOCKED``, or what else came in the way."""
BLOCKED = "blocked"


def watched(
    story: Callable[[Witness, Get], Awaitable[None]],
    *allowed: str,
    resolve: Resolve = as_the_system_reads_them,
    server: tuple[str, int] | None = None,
) -> Witness:
    """Tell a story with a witness and a function that gets a URL; ``server`` is the one that is allowed."""
    networks = [*allowed, "{}:{}".format(*server)] if server else allowed

    async def tell() -> Witness:
        fetcher = Fetcher(
            user_agent="test",
            hosts=Hosts(0),
            allowed=[AllowedNetwork.parse(text) for text in networks],
            timeout=5,
            resolve=resolve,
            ssl_context=TLS,
        )

        async def get(url: str) -> str:
            try:
                return str((await fetcher.get(url, accept="*/*")).status)
            except BlockedError:
                return BLOCKED
            except FetchError as error:
                return str(error)

        async with Witness(server) as witness:
            try:
                await story(witness, get)
            finally:
                await fetcher.aclose()
        return witness

    return asyncio.run(tell())


def redirecting(room: Newsroom, path: str, status: int, location: str) -> str:
    """Let the room's server redirect from ``path``; returns its URL."""
    raw = location.encode().decode("latin-1")
    return room.serve(path, lambda _: Answer(status, (("Location", raw),)))


@pytest.fixture
def room() -> Iterator[Newsroom]:
    with Newsroom(sites=1, stories=0) as room:
        yield room


def address_of(room: Newsroom) -> tuple[str, int]:
    address, _, port = room.sites[0].base_url.removeprefix("http://").partition(":")
    return address, int(port)


# -- the control: with every network allowed, both witnesses hear ------------------------------------------------------


@pytest.mark.shared
def test_every_form_is_heard_where_nothing_is_refused(vectors: list[str]) -> None:
    tried: list[str] = []

    async def story(witness: Witness, get: Get) -> None:
        tried.extend([url for url in (*vectors, *FORMS) if await get(url) != BLOCKED])

    witness = watched(story, "0.0.0.0/0", "::/0")
    # What is missing is no URL, or not one of the web.
    assert len(set(FORMS) - set(tried)) == 1
    assert len(set(vectors) - set(tried)) == 19
    assert len(witness.attempts) == len(tried), "an end that the interpreter did not hear of"
    assert witness.accepted == sum(is_here(address) for address, _ in witness.attempts) > 100


def test_an_allowed_server_is_reached_and_its_neighbours_are_not(room: Newsroom) -> None:
    address, port = address_of(room)

    def resolve(host: str, port: int) -> Sequence[str]:
        return [address] if host == "names.test" else as_the_system_reads_them(host, port)

    async def story(witness: Witness, get: Get) -> None:
        assert await get(f"http://{address}:{port}/nothing") == "404"
        assert await get(f"http://names.test:{port}/nothing") == "404"
        for host in ("127.0.0.1", "127.0.0.2", "[::1]", "0.0.0.0", "[::ffff:127.0.0.2]"):
            assert await get(f"http://{host}:{port}/") == BLOCKED, host
        for other in (80, 443, port - 1, port + 1):
            assert await get(f"http://{address}:{other}/") == BLOCKED, other

    witness = watched(story, server=(address, port), resolve=resolve)
    assert witness.attempts == [(address, port)] * 2
    assert witness.accepted == 0


# -- asked for ---------------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_rule_20_no_known_forgery_and_no_spelling_opens_a_connection(vectors: list[str]) -> None:
    ends: dict[str, str] = {}

    async def story(witness: Witness, get: Get) -> None:
        for url in (*vectors, *FORMS):
            ends[url] = await get(url)

    witness = watched(story)
    assert witness.accepted == 0
    assert witness.attempts == [("2.2.2.2", 80)]
    assert {url for url, end in ends.items() if end != BLOCKED} == {PUBLIC_VECTOR}


def test_rule_20_where_a_url_names_two_hosts_the_one_that_browsers_read_is_the_one_checked() -> None:
    async def story(witness: Witness, get: Get) -> None:
        for url in PUBLIC_AFTER_ALL:
            assert await get(url) == "connection refused", url

    witness = watched(story)
    assert {(str(plain_address(address)), port) for address, port in witness.attempts} == {(PUBLIC, 80)}
    assert len(witness.attempts) == len(PUBLIC_AFTER_ALL)


# -- redirected to -----------------------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize("status", REDIRECTS)
def test_rule_20_no_redirect_leads_where_a_request_may_not_go(room: Newsroom, vectors: list[str], status: int) -> None:
    links = [url for url in (*vectors, *FORMS) if "\n" not in url]
    followed: dict[str, str] = {}

    async def story(witness: Witness, get: Get) -> None:
        for number, url in enumerate(links):
            end = await get(redirecting(room, f"/{number}", status, url))
            if end != BLOCKED and not end.startswith("redirects nowhere"):
                followed[url] = end

    witness = watched(story, server=address_of(room))
    assert witness.accepted == 0
    assert witness.attempts == [witness.server, ("2.2.2.2", 80)], "one kept connection to the server, and the other"
    assert followed == {PUBLIC_VECTOR: "connection refused"} | dict.fromkeys(RELATIVE, "404")
    assert [request.status for request in room.requests].count(status) == len(links)


def test_rule_20_a_redirect_to_a_name_is_resolved_and_checked_anew(room: Newsroom) -> None:
    address, port = address_of(room)

    def resolve(host: str, port: int) -> Sequence[str]:
        return {"inner.test": ["10.0.0.1"], "mixed.test": [PUBLIC, "::1"]}.get(host, [address])

    redirecting(room, "/inner", 302, "http://inner.test/")
    redirecting(room, "/mixed", 307, "//mixed.test:80/")
    redirecting(room, "/same", 301, f"http://inner.test:{port}/")
    redirecting(room, "/twice", 308, f"http://names.test:{port}/same")
    redirecting(room, "/port", 302, "http://names.test/")  # allowed on one port, and on no other

    async def story(witness: Witness, get: Get) -> None:
        for path in ("inner", "mixed", "same", "twice", "port"):
            assert await get(f"http://names.test:{port}/{path}") == BLOCKED, path

    witness = watched(story, server=(address, port), resolve=resolve)
    assert witness.attempts == [(address, port)]
    assert witness.accepted == 0
    assert len(room.requests) == 6


# -- names -------------------------------------------------------------------------------------------------------------


def test_rule_20_a_name_that_turns_inward_after_the_check_is_not_followed() -> None:
    answers: Iterator[Sequence[str]] = iter([[PUBLIC], ["127.0.0.1"], [PUBLIC], ["::1"], [PUBLIC], ["127.0.0.2"]])

    async def story(witness: Witness, get: Get) -> None:
        for end in ("connection refused", BLOCKED) * 3:
            assert await get("http://rebinding.test/") == end

    witness = watched(story, resolve=lambda *_: next(answers))
    assert witness.attempts == [(PUBLIC, 80)] * 3, "resolved once a request, and connected to what was checked"
    assert witness.accepted == 0


def test_rule_20_one_inner_address_is_enough_wherever_it_stands_among_public_ones() -> None:
    inner = [host.strip("[]") for host in IPV6] + [
        host for host in IPV4 if re.fullmatch(r"(0|[1-9]\d*)(\.\d+){3}", host)
    ]
    answers: Sequence[str] = ()

    async def story(witness: Witness, get: Get) -> None:
        nonlocal answers
        public = [PUBLIC, "2606:4700::1111", "1.1.1.1", "8.8.8.8", "9.9.9.9"]
        for address in inner:
            for place in range(len(public) + 1):  # further down than any that would be tried, too
                answers = [*public[:place], address, *public[place:]]
                assert await get("http://mixed.test/") == BLOCKED, answers

    witness = watched(story, resolve=lambda *_: answers)
    assert len(inner) > 45
    assert witness.attempts == []
    assert witness.accepted == 0
