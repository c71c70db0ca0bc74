"""Behind every record stands what the site sent, byte for byte; and nothing that was not to be kept."""

import asyncio
import errno
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command import messages, veille
from crawling import Bench
from newsstand import item, ledger, mount, page, rss

from service import catalogues
from service.app import open_runner
from service.cli.context import Context
from service.cli.raw import show_raw
from service.newsroom import Fault, Newsroom, Pdf
from service.newsroom.wire import Answer, Wire
from service.oneshot import look
from storage import segments
from storage.database import open_database
from storage.errors import CorruptArchiveError, StorageError
from storage.model import Outcome, Poll, RawRef
from storage.raw import read_payload
from storage.warc import WarcRecord, records, warc_files


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every answer the newsroom has sent: head and body, as they went into the socket."""
    answers: list[bytes] = []
    real = Wire._write

    def write(self: Wire, head: bytes, body: bytes = b"") -> None:
        answers.append(head + body)
        real(self, head, body)

    monkeypatch.setattr(Wire, "_write", write)
    return answers


def kept(bench: Bench, kind: str | None = None) -> list[WarcRecord]:
    """All WARC records, or those of a type."""
    found = [record for file in warc_files(bench.data) for record in records(bench.data, file)]
    assert all(record.block_holds and record.payload_holds is not False for record in found)
    return [record for record in found if kind in {None, record.type}]


def path_of(record: WarcRecord) -> str:
    return "/" + str(record.url).split("/", 3)[3]


def metadata(bench: Bench, url: str) -> list[str]:
    """The lines of the metadata records about a URL."""
    lines: list[str] = []
    for file in warc_files(bench.data):
        for record in records(bench.data, file):
            if record.type == "metadata" and record.url == url:
                member = (bench.data / file).read_bytes()[record.offset : record.offset + record.length]
                lines += gzip.decompress(member).decode().split("\r\n\r\n")[1].splitlines()
    return lines


def check(bench: Bench) -> None:
    """What ``warcio check`` says, is that all is well."""
    for file in warc_files(bench.data):
        command = [Path(sys.executable).with_name("warcio"), "check", bench.data / file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_every_record_leads_to_the_very_bytes_that_the_site_sent(bench: Bench, served: list[bytes]) -> None:
    with Newsroom(sites=3, stories=3) as room:
        bench.crawl(room)
        feeds = [feed.url for feed in room.feeds]
    assert len(bench.records()) == 9
    for record in bench.records():
        copy = read_payload(bench.data, RawRef(**record["raw"]))
        assert copy.head + copy.body in served
        assert dict(copy.fields)["WARC-Target-URI"] == record["url"]
        assert dict(copy.fields)["WARC-IP-Address"] == record["url"].split("/")[2].split(":")[0]
        assert dict(copy.fields)["WARC-Date"][:19] == record["fetched"][:19]
        assert b"Content-Encoding: gzip\r\n" in copy.head
        assert copy.body[:2] == b"\x1f\x8b"
        assert f"feed: {record['feed']}" in metadata(bench, record["url"])
        assert f"via: {record['feed_url']}" in metadata(bench, record["url"])
    responses = [str(record.url) for record in kept(bench, "response")]
    assert sorted(responses) == sorted([*feeds, *(record["url"] for record in bench.records())])
    assert len(kept(bench, "request")) == len(kept(bench, "metadata")) == len(responses)
    check(bench)


def test_a_feed_s_document_is_kept_when_it_has_changed_and_only_then(bench: Bench) -> None:
    with Newsroom(sites=1, stories=2) as room:
        feeds = [feed.url for feed in room.feeds]
        bench.crawl(room)
        before = len(kept(bench))
        assert [record.url for record in kept(bench, "response")][: len(feeds)] == feeds
        bench.crawl(room)  # 304
        bench.crawl(room, force=True)  # 200 with the same body
        assert len(kept(bench)) == before
        room.publish(1)
        bench.crawl(room)
        changed = [record.url for record in kept(bench, "response")]
    assert changed.count(feeds[0]) == 2
    assert len([url for url in changed if url not in feeds]) == 3
    check(bench)


def test_a_malformed_document_that_never_changes_is_kept_once_in_a_run(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        urls = mount(bench, room, {"f": rss(item("a", None, description="text")).replace("</title>", "</title><b>", 1)})
        feeds = catalogues.load(bench.feeds_file)

        async def three_times() -> None:
            async with open_runner(bench.settings, feeds, bench.events.append) as runner:
                for _ in range(3):
                    await runner.crawl(feeds)

        asyncio.run(three_times())
        polls = [event for event in bench.events if isinstance(event, Poll)]
        assert [poll.state.body_hash for poll in polls] == [None] * 3, "it is not trusted: it may be half of one"
        assert [record.type for record in kept(bench)] == ["warcinfo", "response", "request", "metadata"]
        assert kept(bench, "response")[0].url == urls["f"]


def test_a_page_that_comes_again_is_noted_and_not_written_again(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        text = page("the same")
        links = [room.serve(path, text) for path in ("/a", "/b")]
        mount(bench, room, {"f": rss(*(item(link, link, f"title {link}") for link in links))}, content='"page"')
        bench.crawl()
    assert ledger(bench) == {Outcome.ARCHIVED: 2}
    first, second = (record["raw"] for record in bench.records())
    assert first == second
    (revisit,) = kept(bench, "revisit")
    assert path_of(revisit) == "/b"
    assert dict(revisit.fields)["WARC-Refers-To-Target-URI"] == links[0]
    assert [path_of(record) for record in kept(bench, "response")] == ["/f.xml", "/a"]
    check(bench)


def test_a_page_nothing_new_was_found_in_is_not_kept(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        link = room.serve("/a", page("story"))
        mount(bench, room, {"f": rss(item("1", link, "one title"))})
        bench.crawl()
        room.serve("/a", page("story", head="<!-- another day -->"))
        mount(bench, room, {"f": rss(item("1", link, "another title"))})
        bench.crawl()
    assert ledger(bench) == {Outcome.ARCHIVED: 1, Outcome.UNCHANGED: 1}
    assert [path_of(record) for record in kept(bench, "response")] == ["/f.xml", "/a", "/f.xml"]


def test_a_page_without_text_is_kept_as_evidence(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        link, other = room.serve("/a", "<html><title>x</title>"), room.serve("/b", page("b"))
        room.fault("/b", Pdf())
        entries = (item(link, link), item(other, other, description="What the feed itself says of it. " * 3))
        mount(bench, room, {"f": rss(*entries)})
        bench.crawl()
    assert ledger(bench) == {Outcome.FAILED: 1, Outcome.ARCHIVED: 1}
    assert sorted(path_of(record) for record in kept(bench, "response")) == ["/a", "/b", "/f.xml"]
    (record,) = bench.records()
    assert record["text_source"] == "feed"
    assert read_payload(bench.data, RawRef(**record["raw"])).body.startswith(b"%PDF-1.4\n")


def test_an_article_of_the_feed_s_own_text_has_no_raw_copy(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        text = "What the feed itself says of it. " * 5
        mount(bench, room, {"f": rss(item("1", None, description=text))})
        bench.crawl()
    (record,) = bench.records()
    assert record["raw"] == {"file": None, "offset": None, "digest": None}


RESERVED = '<meta name="tdm-reservation" content="1">'


@pytest.mark.parametrize("text", [page("r", head=RESERVED), f"<html><head>{RESERVED}</head>"], ids=["read", "empty"])
def test_a_page_left_out_for_its_reservation_leaves_nothing(tmp_path: Path, text: str) -> None:
    bench = Bench(tmp_path, tdm_policy="skip")
    with Newsroom(sites=1, stories=0) as room:
        links = [room.serve("/reserved", text), room.serve("/free", page("free"))]
        mount(bench, room, {"f": rss(*(item(link, link) for link in links))})
        bench.crawl()
    assert ledger(bench) == {Outcome.ARCHIVED: 1, Outcome.SKIPPED: 1}
    assert sorted(path_of(record) for record in kept(bench, "response")) == ["/f.xml", "/free"]
    assert not [record for record in kept(bench) if record.url == links[0]]


def test_where_skipping_is_asked_for_a_page_nobody_could_read_leaves_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tdm_policy="skip")
    with Newsroom(sites=1, stories=0) as room:
        link = room.serve("/a", page("a"))
        room.fault("/a", Pdf())
        mount(bench, room, {"f": rss(item(link, link))})
        bench.crawl()
    assert ledger(bench) == {Outcome.FAILED: 1}
    assert [path_of(record) for record in kept(bench, "response")] == ["/f.xml"]


def test_with_keep_raw_none_no_file_is_made_and_the_texts_are_the_same(tmp_path: Path) -> None:
    keeping, not_keeping = Bench(tmp_path / "a"), Bench(tmp_path / "b", keep_raw="none")
    with Newsroom(sites=2, stories=2) as room:
        for bench in (keeping, not_keeping):
            bench.data.parent.mkdir()
            bench.crawl(room)
    assert not (not_keeping.data / "raw").exists()
    texts = [sorted((record["url"], record["text"]) for record in bench.records()) for bench in (keeping, not_keeping)]
    assert texts[0] == texts[1]
    for record in not_keeping.records():
        assert record["raw"] == {"file": None, "offset": None, "digest": None}


def test_a_look_keeps_nothing(bench: Bench) -> None:
    with Newsroom(sites=1, stories=1) as room:
        bench.feeds_file.write_text(room.feeds_toml(), encoding="utf-8")
        seen: list[object] = []
        feeds = catalogues.load(bench.feeds_file)
        asyncio.run(look(bench.settings, feeds, force=False, listen=seen.append))
    assert seen
    assert not bench.data.exists()


# -- what can go wrong -------------------------------------------------------------------------------------------------


KILLED = """
import os, signal, sys
from pathlib import Path
from crawling import Bench
from storage.archive import Archive

