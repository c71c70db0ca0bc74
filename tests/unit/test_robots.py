import asyncio
import json
import re
import ssl
import tarfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from protego import Protego

from service.errors import BlockedError, FetchError, Weight
from service.net import robots as robots_module
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.robots import Robots, Verdict
from service.net.rules import MAX_BYTES, Rules
from storage.model import RobotsFile

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOOPBACK = AllowedNetwork.parse("127.0.0.0/8")
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Shelf:
    """A cache that outlives the process, for as long as the test does."""

    files: dict[str, RobotsFile] = field(default_factory=dict)

    async def load(self, origin: str) -> RobotsFile | None:
        return self.files.get(origin)

    async def save(self, file: RobotsFile) -> None:
        self.files[file.origin] = file


@dataclass
class World:
    """One server, one Robots, one clock that a test may turn."""

    server: Any
    fetcher: Fetcher
    hosts: Hosts
    shelf: Shelf
    now: datetime = START

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.robots = Robots(self.fetcher, self.shelf, "veille", lambda: self.now)

    async def verdict(self, path: str = "/page") -> Verdict:
        return await self.robots.verdict(self.server.url(path))

    @property
    def asked(self) -> int:
        return sum(seen.path == "/robots.txt" for seen in self.server.seen)


def with_robots(loopback: Any, answer: Any, story: Callable[[World], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with loopback({"/robots.txt": answer}) as server:
            hosts = Hosts(0)
            fetcher = Fetcher(user_agent="veille/0", hosts=hosts, allowed=[LOOPBACK], ssl_context=TLS, timeout=1)
            try:
                await story(World(server, fetcher, hosts, Shelf()))
            finally:
                await fetcher.aclose()

    asyncio.run(tell())


RULES = b"User-agent: *\nDisallow: /private\nCrawl-delay: 0.01\nContent-Signal: search=yes, ai-train=no\n"


# -- asking ------------------------------------------------------------------------------------------------------------


def test_rules_are_obeyed_and_what_else_they_say_is_handed_on(loopback: Any) -> None:
    async def story(world: World) -> None:
        verdict = await world.verdict("/public?x=1")
        assert verdict == Verdict(True, "allowed by robots.txt", 0.01, "search=yes, ai-train=no")
        verdict.check()
        verdict = await world.verdict("/private/page")
        assert verdict == Verdict(False, "forbidden by robots.txt", 0.01, "search=yes, ai-train=no")
        with pytest.raises(BlockedError, match=r"forbidden by robots\.txt"):
            verdict.check()

    with_robots(loopback, loopback.answer(200, RULES), story)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
def test_a_site_without_robots_txt_allows_everything(loopback: Any, status: int) -> None:
    async def story(world: World) -> None:
        assert await world.verdict() == Verdict(True, "no robots.txt")

    with_robots(loopback, loopback.answer(status, RULES), story)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_robots_txt_that_fails_forbids_everything_for_now(loopback: Any, status: int) -> None:
    async def story(world: World) -> None:
        verdict = await world.verdict()
        assert verdict == Verdict(False, f"robots.txt cannot be had: status {status}", retry_after=60.0)
        with pytest.raises(FetchError) as caught:
            verdict.check()
        assert not isinstance(caught.value, BlockedError), "a refusal is final, this is not"
        assert (caught.value.weight, caught.value.retry_after) == (Weight.TEMPORARY, 60.0)

    with_robots(loopback, loopback.answer(status, b""), story)


def test_a_dead_host_is_not_asked_for_each_of_its_pages(loopback: Any) -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def story(world: World) -> None:
        for second in range(0, 60, 10):
            world.now = START + timedelta(seconds=second)
            verdict = await world.verdict()
            assert verdict.reason.startswith("robots.txt cannot be had: ")
            assert not verdict.reason.endswith(": ")
            assert verdict.retry_after == 60.0 - second
        assert world.asked == 1
        world.now = START + timedelta(minutes=1)
        world.server.answers["/robots.txt"] = loopback.answer(404)
        assert (await world.verdict()).allowed
        assert world.asked == 2

    with_robots(loopback, hang_up, story)


def test_a_new_process_looks_for_itself_whether_a_host_is_still_dead(loopback: Any) -> None:
    async def story(world: World) -> None:
        assert not (await world.verdict()).allowed
        world.restart()
        world.server.answers["/robots.txt"] = loopback.answer(404)
        assert (await world.verdict()).allowed

    with_robots(loopback, loopback.answer(503), story)


def test_a_host_whose_address_is_refused_needs_no_robots_txt(loopback: Any) -> None:
    async def story(world: World) -> None:
        with pytest.raises(BlockedError, match=r"address refused: 10\.0\.0\.1 port 80"):
            await world.robots.verdict("http://10.0.0.1/page")

    with_robots(loopback, loopback.answer(200, RULES), story)


def test_a_robots_txt_that_leads_to_a_refused_address_counts_as_unreachable(loopback: Any) -> None:
    async def story(world: World) -> None:
        verdict = await world.verdict()
        assert not verdict.allowed
        assert verdict.retry_after == 60.0

    with_robots(loopback, loopback.answer(302, location="http://10.0.0.1/robots.txt"), story)


def test_the_last_good_rules_stand_in_for_thirty_days(loopback: Any) -> None:
    async def story(world: World) -> None:
        assert (await world.verdict("/page")).allowed
        world.server.answers["/robots.txt"] = loopback.answer(503)
        for days in (1, 15, 30):
            world.now = START + timedelta(days=days)
            world.restart()
            assert (await world.verdict("/page")).allowed
            assert (await world.verdict("/private")) == Verdict(
                False, "forbidden by robots.txt", 0.01, "search=yes, ai-train=no"
            )
        world.now = START + timedelta(days=30, hours=2)
        assert (await world.verdict("/page")).reason == "robots.txt cannot be had: status 503"

    with_robots(loopback, loopback.answer(200, RULES), story)


def test_one_request_a_day_is_enough_and_a_restart_changes_nothing(loopback: Any) -> None:
    async def story(world: World) -> None:
        for hours in (0, 5, 23):
            world.now = START + timedelta(hours=hours)
            await world.verdict(f"/{hours}")
            world.restart()
            await world.verdict("/again")
        assert world.asked == 1
        world.now = START + timedelta(hours=24)
        world.server.answers["/robots.txt"] = loopback.answer(200, b"User-agent: *\nDisallow: /page\n")
        assert not (await world.verdict("/page")).allowed
        assert world.asked == 2

    with_robots(loopback, loopback.answer(200, RULES), story)


def test_many_pages_at_once_ask_once(loopback: Any) -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(loopback.answer(200, RULES))

    async def story(world: World) -> None:
        tasks = [asyncio.create_task(world.verdict(f"/{n}")) for n in range(50)]
        await asyncio.sleep(0.02)
        tasks[0].cancel()
        verdicts = await asyncio.gather(*tasks[1:])
        assert all(verdict.allowed for verdict in verdicts)
        assert world.asked <= 2, "one that was cancelled, one for all the others"

    with_robots(loopback, slowly, story)


def test_rules_at_hand_are_few_and_the_cache_knows_the_others(loopback: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots_module, "_REMEMBERED", 2)

    async def story(world: World) -> None:
        world.shelf.files |= {
            origin: RobotsFile(origin, 200, RULES, START, RULES, START)
            for origin in ("https://a.test", "https://b.test")
        }
        for origin in ("https://a.test", "https://b.test", world.server.url(""), "https://a.test"):
            assert not (await world.robots.verdict(f"{origin}/private")).allowed
        assert len(world.robots._known) == 2
        assert world.asked == 1

    with_robots(loopback, loopback.answer(200, RULES), story)


def test_robots_txt_takes_its_hosts_turn(loopback: Any) -> None:
    async def story(world: World) -> None:
        async with world.hosts.turn(f"127.0.0.1:{world.server.port}"):
            waiting = asyncio.create_task(world.verdict())
            await asyncio.sleep(0.05)
            assert world.asked == 0
        assert (await waiting).allowed

    with_robots(loopback, loopback.answer(200, RULES), story)


def test_a_crawl_delay_is_kept_from_the_first_page_on(loopback: Any) -> None:
    async def story(world: World) -> None:
        assert (await world.verdict()).crawl_delay == 0.1
        for path in ("/a", "/b"):
            await world.fetcher.get(world.server.url(path), accept="*/*")
        starts = [seen.start for seen in world.server.seen]
        pauses = [start - end for end, start in zip(world.server.ended, starts[1:], strict=False)]
        assert len(pauses) == 2
        assert min(pauses) >= 0.099

    with_robots(loopback, loopback.answer(200, b"User-agent: *\nCrawl-delay: 0.1\n"), story)


def test_too_many_requests_is_no_answer_to_the_question(loopback: Any) -> None:
    async def story(world: World) -> None:
        for status in (429, None):  # the second time nobody is asked
            with pytest.raises(FetchError) as caught:
                await world.verdict()
            assert caught.value.status == status
            assert (caught.value.retry_after or 0) > 3500
        assert world.asked == 1
        assert not world.shelf.files

    with_robots(loopback, loopback.answer(429, retry_after="3600"), story)


def test_redirects_are_followed_and_too_many_mean_that_there_is_no_file(loopback: Any) -> None:
    async def story(world: World) -> None:
        world.server.answers["/rules"] = loopback.answer(200, RULES)
        assert not (await world.verdict("/private")).allowed
        world.now += timedelta(days=1)
        world.server.answers["/rules"] = loopback.answer(302, location="/rules")
        assert await world.verdict("/private") == Verdict(True, "no robots.txt")

    with_robots(loopback, loopback.answer(301, location="/rules"), story)


def test_a_longer_file_is_cut_after_a_whole_line_not_refused(loopback: Any) -> None:
    line = b"Disallow: /x/%06d\n"
    head = b"User-agent: *\nAllow: /abcd\n"
    whole, rest = divmod(MAX_BYTES - len(head), len(line % 0))
    assert (line % 0)[:rest] == b"Disallow: /x/", "half a line that would forbid all of /x"
    body = head + b"".join(line % n for n in range(40_000))

    async def story(world: World) -> None:
        assert not (await world.verdict("/x/000000")).allowed
        assert not (await world.verdict(f"/x/{whole - 1:06d}")).allowed
        assert (await world.verdict(f"/x/{whole:06d}")).allowed
        assert (await world.verdict("/y")).allowed

    with_robots(loopback, loopback.answer(200, body), story)


def test_only_web_pages_are_judged(loopback: Any) -> None:
    async def story(world: World) -> None:
        with pytest.raises(BlockedError):
            await world.robots.verdict("ftp://127.0.0.1/")
        assert world.asked == 0

    with_robots(loopback, loopback.answer(200, RULES), story)


# -- reading -----------------------------------------------------------------------------------------------------------

DIFFERENCES = {
    0: "asks about an empty URL, which nobody can fetch",
    1: "asks about an empty URL, which nobody can fetch",
    61: "/foo/bar/ツ as a rule and as a URL: the vector compares an escaped URL with the rule as it is written; "
    "RFC 9309 §2.2.2 compares octets, escaped or not, and so this is one path in one spelling",
    63: "/foo/bar/%E3%83%84 as a rule, /foo/bar/ツ as a URL: the vector takes the URL as written; "
    "RFC 9309 §2.2.2 has it escaped before it is compared, as it is when it is asked for",
    64: "/foo/bar/%62%61%7A as a rule, /foo/bar/baz as a URL: the RFC's own example of a match, "
    "where the vector takes an escape for three letters",
}
"""Vectors with another verdict than the reference parser's, by number, and why ours is the better one."""


@pytest.mark.shared
def test_rule_30_the_vectors_of_the_reference_parser_hold_but_for_the_explained_ones(shared_data: Path) -> None:
    path = shared_data / "suites" / "robots" / "google_robotstxt.dev.jsonl"
    vectors = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(vectors) == len({vector["n"] for vector in vectors}) == 122
    different = set()
    for vector in vectors:
        rules = Rules(vector["robots"].encode(), vector["user_agent"])
        try:
            if rules.allow(vector["url"]) != vector["allowed"]:
                different.add(vector["n"])
        except ValueError:  # not a URL
            different.add(vector["n"])
    assert different == DIFFERENCES.keys()


REAL_DIFFERENCES = {
    ("www.hindawi.com", "/\\d{8}/"): "the rule is a regular expression, which robots.txt has not; "
    "no URL has a backslash by the time it is asked for, so that nothing is left for it to forbid",
}
"""Where the rules of a real file are read otherwise than by the parser the collection comes from, and why."""


@pytest.mark.shared
def test_rule_30_real_files_get_the_verdicts_of_a_parser_that_reads_all_of_them(shared_data: Path) -> None:
    """The collection comes without verdicts: each rule's own path is tried, for us and for agents the file names.

    Only the groups that apply to an agent are handed to the matcher here; there it reads the whole file.
    """
    different, verdicts, files = set(), Counter[bool](), 0
    with tarfile.open(shared_data / "suites" / "robots" / "protego_real_robots.dev.tar.xz") as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is None:
                continue
            files += 1
            body = file.read()
            text = body.decode("utf-8-sig", errors="replace")
            whole = Protego.parse(text)
            named = re.findall(r"^\s*user-agent\s*:\s*([\w-]+)\s*$", text, re.IGNORECASE | re.MULTILINE | re.ASCII)
            ruled = re.findall(r"^\s*(?:dis)?allow\s*:\s*(/[^\s#]*)", text, re.IGNORECASE | re.MULTILINE)
            paths = ["/", "/a/b?c=d", *sorted({path.replace("*", "x").replace("$", "") for path in ruled})[:12]]
            for agent in ["veille", *sorted(set(named))[:3]]:
                rules = Rules(body, agent)
                assert rules.crawl_delay == whole.crawl_delay(agent), member.name
                for path in paths:
                    allowed = rules.allow(f"https://example.org{path}")
                    verdicts[allowed] += 1
                    if allowed != whole.can_fetch(f"https://example.org{path}", agent):
                        different.add((member.name, path))
    assert files == 746
    assert min(verdicts.values()) > 3_000
    assert different == REAL_DIFFERENCES.keys()


@pytest.mark.shared
def test_rule_30_every_real_file_is_read_quickly(shared_data: Path) -> None:
    read = 0
    with tarfile.open(shared_data / "suites" / "robots" / "protego_real_robots.dev.tar.xz") as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is None:
                continue
            body = file.read()
            start = time.process_time()
            rules = Rules(body, "veille")
            assert rules.allow("https://example.org/robots.txt")
            rules.allow("https://example.org/a/page?with=query")
            assert time.process_time() - start < 0.5, member.name
            read += 1
    assert read == 746


@pytest.mark.parametrize(
    ("groups", "allowed"),
    [
        ("User-agent: *\nDisallow: /\n\nUser-agent: veille\nDisallow:", True),
        ("User-agent: VEILLE/2.0 (watch)\nDisallow: /", False),
        ("User-agent: veille-news\nDisallow: /", True),
        ("User-agent: veil\nDisallow: /", True),
        ("User-agent: veille\nAllow: /x\n\nUser-agent: x\nAllow: /\n\nUser-agent: veille\nDisallow: /", False),
        ("User-agent: veille\nUser-agent: other\nDisallow: /", False),
        ("User-agent: veille\nSitemap: /s.xml\nUser-agent: other\nDisallow: /", False),
        ("User-agent: veille\nCrawl-delay: 5\nUser-agent: *\nDisallow: /", True),
        ("\ufeffUser-agent: *\nDisallow: /", False),
        ("Disallow: /", True),
        ("<!doctype html><title>Not found</title>", True),
        ("", True),
        ("User-agent: *\r\rDisallow: / # all of it\r", False),
        ("user agent *\ndisallow /", False),
    ],
)  # fmt: skip
def test_the_groups_that_name_us_count_and_else_those_for_everyone(groups: str, allowed: bool) -> None:
    assert Rules(groups.encode(), "veille").allow("https://example.org/page") is allowed


def test_a_signal_counts_where_its_group_does() -> None:
    body = b"""
        Content-Signal: ai-train=maybe
        User-agent: *
        Content-Signal: search=yes # comment
        Content-signal: ai-train=no
        Allow: /
        User-agent: quiet
        Allow: /
    """
    assert Rules(body, "veille").content_signal == "search=yes, ai-train=no"
    assert Rules(body, "quiet").content_signal is None
    assert Rules(b"", "veille").content_signal is None


def test_content_usage_is_told_apart_from_content_signal() -> None:
    body = b"User-agent: *\nContent-Usage: train-ai=n\nContent-Signal: ai-train=no\nContent-Usage: /open/ train-ai=y\n"
    said = "ai-train=no, Content-Usage: train-ai=n, Content-Usage: /open/ train-ai=y"
    assert Rules(body, "veille").content_signal == said


@pytest.mark.parametrize(("line", "seconds"), [("2.5", 2.5), ("x", None), ("-1", None), ("inf", None), ("0", 0.0)])
def test_a_crawl_delay_is_a_number_of_seconds(line: str, seconds: float | None) -> None:
    assert Rules(f"User-agent: *\nCrawl-delay: {line}".encode(), "veille").crawl_delay == seconds


@pytest.mark.parametrize(
    "body",
    [
        b"".join(b"user-agent: a%d\n" % n for n in range(14_000)) + b"allow: /\n" * 30_000,
        b"user-agent: *\n" * 18_000 + b"disallow: /a\n" * 19_000,
        b"user-agent: *\n" + b"disallow: /*a*b*c*d$\n" * 24_000,
        b"user-agent: *\n" + b"allow:$\n" * 60_000,
        b"\xff\xfe\0" * 150_000,
    ],
    ids=["agents times rules", "one agent many times", "wildcards", "anchors", "not text"],
)
def test_a_hostile_file_costs_little(body: bytes) -> None:
    start = time.process_time()
    rules = Rules(body, "veille")
    rules.allow("https://example.org/" + "ab" * 1000)
    assert time.process_time() - start < 5


def test_rule_30_the_wait_that_a_robots_txt_in_trouble_asks_for_is_kept(loopback: Any) -> None:
    async def story(world: World) -> None:
        for hours, asked in ((0, 1), (1, 1), (23, 1), (25, 2)):
            world.now = START + timedelta(hours=hours)
            verdict = await world.verdict()
            assert (verdict.allowed, world.asked) == (False, asked)
        assert verdict.retry_after == 86_400

    with_robots(loopback, loopback.answer(503, retry_after="86400"), story)


def test_a_robots_txt_fetched_by_a_clock_that_was_wrong_is_asked_for_anew(loopback: Any) -> None:
    async def story(world: World) -> None:
        world.now = START + timedelta(days=3650)
        await world.verdict()
        world.now = START
        await world.verdict()
        world.restart()
        await world.verdict()
        assert world.asked == 2

    with_robots(loopback, loopback.answer(200, RULES), story)


def test_a_robots_txt_that_answers_429_is_named_in_the_failure(loopback: Any) -> None:
    async def story(world: World) -> None:
        with pytest.raises(FetchError, match=r"robots\.txt answers 429") as caught:
            await world.verdict()
        assert (caught.value.status, caught.value.retry_after) == (429, 90.0)

    with_robots(loopback, loopback.answer(429, retry_after="90"), story)
