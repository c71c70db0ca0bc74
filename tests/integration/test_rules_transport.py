"""Rules 17 to 21, as a whole crawl shows them: on the wire, in the ledger, in the archive."""

import asyncio
import gzip
import os
import resource
import socket
import sqlite3
import ssl
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpcore
import pytest
from crawling import Bench

from service import __version__
from service.app import now
from service.archiving import Archived
from service.errors import BlockedError, FetchError
from service.memory import PassingMemory
from service.net import fetch, slots, transport
from service.net import hosts as politeness
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.robots import Robots
from service.newsroom import Answer, Drip, Head, Kind, Newsroom, Slow
from storage.model import Poll

LOOPBACK = (AllowedNetwork.parse("127.0.0.0/8"),)
WORDS = "The ferry will call at the island twice a week again, the harbour office said on Monday. "
PAGE = f"<html lang=en><head><title>The ferry</title></head><body><article><p>{WORDS * 6}</p></article></body></html>"


@pytest.fixture
def room() -> Iterator[Newsroom]:
    with Newsroom(sites=1, stories=0) as room:
        yield room


def rss(*links: str) -> str:
    items = "".join(
        f"<item><guid isPermaLink='false'>{link}</guid><title>Item {number}</title><link>{link}</link></item>"
        for number, link in enumerate(links)
    )
    return f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>"


def watch(bench: Bench, **feeds: str) -> None:
    """Make these the catalogue: feeds by name."""
    tables = [f'[[feed]]\nname = "{name.replace("_", "-")}"\nurl = "{url}"\n' for name, url in feeds.items()]
    bench.feeds_file.write_text("\n".join(tables), encoding="utf-8")


def errors(bench: Bench) -> dict[str, str | None]:
    """What each feed's poll said went wrong."""
    return {event.feed: event.error for event in bench.events if isinstance(event, Poll)}


def ledger(bench: Bench) -> dict[str, tuple[str, str]]:
    """How each entry stands, and why, by its link."""
    with sqlite3.connect(bench.data / "veille.db") as database:
        rows = database.execute("SELECT url, outcome, reason FROM entries").fetchall()
    database.close()
    return {url: (outcome, reason or "") for url, outcome, reason in rows}


def paths(room: Newsroom) -> list[str]:
    return [request.path for request in room.requests]


def to(target: str, status: int = 302, **headers: str) -> Callable[[Head], Answer]:
    return lambda _head: Answer(status, (("Location", target), *headers.items()))


def listening(address: str) -> socket.socket:
    server = socket.create_server((address, 0))
    server.setblocking(False)
    return server


def address_of(server: socket.socket) -> str:
    host, port = server.getsockname()
    return f"{host}:{port}"