if __name__ == "__main__":
    Archive.commit = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    Bench(Path(sys.argv[1])).crawl()
"""


def test_a_kill_between_the_raw_copies_and_the_lines_loses_nothing(bench: Bench, tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    tests = str(Path(__file__).resolve().parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([tests, *os.environ.get("PYTHONPATH", "").split()])}
    with Newsroom(sites=1, stories=3) as room:
        bench.feeds_file.write_text(room.feeds_toml(), encoding="utf-8")
        killed = subprocess.run([sys.executable, script, tmp_path], env=environment, capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert bench.records() == []
        early = [record for record in kept(bench, "response") if "rss" not in path_of(record)]
        assert early
        bench.crawl()
    assert len(bench.records()) == 3
    assert ledger(bench) == {Outcome.ARCHIVED: 3, Outcome.UNCHANGED: 1}
    references = {record["raw"]["offset"] for record in bench.records()}
    assert {record.offset for record in early} <= references, "what was kept then serves now"
    for record in bench.records():
        read_payload(bench.data, RawRef(**record["raw"]))
    check(bench)


@pytest.mark.parametrize(("room_left", "pending"), [(0, 0), (5_000, 1)], ids=["at the feed's document", "at the page"])
def test_a_disk_that_fills_up_under_the_raw_copies_acknowledges_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, room_left: int, pending: int
) -> None:
    with Newsroom(sites=1, stories=3) as room:
        bench.crawl(room)
        before = {path: path.read_bytes() for path in bench.data.glob("*/*/*")}
        assert len(before) == 2
        room.publish(1)
        (raw,) = (path for path in before if path.suffix == ".gz")
        real = os.write

        def full_disk(descriptor: int, data: Any) -> int:
            if Path(f"/proc/self/fd/{descriptor}").resolve() != raw:
                return real(descriptor, data)
            if os.fstat(descriptor).st_size >= len(before[raw]) + room_left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(descriptor, data[:1_000])

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full_disk)
            with pytest.raises(StorageError, match=r"warc\.gz cannot be written: .*No space left on device"):
                bench.crawl(room)
        with closing(open_database(bench.settings.database, readonly=True)) as store:
            assert store.committed_files()[raw.relative_to(bench.data).as_posix()] == raw.stat().st_size
            assert sum(entries.counts.get(Outcome.PENDING, 0) for entries in store.ledger().values()) == pending
        assert {path: path.read_bytes() for path in before if path != raw} == {
            path: data for path, data in before.items() if path != raw
        }
        assert [path.name for path in bench.data.glob("*/*/*.torn")] == []
        bench.crawl(room)
    assert len(bench.records()) == 4
    check(bench)


def test_a_start_sets_a_torn_raw_copy_aside_and_refuses_one_that_was_cut(bench: Bench) -> None:
    with Newsroom(sites=1, stories=1) as room:
        bench.crawl(room)
        (raw,) = bench.data.glob("raw/*/*.warc.gz")
        whole = raw.read_bytes()
        raw.write_bytes(whole + whole[:100])
        bench.crawl(room)
        assert (raw.read_bytes(), raw.with_suffix(".torn").read_bytes()) == (whole, whole[:100])
        os.truncate(raw, len(whole) - 1)
        with pytest.raises(CorruptArchiveError, match=f"{raw.name} is {len(whole) - 1} bytes long, of which"):
            bench.crawl(room)


# -- showing -----------------------------------------------------------------------------------------------------------


def test_show_raw_gives_the_page_back_as_it_was_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=1) as room:
        bench.crawl(room)
        (record,) = bench.records()
        with urllib.request.urlopen(record["url"]) as answer:  # uncompressed
            original = answer.read()
    command = [Path(sys.executable).with_name("veille"), "show", record["id"][:8], "--raw"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == original

    (file,) = bench.data.glob("raw/*/*.warc.gz")
    file.unlink()
    torn = veille(tmp_path, "show", record["id"], "--raw")
    assert torn.returncode == 74
    assert f"{file.name} is missing" in messages(torn)[0]


def test_show_raw_tells_in_json_where_the_copy_is_and_what_came_with_it(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    with Newsroom(sites=1, stories=1) as room:
        bench.crawl(room)
    (_, article), *_ = segments.records(bench.data)
    assert show_raw(Context(data=bench.data, json=True), article) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["raw"] == bench.records()[0]["raw"]
    assert shown["warc"]["WARC-Target-URI"] == article.url
    assert shown["http"].startswith("HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("settings", "content", "why"),
    [({"keep_raw": "none"}, "page", "KEEP_RAW was none"), ({}, "feed", "the article is the feed's own text")],
)
def test_show_raw_says_so_where_none_was_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, str], content: str, why: str
) -> None:
    bench = Bench(tmp_path, **settings)
    with Newsroom(sites=1, stories=0) as room:
        link = room.serve("/a", page("a"))
        mount(bench, room, {"f": rss(item("1", link, description="A text. " * 20))}, content=f'"{content}"')
        bench.crawl()
    (_, article), *_ = segments.records(bench.data)
    assert show_raw(Context(data=bench.data), article) == 10
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"no raw copy of {article.id} revision 1 was kept: {why}\n")


# -- replay ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chunked(Fault):
    """The answer in chunks, of its gzip form where so asked."""

    packed: bool

    def change(self, answer: Answer) -> Answer:
        if not self.packed:
            return answer
        return Answer(200, (*answer.headers, ("Content-Encoding", "gzip")), gzip.compress(answer.body))

    async def send(self, wire: Wire, answer: Answer) -> None:
        fields = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        await wire.send_lines(f"HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n".encode())
        for start in range(0, len(answer.body), 700):
            piece = answer.body[start : start + 700]
            await wire.send_lines(b"%x\r\n%b\r\n" % (len(piece), piece))
        await wire.send_lines(b"0\r\n\r\n")
        wire.status = 200


@contextmanager
def replay(directory: Path, files: list[Path]) -> Iterator[Callable[[str], bytes]]:
    """Within it, pywb replays WARC files: a function from a URL to the body it answers with."""
    programs = Path(sys.executable).parent
    directory.mkdir()
    for words in (["init", "veille"], ["add", "veille", *files]):
        subprocess.run([programs / "wb-manager", *words], cwd=directory, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = subprocess.Popen(
        [programs / "wayback", "-b", "127.0.0.1", "-p", port], cwd=directory, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            time.sleep(0.1)
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
        yield lambda url: urllib.request.urlopen(f"http://127.0.0.1:{port}/veille/id_/{url}").read()
    finally:
        server.terminate()
        server.wait()


@pytest.mark.slow
def test_pywb_replays_plain_packed_chunked_and_repeated_answers(bench: Bench, tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        (story,) = room.stories()
        texts = {path: page(f"the page at {path}") for path in ("/chunked", "/both", "/again")}
        links = {path: room.serve(path, text) for path, text in texts.items()}
        room.serve("/again", texts["/both"])
        for path, packed in (("/chunked", False), ("/both", True), ("/again", True)):
            room.fault(links[path], Chunked(packed))
        mount(bench, room, {"f": rss(*(item(link, link, path) for path, link in links.items()), item("s", story.url))})
        bench.crawl()
        with urllib.request.urlopen(story.url) as answer:
            original = answer.read()
    assert len(bench.records()) == 4
    assert [record.url for record in kept(bench, "revisit")] == [links["/again"]]
    check(bench)
    with replay(tmp_path / "pywb", [bench.data / file for file in warc_files(bench.data)]) as replayed:
        assert replayed(story.url) == original
        assert replayed(links["/chunked"]).decode() == texts["/chunked"]
        assert replayed(links["/both"]).decode() == replayed(links["/again"]).decode() == texts["/both"]
