"""Never the same memory twice: what a service uses does not grow with what it has seen."""

import asyncio
import gc
import gzip
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpcore
import pytest
from inside import caches, filled, twice, used
from processes import MAIN, SERVER, TRACKER, WORKER, family

from service.articles.workers import Workers, _Task
from service.errors import ExtractError, ServiceError
from service.memory import PassingMemory
from service.net import transport
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.robots import Robots
from storage import fingerprints

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MB = 1_000_000


def pages(shared_data: Path) -> list[bytes]:
    found = sorted((shared_data / "pages" / "dev").rglob("*.html.gz"))
    return [gzip.decompress(path.read_bytes()) for path in found if path.stat().st_size < 100_000]


# -- the workers -------------------------------------------------------------------------------------------------------


PAGE = "<html><head><title>T {0}</title></head><body><article>{1}</article></body></html>"


def page(number: int) -> bytes:
    paragraphs = "".join(
        f"<p>Page {number}, paragraph {one}: a text of its own, with a full stop.</p>" for one in range(9)
    )
    return PAGE.format(number, paragraphs).encode()


def test_no_library_s_cache_outlives_a_reset() -> None:
    from service.articles.extract import extract_page, reset_caches

    for number in range(5):
        extract_page(page(number), url=f"https://{number}.example/2026/11/01/x", now=NOW)
    assert len(filled()) >= 2, "the caches have gone elsewhere"
    reset_caches()
    assert filled() == {}
    assert all(one.cache_info().maxsize is None or one.cache_info().maxsize <= 2**14 for one in caches().values())


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(600)
def test_a_worker_s_memory_is_flat_over_thousands_of_real_pages(shared_data: Path, record_property: Any) -> None:
    some = pages(shared_data)
    resident = []

    async def main() -> None:
        workers = Workers(1, recycle_after=10**6)
        run = lambda function: workers._run(_Task(function, ()), 10.0, ExtractError)  # noqa: E731
        try:
            for number in range(3 * len(some)):
                body = some[number % len(some)]
                with suppress(ServiceError):
                    await workers.extract(body, url=f"https://{number}.example/{number}", now=NOW)
                if number % 250 == 249:
                    resident.append((number + 1, *await run(used), sum((await run(filled)).values())))
        finally:
            await workers.stop()

    asyncio.run(main())
    record_property("measured", str(resident))
    assert len({pid for _, pid, *_ in resident}) == 1
    assert len({files for *_, files, _ in resident}) == 1
    half = [bytes_ for number, _, bytes_, *_ in resident if number > len(some)]
    assert max(half) - min(half) < 40 * MB


@pytest.mark.slow
def test_recycled_workers_cost_no_page_no_process_and_no_file(record_property: Any) -> None:
    calls, each, count = 3_000, 50, 2

    async def main() -> tuple[Any, Any, list[Any]]:
        workers = Workers(count, recycle_after=each)
        run = lambda number: workers._run(_Task(twice, (number,)), 10.0, ExtractError)  # noqa: E731
        try:
            await asyncio.gather(*map(run, range(200)))
            before = family(os.getpid())
            answers = await asyncio.gather(*map(run, range(calls)))
            await asyncio.sleep(1)
            return before, family(os.getpid()), answers
        finally:
            await workers.stop()

    before, after, answers = asyncio.run(main())
    assert [twice for twice, _ in answers] == [2 * number for number in range(calls)]
    pids = {pid for _, pid in answers}
    assert calls // each <= len(pids) <= calls // each + 2 * count
    record_property("measured", str([before, after]))
    for role in (MAIN, SERVER, TRACKER):
        (then,), (now,) = ([one for one in some if one.role == role] for some in (before, after))
        assert now.fds <= then.fds + 2 * count, role  # the server has two for each worker there is
    assert sum(one.role == WORKER for one in after) <= count
    zombies = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert len(zombies) <= count


# -- the main process --------------------------------------------------------------------------------------------------


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nUser-agent: *")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


@asynccontextmanager
async def asking(resolve: Callable[[str, int], list[str]]) -> AsyncIterator[tuple[Fetcher, Robots]]:
    allowed = [AllowedNetwork.parse("127.0.0.0/8")]
    fetcher = Fetcher(user_agent="veille/1", hosts=Hosts(0.0), allowed=allowed, resolve=resolve)
    try:
        yield fetcher, Robots(fetcher, PassingMemory({}, lambda: NOW), "veille", lambda: NOW)
    finally:
        await fetcher.aclose()


def count(kind: type) -> int:
    gc.collect()
    return sum(isinstance(one, kind) for one in gc.get_objects())


@pytest.mark.slow
def test_sites_that_were_asked_once_leave_nothing_behind(record_property: Any) -> None:
    sites = 3_000

    async def main() -> tuple[list[tuple[int, ...]], int]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, asking(lambda _host, _port: ["127.0.0.1"]) as (fetcher, robots):
            found = []
            for number in range(sites):
                url = f"http://site-{number}.example:{port}/page"
                await fetcher.get(url, accept="*/*", permit=robots.permit)
                if number % 1_000 == 999:
                    pools, locks = count(httpcore.AsyncConnectionPool), len(robots._locks)
                    known = len(robots._known), len(fetcher.hosts._hosts)
                    found.append(
                        (pools, locks, *known, len(list(Path("/proc/self/fd").iterdir())), threading.active_count())
                    )
            return found, len(fetcher._transport._idle)

    found, idle = asyncio.run(main())
    record_property("measured", str(found))
    assert idle <= transport.MAX_IDLE
    for pools, locks, rules, hosts, files, threads in found:
        assert pools <= transport.MAX_IDLE
        assert (locks, rules) == (0, 512)
        assert hosts <= 1_024
        assert files < 2 * transport.MAX_IDLE + 64  # both ends of each connection are in this process
        assert threads < 16
    assert found[1][4] >= found[2][4] - 8


def test_an_idle_connection_is_closed_in_its_time_although_nothing_is_asked_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "KEEP_ALIVE", 0.1)

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, asking(lambda _host, _port: ["127.0.0.1"]) as (fetcher, _):
            for name in ("a", "b"):
                await fetcher.get(f"http://{name}.example:{port}/", accept="*/*")
            assert len(fetcher._transport._idle) == 2
            async with asyncio.timeout(5):
                while fetcher._transport._idle:
                    await asyncio.sleep(0.02)

    asyncio.run(main())


def test_long_texts_are_not_kept_for_their_fingerprints() -> None:
    before = [one.cache_info().currsize for one in (fingerprints._remembered, fingerprints._remembered_fold)]
    for number in range(3):
        fingerprints.fingerprint(f"{number} " + "a" * MB)
    assert [one.cache_info().currsize for one in (fingerprints._remembered, fingerprints._remembered_fold)] == before
    assert fingerprints.fingerprint("x" * MB) == fingerprints._fingerprint("x" * MB)
