"""Raw copies: what came over the wire is kept once, whole, and can be found again; or nobody is told it was kept."""

import errno
import gzip
import hashlib
import os
import random
import resource
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from articles import NOON, make_article

from storage.archive import Archive
from storage.captures import capture_records
from storage.card import write_card
from storage.database import Database, open_database
from storage.errors import CorruptArchiveError, StorageError
from storage.model import Capture, FeedState, Payload, Poll, RawRef, Sealed
from storage.raw import RawCopies, RawCopy, read_payload
from storage.raw_recovery import recover_raw
from storage.verify import verify
from storage.warc import TornRecordError, WarcRecord, records, warc_files

DAY = timedelta(days=1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Odd: caf\xe9\r\n\r\n"


def make_capture(name: str = "story", **changes: Any) -> Capture:
    """A capture whose body comes from ``name``."""
    fields: dict[str, Any] = {
        "url": f"https://news.test/{name}",
        "at": NOON.replace(microsecond=123_456),
        "address": "192.0.2.1",
        "request": f"GET /{name} HTTP/1.1\r\nHost: news.test\r\n\r\n".encode(),
        "head": HEAD,
        "body": f"<p>{name}</p>".encode() * 50,
        "notes": (("feed", "rfi-fr"), ("redirect", "301 https://news.test/x -> https://news.test/y")),
    }
    return Capture(**fields | changes)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """A store that has seen a feed: it was not made anew beside an archive that lost its own."""
    write_card(tmp_path)
    with closing(open_database(f"sqlite:///{tmp_path / 'veille.db'}")) as database:
        database.commit_poll(Poll("rfi-fr", NOON, FeedState("rfi-fr", "https://news.test/rss")))
        yield database


@pytest.fixture
def opened(tmp_path: Path, store: Database) -> Iterator[Callable[..., RawCopies]]:
    """Opens the raw copies in ``tmp_path``, recovered."""
    everything = []

    def open_(store: Any = store, **options: Any) -> RawCopies:
        recover_raw(tmp_path, store)
        everything.append(RawCopies(tmp_path, store, software="veille/0", **options))
        return everything[-1]

    yield open_
    for raw in everything:
        raw.close()


def only_file(directory: Path) -> Path:
    (file,) = directory.glob("raw/**/*.warc.gz")
    return file


def all_records(directory: Path) -> list[WarcRecord]:
    return [record for file in warc_files(directory) for record in records(directory, file)]


def types(directory: Path) -> list[str]:
    return [record.type for record in all_records(directory)]


def member(file: Path, record: WarcRecord) -> bytes:
    """A record as it stands in the file, inflated by itself."""
    return gzip.decompress(file.read_bytes()[record.offset : record.offset + record.length])


def warcio(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [Path(sys.executable).with_name("warcio"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


EACH = ["response", "request", "metadata"]


# -- keeping -----------------------------------------------------------------------------------------------------------


def test_a_capture_is_kept_as_three_records_behind_the_file_s_own(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    capture = make_capture()
    (reference,) = opened().keep([capture], NOON)
    file = only_file(tmp_path)
    assert file == tmp_path / f"raw/date=2026-11-23/{store.writer()}-0001.warc.gz"
    assert store.committed_files() == {reference.file: file.stat().st_size}
    info, response, request, metadata = all_records(tmp_path)
    assert reference == RawRef(file.relative_to(tmp_path).as_posix(), response.offset, response.payload_digest)
    assert reference.digest == f"sha256:{hashlib.sha256(capture.body).hexdigest()}"
    assert [info.type, response.type, request.type, metadata.type] == ["warcinfo", *EACH]
    assert {record.url for record in (response, request, metadata)} == {capture.url}
    assert {record.at for record in (response, request, metadata)} == {capture.at}
    assert response.fields[3] == ("WARC-Date", "2026-11-23T12:00:00.123456Z")
    for beside in (request, metadata):
        assert dict(beside.fields)["WARC-Concurrent-To"] == response.id
        assert dict(beside.fields)["WARC-IP-Address"] == "192.0.2.1"
    assert member(file, response).endswith(b"\r\n\r\n" + capture.head + capture.body + b"\r\n\r\n")
    assert member(file, request).endswith(b"\r\n\r\n" + capture.request + b"\r\n\r\n")
    notes = b"feed: rfi-fr\r\nredirect: 301 https://news.test/x -> https://news.test/y\r\n"
    assert member(file, metadata).endswith(b"\r\n\r\n" + notes + b"\r\n\r\n")
    assert member(file, info).startswith(b"WARC/1.1\r\nWARC-Type: warcinfo\r\n")
    assert f"WARC-Filename: {file.name}\r\n".encode() in member(file, info)
    assert len({record.id for record in (info, response, request, metadata)}) == 4


def test_what_is_kept_reads_back_byte_for_byte(tmp_path: Path, opened: Callable[..., RawCopies]) -> None:
    noise = random.Random(1).randbytes(300_000)
    bodies = [b"", b"x", noise, gzip.compress(noise[:90_000]), b"\r\n\r\nWARC/1.1\r\n" * 9]
    captures = [make_capture(str(number), body=body) for number, body in enumerate(bodies)]
    captures.append(replace(make_capture("v6", address=None), notes=(("feed", "a\r\nWARC-Type: \ud800"),)))
    references = opened().keep(captures, NOON)
    for capture, reference in zip(captures, references, strict=True):
        copy = read_payload(tmp_path, reference)
        assert (copy.head, copy.body) == (capture.head, capture.body)
        assert dict(copy.fields)["WARC-Target-URI"] == capture.url
    assert types(tmp_path) == ["warcinfo", *EACH * 6]
    assert all(record.block_holds for record in all_records(tmp_path))


def test_warcio_finds_every_digest_right_and_a_wrong_one_wrong(
    tmp_path: Path, opened: Callable[..., RawCopies]
) -> None:
    opened().keep([make_capture(), make_capture("gz", body=gzip.compress(b"x" * 9_000)), make_capture()], NOON)
    file = only_file(tmp_path)
    done = warcio("check", "-v", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("digest pass") == 9, "of ten records one is a revisit, which it does not look into"
    forged = [*capture_records(make_capture("forged"), "sha256:" + "0" * 64, None)]
    file.write_bytes(file.read_bytes() + b"".join(forged))
    done = warcio("check", file)
    assert done.returncode == 1
    assert "payload digest failed" in done.stdout
    (wrong,) = [record for record in all_records(tmp_path) if record.payload_holds is False]
    assert wrong.url == "https://news.test/forged"


def test_a_body_that_is_kept_already_is_only_referred_to(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    first, other = make_capture(), make_capture("other", body=make_capture().body, at=NOON + DAY)
    again = replace(other, at=NOON + 2 * DAY)
    one, two = opened().keep([first, other], NOON)
    (three,) = opened().keep([again], NOON + DAY)
    assert one == two == three
    assert store.payloads([str(one.digest)]) == {
        one.digest: Payload(str(one.digest), first.url, first.at, str(one.file), int(one.offset or 0))
    }
    assert types(tmp_path) == ["warcinfo", *EACH, "revisit", *EACH[1:], "warcinfo", "revisit", *EACH[1:]]
    with pytest.raises(CorruptArchiveError, match="another record than the raw copy"):
        read_payload(tmp_path, replace(one, offset=all_records(tmp_path)[4].offset))
    for revisit, capture in zip(
        [record for record in all_records(tmp_path) if record.type == "revisit"], (other, again), strict=True
    ):
        fields = dict(revisit.fields)
        assert (revisit.url, revisit.at, revisit.payload_digest) == (capture.url, capture.at, one.digest)
        assert fields["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
        assert fields["WARC-Refers-To-Target-URI"] == first.url
        assert fields["WARC-Refers-To-Date"] == "2026-11-23T12:00:00.123456Z"
        assert fields["Content-Length"] == str(len(capture.head))
        assert (revisit.block_holds, revisit.payload_holds) == (True, None)


def tear(member: bytes) -> bytes:
    return member[:-100] + b"\xff\x00" + member[-98:]


def forge(member: bytes) -> bytes:
    """Another body, in a member that is sound: it must not have been compressed."""
    forged = bytearray(member)
    forged[-100] ^= 1
    content = zlib.decompressobj(-15).decompress(forged[10:-8])
    return bytes(forged[:-8]) + zlib.crc32(content).to_bytes(4, "little") + member[-4:]


@pytest.mark.parametrize("spoil", [tear, forge])
def test_a_body_whose_copy_is_damaged_is_kept_anew(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], spoil: Callable[[bytes], bytes]
) -> None:
    body = gzip.compress(random.Random(1).randbytes(1000))
    raw, capture = opened(), make_capture(body=body)
    (damaged, _) = raw.keep([capture, make_capture("next")], NOON)
    record = all_records(tmp_path)[1]
    with only_file(tmp_path).open("r+b") as file:
        file.seek(record.offset)
        spoilt = spoil(file.read(record.length))
        file.seek(record.offset)
        file.write(spoilt)
    with pytest.raises(CorruptArchiveError):
        read_payload(tmp_path, damaged)
    one, two = raw.keep([capture, capture], NOON)
    (three,) = raw.keep([capture], NOON)
    assert one == two == three
    assert read_payload(tmp_path, one).body == body
    assert store.payloads([str(one.digest)])[str(one.digest)].offset == one.offset
    (damage,) = verify(tmp_path, store, patience=0)
    assert (damage.path, damage.offset) == (damaged.file, damaged.offset)


def test_a_body_in_another_content_encoding_is_kept_with_the_head_that_says_so(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    packed = HEAD.replace(b"X-Odd", b"content-encoding: GZip\r\nX-Odd")
    plain, page = make_capture("file"), make_capture("page", body=make_capture("file").body, head=packed)
    raw = opened()
    one, two = raw.keep([plain, page], NOON)
    assert [read_payload(tmp_path, ref).head for ref in (one, two)] == [plain.head, page.head]
    (three,) = raw.keep([page], NOON)
    assert read_payload(tmp_path, three).head == page.head
    assert raw.keep([plain], NOON) == [one]
    assert store.payloads([str(one.digest)])[str(one.digest)].offset == one.offset
    assert list(verify(tmp_path, store, patience=0)) == []


def test_batches_follow_one_another_in_one_file_across_restarts(
    tmp_path: Path, opened: Callable[..., RawCopies]
) -> None:
    for name in "abc":
        raw = opened()
        raw.keep([make_capture(name)], NOON)
        raw.close()
    assert types(tmp_path) == ["warcinfo", *EACH * 3]
    found = all_records(tmp_path)
    assert [record.offset for record in found[1:]] == [record.offset + record.length for record in found[:-1]]
    assert found[-1].offset + found[-1].length == only_file(tmp_path).stat().st_size


def test_where_there_is_nothing_to_keep_no_file_is_made(tmp_path: Path, opened: Callable[..., RawCopies]) -> None:
    assert opened().keep([], NOON) == []
    assert not (tmp_path / "raw").exists()


def test_files_roll_over_by_day_by_length_and_behind_a_sealed_one(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    raw = opened(segment_bytes=1_000)
    for name, day in (("a", NOON), ("b", NOON), ("c", NOON + DAY)):
        raw.keep([make_capture(name)], day)
    raw.close()
    store.seal(Sealed(warc_files(tmp_path)[-1], warc_files(tmp_path)[-1], 4, 1, "0" * 64, None, None, 1))
    opened().keep([make_capture("d")], NOON + DAY)
    writer = store.writer()
    assert warc_files(tmp_path) == [
        f"raw/date=2026-11-{day}/{writer}-{number:04}.warc.gz" for day, number in ((23, 1), (23, 2), (24, 1), (24, 2))
    ]
    assert types(tmp_path) == ["warcinfo", *EACH] * 4


def test_everything_is_durable_in_the_right_order_before_it_is_acknowledged(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    raw = opened()
    raw.keep([make_capture()], NOON)

    def note(owner: Any, name: str) -> None:
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args: (steps.append(name), real(*args))[1])

    note(os, "write")
    note(os, "fdatasync")
    note(store, "commit_raw")
    raw.keep([make_capture("next")], NOON)
    assert steps == [*["write"] * 3, "fdatasync", "commit_raw"]


def test_a_batch_is_never_in_memory_as_a_whole(tmp_path: Path, opened: Callable[..., RawCopies]) -> None:
    noise = random.Random(1)
    captures = [make_capture(str(number), body=noise.randbytes(500_000)) for number in range(20)]
    raw = opened()
    raw.keep([make_capture()], NOON)
    tracemalloc.start()
    try:
        raw.keep(captures, NOON)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_500_000, "one of them, packed, and little more"
    tracemalloc.start()
    try:
        assert all(record.block_holds for record in all_records(tmp_path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000, "a piece of one"


# -- what can fail -----------------------------------------------------------------------------------------------------


def test_a_write_that_fails_halfway_is_taken_back_and_more_can_be_kept(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = opened()
    raw.keep([make_capture()], NOON)
    before = only_file(tmp_path).read_bytes()
    real, calls = os.write, []

    def full_disk(descriptor: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data[:-9] if len(calls) == 5 else data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_disk)
        with pytest.raises(StorageError, match=r"warc\.gz cannot be written: .*No space left on device"):
            raw.keep([make_capture("lost"), make_capture("lost too")], NOON)
    assert only_file(tmp_path).read_bytes() == before
    assert store.committed_files() == {only_file(tmp_path).relative_to(tmp_path).as_posix(): len(before)}
    (reference,) = raw.keep([make_capture("lost")], NOON)
    assert types(tmp_path) == ["warcinfo", *EACH * 2]
    assert read_payload(tmp_path, reference).body == make_capture("lost").body


def test_a_capture_no_record_can_be_made_of_leaves_the_file_as_it_was(
    tmp_path: Path, opened: Callable[..., RawCopies]
) -> None:
    raw = opened()
    raw.keep([make_capture()], NOON)
    before = only_file(tmp_path).read_bytes()
    with pytest.raises(AttributeError):
        raw.keep([make_capture("good"), make_capture("bad", at=None)], NOON)
    assert only_file(tmp_path).read_bytes() == before
    raw.keep([make_capture("good")], NOON)
    assert types(tmp_path) == ["warcinfo", *EACH * 2]


DISK_FULL = """
import resource, sys
from pathlib import Path
from storage.database import open_database
from storage.errors import StorageError
from storage.raw import RawCopies
from unit.test_raw import NOON, make_capture

directory = Path(sys.argv[1])
store = open_database(f"sqlite:///{directory / 'veille.db'}")
raw = RawCopies(directory, store, software="veille/0")
raw.keep([make_capture()], NOON)
(file,) = directory.glob("raw/**/*.warc.gz")
size = file.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 500, resource.RLIM_INFINITY))
try:
    raw.keep([make_capture("next")], NOON)
except StorageError as error:
    print(error)
assert file.stat().st_size == size, "the half-written record is still there"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
raw.keep([make_capture("next")], NOON)
"""


def test_a_file_the_kernel_lets_grow_no_further_stays_whole(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[1]
    run = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "File too large" in run.stdout
    assert types(tmp_path) == ["warcinfo", *EACH * 2]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_after_a_failed_sync_nothing_is_kept_until_the_copies_are_opened_again(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, syncs = opened(), []

    def fail(descriptor: int) -> None:
        syncs.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(StorageError, match="cannot be synced"):
            raw.keep([make_capture()], NOON)
    for captures in ([make_capture()], []):
        with pytest.raises(StorageError, match="opened again"):
            raw.keep(captures, NOON)
    assert len(syncs) == 1, "a second sync may succeed although the first lost the data"
    assert store.committed_files() == {}
    recovery = recover_raw(tmp_path, store)
    assert (recovery.adopted, recovery.torn) == (4, ())


class DyingStore:
    """The store of a process that dies, or loses its database, between the append and the commit."""

    def __init__(self, store: Database, error: BaseException) -> None:
        self._store = store
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit_raw(self, *_: object) -> None:
        raise self._error


@pytest.mark.parametrize("error", [StorageError("the database is full"), KeyboardInterrupt()])
def test_copies_appended_but_not_committed_are_taken_in_at_the_next_start(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], error: BaseException
) -> None:
    dying = opened(DyingStore(store, error))
    with pytest.raises(type(error)):
        dying.keep([make_capture(), make_capture("other")], NOON)
    with pytest.raises(StorageError, match="opened again"):
        dying.keep([make_capture("third")], NOON)
    assert store.committed_files() == {}
    (reference,) = opened().keep([make_capture("other", at=NOON + DAY)], NOON)
    assert types(tmp_path) == ["warcinfo", *EACH * 2, "revisit", *EACH[1:]]
    assert read_payload(tmp_path, reference).body == make_capture("other").body
    assert recover_raw(tmp_path, store).adopted == 0


# -- recovery ----------------------------------------------------------------------------------------------------------


def with_tail(tmp_path: Path, opened: Callable[..., RawCopies], tail: bytes) -> Path:
    """One committed capture, with ``tail`` after it."""
    raw = opened()
    raw.keep([make_capture()], NOON)
    raw.close()
    file = only_file(tmp_path)
    with file.open("ab") as stream:
        stream.write(tail)
    return file


def made(name: str) -> bytes:
    """The records of a capture, as a file holds them."""
    return made_of(make_capture(name))


def made_of(capture: Capture) -> bytes:
    return b"".join(capture_records(capture, f"sha256:{hashlib.sha256(capture.body).hexdigest()}", None))


@pytest.mark.parametrize("cut", [1, 8, 30, 200])
def test_a_torn_last_record_is_set_aside_and_whole_ones_before_it_are_taken_in(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], cut: int
) -> None:
    torn = made("torn")[:cut]
    file = with_tail(tmp_path, opened, made("whole") + torn)
    recovery = recover_raw(tmp_path, store)
    assert recovery.adopted == 3
    (aside,) = recovery.torn
    assert aside.endswith("-0001.warc.torn")
    assert (tmp_path / aside).read_bytes() == torn
    assert types(tmp_path) == ["warcinfo", *EACH * 2]
    assert store.committed_files() == {file.relative_to(tmp_path).as_posix(): file.stat().st_size}
    (reference,) = opened().keep([make_capture("whole")], NOON)
    assert read_payload(tmp_path, reference).body == make_capture("whole").body


@pytest.mark.parametrize(
    "hole", [b"\0" * 512, gzip.compress(b"no record", mtime=0), b"\x1f\x8b\x08"], ids=["zeros", "gzip", "torn gzip"]
)
def test_a_hole_in_what_was_never_committed_is_set_aside_with_what_follows(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], hole: bytes
) -> None:
    lost = hole + made("after")
    with_tail(tmp_path, opened, made("before") + lost)
    recovery = recover_raw(tmp_path, store)
    assert recovery.adopted == 3
    assert (tmp_path / recovery.torn[0]).read_bytes() == lost
    assert types(tmp_path) == ["warcinfo", *EACH * 2]


def test_records_that_inflate_to_more_than_is_read_at_a_time_are_as_long_as_they_stand(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    long = [make_capture(str(size), body=b"%d " % size * size) for size in (10_000, 20_000, 50_000)]
    tail = b"".join(made_of(capture) for capture in long)
    file = with_tail(tmp_path, opened, tail + b"torn")
    assert recover_raw(tmp_path, store).adopted == 9
    found = all_records(tmp_path)
    ends = [record.offset + record.length for record in found]
    assert [record.offset for record in found] == [0, *ends[:-1]]
    assert ends[-1] == file.stat().st_size


def test_what_is_taken_in_is_on_the_disk_before_it_is_committed(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tail(tmp_path, opened, made("whole"))
    steps = []
    fsync, commit = os.fsync, store.commit_raw
    monkeypatch.setattr(os, "fsync", lambda descriptor: (steps.append("sync"), fsync(descriptor))[1])
    monkeypatch.setattr(store, "commit_raw", lambda *args: (steps.append("commit"), commit(*args))[1])
    recover_raw(tmp_path, store)
    assert steps == ["sync"] * 4 + ["commit"], "the file and the folders above it"


@pytest.mark.parametrize("length", [0, 100])
def test_a_file_shorter_than_what_is_committed_is_refused(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], length: int
) -> None:
    file = with_tail(tmp_path, opened, b"")
    os.truncate(file, length)
    with pytest.raises(CorruptArchiveError, match=f"{file.name} is {length} bytes long, of which"):
        recover_raw(tmp_path, store)
    assert file.stat().st_size == length


def test_a_file_that_is_gone_is_refused(tmp_path: Path, store: Database, opened: Callable[..., RawCopies]) -> None:
    file = with_tail(tmp_path, opened, b"")
    file.unlink()
    with pytest.raises(CorruptArchiveError, match=f"{file.name} is missing"):
        recover_raw(tmp_path, store)


def test_the_archive_s_own_recovery_lets_raw_copies_be(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    with_tail(tmp_path, opened, b"")
    with closing(Archive.open(tmp_path, store, NOON)) as archive:
        archive.commit([make_article()], [], NOON)
        assert archive.recovery.adopted == 0


def lose_database(directory: Path) -> Database:
    for path in directory.glob("veille.db*"):
        path.unlink()
    return open_database(f"sqlite:///{directory / 'veille.db'}")


def test_without_its_database_every_body_is_known_again_from_the_files(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    raw = opened()
    captures = [make_capture(name) for name in "abc"]
    first = raw.keep(captures[:2], NOON)
    first += raw.keep([replace(captures[0], at=NOON + DAY), captures[2]], NOON + DAY)
    raw.close()
    store.close()
    with closing(lose_database(tmp_path)) as new:
        assert recover_raw(tmp_path, new).adopted == 1 + 6 + 1 + 6
        again = RawCopies(tmp_path, new, software="veille/0")
        assert again.keep([captures[number] for number in (0, 1, 0, 2)], NOON) == first
        again.close()
        assert len(warc_files(tmp_path)) == 3, "a new database writes under a new name"


def test_without_its_database_a_damaged_file_is_refused_however_often_it_is_opened(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    file = with_tail(tmp_path, opened, made("whole") + b"damage" + made("precious"))
    store.close()
    with closing(lose_database(tmp_path)) as new:
        for _ in range(2):
            with pytest.raises(CorruptArchiveError, match=f"{file.name}, byte .*: no WARC record"):
                recover_raw(tmp_path, new)
    assert not list(file.parent.glob("*.torn"))


def test_a_store_told_to_read_everything_again_sets_no_damage_aside(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    file = with_tail(tmp_path, opened, made("whole") + b"damage" + made("precious"))
    store.reindex([], NOON, may_forget=True)
    with pytest.raises(CorruptArchiveError):
        recover_raw(tmp_path, store, is_lost=True)
    assert not list(file.parent.glob("*.torn"))


# -- reading -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path, opened: Callable[..., RawCopies]) -> tuple[Path, list[RawRef]]:
    """A file, and where two captures stand in it."""
    raw = opened()
    references = raw.keep([make_capture("a"), make_capture("b")], NOON)
    raw.close()
    return only_file(tmp_path), references


def test_records_can_be_read_from_the_middle_on(tmp_path: Path, kept: tuple[Path, list[RawRef]]) -> None:
    file, (_, second) = kept
    found = all_records(tmp_path)
    assert second.file is not None
    assert second.offset is not None
    assert list(records(tmp_path, second.file, second.offset)) == found[4:]
    assert list(records(tmp_path, second.file, file.stat().st_size)) == []


def test_any_flipped_byte_is_found_by_reading(tmp_path: Path, kept: tuple[Path, list[RawRef]]) -> None:
    file, _ = kept
    whole = file.read_bytes()
    found = 0
    for place in range(0, len(whole), 7):
        flipped = whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :]
        file.write_bytes(flipped)
        try:
            assert all(record.block_holds for record in all_records(tmp_path))
        except CorruptArchiveError:
            found += 1
        else:  # a gzip header's time and system, or bits that fill up a block's last byte: nothing anybody reads
            assert gzip.decompress(flipped) == gzip.decompress(whole)
    assert found > len(whole) / 7 * 0.9


def test_a_torn_file_is_told_from_a_damaged_one(tmp_path: Path, kept: tuple[Path, list[RawRef]]) -> None:
    file, (_, second) = kept
    whole = file.read_bytes()
    for length in range(int(second.offset or 0) + 1, len(whole), 101):
        file.write_bytes(whole[:length])
        try:
            assert len(all_records(tmp_path)) in {5, 6}
        except TornRecordError as error:
            assert "the file ends before the record does" in str(error)  # noqa: PT017  it may also end between two


def test_a_raw_copy_is_read_with_its_head_and_fields(tmp_path: Path, kept: tuple[Path, list[RawRef]]) -> None:
    copy = read_payload(tmp_path, kept[1][1])
    assert isinstance(copy, RawCopy)
    assert (copy.head, copy.body) == (HEAD, make_capture("b").body)
    assert dict(copy.fields)["WARC-Type"] == "response"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"file": "raw/none.warc.gz"}, "raw/none.warc.gz is missing"),
        ({"offset": 10**6}, "byte 1000000: the file ends before the record does"),
        ({"offset": 1}, "byte 1: no WARC record"),
        ({"offset": 0}, "byte 0: another record than the raw copy sha256:"),
        ({"digest": "sha256:" + "0" * 64}, "another record than the raw copy sha256:000"),
    ],
)
def test_a_reference_that_leads_to_no_raw_copy_is_told_with_file_and_offset(
    tmp_path: Path, kept: tuple[Path, list[RawRef]], change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(CorruptArchiveError) as caught:
        read_payload(tmp_path, replace(kept[1][0], **change))
    assert complaint in str(caught.value)


def test_a_reference_into_a_torn_or_forged_file_is_refused(tmp_path: Path, kept: tuple[Path, list[RawRef]]) -> None:
    file, (first, second) = kept
    whole = file.read_bytes()
    file.write_bytes(whole[: int(second.offset or 0) + 40])
    with pytest.raises(CorruptArchiveError, match="the file ends before the record does"):
        read_payload(tmp_path, second)
    assert read_payload(tmp_path, first).body == make_capture("a").body
    other = replace(make_capture("a"), body=b"forged")
    file.write_bytes(whole[: int(first.offset or 0)] + b"".join(capture_records(other, str(first.digest), None)))
    with pytest.raises(CorruptArchiveError, match="the raw copy is not what its digest says"):
        read_payload(tmp_path, first)


def test_a_clock_put_back_over_midnight_appends_to_no_sealed_file(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies]
) -> None:
    copies = opened()
    (first,) = copies.keep([make_capture("a")], NOON)
    with closing(Archive.open(tmp_path, store, NOON)) as archive:
        (sealed,) = archive.seal(NOON + timedelta(days=1))
    (second,) = copies.keep([make_capture("b")], NOON)
    assert second.file != first.file == sealed.file
    assert (tmp_path / sealed.path).stat().st_size == sealed.bytes


@pytest.mark.parametrize("tail", [b"garbage", b"a record"])
def test_a_sealed_file_that_has_grown_is_left_for_the_start_to_refuse(
    tmp_path: Path, store: Database, opened: Callable[..., RawCopies], tail: bytes
) -> None:
    (reference,) = opened().keep([make_capture("a")], NOON)
    file = tmp_path / str(reference.file)
    with closing(Archive.open(tmp_path, store, NOON)) as archive:
        archive.seal(NOON, everything=True)
    before, committed = file.read_bytes(), store.committed_files()
    file.write_bytes(before + (tail if tail == b"garbage" else before))
    recover_raw(tmp_path, store)
    assert store.committed_files() == committed
    with pytest.raises(CorruptArchiveError, match="but was sealed with"):
        Archive.open(tmp_path, store, NOON)
    file.write_bytes(before)
    Archive.open(tmp_path, store, NOON).close()
