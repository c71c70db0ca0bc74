"""A crawl full of bombs: each is one recorded failure by its deadline; the service and its good feeds do not notice.

The service runs in a process of its own, so that its memory is measured alone: not the newsroom's, not pytest's.
"""

import contextlib
import gzip
import json
import re
import resource
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from crawling import Bench

from service.articles.workers import MEMORY_LIMIT
from service.newsroom import Drip, EndlessHeaders, Fault, Newsroom, Site, Story

pytestmark = pytest.mark.slow

TIMEOUT = 3.0
"""Seconds a request may take in all, and a parse: what a bomb takes forever for is over as soon in a test."""
MEMORY = 100
"""MB that the service may grow by."""
PATIENCE = 10.0
"""Seconds that a slow machine may take longer than a deadline says."""

SERVICE = """
    import asyncio, functools, json, sys

    def peak():
        with open("/proc/self/status") as lines:
            return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1000

    def told(event):
        match type(event).__name__:
            case "Poll":
                return {"feed": event.feed, "error": event.error, "status": event.status, "seconds": event.seconds,
                        "listed": event.listed, "dropped": event.dropped,
                        "validators": bool(event.state.validators), "waits": event.state.next_due > event.at}
            case "Archived":
                return {"page": event.pending.entry.url, "guid": event.pending.entry.guid, "outcome": "archived"}
            case "Ended" if event.retry:
                return {"page": event.pending.entry.url, "guid": event.pending.entry.guid, "outcome": "postponed",
                        "reason": event.retry.reason}
            case "Ended":
                return {"page": event.pending.entry.url, "guid": event.pending.entry.guid,
                        "outcome": event.resolution.outcome.value, "reason": event.resolution.reason}

    async def main(env_file, seconds, **settings):
        from pathlib import Path
        from service import app, catalogues
        from service.settings import load

        settings = load(Path(env_file), **settings)
        # the same workers, but for the time they may take: a bomb would take any
        app.Workers = functools.partial(app.Workers, parse_seconds=seconds, extract_seconds=seconds)
        events = []
        async with app.open_runner(settings, (), lambda event: events.append(told(event))) as runner:
            while catalogue := await asyncio.to_thread(sys.stdin.readline):
                feeds = catalogues.load(Path(catalogue.strip()))
                runner.replace_feeds(feeds)
                events.clear()
                await runner.crawl(feeds)
                print(json.dumps({"peak": peak(), "events": events}), flush=True)

    if __name__ == "__main__":
        asyncio.run(main(**json.loads(sys.argv[1])))
"""


# -- the service, from outside -----------------------------------------------------------------------------------------


@dataclass
class Crawl:
    """What one crawl came to."""

    peak: float
    """The service's own peak memory so far, in MB; its workers' is not in it."""
    seconds: float
    polls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By feed."""
    pages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By URL, by guid where there is none."""


