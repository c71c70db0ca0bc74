import asyncio
import gzip
import os
import socket
import ssl
import subprocess
import threading
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.errors import BlockedError, FetchError, GoneError, TooLargeError, Weight
from service.net import fetch, transport, urls
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher, Response, check
from service.net.hosts import Hosts
from storage.model import Validators

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
LOOPBACK = (AllowedNetwork.parse("127.0.0.0/8"), AllowedNetwork.parse("::1"))


def fetcher(**options: Any) -> Fetcher:
    options = {"user_agent": "veille/0 (+test)", "hosts": Hosts(0), "allowed": LOOPBACK, "ssl_context": TLS} | options
    return Fetcher(**options)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(story())


def get(loopback: Any, answer: Any, *, cut: int | None = None, **options: Any) -> Response:
    """Fetch ``answer`` from a server of its own."""

    async def once() -> Response:
        async with loopback({"/": answer}) as server:
            client = fetcher(**options)
            try:
                return await client.get(server.url("/"), accept="*/*", cut=cut)
            finally:
                await client.aclose()

    return asyncio.run(once())


# -- what is sent, what comes back -------------------------------------------------------------------------------------


def test_a_request_says_who_we_are_and_nothing_more(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({"/a?b=c": loopback.answer(200, b"x", set_cookie="id=1; Path=/")}) as server:
            client = fetcher()
            for _ in range(2):
                await client.get(server.url("/a?b=c#part"), accept="text/html")
            await client.aclose()
            for seen in server.seen:
                assert seen.path == "/a?b=c"
                assert seen.headers == {
                    "host": f"127.0.0.1:{server.port}".encode(),
                    "user-agent": b"veille/0 (+test)",
                    "accept": b"text/html",
                    "accept-encoding": b"gzip",
                }

    run(story)


@pytest.mark.parametrize("host", ["i❤.test", "☃.test", "xn--inner-.test", "٣.test", "a_b.test", "-a.test"])
def test_a_host_is_asked_under_any_name_that_browsers_take(loopback: Any, host: str) -> None:
    async def story() -> None:
        async with loopback({"/": loopback.answer(200, b"x")}) as server:
            client = fetcher(resolve=lambda *_: ["127.0.0.1"])
            assert (await client.get(f"http://{host}:{server.port}/", accept="*/*")).body == b"x"
            assert server.seen[0].headers["host"] == urls.host(f"http://{host}:{server.port}/").encode()
            await client.aclose()

    run(story)


def test_proxies_in_the_environment_are_not_used(loopback: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get(loopback, loopback.answer(200, b"direct")).body == b"direct"


def test_an_answer_holds_what_came(loopback: Any) -> None:
    body = "Où ?".encode("latin-1")
    answer = get(
        loopback,
        loopback.answer(
            200, body, Content_Type='Text/HTML; Charset="ISO-8859-1"', ETag=b'W/"\xe9-gzip"', Last_Modified="a date"
        ),
    )
    assert (answer.status, answer.body, answer.wire_bytes, answer.hops) == (200, body, 4, ())
    assert (answer.content_type, answer.charset) == ("text/html", "iso-8859-1")
    assert answer.validators == Validators(etag=b'W/"\xe9-gzip"', last_modified=b"a date")
    assert answer.header("etag") == 'W/"é-gzip"'
    assert answer.raw_header("ETag") == b'W/"\xe9-gzip"'
    assert answer.header("x-none") is answer.raw_header("x-none") is None
    assert not answer.permanently_moved
    assert not answer.conditional
    assert 0 < answer.seconds < 5


def test_a_header_given_twice_is_one_list() -> None:
    answer = Response("u", "u", 200, headers=((b"x-robots-tag", b"noai"), (b"x-robots-tag", b"noarchive")))
    assert answer.header("X-Robots-Tag") == "noai, noarchive"
    assert answer.raw_header("x-robots-tag") == b"noai"


@pytest.mark.parametrize("value", [None, b"", b"text/html", b"text/html; charset=", b"; x=y"])
def test_no_charset_is_made_up(value: bytes | None) -> None:
    headers = () if value is None else ((b"content-type", value),)
    assert Response("u", "u", 200, headers=headers).charset is None


# -- conditional requests ----------------------------------------------------------------------------------------------


def test_validators_are_echoed_byte_for_byte_and_304_comes_back(loopback: Any) -> None:
    validators = Validators(etag=b'W/"a\xff-gzip"', last_modified=b"Thu, 1 Jan 70 0:00")

    async def story() -> None:
        async with loopback({"/feed": loopback.answer(304, ETag='"b"', content_length="")}) as server:
            client = fetcher()
            answer = await client.get(server.url("/feed"), accept="*/*", validators=validators)
            check(answer)
            assert (answer.status, answer.conditional, answer.validators) == (304, True, Validators(etag=b'"b"'))
            assert server.seen[0].headers["if-none-match"] == b'W/"a\xff-gzip"'
            assert server.seen[0].headers["if-modified-since"] == b"Thu, 1 Jan 70 0:00"
            unasked = await client.get(server.url("/feed"), accept="*/*")
            with pytest.raises(FetchError, match="304 to an unconditional request"):
                check(unasked)
            await client.aclose()

    run(story)


def test_validators_go_to_the_url_they_belong_to_and_to_no_other(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({}) as server:
            server.answers |= {
                "/old": loopback.answer(301, location="/new"),
                "/new": loopback.answer(304, content_length=""),
            }
            client = fetcher()
            for belongs_to, conditional in ((None, ["/old"]), ("/new#top", ["/new"]), ("/other", [])):
                server.seen.clear()
                answer = await client.get(
                    server.url("/old"),
                    accept="*/*",
                    validators=Validators(etag=b'"e"'),
                    validators_url=server.url(belongs_to) if belongs_to else None,
                )
                assert [seen.path for seen in server.seen] == ["/old", "/new"]
                assert [seen.path for seen in server.seen if "if-none-match" in seen.headers] == conditional
                assert answer.conditional is ("/new" in conditional)
            await client.aclose()

    run(story)


# -- redirects ---------------------------------------------------------------------------------------------------------


def test_every_hop_of_a_redirect_is_recorded(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({}) as server:
            server.answers |= {
                "/a": loopback.answer(301, b"moved", location="b?x=1#frag"),
                "/b?x=1": loopback.answer(308, location=server.url("/é")),
                "/%C3%A9": loopback.answer(200, b"here"),
                "/c": loopback.answer(302, location="/a"),
            }
            client = fetcher()
            answer = await client.get(server.url("/a"), accept="*/*")
            assert (answer.url, answer.requested_url) == (server.url("/%C3%A9"), server.url("/a"))
            assert [(hop.url, hop.status, hop.location) for hop in answer.hops] == [
                (server.url("/a"), 301, server.url("/b?x=1")),
                (server.url("/b?x=1"), 308, server.url("/%C3%A9")),
            ]
            assert answer.permanently_moved
            assert not (await client.get(server.url("/c"), accept="*/*")).permanently_moved
            assert server.connections == 1
            await client.aclose()

    run(story)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_loop_of_redirects_ends_after_five(loopback: Any, status: int) -> None:
    async def story() -> None:
        async with loopback({"/": loopback.answer(status, location="/")}) as server:
            client = fetcher()
            with pytest.raises(FetchError, match="more than 5 redirects") as caught:
                await client.get(server.url("/"), accept="*/*")
            assert caught.value.weight is Weight.HARD
            assert len(server.seen) == 6
            await client.aclose()

    run(story)


def test_five_redirects_are_followed(loopback: Any) -> None:
    async def story() -> None:
        hops = {f"/{n}": loopback.answer(302, location=f"/{n + 1}") for n in range(5)}
        async with loopback(hops | {"/5": loopback.answer(200, b"there")}) as server:
            client = fetcher()
            assert (await client.get(server.url("/0"), accept="*/*")).body == b"there"
            await client.aclose()

    run(story)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1/", "javascript:1", "ftp://x/y"])
def test_a_redirect_away_from_the_web_is_refused(loopback: Any, location: str) -> None:
    with pytest.raises(BlockedError, match="neither http nor https"):
        get(loopback, loopback.answer(302, location=location))


def test_a_redirect_to_an_inner_address_is_refused_and_never_connected_to(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({}, "127.0.0.1") as outer, loopback({}, "127.0.0.2") as inner:
            client = fetcher(allowed=[AllowedNetwork.parse("127.0.0.1")])
            for location in (inner.url("/"), f"//127.0.0.2:{inner.port}/", f"http://2130706434:{inner.port}/"):
                outer.answers["/"] = loopback.answer(302, location=location)
                with pytest.raises(BlockedError, match=r"127\.0\.0\.2"):
                    await client.get(outer.url("/"), accept="*/*")
            assert len(outer.seen) == 3
            assert inner.connections == 0
            await client.aclose()

    run(story)


def test_a_redirect_that_leads_nowhere_is_an_answer_or_a_failure(loopback: Any) -> None:
    answer = get(loopback, loopback.answer(301, b"?"))
    with pytest.raises(FetchError, match="answers 301"):
        check(answer)
    with pytest.raises(FetchError, match="redirects nowhere"):
        get(loopback, loopback.answer(301, location="http://[/"))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1/", "", "http://", "http://a b/"])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    async def story() -> None:
        client = fetcher()
        with pytest.raises(BlockedError):
            await client.get(url, accept="*/*")
        await client.aclose()

    run(story)


def test_an_empty_validator_is_none() -> None:
    assert not Response("u", "u", 200, headers=((b"etag", b""), (b"last-modified", b""))).validators


# -- statuses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_what_is_not_the_whole_document_is_no_good_answer(loopback: Any, status: int) -> None:
    with pytest.raises(FetchError, match=f"^answers {status}$"):
        check(get(loopback, loopback.answer(status, b"" if status == 204 else b"half")))


@pytest.mark.parametrize(
    ("status", "error", "weight"),
    [
        (400, FetchError, Weight.HARD),
        (401, FetchError, Weight.HARD),
        (403, FetchError, Weight.HARD),
        (404, GoneError, Weight.SOFT),
        (410, GoneError, Weight.HARD),
        (429, FetchError, Weight.SOFT),
        (451, FetchError, Weight.HARD),
        (500, FetchError, Weight.SOFT),
        (503, FetchError, Weight.SOFT),
    ],
)
def test_a_status_weighs_what_it_says(loopback: Any, status: int, error: type[FetchError], weight: Weight) -> None:
    answer = get(loopback, loopback.answer(status, b"sorry", retry_after="120", content_encoding="br"))
    with pytest.raises(FetchError, match=f"^answers {status}$") as caught:
        check(answer)
    assert type(caught.value) is error
    assert (caught.value.weight, caught.value.status, caught.value.retry_after) == (weight, status, 120.0)


@pytest.mark.parametrize(
    ("retry_after", "date", "seconds"),
    [
        ("0", None, 0.0),
        (" 90 ", None, 90.0),
        ("99999999999999", None, 31 * 86_400.0),
        ("-5", None, None),
        ("1.5", None, None),
        ("soon", None, None),
        ("", None, None),
        ("²", None, None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:57:59 GMT", 120.0),
        ("Friday, 31-Dec-99 23:59:59 GMT", "Fri, 31 Dec 1999 23:57:59 GMT", 120.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None, 0.0),
        ("Fri, 31 Dec 2199 23:59:59 GMT", "nonsense", 31 * 86_400.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_own_clock(
    retry_after: str, date: str | None, seconds: float | None
) -> None:
    headers = [(b"retry-after", retry_after.encode("latin-1"))] + ([(b"date", date.encode())] if date else [])
    assert Response("u", "u", 503, headers=tuple(headers)).retry_after == seconds


def test_a_429_holds_the_host_for_everyone(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({"/": loopback.answer(429, retry_after="3600")}) as server:
            hosts = Hosts(0)
            client = fetcher(hosts=hosts)
            assert (await client.get(server.url("/"), accept="*/*")).status == 429
            assert 3590 < hosts.held(f"127.0.0.1:{server.port}") <= 3600
            with pytest.raises(FetchError, match="asked for silence") as caught:
                await client.get(server.url("/other"), accept="*/*")
            assert (caught.value.retry_after or 0) > 3590
            assert len(server.seen) == 1
            await client.aclose()

    run(story)


# -- bodies ------------------------------------------------------------------------------------------------------------


def test_gzip_is_inflated_and_both_sizes_are_known(loopback: Any) -> None:
    text = b"une ligne\n" * 20_000
    packed = gzip.compress(text)
    answer = get(loopback, loopback.answer(200, packed, content_encoding="GZip"))
    assert answer.body == text
    assert answer.wire_bytes == len(packed)


def test_gzip_members_are_read_as_one_wherever_the_chunks_break(loopback: Any) -> None:
    packed = gzip.compress(b"first ") + gzip.compress(b"") + gzip.compress(b"last")

    async def byte_by_byte(writer: asyncio.StreamWriter) -> None:
        writer.write(loopback.answer(200, content_encoding="gzip", transfer_encoding="chunked", content_length=""))
        for n in range(len(packed)):
            writer.write(b"1\r\n" + packed[n : n + 1] + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    assert get(loopback, byte_by_byte).body == b"first last"


@pytest.mark.shared
def test_the_gzip_oddities_of_the_wild_are_read_or_refused(loopback: Any, shared_data: Path) -> None:
    folder = shared_data / "suites" / "security" / "generated"

    def served(name: str, encoding: str = "gzip") -> Response:
        return get(loopback, loopback.answer(200, (folder / name).read_bytes(), content_encoding=encoding))

    assert served("multimember_gzip.xml.gz").body.count(b"</rss>") == 1
    assert served("gzip_trailing_garbage.xml.gz").body.rstrip().endswith(b"</rss>")
    nested = served("gzip_bomb_nested_200MiB.xml.gz.gz")
    assert len(nested.body) == (folder / "gzip_bomb_200MiB.xml.gz").stat().st_size
    with pytest.raises(FetchError, match="gzip without its end") as caught:
        served("truncated_gzip.xml.gz")
    assert caught.value.weight is Weight.TEMPORARY
    for encoding in ("br", "deflate", "zstd", "gzip, gzip"):
        with pytest.raises(FetchError, match="encoding not asked for"):
            served("brotli_bomb_200MiB.br", encoding)


@pytest.mark.shared
def test_a_bomb_never_unfolds(loopback: Any, shared_data: Path) -> None:
    bomb = (shared_data / "suites" / "security" / "generated" / "gzip_bomb_200MiB.xml.gz").read_bytes()
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError, match="larger than 2MB inflated"):
            get(loopback, loopback.answer(200, bomb, content_encoding="gzip"), max_bytes=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def test_rule_19_a_body_of_countless_tiny_members_is_refused(loopback: Any) -> None:
    with pytest.raises(FetchError, match="more than 1000 members"):
        get(loopback, loopback.answer(200, gzip.compress(b"") * 100_000, content_encoding="gzip"))


def test_a_body_that_is_no_gzip_is_refused(loopback: Any) -> None:
    for body in (b"<html>", zlib.compress(b"x"), gzip.compress(b"x" * 100)[:-8] + b"\0" * 8):
        with pytest.raises(FetchError, match="damaged gzip"):
            get(loopback, loopback.answer(200, body, content_encoding="gzip"))


@pytest.mark.parametrize("size", [0, 999, 1000])
def test_a_body_up_to_the_limit_is_read(loopback: Any, size: int) -> None:
    assert len(get(loopback, loopback.answer(200, b"x" * size), max_bytes=1000).body) == size


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_on_the_wire_is_refused(loopback: Any, chunked: bool) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(loopback.answer(200, transfer_encoding="chunked", content_length=""))
        while not writer.is_closing():
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    with pytest.raises(TooLargeError):
        get(loopback, endless if chunked else loopback.answer(200, b"x" * 1001), max_bytes=1000)


def test_a_gzip_body_is_counted_as_it_came(loopback: Any) -> None:
    noise = os.urandom(1500)
    with pytest.raises(TooLargeError, match="1kB on the wire"):
        get(loopback, loopback.answer(200, gzip.compress(noise), content_encoding="gzip"), max_bytes=1000)


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_body_may_be_cut_instead_of_refused(loopback: Any, encoding: str) -> None:
    body = b"0123456789" * 500_000
    packed = gzip.compress(body) if encoding else body
    answer = get(loopback, loopback.answer(200, packed, content_encoding=encoding), cut=1234, max_bytes=1000)
    assert answer.body == body[:1234]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort",
    ],
)
def test_a_body_cut_short_is_never_taken_for_whole(loopback: Any, answer: bytes) -> None:
    async def broken(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    with pytest.raises(FetchError, match="answer cut short: connection closed before its end") as caught:
        get(loopback, broken)
    assert caught.value.weight is Weight.TEMPORARY


def test_a_body_that_ends_with_the_connection_is_whole(loopback: Any) -> None:
    async def old_style(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nall of it")
        await writer.drain()
        writer.close()

    assert get(loopback, old_style).body == b"all of it"


# -- time --------------------------------------------------------------------------------------------------------------


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-Y: z\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3)


@pytest.mark.parametrize("script", [drip, drip_headers, silence])
def test_no_answer_takes_longer_than_the_time_for_all_of_it(loopback: Any, script: Any) -> None:
    with pytest.raises(FetchError, match=r"timed out after 0\.3 s") as caught:
        get(loopback, script, timeout=0.3)
    assert caught.value.weight is Weight.TEMPORARY


def test_the_time_counts_over_all_redirects(loopback: Any) -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        writer.write(loopback.answer(302, location="/"))

    with pytest.raises(FetchError, match=r"timed out after 0\.4 s"):
        get(loopback, slowly, timeout=0.4)


def test_waiting_for_a_turn_costs_none_of_the_time(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({"/": loopback.answer(200, b"x")}) as server:
            client = fetcher(hosts=Hosts(0.1), timeout=0.3)
            answers = await asyncio.gather(*(client.get(server.url("/"), accept="*/*") for _ in range(6)))
            assert all(answer.body == b"x" and answer.seconds < 0.1 for answer in answers)
            await client.aclose()

    run(story)


def test_each_hop_takes_a_turn_of_its_own(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({"/": loopback.answer(302, location="/x"), "/x": loopback.answer()}) as server:
            client = fetcher(hosts=Hosts(0.05))
            await asyncio.gather(*(client.get(server.url("/"), accept="*/*") for _ in range(3)))
            await client.aclose()
            starts = [seen.start for seen in server.seen]
            assert len(starts) == 6
            pauses = [start - end for end, start in zip(server.ended, starts[1:], strict=False)]
            assert min(pauses) >= 0.049, pauses

    run(story)


# -- connections -------------------------------------------------------------------------------------------------------


def test_a_refused_connection_is_said_so() -> None:
    async def story() -> None:
        client = fetcher()
        with pytest.raises(FetchError) as caught:
            await client.get("http://127.0.0.1:1/", accept="*/*")
        assert (str(caught.value), caught.value.weight) == ("connection refused", Weight.TEMPORARY)
        await client.aclose()

    run(story)


def test_a_broken_answer_is_said_so_in_one_line(loopback: Any) -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def reset(writer: asyncio.StreamWriter) -> None:
        linger = b"\x01\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    for script, line in (
        (hang_up, "connection closed without an answer"),
        (reset, "connection reset"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not an HTTP answer: "),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "not an HTTP answer: "),
    ):
        with pytest.raises(FetchError) as caught:
            get(loopback, script)
        assert str(caught.value).startswith(line)
        assert "\n" not in str(caught.value)


def test_a_kept_connection_the_server_has_dropped_is_replaced_without_a_word(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({}) as server:

            async def hang_up(writer: asyncio.StreamWriter) -> None:
                writer.close()

            server.answers["/"] = [loopback.answer(200, b"one"), hang_up, loopback.answer(200, b"two")]
            client = fetcher()
            assert (await client.get(server.url("/"), accept="*/*")).body == b"one"
            assert (await client.get(server.url("/"), accept="*/*")).body == b"two"
            assert [seen.connection for seen in server.seen] == [1, 1, 2]
            server.answers["/"] = hang_up
            with pytest.raises(FetchError, match="without an answer"):
                await client.get(server.url("/"), accept="*/*")
            assert len(server.seen) == 5, "asked again more than once"
            await client.aclose()

    run(story)


def test_a_connection_is_kept_after_good_and_bad_answers(loopback: Any) -> None:
    async def story() -> None:
        answers = {"/a": loopback.answer(200, b"x"), "/b": loopback.answer(500, b"oops"), "/c": loopback.answer(404)}
        async with loopback(answers) as server:
            client = fetcher()
            for path in "abcabc":
                await client.get(server.url(f"/{path}"), accept="*/*")
            assert server.connections == 1
            await client.aclose()

    run(story)


def test_idle_connections_do_not_pile_up(loopback: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_IDLE", 3)

    async def story() -> None:
        servers = [loopback({"/": loopback.answer(200, b"x")}, f"127.0.0.{n}") for n in range(1, 11)]
        client = fetcher()
        for server in servers:
            await server.__aenter__()
            await client.get(server.url("/"), accept="*/*")
        await asyncio.sleep(0.05)
        assert sum(len(server._writers) for server in servers) == 3
        assert all(server._writers for server in servers[-3:])
        monkeypatch.setattr(transport, "KEEP_ALIVE", 0.0)
        await client.get(servers[-1].url("/"), accept="*/*")
        await asyncio.sleep(0.05)
        assert sum(len(server._writers) for server in servers) == 0
        await client.aclose()
        for server in servers:
            await server.__aexit__()

    run(story)


def test_of_two_requests_at_once_to_one_origin_one_connection_is_kept(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({"/": loopback.answer(200, b"x")}) as server:
            shared = transport.GuardedTransport(transport.AddressGuard(LOOPBACK), TLS)
            request = httpx.Request("GET", server.url("/"))
            answers = await asyncio.gather(*(shared.handle_async_request(request) for _ in range(2)))
            assert [await answer.aread() for answer in answers] == [b"x", b"x"]
            await asyncio.sleep(0.05)
            assert (server.connections, len(server._writers)) == (2, 1)
            await shared.aclose()

    run(story)


def test_a_cancelled_fetch_leaves_its_host_free(loopback: Any) -> None:
    async def story() -> None:
        async with loopback({"/slow": drip, "/": loopback.answer(200, b"x")}) as server:
            client = fetcher()
            slow = asyncio.create_task(client.get(server.url("/slow"), accept="*/*"))
            await asyncio.sleep(0.1)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            assert (await client.get(server.url("/"), accept="*/*")).body == b"x"
            assert server.connections == 2
            await client.aclose()

    run(story)


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for good.test, and its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "good.test.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=good.test"
    try:
        subprocess.run(
            [*command.split(), "-addext", "subjectAltName=DNS:good.test", "-keyout", f"{path}.key", "-out", path],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    path.write_bytes(path.read_bytes() + Path(f"{path}.key").read_bytes())
    return path


def test_tls_verifies_the_name_although_the_address_is_pinned(loopback: Any, certificate: Path) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))

    async def story() -> None:
        answers = {"/": loopback.answer(200, b"x"), "/down": loopback.answer(302, location="http://good.test/")}
        async with loopback(answers, tls=serving) as server:
            trusted = fetcher(ssl_context=trusting, resolve=lambda *_: ["127.0.0.1"])
            assert (await trusted.get(f"https://good.test:{server.port}/", accept="*/*")).body == b"x"
            with pytest.raises(FetchError, match="certificate not valid: Hostname mismatch"):
                await trusted.get(f"https://bad.test:{server.port}/", accept="*/*")
            with pytest.raises(BlockedError, match="redirect from https to http refused"):
                await trusted.get(f"https://good.test:{server.port}/down", accept="*/*")
            distrusting = fetcher(resolve=lambda *_: ["127.0.0.1"])
            with pytest.raises(FetchError, match="certificate not valid: self-signed certificate"):
                await distrusting.get(f"https://good.test:{server.port}/", accept="*/*")
            await trusted.aclose()
            await distrusting.aclose()

    run(story)


def test_a_server_that_does_not_speak_tls_is_said_so() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        client = fetcher()
        with pytest.raises(FetchError, match="TLS failed: wrong version number"):
            await client.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", accept="*/*")
        await client.aclose()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)

    run(story)


def test_a_server_that_never_finishes_its_handshake_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fetch._TIMEOUTS, "connect", 0.1)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        client = fetcher()
        with pytest.raises(FetchError, match="no connection: timed out"):
            await client.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", accept="*/*")
        await client.aclose()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)

    run(story)


def test_a_server_that_falls_silent_is_given_up_after_the_read_time_out(
    loopback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fetch._TIMEOUTS, "read", 0.1)
    with pytest.raises(FetchError, match="no data: timed out"):
        get(loopback, silence)


@pytest.mark.parametrize("begun", [False, True], ids=["instead of an answer", "in its midst"])
def test_a_tls_record_that_is_broken_is_a_failure_of_that_url(loopback: Any, certificate: Path, begun: bool) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))

    async def break_in(writer: asyncio.StreamWriter) -> None:
        if begun:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n<rss>")
            await writer.drain()
        writer.get_extra_info("socket")._sock.send(b"\x17\x03\x03\x00\x20" + b"x" * 32)  # not encrypted at all
        await asyncio.sleep(0.5)

    async def story() -> None:
        async with loopback({"/": break_in}, tls=serving) as server:
            client = fetcher(ssl_context=trusting, resolve=lambda *_: ["127.0.0.1"])
            with pytest.raises(FetchError, match="TLS failed: decryption failed"):
                await client.get(f"https://good.test:{server.port}/", accept="*/*")
            await client.aclose()

    run(story)


def test_rule_17_certificates_and_proxies_named_in_the_environment_do_not_count(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {each["subject"] for each in transport.public_authorities().get_ca_certs()}
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert {each["subject"] for each in transport.public_authorities().get_ca_certs()} == before
    assert len(before) > 10


def test_rule_21_an_answer_that_is_no_http_is_not_asked_for_again(loopback: Any) -> None:
    async def story() -> None:
        answers = {"/": [loopback.answer(200, b"x"), b"garbage that is no HTTP\r\n\r\n"]}
        async with loopback(answers) as server:
            client = fetcher()
            await client.get(server.url(), accept="*/*")
            with pytest.raises(FetchError, match="not an HTTP answer"):
                await client.get(server.url(), accept="*/*")
            assert len(server.seen) == 2
            await client.aclose()

    run(story)


def test_names_whose_servers_are_silent_hold_up_no_other_name(loopback: Any) -> None:
    silence = threading.Event()

    def resolve(host: str, _port: int) -> list[str]:
        if host.startswith("dead"):
            silence.wait(20)
        return ["127.0.0.1"]

    async def story() -> None:
        async with loopback({"/": loopback.answer(200, b"x")}) as server:
            client = fetcher(resolve=resolve)
            dead = [
                asyncio.create_task(client.get(f"http://dead{n}.test:{server.port}/", accept="*/*")) for n in range(40)
            ]
            await asyncio.sleep(0.2)
            async with asyncio.timeout(5):
                await client.get(f"http://well.test:{server.port}/", accept="*/*")
            for task in dead:
                task.cancel()
            await asyncio.gather(*dead, return_exceptions=True)
            silence.set()
            await client.aclose()

    run(story)