def was_connected_to(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def fetching(use: Callable[[Fetcher], Awaitable[None]], **options: Any) -> None:
    """Run ``use`` with a fetcher."""

    async def run() -> None:
        given = {"user_agent": "test", "hosts": Hosts(0), "allowed": LOOPBACK} | options
        fetcher = Fetcher(**given)
        try:
            await use(fetcher)
        finally:
            await fetcher.aclose()

    asyncio.run(run())


# -- 17: who asks ------------------------------------------------------------------------------------------------------


def test_rule_17_every_request_names_the_software_its_version_and_the_contact(tmp_path: Path) -> None:
    bench = Bench(tmp_path, contact="https://ops.example/veille")
    with Newsroom(sites=2, stories=1) as room:
        bench.crawl(room)
        assert {request.kind for request in room.requests} == {Kind.ROBOTS, Kind.FEED, Kind.PAGE}
        agents = {request.headers.get("user-agent") for request in room.requests}
    assert agents == {f"veille/{__version__} (+https://ops.example/veille)"}


def test_rule_17_no_cookie_is_given_back_and_no_page_named_as_referrer(tmp_path: Path, room: Newsroom) -> None:
    cookie = {"Set-Cookie": "reader=42; Path=/"}
    room.serve("/robots.txt", "User-agent: *\nDisallow:\n", "text/plain", cookie)
    final = room.serve("/story", PAGE, headers=cookie)
    link = room.serve("/go", to(final, **cookie))
    feed = room.serve("/final.xml", rss(link), "application/rss+xml", cookie)
    bench = Bench(tmp_path)
    watch(bench, f=room.serve("/feed.xml", to(feed, **cookie)))
    for _ in range(2):
        bench.crawl(force=True)
    assert [record["url"] for record in bench.records()] == [final]
    assert {"/robots.txt", "/feed.xml", "/final.xml", "/go", "/story"} == set(paths(room))
    sent = set().union(*(request.headers for request in room.requests))
    assert sent == {"host", "user-agent", "accept", "accept-encoding"}


def test_rule_17_proxies_and_passwords_in_the_environment_are_not_used(
    tmp_path: Path, room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.77.0.1\nlogin me\npassword secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with listening("127.78.0.1") as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://{address_of(proxy)}")
            monkeypatch.setenv(name.upper(), f"http://{address_of(proxy)}")
        bench = Bench(tmp_path)
        feed = room.serve("/feed.xml", rss(room.serve("/story", PAGE)), "application/rss+xml")
        watch(bench, plain=feed, tls="https://127.78.0.2:9/feed.xml")
        bench.crawl()
        assert not was_connected_to(proxy)
    assert len(bench.records()) == 1
    assert not any("authorization" in request.headers for request in room.requests)


# -- 18: redirects -----------------------------------------------------------------------------------------------------


def chain(room: Newsroom, name: str, hops: int, target: str) -> str:
    """A path that leads to ``target`` by so many redirects, of all kinds."""
    for hop in range(hops):
        target = room.serve(f"/{name}/{hop}", to(target, (301, 302, 303, 307, 308)[hop % 5]))
    return target


def test_rule_18_five_redirects_are_followed_and_a_sixth_is_not(tmp_path: Path, room: Newsroom) -> None:
    story = room.serve("/story", PAGE)
    links = [chain(room, "five", 5, story), chain(room, "six", 6, room.serve("/unseen", PAGE))]
    feed = room.serve("/feed.xml", rss(*links), "application/rss+xml")
    unseen = room.serve("/unseen.xml", rss(), "application/rss+xml")
    bench = Bench(tmp_path)
    watch(bench, five=chain(room, "feed5", 5, feed), six=chain(room, "feed6", 6, unseen))
    bench.crawl()
    assert errors(bench) == {"five": None, "six": "more than 5 redirects"}
    (record,) = bench.records()
    assert (record["requested_url"], record["url"]) == (links[0], story)
    assert "more than 5 redirects" in ledger(bench)[links[1]][1]
    asked = paths(room)
    assert not {"/unseen", "/unseen.xml"} & set(asked)
    assert sum(path.startswith("/six/") for path in asked) == sum(path.startswith("/feed6/") for path in asked) == 6


@pytest.mark.parametrize("target", ["ftp://127.77.0.1/feed.xml", "file:///etc/passwd", "data:text/xml,%3Crss/%3E"])
def test_rule_18_a_redirect_to_another_scheme_is_refused(tmp_path: Path, room: Newsroom, target: str) -> None:
    link = room.serve("/go", to(target))
    bench = Bench(tmp_path)
    watch(
        bench,
        bad=room.serve("/bad.xml", to(target)),
        good=room.serve("/good.xml", rss(link), "application/rss+xml"),
    )
    bench.crawl()
    assert errors(bench) == {"bad": f"neither http nor https: {target}", "good": None}
    outcome, reason = ledger(bench)[link]
    assert (outcome, reason) == ("skipped", f"neither http nor https: {target}")


def test_rule_18_each_hop_is_recorded_with_its_status(room: Newsroom) -> None:
    target = room.serve("/story", PAGE)
    url = chain(room, "hop", 5, target)

    async def use(fetcher: Fetcher) -> None:
        answer = await fetcher.get(url, accept="*/*")
        assert [hop.status for hop in answer.hops] == [308, 307, 303, 302, 301]
        assert [answer.requested_url, *(hop.location for hop in answer.hops)] == [
            *(hop.url for hop in answer.hops),
            answer.url,
        ]
        assert (answer.requested_url, answer.url) == (url, target)

    fetching(use)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, and its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1"
    try:
        subprocess.run(
            [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{path}.key", "-out", path],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    path.write_bytes(path.read_bytes() + Path(f"{path}.key").read_bytes())
    return path


def test_rule_18_no_redirect_leads_from_https_to_http(certificate: Path, room: Newsroom) -> None:
    plain = room.serve("/story", PAGE)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)

    async def down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 301 Moved\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % plain.encode())
        await writer.drain()
        writer.close()

    async def use(fetcher: Fetcher) -> None:
        server = await asyncio.start_server(down, "127.0.0.1", 0, ssl=serving)
        port = server.sockets[0].getsockname()[1]
        upward = room.serve("/up", to(f"https://127.0.0.1:{port}/"))
        for url in (f"https://127.0.0.1:{port}/", upward):  # what climbs to https on the way may not go back either
            with pytest.raises(BlockedError, match="redirect from https to http refused"):
                await fetcher.get(url, accept="*/*")
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)

    fetching(use, ssl_context=ssl.create_default_context(cafile=str(certificate)))
    assert paths(room) == ["/up"]


# -- 19: limits --------------------------------------------------------------------------------------------------------


class Watched(httpcore.AsyncNetworkStream):
    """A connection that notes how long each read may take."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, reads: set[float | None]) -> None:
        self._stream = stream
        self._reads = reads

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._reads.add(timeout)
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def test_rule_19_connecting_may_take_10_s_each_read_15_s_and_all_of_it_60_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connects, reads, totals = set[float | None](), set[float | None](), set[float]()
    connect, wait = transport.AddressGuard.connect_tcp, asyncio.timeout

    async def connect_tcp(self: Any, host: str, port: int, timeout: float | None = None, **more: Any) -> Watched:
        connects.add(timeout)
        return Watched(await connect(self, host, port, timeout, **more), reads)

    class Clock:  # what fetch.py takes from asyncio, its time-outs noted
        TimeoutError = asyncio.TimeoutError

        @staticmethod
        def timeout(seconds: float) -> asyncio.Timeout:
            totals.add(seconds)
            return wait(seconds)

    monkeypatch.setattr(transport.AddressGuard, "connect_tcp", connect_tcp)
    monkeypatch.setattr("service.net.fetch.asyncio", Clock)
    bench = Bench(tmp_path, timeout=None)
    with Newsroom(sites=1, stories=1) as room:
        bench.crawl(room)
    assert len(bench.records()) == 1
    assert (connects, reads, totals) == ({10.0}, {15.0}, {60.0})


def test_rule_19_a_drip_of_single_bytes_ends_with_the_time_for_all_of_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, timeout="1s")
    with Newsroom(sites=4, stories=1) as room:
        feed, page, robots, good = room.sites
        (story,) = room.stories(page)
        drip = Drip(delay=0.05)
        room.fault(feed.feed_url, drip)
        room.fault(story.url, drip)
        room.robots("User-agent: *\nDisallow:\n" + "# and so on\n" * 20, robots)
        room.fault(robots.base_url + "/robots.txt", drip)
        watch(bench, feed=feed.feed_url, page=page.feed_url, robots=robots.feed_url, good=good.feed_url)
        bench.crawl()
    assert errors(bench) == {
        "feed": "timed out after 1 s",
        "page": None,
        "robots": "robots.txt cannot be had: timed out after 1 s",
        "good": None,
    }
    assert ledger(bench)[story.url] == ("pending", "timed out after 1 s")
    assert [record["feed"] for record in bench.records()] == ["good"]


def test_rule_19_time_counts_over_all_hops_together(tmp_path: Path, room: Newsroom) -> None:
    link = chain(room, "hop", 3, room.serve("/story", PAGE))
    for hop in range(3):
        room.fault(f"/hop/{hop}", Slow(0.5))
    bench = Bench(tmp_path, timeout="1s")
    watch(bench, f=room.serve("/feed.xml", rss(link), "application/rss+xml"))
    bench.crawl()
    assert ledger(bench)[link] == ("pending", "timed out after 1 s")


def test_rule_19_a_handshake_given_up_leaves_no_connection_open() -> None:
    async def use(fetcher: Fetcher) -> None:
        hung_up = asyncio.Event()

        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(-1)
            writer.close()
            hung_up.set()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        with pytest.raises(FetchError, match=r"timed out after 0\.2 s"):
            await fetcher.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", accept="*/*")
        async with asyncio.timeout(10):
            await hung_up.wait()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)

    fetching(use, timeout=0.2)


def padded(text: str, size: int) -> bytes:
    return text.encode().ljust(size, b" ")


def test_rule_19_ten_megabytes_are_taken_off_the_wire_and_twenty_inflated_and_not_one_byte_more(
    tmp_path: Path, room: Newsroom
) -> None:
    def serve(name: str, body: bytes, **headers: str) -> str:
        return room.serve(f"/{name}", body, "application/rss+xml", {"Content-Encoding": "identity"} | headers)

    zipped = {"Content-Encoding": "gzip"}
    bench = Bench(tmp_path, timeout="60s")
    watch(
        bench,
        wire_fits=serve("a", padded(rss(), 10_000_000)),
        wire_over=serve("b", padded(rss(), 10_000_001)),
        inflated_fits=serve("c", gzip.compress(padded(rss(), 20_000_000), 1), **zipped),
        inflated_over=serve("d", gzip.compress(padded(rss(), 20_000_001), 1), **zipped),
        zipped_over=serve("e", gzip.compress(os.urandom(10_000_000), 1), **zipped),
    )
    bench.crawl()
    assert errors(bench) == {
        "wire-fits": None,
        "wire-over": "larger than 10MB on the wire",
        "inflated-fits": None,
        "inflated-over": "larger than 20MB inflated",
        "zipped-over": "larger than 10MB on the wire",
    }


def test_rule_19_only_gzip_is_asked_for_and_any_other_encoding_is_an_error(tmp_path: Path, room: Newsroom) -> None:
    codings = ["br", "zstd", "deflate", "compress", "gzip, br"]
    links = [room.serve(f"/page/{n}", PAGE, headers={"Content-Encoding": c}) for n, c in enumerate(codings)]
    zipped = room.serve("/zipped", gzip.compress(PAGE.encode()), headers={"Content-Encoding": "gzip"})
    bench = Bench(tmp_path)
    feeds = {
        f"feed-{n}": room.serve(f"/feed/{n}", rss(), "application/rss+xml", {"Content-Encoding": coding})
        for n, coding in enumerate(codings)
    }
    watch(bench, good=room.serve("/feed.xml", rss(*links, zipped), "application/rss+xml"), **feeds)
    bench.crawl()
    said = {f"feed-{n}": f"answer in an encoding not asked for: {coding}" for n, coding in enumerate(codings)}
    assert errors(bench) == {"good": None, **said}
    standing = ledger(bench)
    assert [standing[link][1] for link in links] == list(said.values())
    assert [record["url"] for record in bench.records()] == [zipped]
    assert {request.headers.get("accept-encoding") for request in room.requests} == {"gzip"}


# -- 20: where it connects to ------------------------------------------------------------------------------------------


def test_rule_20_an_entry_that_links_to_a_refused_address_costs_that_entry_only(tmp_path: Path, room: Newsroom) -> None:
    bench = Bench(tmp_path, allowed_networks=("127.77.0.0/16",))
    with listening("127.78.0.1") as inner:
        inside = f"http://{address_of(inner)}/admin"
        links = [
            inside,
            room.serve("/straight", to(inside)),
            room.serve("/detour", to(room.serve("/further", to(inside)))),
            f"http://127.78.1:{inner.getsockname()[1]}/in-short",
            "http://169.254.169.254/latest/meta-data/",
            f"http://[::ffff:127.78.0.1]:{inner.getsockname()[1]}/admin",
        ]
        good = room.serve("/story", PAGE)
        watch(bench, f=room.serve("/feed.xml", rss(*links, good), "application/rss+xml"))
        crawled = bench.crawl()
        assert not was_connected_to(inner)
    standing = ledger(bench)
    assert standing[good] == ("archived", "")
    assert {outcome for url, (outcome, _) in standing.items() if url != good} == {"skipped"}
    assert [url for url, (_, reason) in standing.items() if "address refused" not in reason] == [good]
    assert len(standing) == len(links) + 1
    assert not crawled.failing


def test_rule_20_every_hop_of_a_feed_and_of_robots_txt_is_checked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, allowed_networks=("127.77.0.0/16",))
    with Newsroom(sites=3, stories=1) as room, listening("127.78.0.1") as inner:
        inside = f"http://{address_of(inner)}/"
        feed, robots, good = room.sites
        room.serve("/moved", to(inside), site=feed)
        room.serve(feed.feed_paths[0], to("/moved"), site=feed)
        room.serve("/robots.txt", to(inside), site=robots)
        watch(bench, feed=feed.feed_url, robots=robots.feed_url, good=good.feed_url)
        bench.crawl()
        assert not was_connected_to(inner)
    said = errors(bench)
    assert said.pop("good") is None
    assert {name for name, text in said.items() if "address refused: 127.78.0.1" in (text or "")} == {"feed", "robots"}
    assert not any("obey_robots" in (text or "") for text in said.values()), "that opens no address"
    assert [record["feed"] for record in bench.records()] == ["good"]


def test_rule_20_allowed_networks_opens_the_named_network_and_port_and_nothing_beside(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=0) as room:
        one, other = room.sites
        port = one.base_url.rpartition(":")[2]
        bench = Bench(tmp_path, allowed_networks=(f"127.77.0.1:{port}",))
        with listening("127.77.0.1") as beside:
            story = room.serve("/story", PAGE, site=one)
            links = [story, room.serve("/story", PAGE, site=other), f"http://{address_of(beside)}/story"]
            watch(bench, f=room.serve("/feed.xml", rss(*links), "application/rss+xml", site=one))
            bench.crawl()
            assert not was_connected_to(beside)
        assert {request.site for request in room.requests} == {one.name}
    assert [record["url"] for record in bench.records()] == [story]


def test_rule_20_nothing_but_web_ports_of_public_addresses_is_connected_to_by_default(
    tmp_path: Path, room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[str, int]] = []
    connect = socket.socket.connect

    def spy(self: socket.socket, address: tuple[str, int]) -> None:
        if self.family == socket.AF_INET and not address[0].startswith("127.77."):
            tried.append(address)
            raise ConnectionRefusedError(111, "nobody is asked from here")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", spy)
    bench = Bench(tmp_path, allowed_networks=("127.77.0.0/16",))
    links = [f"http://93.184.215.14{port}/" for port in (":8080", ":22", "", ":443")]
    watch(bench, f=room.serve("/feed.xml", rss(*(link + "a" for link in links)), "application/rss+xml"))
    bench.crawl()
    assert set(tried) == {("93.184.215.14", 80), ("93.184.215.14", 443)}


# -- 21: politeness ----------------------------------------------------------------------------------------------------


def pauses(room: Newsroom, site: str) -> list[float]:
    """Seconds between the moments at which a site's requests, one after another, were read."""
    times = sorted(request.time for request in room.requests if request.site == site)
    return [(later - earlier).total_seconds() for earlier, later in pairwise(times)]


def test_rule_21_a_host_has_one_request_at_a_time_and_its_pause_counts_from_the_end_of_the_answer(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, host_delay="200ms")
    with Newsroom(sites=1, stories=2) as room:
        (site,) = room.sites
        room.robots("User-agent: *\nDisallow:\n")
        room.fault(site, Slow(0.3))
        bench.crawl(room)
        kinds = [request.kind for request in room.requests]
        assert kinds == [Kind.ROBOTS, Kind.FEED, Kind.FEED, Kind.PAGE, Kind.PAGE]
        assert min(pauses(room, site.name)) >= 0.499, "0.3 s to answer, then 0.2 s of pause"


def test_rule_21_whoever_asks_at_once_waits_in_line_and_redirects_do_too(room: Newsroom) -> None:
    urls = [room.serve(f"/go/{n}", to(room.serve(f"/story/{n}", PAGE))) for n in range(3)]
    room.fault(room.sites[0], Slow(0.1))

    async def use(fetcher: Fetcher) -> None:
        robots = Robots(fetcher, PassingMemory({}, now), "veille", now)
        await asyncio.gather(*(fetcher.get(url, accept="*/*", permit=robots.permit) for url in urls))

    fetching(use, hosts=Hosts(0.1))
    assert sorted(paths(room)) == sorted(["/robots.txt", *(f"/{d}/{n}" for d in ("go", "story") for n in range(3))])
    assert min(pauses(room, room.sites[0].name)) >= 0.199


@pytest.mark.parametrize(("host_delay", "crawl_delay"), [("0s", "0.5"), ("500ms", "0.1")])
def test_rule_21_the_longer_of_our_pause_and_the_hosts_is_kept(
    tmp_path: Path, host_delay: str, crawl_delay: str
) -> None:
    bench = Bench(tmp_path, host_delay=host_delay)
    with Newsroom(sites=1, stories=1) as room:
        room.robots(f"User-agent: *\nCrawl-delay: {crawl_delay}\n")
        watch(bench, f=room.sites[0].feed_url)
        bench.crawl()
        assert [request.kind for request in room.requests] == [Kind.ROBOTS, Kind.FEED, Kind.PAGE]
        assert min(pauses(room, room.sites[0].name)) >= 0.499


def test_rule_21_a_crawl_delay_of_a_day_counts_as_a_minute(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    assert politeness.MAX_CRAWL_DELAY == 60
    monkeypatch.setattr(politeness, "MAX_CRAWL_DELAY", 0.3)
    room.robots("User-agent: *\nCrawl-delay: 86400\n")
    urls = [room.serve(f"/story/{n}", PAGE) for n in range(2)]

    async def use(fetcher: Fetcher) -> None:
        robots = Robots(fetcher, PassingMemory({}, now), "veille", now)
        async with asyncio.timeout(20):
            await asyncio.gather(*(fetcher.get(url, accept="*/*", permit=robots.permit) for url in urls))

    fetching(use)
    assert len(pauses(room, room.sites[0].name)) == 2
    assert min(pauses(room, room.sites[0].name)) >= 0.299


LIVE, MUTE, REFUSING = 860, 100, 40


@pytest.fixture
def many_files() -> Iterator[None]:
    """Lets this process open as many files as it ever may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.usefixtures("many_files")
def test_rule_21_a_thousand_hosts_cost_no_thread_each_and_the_slow_ones_delay_nobody(
    record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred hosts that never answer, first in line, are more than there are slots for requests under way."""
    monkeypatch.setitem(fetch._TIMEOUTS, "read", 60.0)  # however slow this machine is
    threads = set[int]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        threads.add(sum(1 for _ in Path("/proc/self/task").iterdir()))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def use(fetcher: Fetcher) -> None:
        addresses = [f"127.80.{number // 250}.{number % 250 + 1}" for number in range(LIVE + MUTE + REFUSING)]
        with ExitStack() as sockets:
            bound = [sockets.enter_context(socket.socket()) for _ in addresses]
            for one, address in zip(bound, addresses, strict=True):
                one.bind((address, 0))
            mute, refusing, live = bound[:MUTE], bound[MUTE : MUTE + REFUSING], bound[MUTE + REFUSING :]
            for one in mute:
                one.listen()  # the system takes the connection, nobody the request
            servers = [await asyncio.start_server(answer, sock=one) for one in live]

            def ask(those: list[socket.socket]) -> list[asyncio.Task[Any]]:
                get = fetcher.get
                return [asyncio.create_task(get(f"http://{address_of(one)}/", accept="*/*")) for one in those]

            before, started = threading.active_count(), asyncio.get_running_loop().time()
            waiting, refused, answered = ask(mute), ask(refusing), ask(live)
            ended = await asyncio.gather(*answered, *refused, return_exceptions=True)
            seconds = asyncio.get_running_loop().time() - started
            assert [answer.body for answer in ended[:LIVE]] == [b"ok"] * LIVE
            assert {str(error) for error in ended[LIVE:]} == {"connection refused"}
            assert not any(task.done() for task in waiting), "none of the mute has timed out yet"
            record_property(
                "measured", f"{LIVE} hosts answered, {REFUSING} refused, beside {MUTE} mute: {seconds:.1f} s"
            )
            assert threading.active_count() - before <= 16, "those that look up names"
            assert max(threads) - before <= 20
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            for server in servers:
                server.close()
                await server.wait_closed()
            await asyncio.sleep(0.05)

    fetching(use, hosts=Hosts(1.0))


@pytest.mark.slow
def test_rule_21_hosts_that_are_slow_or_dead_delay_no_other_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "SLOW", 0.2)
    bench = Bench(tmp_path, timeout="7s", concurrency=2)
    with Newsroom(sites=14, stories=1) as room:
        slow, dead, good = room.sites[:3], room.sites[3:6], room.sites[6:]
        for site in slow:
            room.fault(site, Slow(60))
        feeds = {f"slow-{n}": site.feed_url for n, site in enumerate(slow)}
        feeds |= {f"dead-{n}": f"http://127.78.0.{n + 1}:9/feed.xml" for n, _ in enumerate(dead)}
        feeds |= {f"good-{n}": site.feed_url for n, site in enumerate(good)}
        watch(bench, **feeds)
        bench.crawl()
    order = [event.feed for event in bench.events if isinstance(event, Poll)]
    assert sorted(order) == sorted(feeds)
    assert {name.partition("-")[0] for name in order[-len(slow) :]} == {"slow"}
    assert {record["feed"] for record in bench.records()} == {name for name in feeds if name.startswith("good")}


@pytest.mark.slow
def test_rule_21_a_feed_that_does_not_answer_delays_no_article_of_others(tmp_path: Path) -> None:
    bench = Bench(tmp_path, timeout="6s")
    with Newsroom(sites=2, stories=1) as room:
        slow, good = room.sites
        room.fault(slow, Slow(60))
        watch(bench, slow=slow.feed_url, good=good.feed_url)
        bench.crawl()
    assert [type(event) for event in bench.events] == [Poll, Archived, Poll]