class Service:
    """The service as a process that crawls one catalogue after another, with the same workers throughout."""

    def __init__(self, directory: Path, bench: Bench) -> None:
        program = directory / "under_bombs.py"
        program.write_text(textwrap.dedent(SERVICE), encoding="utf-8")
        settings = {
            "env_file": str(directory / "none.env"),
            "seconds": TIMEOUT,
            "data_dir": str(bench.data),
            "allowed_networks": "127.0.0.0/8",
            "host_delay": "0s",
            "timeout": f"{TIMEOUT:g}s",
            "workers": 2,
        }
        (directory / "none.env").touch()
        self._directory = directory
        self._crawls = 0
        self.process = subprocess.Popen(
            [sys.executable, program, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.workers: dict[int, Worker] = {}
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._watch_workers)
        self._watch.start()

    def crawl(self, catalogue: str) -> Crawl:
        assert self.process.stdin
        assert self.process.stdout
        self._crawls += 1
        path = self._directory / f"feeds-{self._crawls}.toml"
        path.write_text(catalogue, encoding="utf-8")
        began = time.monotonic()
        print(path, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        assert line, f"the service ended: {self.process.stderr.read() if self.process.stderr else ''}"
        told = json.loads(line)
        crawl = Crawl(told["peak"], time.monotonic() - began)
        for event in told["events"]:
            of = crawl.polls if "feed" in event else crawl.pages
            of.setdefault(event.get("feed") or event["page"] or event["guid"], []).append(event)
        return crawl

    def end(self) -> str:
        """Let it end; returns all it had to say."""
        try:
            out, err = self.process.communicate(timeout=30)
        finally:
            self.process.kill()
            self._ended.set()
            self._watch.join()
        return out + err if self.process.returncode == 0 else f"{out}{err}\nexit {self.process.returncode}"

    def _watch_workers(self) -> None:
        while not self._ended.wait(0.02):
            for server in children(self.process.pid):
                for pid in children(server):  # the fork server's children are the workers
                    if seen := Worker.of(pid):
                        self.workers[pid] = seen


@dataclass(frozen=True)
class Worker:
    """A worker as last seen alive: the limit on its address space, and the most it had of it, in bytes."""

    limit: int
    peak: int

    @classmethod
    def of(cls, pid: int) -> "Worker | None":
        try:
            limit, _ = resource.prlimit(pid, resource.RLIMIT_AS)
            lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            return None
        peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmPeak")]
        return cls(limit, *peaks) if peaks else None


def children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it may end at any moment
            found += map(int, thread.read_text(encoding="ascii").split())
    return found


# -- bombs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bomb:
    """A body, how it is sent, and what is to be said of it; as a page, it has an outcome too."""

    body: Callable[[], bytes]
    """Made only where it is sent: whoever collects tests need not hold it."""
    says: str
    """A pattern; of nothing at all where the bomb is defused, and read."""
    encoding: str | None = None
    fault: Fault | None = None
    outcome: str = "postponed"
    page_says: str | None = None
    """Where a page fails in other words."""


LATE = f"gave no answer within {TIMEOUT:g} s"
NEVER = Drip(delay=600)
"""After one byte the body does not go on: whatever is said of it is said by its headers."""


def packed(body: bytes) -> bytes:
    return gzip.compress(body, 1)


@cache
def gzip_bomb() -> bytes:
    """200 MiB of spaces."""
    return packed(b" " * 200 * 2**20)


def deflate_bomb() -> bytes:
    """The same, raw: without the head and the sums at the end."""
    return gzip_bomb()[10:-8]


def rss(items: str, doctype: str = "") -> bytes:
    head = f"<?xml version='1.0'?>\n{doctype}\n<rss version='2.0'><channel><title>c</title>"
    return f"{head}{items}</channel></rss>".encode()


def item(inner: str, guid: str = "1") -> str:
    return f"<item><guid isPermaLink='false'>{guid}</guid>{inner}</item>"


def json_feed(name: str, count: int) -> str:
    ids = ",".join(f'{{"id": "{name}-{number}"}}' for number in range(count))
    return f'{{"version": "https://jsonfeed.org/version/1.1", "title": "c", "items": [{ids}]}}'


WORDS = "Some words of a text that is long enough to be read. "
ENTRY = item(f"<description>{WORDS}</description>", "whole")
PAGE = f"<!DOCTYPE html><html><head><title>t</title></head><body><article><p>{WORDS * 9}</p></article></body></html>"


def entity(size: int, uses: int) -> bytes:
    """One entity of so many characters, used so often."""
    return rss(item(f"<title>{'&a;' * uses}</title>"), f'<!DOCTYPE rss [\n<!ENTITY a "{"a" * size}">\n]>')


def laughs() -> str:
    tens = "\n".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE rss [\n<!ENTITY a0 "lollollol">\n{tens}\n]>'


def attributes() -> str:
    return " ".join(f"a{number}='v'" for number in range(100_000))


REFUSED = "answer in an encoding not asked for: "
WIRE = {
    "gzip": Bomb(gzip_bomb, "larger than 20MB inflated", "gzip", outcome="failed"),
    "gzip-in-gzip": Bomb(
        lambda: packed(gzip_bomb()),
        "gzip of more than 20 MB",
        "gzip",
        outcome="failed",
        page_says="application/gzip, not HTML",
    ),
    "gzip-twice": Bomb(lambda: packed(gzip_bomb()), REFUSED + "gzip, gzip", "gzip, gzip"),
    "gzip-cut-short": Bomb(lambda: packed(rss(ENTRY))[:-12], "gzip without its end", "gzip"),
    "deflate": Bomb(deflate_bomb, REFUSED + "deflate", "deflate"),
    "brotli": Bomb(lambda: bytes(1000), REFUSED + "br", "br", NEVER),
    "zstd": Bomb(lambda: b"\x28\xb5\x2f\xfd" + bytes(1000), REFUSED + "zstd", "zstd", NEVER),
    "plain": Bomb(lambda: b" " * 10_000_001, "larger than 10MB on the wire", "identity", outcome="failed"),
    "drip": Bomb(lambda: rss(ENTRY), f"timed out after {TIMEOUT:g} s", fault=Drip(delay=0.5)),
    "headers": Bomb(lambda: rss(ENTRY), "not an HTTP answer", fault=EndlessHeaders()),
}
"""What harms whoever reads it to its end, or waits for it: as a feed, and as a page."""

MARKUP = {
    "entity": Bomb(lambda: entity(200_000, 5_000), f"{LATE}|too much memory|unfold"),
    "entity-in-bounds": Bomb(lambda: entity(200_000, 300), f"{LATE}|unfold"),
    "entity-well-formed": Bomb(lambda: entity(1_000_000, 60), f"{LATE}|unfold"),
    "attributes": Bomb(lambda: rss(item(f"<title {attributes()}>t</title>")), LATE),
    "items": Bomb(lambda: rss("".join(item("<title>t</title>", str(n)) for n in range(200_000))), f"{LATE}|"),
    "nesting": Bomb(lambda: rss(item("<a>" * 20_000 + "</a>" * 20_000)), ""),
    "laughs": Bomb(lambda: rss(item("<title>&a9;</title>"), laughs()), ""),
    "name": Bomb(lambda: b"<" + b"a" * 40_000 + b"/>", "<aaaaa"),
    "json-nesting": Bomb(lambda: b'{"version": "https://jsonfeed.org/version/1.1", "items": ' + b"[" * 10**6, "JSON"),
}
"""What harms whoever parses it. A machine that is slow is also late for what others defuse in time."""

PAGES = {
    "page-attributes": Bomb(
        lambda: PAGE.replace("<p>", f"<p {attributes()}>t</p><p>").encode(), LATE, outcome="failed"
    ),
    "page-nesting": Bomb(
        lambda: b"<html><body>" + b"<div>" * 20_000 + b"x" + b"</div>" * 20_000, "no text", outcome="failed"
    ),
    "robots-gzip": Bomb(PAGE.encode, "", outcome="archived"),
    "robots-drip": Bomb(PAGE.encode, f"robots.txt cannot be had: timed out after {TIMEOUT:g} s"),
}
"""What harms whoever extracts it, or asks first whether it may be asked for."""


def only_odd(body: bytes) -> dict[str, bytes]:
    """What gzip allows, and others do."""
    cuts = (0, len(body) // 3, len(body) // 2, len(body))
    members = [gzip.compress(body[start:end]) for start, end in pairwise(cuts)]
    return {"members": b"".join(members), "garbage": gzip.compress(body) + b"\x00garbage behind the end" * 9}


def nosy(secret: Path, url: str) -> dict[str, str]:
    """Document types that have a parser read a file, or ask for an address."""
    return {
        "xxe-file": f'<!DOCTYPE rss [\n<!ENTITY x SYSTEM "{secret.as_uri()}">\n]>',
        "xxe-http": f'<!DOCTYPE rss [\n<!ENTITY x SYSTEM "{url}/entity">\n]>',
        "xxe-dtd": f'<!DOCTYPE rss SYSTEM "{url}/dtd">',
        "xxe-parameter": f'<!DOCTYPE rss [\n<!ENTITY % p SYSTEM "{url}/parameter">\n%p;\n]>',
    }


# -- the crawls --------------------------------------------------------------------------------------------------------

SECRET = "the words of a file that is nobody's business"
GOOD = 3
"""Sites of the newsroom that just go on publishing."""


@dataclass
class Scene:
    """Three crawls by one service: of good feeds, of the same and all bombs, of good feeds again."""

    crawls: list[Crawl]
    new: list[list[Story]]
    """The good feeds' stories that are new to each crawl."""
    urls: dict[str, str]
    """Of the bombs that are pages, by name."""
    asked_for: set[str]
    """Paths that were asked for of the one site that no feed names."""
    workers: dict[int, Worker]
    said: str
    records: list[dict[str, Any]]
    stored: bytes
    """All that the data directory holds, in one."""

    @property
    def bombed(self) -> Crawl:
        return self.crawls[1]


def lay(room: Newsroom, site: Site, path: str, kind: str, bomb: Bomb) -> str:
    """Serve a bomb; returns its URL."""
    url = room.serve(path, bomb.body(), kind, {"Content-Encoding": bomb.encoding} if bomb.encoding else None, site)
    if bomb.fault:
        room.fault(url, bomb.fault)
    return url


def lay_feed(room: Newsroom, site: Site, bomb: Bomb) -> str:
    return lay(room, site, "/bomb.xml", "application/rss+xml", bomb)


def lay_page(room: Newsroom, site: Site, bomb: Bomb) -> str:
    return lay(room, site, "/bomb.html", "text/html; charset=utf-8", bomb)


def catalogue(feeds: dict[str, str]) -> str:
    return "\n".join(f'[[feed]]\nname = "{name}"\nurl = "{url}"\n' for name, url in feeds.items())


def pages(urls: dict[str, str]) -> bytes:
    return rss("".join(item(f"<link>{url}</link>", name) for name, url in urls.items()))


ODD = only_odd(rss(ENTRY))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    directory = tmp_path_factory.mktemp("bombs")
    bench = Bench(directory)
    secret = directory / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    names = [*WIRE, *MARKUP, *PAGES]
    with Newsroom(sites=GOOD + len(names) + 2, stories=2) as room:
        good, (elsewhere, spare, *sites) = room.sites[:GOOD], room.sites[GOOD:]
        site_of = dict(zip(names, sites, strict=True))
        feeds = {name: lay_feed(room, site_of[name], bomb) for name, bomb in (WIRE | MARKUP).items()}
        urls = {name: lay_page(room, site_of[name], bomb) for name, bomb in (WIRE | PAGES).items()}
        lay(room, site_of["robots-gzip"], "/robots.txt", "text/plain", WIRE["gzip"])
        room.fault(f"{site_of['robots-drip'].base_url}/robots.txt", Drip(delay=0.5))

        def serve(path: str, body: bytes | str, kind: str = "application/rss+xml", encoding: str = "") -> str:
            return room.serve(path, body, kind, {"Content-Encoding": encoding} if encoding else None, spare)

        feeds["json-items"] = serve("/items.json", json_feed("json", 200_000), "application/feed+json")
        for name, body in ODD.items():
            feeds[name] = serve(f"/{name}.xml", body, encoding="gzip")
        for name, body in only_odd(PAGE.encode()).items():
            urls[name] = serve(f"/{name}.html", body, "text/html", "gzip")
        for name, doctype in nosy(secret, elsewhere.base_url).items():
            entry = item(f"<title>&x;</title><description>{name} {WORDS} &x;</description>", f"{name} &x;")
            based = entry.replace("<item>", "<item xml:base='http://127.0.0.1/'>")  # so that the raw guid counts
            feeds[name] = serve(f"/{name}.xml", rss(based, doctype))
            xhtml = f"<?xml version='1.0'?>\n{doctype.replace('rss', 'html')}\n{PAGE.partition('>')[2]}"
            urls[name] = serve(f"/{name}.html", xhtml.replace("<p>", f"<p>{name} &x; "), "application/xhtml+xml")
        feeds["pages"] = serve("/pages.xml", pages(urls))
        fine = {link.name: link.url for site in good for link in site.feeds}
        # as long as a feed may be: what that takes is no bomb's doing
        fine["long"] = serve("/long.json", json_feed("long", 2_000), "application/feed+json")
        new = [[story for site in good for story in room.stories(site)]]
        service = Service(directory, bench)
        try:
            crawls = [service.crawl(catalogue(fine))]
            for feeds_then in (fine | feeds, fine):
                new.append([story for site in good for story in room.publish(2, site)])
                crawls.append(service.crawl(catalogue(feeds_then)))
        finally:
            said = service.end()
        asked_for = {request.path for request in room.requests if request.site == elsewhere.name}
    stored = b"\n".join(path.read_bytes() for path in bench.data.rglob("*") if path.is_file())
    return Scene(crawls, new, urls, asked_for, service.workers, said, bench.records(), stored)


def the_poll(crawl: Crawl, name: str) -> dict[str, Any]:
    (poll,) = crawl.polls[name]
    return poll


def the_page(scene: Scene, name: str) -> dict[str, Any]:
    (page,) = scene.bombed.pages[scene.urls[name]]
    return page


def assert_failed(poll: dict[str, Any], says: str) -> None:
    assert poll["error"] is not None
    assert re.search(says, poll["error"])
    assert_one_clear_line(poll["error"])
    assert (poll["listed"], poll["validators"], poll["waits"]) == (0, False, True)


def assert_one_clear_line(reason: str) -> None:
    assert 0 < len(reason) <= 150
    assert reason.isprintable()
    assert "Error" not in reason
    assert "Traceback" not in reason


@pytest.mark.parametrize("name", WIRE)
def test_rule_19_a_bomb_on_the_wire_is_one_failure_of_its_feed_by_its_deadline(scene: Scene, name: str) -> None:
    poll = the_poll(scene.bombed, name)
    assert_failed(poll, WIRE[name].says)
    if WIRE[name].page_says is None:  # then it is the parser that finds it, in its turn
        assert poll["seconds"] < TIMEOUT + PATIENCE


@pytest.mark.parametrize("name", WIRE | PAGES)
def test_rule_19_and_29_a_bomb_behind_an_entry_is_one_outcome_of_its_page(scene: Scene, name: str) -> None:
    bomb, page = (WIRE | PAGES)[name], the_page(scene, name)
    assert page["outcome"] == bomb.outcome
    if bomb.outcome != "archived":
        assert re.search(bomb.page_says or bomb.says, page["reason"])
        assert_one_clear_line(page["reason"])


def test_rule_19_gzip_in_several_members_or_with_garbage_behind_it_is_read(scene: Scene) -> None:
    for name in ODD:
        assert the_poll(scene.bombed, name)["error"] is None
        assert the_poll(scene.bombed, name)["listed"] == 1
        assert the_page(scene, name)["outcome"] == "archived"
    texts = [record["text"] for record in scene.records if record["requested_url"] in (scene.urls[n] for n in ODD)]
    assert texts == [(WORDS * 9).strip()] * len(ODD)
    assert [record["text"] for record in scene.records if record["guid"] == "whole"] == [WORDS.strip()] * len(ODD)


def test_rule_19_the_service_itself_grows_by_less_than_100_mb(
    scene: Scene, record_property: Callable[[str, object], None]
) -> None:
    before, after = scene.crawls[0].peak, scene.bombed.peak
    assert after - before < MEMORY
    bombs = len(WIRE) * 2 + len(MARKUP) + len(PAGES)
    record_property(
        "measured",
        f"{bombs} bombs in one crawl of {scene.bombed.seconds:.1f} s: the service's peak grew from {before:.0f} "
        f"by {after - before:.0f} MB, {len(scene.workers) - 2} workers were replaced, none above "
        f"{max(worker.peak for worker in scene.workers.values()) / 1e6:.0f} MB of address space",
    )


@pytest.mark.parametrize("name", MARKUP)
def test_rule_29_a_bomb_in_the_markup_is_one_failure_of_its_feed_or_none(scene: Scene, name: str) -> None:
    poll, says = the_poll(scene.bombed, name), MARKUP[name].says
    if poll["error"] is None:
        assert re.fullmatch(says, "")
        assert (poll["listed"], poll["dropped"]) == ((2_000, 198_000) if name == "items" else (1, 0))
    else:
        assert_failed(poll, says)


def test_rule_29_each_worker_is_held_to_its_memory(scene: Scene) -> None:
    assert len(scene.workers) > 2 + 2  # those that were killed have been replaced
    assert {worker.limit for worker in scene.workers.values()} == {MEMORY_LIMIT}
    assert max(worker.peak for worker in scene.workers.values()) <= MEMORY_LIMIT


def test_rule_29_the_crawl_takes_no_longer_than_its_bombs_time_outs_one_after_another(scene: Scene) -> None:
    late = [bomb for bombs in (MARKUP, PAGES, PAGES) for bomb in bombs.values() if LATE in bomb.says]  # a page twice
    on_the_network = 2 * TIMEOUT  # the feeds side by side, then the pages
    assert scene.bombed.seconds < on_the_network + len(late) * (TIMEOUT + 1) + 2 * PATIENCE


def test_rule_29_good_feeds_are_archived_wholly_beside_the_bombs_and_after_them(scene: Scene) -> None:
    texts = {record["url"]: record["text"].split("\n") for record in scene.records if record["text_source"] == "page"}
    for crawl, stories in zip(scene.crawls, scene.new, strict=True):
        archived = [url for url, page in crawl.pages.items() if page[0]["outcome"] == "archived"]
        assert len(stories) == 2 * GOOD
        assert {story.url for story in stories} <= set(archived)
        for story in stories:
            assert set(story.paragraphs) <= set(texts[story.url])
    good = scene.crawls[0].polls.keys()
    assert scene.crawls[2].polls.keys() == good
    assert all(the_poll(crawl, name)["error"] is None for crawl in scene.crawls for name in good)


def test_rule_29_nothing_is_read_from_disk_nor_asked_for_by_a_document(scene: Scene) -> None:
    nosy_ones = nosy(Path("/"), "")
    for name in nosy_ones:
        assert the_poll(scene.bombed, name)["error"] is None
        assert the_page(scene, name)["outcome"] == "archived"
    assert len([record for record in scene.records if record["text"].startswith("xxe-")]) == 2 * len(nosy_ones)
    leaked = SECRET.encode() in scene.stored
    assert not leaked
    assert scene.asked_for == set()


def test_rule_27_of_200_000_items_2_000_are_read_and_the_others_reported(scene: Scene) -> None:
    poll = the_poll(scene.bombed, "json-items")
    assert (poll["error"], poll["listed"], poll["dropped"]) == (None, 2_000, 198_000)
    ended = [page for guid, (page, *_) in scene.bombed.pages.items() if guid.startswith("json-")]
    assert len(ended) == 2_000
    assert {page["reason"] for page in ended} == {"the feed carries no text for this entry"}


def test_the_service_has_nothing_to_say_of_it_and_leaves_no_process(scene: Scene) -> None:
    assert scene.said == ""
    assert not any(Worker.of(pid) for pid in scene.workers)


# -- bombs that others have made ---------------------------------------------------------------------------------------

NOT_A_FEED = "not a feed"
GENERATED = {
    "billion_laughs_rss.xml": ("", ""),
    "brotli_bomb_200MiB.br": ("br", "not asked for: br"),
    "deep_feed_5000.xml.gz": ("gzip", ""),
    "deep_html_20000.html.gz": ("gzip", "HTML"),
    "gzip_bomb_200MiB.xml.gz": ("gzip", "larger than 20MB inflated"),
    "gzip_bomb_nested_200MiB.xml.gz.gz": ("gzip", "gzip of more than 20 MB"),
    "gzip_trailing_garbage.xml.gz": ("gzip", ""),
    "many_items_200k.xml.gz": ("gzip", f"{LATE}|"),
    "multimember_gzip.xml.gz": ("gzip", ""),
    "raw_deflate_bomb_200MiB.bin": ("deflate", "not asked for: deflate"),
    "truncated_gzip.xml.gz": ("gzip", "gzip without its end"),
    "xxe_file_rss.xml": ("", ""),
    "xxe_http_rss.xml": ("", ""),
}
"""Files, how they are said to be encoded, and what is to be said of them."""


@pytest.mark.shared
def test_rule_19_and_29_bombs_of_other_makers_are_defused_or_one_failure(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "suites" / "security"
    bombs = {name: Bomb((folder / "generated" / name).read_bytes, says, how) for name, (how, says) in GENERATED.items()}
    bombs |= {path.name: Bomb(path.read_bytes, f"{NOT_A_FEED}|{LATE}") for path in (folder / "xml").glob("*.xml")}
    bench = Bench(tmp_path)
    with Newsroom(sites=len(bombs) + 1, stories=2) as room:
        good, *sites = room.sites
        names = {name: name.lower().replace("_", "-").replace(".", "-") for name in bombs}
        feeds = {names[name]: lay_feed(room, site, bombs[name]) for name, site in zip(bombs, sites, strict=True)}
        service = Service(tmp_path, bench)
        try:
            crawl = service.crawl(catalogue(feeds | {good.name: good.feed_url}))
        finally:
            said = service.end()
        stories = room.stories(good)
    for name, bomb in bombs.items():
        poll = the_poll(crawl, names[name])
        if poll["error"] is None:
            assert re.fullmatch(bomb.says, ""), name
            assert poll["listed"] in (1, 2_000)
        else:
            assert_failed(poll, bomb.says)
    assert {story.url for story in stories} <= {record["url"] for record in bench.records()}
    assert said == ""
