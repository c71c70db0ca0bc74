"""Sealing: at every moment the records are there, and at the next start each is there once, whatever happened."""

import builtins
import errno
import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from articles import NOON, digest, make_article
from hypothesis import given
from hypothesis import strategies as st

from storage import manifest, members, sealing, segments
from storage.appending import file_of
from storage.archive import Archive
from storage.card import write_card
from storage.database import Database, open_database
from storage.errors import CorruptArchiveError, StorageError
from storage.members import inflate, pack, unpack
from storage.model import Entry, FeedState, NewEntry, Outcome, Poll, Resolution, Sealed
from storage.records import encode
from storage.segments import Reader
from storage.tables import sealed_files
from storage.verify import Damage, verify

DAY = timedelta(days=1)
NAMES = ("story", "other", "third", "fourth", "fifth")
FOLDER = "articles/date=2026-11-23"
WARC = "raw/date=2026-11-23/w-0001.warc.gz"


def open_store(directory: Path) -> Database:
    return open_database(f"sqlite:///{directory / 'veille.db'}")


def lose_database(directory: Path) -> Database:
    for path in directory.glob("veille.db*"):
        path.unlink()
    return open_store(directory)


def fill(directory: Path) -> None:
    """An archive of five records and three raw copies, all of one day."""
    write_card(directory)
    with closing(open_store(directory)) as store:
        entries = tuple(NewEntry(Entry(name, digest(name), digest(name))) for name in NAMES)
        store.commit_poll(Poll("rfi-fr", NOON, FeedState("rfi-fr", "https://news.test/rss"), entries=entries))
        archive = Archive.open(directory, store, NOON)
        for number, name in enumerate(NAMES, 1):
            archive.commit([make_article(name)], [Resolution(number, Outcome.ARCHIVED)], NOON)
        archive.close()
        write_raw(directory, store)


def write_raw(directory: Path, store: Database, file: str = WARC) -> None:
    records = (f"WARC/1.1\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n\r\n{'x' * 999}\r\n\r\n" for number in range(3))
    data = b"".join(gzip.compress(record.encode()) for record in records)
    (directory / file).parent.mkdir(parents=True, exist_ok=True)
    (directory / file).write_bytes(data)
    store.commit_raw(file, len(data), [])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("filled")
    fill(directory)
    return directory


@pytest.fixture(autouse=True)
def small_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two records to a member, so that five give three."""
    monkeypatch.setattr(members, "MEMBER_BYTES", 2 * len(encode(make_article("fourth"))) + 10)


@pytest.fixture
def directory(tmp_path: Path, filled: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "data"))


@pytest.fixture
def store(directory: Path) -> Iterator[Database]:
    with closing(open_store(directory)) as database:
        yield database


@pytest.fixture
def archive(directory: Path, store: Database) -> Iterator[Archive]:
    with closing(Archive.open(directory, store, NOON)) as opened:
        yield opened


def plain_of(directory: Path) -> Path:
    (file,) = directory.glob("articles/**/*-0001.jsonl")
    return file


def packed_of(directory: Path) -> Path:
    (file,) = directory.glob("articles/**/*-0001.jsonl.gz")
    return file


def files(directory: Path) -> list[str]:
    """All files of records and raw copies, by their endings."""
    found = [*directory.glob("articles/**/*"), *directory.glob("raw/**/*")]
    return sorted(path.name.partition("-")[2] for path in found if path.is_file())


def titles(directory: Path) -> list[str]:
    return [str(article.title) for _, article in segments.records(directory)]


def damage(directory: Path, store: Database) -> list[Damage]:
    """What verify finds, but for raw copies: those here are none."""
    return [found for found in verify(directory, store) if not found.path.startswith("raw/")]


# -- members -----------------------------------------------------------------------------------------------------------


LINES = st.binary(max_size=300).map(lambda data: data.replace(b"\n", b" ") + b"\n")


@given(st.lists(LINES, min_size=1), st.integers(1, 700))
def test_members_hold_the_lines_however_the_file_is_cut(lines: list[bytes], cut: int) -> None:
    data = b"".join(pack(lines))
    assert gzip.decompress(data) == b"".join(lines), "what every reader of gzip sees"
    pieces = list(unpack(data[start : start + cut] for start in range(0, len(data), cut)))
    assert b"".join(piece for _, piece in pieces) == b"".join(lines)
    found = list(dict.fromkeys(member for member, _ in pieces))
    ends = [member.offset for member in found[1:]] + [len(data)]
    for member, end in zip(found, ends, strict=True):
        inflated = inflate(data[member.offset : end])
        assert b"".join(lines)[member.start :].startswith(inflated)
        assert inflated.endswith(b"\n"), "a member is of whole lines"


def test_a_member_is_as_large_as_it_may_be_and_no_larger_but_for_one_long_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(members, "MEMBER_BYTES", 10)
    lines = [b"1234\n", b"1234\n", b"1\n", b"a line of more than that\n", b"12345678\n", b"\n"]
    assert [inflate(member) for member in pack(lines)] == [lines[0] + lines[1], *lines[2:4], lines[4] + lines[5]]


def test_a_large_member_comes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "PIECE", 1000)
    data = zlib.compress(bytes(100_000), 9, 31)
    pieces = [piece for _, piece in unpack([data])]
    assert b"".join(pieces) == bytes(100_000)
    assert max(map(len, pieces)) == 1000


def test_a_file_that_ends_inside_a_member_is_no_whole_one() -> None:
    data = b"".join(pack([b"first\n"])) * 2
    for end in range(1, len(data)):
        if end != len(data) // 2:
            with pytest.raises(EOFError):
                list(unpack([data[:end]]))
    with pytest.raises(EOFError):
        inflate(data[:10])


# -- sealing -----------------------------------------------------------------------------------------------------------


def test_a_sealed_file_is_compressed_digested_and_entered_in_manifest_and_database(
    directory: Path, store: Database, archive: Archive
) -> None:
    plain = plain_of(directory)
    lines, file = plain.read_bytes(), plain.relative_to(directory).as_posix()
    records, raw = archive.seal(NOON, everything=True)
    assert files(directory) == ["0001.jsonl.gz", "0001.warc.gz"]
    data = packed_of(directory).read_bytes()
    assert gzip.decompress(data) == lines
    assert data[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "no time and no name: the same again, whenever it is made"
    assert records == Sealed(
        file=file,
        path=f"{file}.gz",
        records=5,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        first_id=digest("story"),
        last_id=digest("fifth"),
        mtime_ns=packed_of(directory).stat().st_mtime_ns,
        members=records.members,
    )
    assert len(records.members) == 3
    assert (raw.file, raw.path, raw.records, raw.members) == (WARC, WARC, 3, ())
    assert (raw.first_id, raw.last_id) == ("<urn:uuid:0>", "<urn:uuid:2>")
    assert raw.sha256 == manifest.digest(directory / WARC)
    assert store.sealed_files() == {file: records, WARC: raw}
    assert manifest.read(directory).lines == (manifest.line_of(records), manifest.line_of(raw))
    assert store.committed_offset(file) == len(lines), "offsets go on counting the bytes of the lines"
    assert damage(directory, store) == []
    assert archive.seal(NOON, everything=True) == []


def test_sealing_happens_in_the_one_order_that_a_power_cut_cannot_harm(
    directory: Path, store: Database, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    writer = store.writer()

    def spy(owner: Any, name: str, note: Callable[..., str | None]) -> None:
        real = getattr(owner, name)

        def call(*args: Any) -> Any:
            step = note(*args)  # before the call: a file that is closed or gone has no name
            result = real(*args)
            if step and not (steps and steps[-1] == step):
                steps.append(step)
            return result

        monkeypatch.setattr(owner, name, call)

    def name_of(descriptor: int) -> str:
        return Path(f"/proc/self/fd/{descriptor}").readlink().name.removeprefix(f"{writer}-")

    spy(os, "fsync", lambda descriptor: f"sync {name_of(descriptor)}")
    spy(os, "write", lambda descriptor, *_: f"write {name_of(descriptor)}")
    spy(os, "replace", lambda old, new: f"rename {old.name[7:]} to {new.name[7:]}")
    spy(os, "unlink", lambda path: f"unlink {Path(path).name[7:]}")
    spy(sealing, "compare", lambda *_: "compare")
    spy(store, "seal", lambda _: "row")
    archive.seal(NOON, everything=True)
    entered = ["write manifest.jsonl", "sync manifest.jsonl", f"sync {directory.name}", "row"]
    assert steps == [
        "sync 0001.gz.tmp",
        "compare",
        "rename 0001.gz.tmp to 0001.jsonl.gz",
        "sync date=2026-11-23",
        *entered,
        "unlink 0001.jsonl",
        "sync date=2026-11-23",
        *entered,
    ]


class Died(BaseException):
    """The process is gone; nothing it would do on the way out happens any more."""


class Mortal:
    """Lets a number of steps that change anything happen, then dies: no later step happens."""

    def __init__(self, patch: pytest.MonkeyPatch, store: Database, steps: int) -> None:
        self._left = steps
        self.log: list[str] = []
        for owner, names in ((os, ("write", "fsync", "replace", "unlink", "ftruncate")), (store, ("seal",))):
            for name in names:
                patch.setattr(owner, name, self._counted(name, getattr(owner, name)))
        real_open = os.open
        patch.setattr(
            os,
            "open",
            lambda path, flags, *rest: (
                self._counted("create", real_open) if flags & os.O_CREAT and str(path).endswith("jsonl") else real_open
            )(path, flags, *rest),
        )
        patch.setattr(sealing, "pack", self._counted_items(sealing.pack))

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self._step(name)
            return real(*args)

        return call

    def _counted_items(self, real: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        def items(lines: Any) -> Iterator[bytes]:
            for item in real(lines):
                self._step("member")
                yield item

        return items

    def _step(self, name: str) -> None:
        if self._left == 0:
            raise Died
        self._left -= 1
        self.log.append(name)


def test_a_death_after_any_step_is_made_good_at_the_next_start(
    tmp_path: Path, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = Path(shutil.copytree(filled, tmp_path / "undisturbed"))
    with closing(open_store(undisturbed)) as store:
        Archive.open(undisturbed, store, NOON).seal(NOON, everything=True)
    wanted = state(undisturbed)
    log: list[str] = []
    for steps in range(100):
        directory = Path(shutil.copytree(filled, tmp_path / f"{steps}"))
        with closing(open_store(directory)) as store, monkeypatch.context() as patch:
            archive = Archive.open(directory, store, NOON)
            mortal = Mortal(patch, store, steps)
            try:
                archive.seal(NOON, everything=True)
            except Died:
                assert len(mortal.log) == steps
                mortal._left = 0
            else:
                log = mortal.log
                break
        assert titles(directory) == [name.title() for name in NAMES], "readers never miss a record"
        was_renamed = bool(list(directory.glob("articles/**/*.jsonl.gz")))
        with closing(open_store(directory)) as store:
            archive = Archive.open(directory, store, NOON)
            expected = "0001.jsonl.gz" if was_renamed else "0001.jsonl"
            assert files(directory) == [expected, "0001.warc.gz"], f"after {mortal.log}"
            assert damage(directory, store) == []
            archive.seal(NOON, everything=True)
            assert store.balance() == (5, 5)
        assert state(directory) == wanted, f"after {mortal.log}"
    assert [step for step in log if step not in {"create", "ftruncate"}] == [
        *["member"] * 3, "fsync", "replace", "fsync", "write", "fsync", "fsync", "seal", "unlink", "fsync",
        "write", "fsync", "fsync", "seal",
    ]  # fmt: skip


def test_nothing_is_appended_to_raw_copies_whose_sealing_died_behind_their_line_in_the_manifest(
    directory: Path, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive.open(directory, store, NOON)
    with monkeypatch.context() as patch:
        patch.setattr(store, "seal", lambda sealed: fail() if sealed.file == WARC else None)
        with pytest.raises(Died):
            archive.seal(NOON, everything=True)
    assert (listed := manifest.read(directory).lines)[-1].path == WARC
    Archive.open(directory, store, NOON)  # on the same day, which is not over
    assert file_of(directory, store, "raw/date=2026-11-23", ".warc.gz") != WARC
    assert store.sealed_files()[WARC].sha256 == listed[-1].sha256
    assert damage(directory, store) == []


def state(directory: Path) -> tuple[dict[str, bytes], bytes, list[Sealed]]:
    """All that sealing makes: the files' bytes, the manifest, the rows but for the moment they were made."""
    contents = {path.name: path.read_bytes() for kind in ("articles", "raw") for path in directory.glob(f"{kind}/*/*")}
    with closing(open_store(directory)) as store:
        rows = [replace(sealed, mtime_ns=0) for sealed in store.sealed_files().values()]
    return contents, (directory / "manifest.jsonl").read_bytes(), rows


def test_a_start_that_dies_while_it_finishes_is_followed_by_one_that_does_not(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(directory)) as store, monkeypatch.context() as patch:
        patch.setattr(store, "seal", fail)
        with pytest.raises(Died):
            Archive.open(directory, store, NOON).seal(NOON, everything=True)
    for _ in range(2):
        with closing(open_store(directory)) as store, monkeypatch.context() as patch:
            patch.setattr(os, "unlink", fail)
            with pytest.raises(Died):
                Archive.open(directory, store, NOON)
    with closing(open_store(directory)) as store:
        Archive.open(directory, store, NOON)
        assert files(directory) == ["0001.jsonl.gz", "0001.warc.gz"]
        assert len(manifest.read(directory).lines) == 1
        assert damage(directory, store) == []


def fail(*_: object) -> None:
    raise Died


def test_what_a_killed_process_wrote_is_on_the_disk_before_its_sealing_is_finished(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(directory)) as store, monkeypatch.context() as patch:
        patch.setattr(store, "seal", fail)
        with pytest.raises(Died):
            Archive.open(directory, store, NOON).seal(NOON, everything=True)
    packed, steps = packed_of(directory), []
    with closing(open_store(directory)) as store:
        fsync, seal = os.fsync, store.seal

        def sync(descriptor: int) -> None:
            steps.append(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(directory).as_posix())
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", sync)
        monkeypatch.setattr(store, "seal", lambda sealed: (steps.append("row"), seal(sealed)))
        Archive.open(directory, store, NOON)
    before, after = steps[: steps.index("row")], steps[steps.index("row") + 1 :]
    assert before == [packed.relative_to(directory).as_posix(), FOLDER, "articles", ".", "manifest.jsonl", "."]
    assert after == [FOLDER], "the plain file's name is gone for good"


def test_the_disk_being_full_harms_nothing_and_sealing_can_be_tried_again(
    directory: Path, store: Database, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plain_of(directory).read_bytes()

    def full(*_: object) -> Iterator[bytes]:
        yield b"some"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "pack", full)
        with pytest.raises(StorageError, match=r"-0001\.jsonl cannot be sealed: .*No space left on device"):
            archive.seal(NOON, everything=True)
    assert files(directory) == ["0001.jsonl", "0001.warc.gz"], "what takes up the disk's last bytes is gone"
    assert plain_of(directory).read_bytes() == before
    assert sealed_by_the_manifest(directory) == [WARC], "one that cannot be sealed does not keep the other open"
    archive.commit([make_article("after")], [], NOON)
    assert len(archive.seal(NOON, everything=True)) == 1
    assert titles(directory)[-1] == "After"


def test_nothing_is_unlinked_that_is_not_in_the_compressed_file(
    directory: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = plain_of(directory).read_bytes()
    first, changed = lines.index(b"\n") + 1, lines.replace(b"goes on", b"goes by", 1)
    for wrong in (changed, lines[:first], lines + lines[:first]):
        with monkeypatch.context() as patch:
            patch.setattr(sealing, "pack", lambda _, wrong=wrong: pack(wrong.splitlines(keepends=True)))
            with pytest.raises(CorruptArchiveError, match=r"-0001\.jsonl and its compressed form are not"):
                archive.seal(NOON, everything=True)
        assert plain_of(directory).read_bytes() == lines
        assert files(directory) == ["0001.jsonl", "0001.warc.gz"]
        assert sealed_by_the_manifest(directory) == [WARC]


def sealed_by_the_manifest(directory: Path) -> list[str]:
    return [line.path for line in manifest.read(directory).lines]


def test_a_damaged_line_is_not_sealed_as_if_it_were_sound(directory: Path, archive: Archive) -> None:
    plain = plain_of(directory)
    plain.write_bytes(plain.read_bytes().replace(b"goes on", b"goes by", 1))
    with pytest.raises(CorruptArchiveError, match=r"-0001\.jsonl, byte 0: the line is not as it was committed"):
        archive.seal(NOON, everything=True)
    assert sealed_by_the_manifest(directory) == [WARC]


def test_a_plain_file_and_a_compressed_one_that_differ_are_both_kept_and_refused(
    directory: Path, store: Database
) -> None:
    plain = plain_of(directory)
    packed = plain.with_name(plain.name + ".gz")
    packed.write_bytes(gzip.compress(encode(make_article("precious"))))
    before = plain.read_bytes(), packed.read_bytes()
    for _ in range(2):
        with pytest.raises(CorruptArchiveError, match=r"-0001\.jsonl and its compressed form are not the same"):
            Archive.open(directory, store, NOON)
    assert (plain.read_bytes(), packed.read_bytes()) == before


@pytest.mark.parametrize("pattern", ["articles/*/*.jsonl", WARC])
def test_a_file_another_hand_has_been_in_is_not_sealed(directory: Path, archive: Archive, pattern: str) -> None:
    (path,) = directory.glob(pattern)
    with path.open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(CorruptArchiveError, match=rf"{path.name} is \d+ bytes long, of which \d+ are committed"):
        archive.seal(NOON, everything=True)
    path.unlink()
    with pytest.raises(CorruptArchiveError, match=rf"{path.name} is missing"):
        archive.seal(NOON, everything=True)


def test_a_torn_warc_file_is_not_sealed(directory: Path, store: Database, archive: Archive) -> None:
    os.truncate(directory / WARC, (directory / WARC).stat().st_size - 5)
    store.commit_raw(WARC, (directory / WARC).stat().st_size, [])
    with pytest.raises(CorruptArchiveError, match=rf"{WARC} is damaged: it ends inside a gzip member"):
        archive.seal(NOON, everything=True)


# -- which files, and when ---------------------------------------------------------------------------------------------


def test_files_are_finished_when_their_day_is_over_or_when_they_are_long_enough(
    directory: Path, store: Database, archive: Archive
) -> None:
    end_of_day = NOON.replace(hour=23, minute=59, second=59)
    length = plain_of(directory).stat().st_size
    empty = "articles/date=2026-11-20/w-0001.jsonl"
    store.adopt(empty, 0, [], NOON)
    records, raw = plain_of(directory).relative_to(directory).as_posix(), WARC
    assert sealing.finished(store, end_of_day, length + 1) == []
    assert sealing.finished(store, end_of_day, length) == [records]
    assert sealing.finished(store, end_of_day, 1) == [records, raw]
    assert sealing.finished(store, end_of_day + timedelta(seconds=1), length + 1) == [records, raw]
    assert sealing.finished(store, end_of_day, length + 1, everything=True) == [records, raw]
    assert sealing.finished(store, NOON - DAY, length + 1) == [], "the clock was put back"
    assert archive.seal(end_of_day) == []
    assert len(archive.seal(end_of_day + timedelta(seconds=1))) == 2
    assert sealing.finished(store, NOON + 9 * DAY, 1, everything=True) == []


def test_what_comes_after_sealing_goes_into_the_next_file(directory: Path, store: Database, archive: Archive) -> None:
    archive.commit([make_article("before")], [], NOON)
    archive.seal(NOON, everything=True)
    archive.commit([make_article("after")], [], NOON)
    assert files(directory) == ["0001.jsonl.gz", "0001.warc.gz", "0002.jsonl"]
    assert titles(directory)[-2:] == ["Before", "After"]
    assert archive.seal(NOON, everything=True)[0].records == 1
    again = Archive.open(directory, store, NOON)
    again.commit([make_article("last")], [], NOON)
    again.close()
    assert files(directory) == ["0001.jsonl.gz", "0001.warc.gz", "0002.jsonl.gz", "0003.jsonl"]
    assert (again.recovery.adopted, again.recovery.torn) == (0, ())


def test_batches_are_committed_between_the_pieces(directory: Path, store: Database, archive: Archive) -> None:
    pieces, names = [], iter(range(1000))
    for piece in archive.sealing(NOON + DAY):
        pieces.append(piece)
        archive.commit([make_article(f"n{next(names)}")], [], NOON + DAY)
    assert [piece.records for piece in pieces if piece] == [5, 3]
    assert len(pieces) >= 3 + 3 + 3 + 2, "a piece for each member written, each compared, each raw copy"
    assert len(titles(directory)) == 5 + len(pieces)
    assert list(store.sealed_files()) == [f"{FOLDER}/{store.writer()}-0001.jsonl", WARC]


def test_a_file_that_was_appended_to_after_all_is_left_as_it_is(
    directory: Path, store: Database, archive: Archive
) -> None:
    pieces = archive.sealing(NOON + DAY)
    assert next(pieces) is None
    archive.commit([make_article("late")], [], NOON)  # the clock was put back over midnight
    write_raw(directory, store, "raw/date=2026-11-22/other-0001.warc.gz")
    assert [piece.file for piece in pieces if piece] == [WARC]
    assert files(directory) == ["0001.jsonl", "0001.warc.gz", "0001.warc.gz"]
    assert titles(directory)[-1] == "Late"
    assert archive.seal(NOON + DAY)[0].records == 6


def test_a_warc_file_that_was_appended_to_after_all_is_left_as_it_is(directory: Path, store: Database) -> None:
    pieces = sealing.seal(directory, store, WARC)
    assert next(pieces) is None
    with (directory / WARC).open("ab") as stream:
        stream.write(gzip.compress(b"WARC/1.1\r\nWARC-Record-ID: <urn:uuid:late>\r\n\r\n"))
    store.commit_raw(WARC, (directory / WARC).stat().st_size, [])
    assert [piece for piece in pieces if piece] == []
    (sealed,) = (piece for piece in sealing.seal(directory, store, WARC) if piece)
    assert (sealed.records, sealed.last_id) == (4, "<urn:uuid:late>")


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_sealing_can_be_left_after_any_piece(directory: Path, archive: Archive, count: int) -> None:
    pieces = archive.sealing(NOON, everything=True)
    for _ in range(count):
        assert next(pieces) is None
    del pieces
    assert files(directory) == ["0001.jsonl", "0001.warc.gz"], "the draft is gone"
    assert len(archive.seal(NOON, everything=True)) == 2


def test_an_archive_that_must_be_opened_again_seals_nothing(directory: Path, archive: Archive) -> None:
    archive._is_broken = True
    with pytest.raises(StorageError, match="opened again"):
        archive.seal(NOON, everything=True)


# -- reading -----------------------------------------------------------------------------------------------------------


def test_every_record_reads_the_same_before_and_after_in_any_order(
    directory: Path, store: Database, archive: Archive
) -> None:
    before = list(archive.records())
    reader = Reader(directory, store)
    assert [reader.read(place) for place, _ in before] == [article for _, article in before]
    archive.seal(NOON, everything=True)
    assert list(archive.records()) == before, "places keep the plain file's name and offsets"
    (file,) = segments.segments(directory)
    assert next(segments.lines(directory, file, before[3][0].offset))[0] == before[3][0].offset
    for place, article in [*before[::-1], *before]:
        assert archive.read(place) == article
        assert reader.read(place) == article, "sealed while it was being read"
        assert segments.read(directory, place) == article


def test_only_the_member_that_holds_the_record_is_inflated_and_once_for_its_neighbours(
    directory: Path, store: Database, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [place for place, _ in archive.records()]
    first, second, _ = archive.seal(NOON, everything=True)[0].members
    packed, inflated = packed_of(directory), []
    data = packed.read_bytes()
    packed.write_bytes(b"\0" * second.offset + data[second.offset :])
    monkeypatch.setattr(segments, "inflate", lambda member: (inflated.append(len(member)), inflate(member))[1])
    reader = Reader(directory, store)
    titles = [reader.read(places[number]).title for number in (2, 3, 2, 4)]
    assert titles == ["Third", "Fourth", "Third", "Fifth"]
    assert len(inflated) == 2
    assert sum(inflated) == len(data) - second.offset
    with pytest.raises(CorruptArchiveError, match=rf"{packed.name} is damaged"):
        reader.read(places[0])
    assert first.start == first.offset == 0


def test_a_place_past_the_end_of_a_member_is_told(directory: Path, archive: Archive) -> None:
    place = [place for place, _ in archive.records()][1]
    archive.seal(NOON, everything=True)
    with pytest.raises(CorruptArchiveError, match="the file ends before the record does"):
        archive.read(replace(place, length=place.length + 1))


@pytest.mark.parametrize("end", [0, 5, 100, -1])
def test_a_torn_sealed_file_is_told_by_its_name(directory: Path, archive: Archive, end: int) -> None:
    place = [place for place, _ in archive.records()][-1]
    archive.seal(NOON, everything=True)
    packed = packed_of(directory)
    packed.write_bytes(packed.read_bytes()[:end])
    with pytest.raises(CorruptArchiveError, match=rf"{packed.name} is damaged"):
        archive.read(place)
    if end >= 0:
        with pytest.raises(CorruptArchiveError, match=rf"{packed.name} is damaged|the file ends before"):
            segments.read(directory, place)
    if end:
        with pytest.raises(CorruptArchiveError, match=rf"{packed.name} is damaged"):
            list(segments.records(directory))


# -- the next start ----------------------------------------------------------------------------------------------------


@pytest.fixture
def sealed(directory: Path) -> Path:
    """The archive, sealed and closed; returns its directory."""
    with closing(open_store(directory)) as store:
        Archive.open(directory, store, NOON).seal(NOON, everything=True)
    return directory


@pytest.mark.parametrize("pattern", ["articles/*/*.gz", WARC])
@pytest.mark.parametrize("lost", [False, True], ids=["with its database", "without"])
def test_a_sealed_file_that_is_not_as_it_was_is_refused_by_name(sealed: Path, pattern: str, lost: bool) -> None:
    (path,) = sealed.glob(pattern)
    data = path.read_bytes()
    for changed, complaint in (
        (data[:-1], "bytes long, but was sealed with|is damaged"),
        (data + b"\0", "bytes long, but was sealed with|is damaged"),
        (gzip.compress(gzip.decompress(data)[:-2] + b"}\n"), "bytes long, but was|is not as manifest"),
        (data[:4] + b"\1" + data[5:], "has changed since it was sealed|is not as manifest"),
        (None, "is missing"),
    ):
        path.write_bytes(changed) if changed is not None else path.unlink()
        with closing(lose_database(sealed) if lost else open_store(sealed)) as store:
            for _ in range(2):
                with pytest.raises(CorruptArchiveError, match=rf"{path.name} .*({complaint})"):
                    Archive.open(sealed, store, NOON)


def test_a_sealed_file_that_was_copied_is_digested_once_and_then_trusted(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digested, real = [], manifest.digest
    monkeypatch.setattr(manifest, "digest", lambda path: (digested.append(path.name), real(path))[1])
    for path in (packed_of(sealed), sealed / WARC):
        os.utime(path, ns=(1, 1))
    for _ in range(2):
        with closing(open_store(sealed)) as store:
            Archive.open(sealed, store, NOON)
            assert {one.mtime_ns for one in store.sealed_files().values()} == {1}
    assert digested == [packed_of(sealed).name, Path(WARC).name]


def test_a_start_opens_no_sealed_file(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, real = [], builtins.open
    with closing(open_store(sealed)) as store:
        monkeypatch.setattr("io.open", lambda path, *rest, **more: (opened.append(path), real(path, *rest, **more))[1])
        Archive.open(sealed, store, NOON)
        assert opened == []
        list(segments.records(sealed))
    assert opened, "the test would notice"


@pytest.mark.slow
def test_without_its_database_a_sealed_archive_is_known_again(sealed: Path) -> None:
    with closing(open_store(sealed)) as store:
        before = store.sealed_files(), [store.revisions(digest(name)) for name in NAMES]
        lines = store.committed_offset(plain := next(iter(store.sealed_files())))
    entered = (sealed / "manifest.jsonl").read_bytes()
    for has_manifest in (True, False):
        if not has_manifest:
            (sealed / "manifest.jsonl").unlink()
        for _ in range(2):
            with closing(lose_database(sealed)) as store:
                archive = Archive.open(sealed, store, NOON)
                assert archive.recovery.adopted == 5
                assert [store.revisions(digest(name)) for name in NAMES] == before[1]
                assert [str(archive.read(known.place).title) for (known,) in before[1]] == titles(sealed)
                assert store.committed_offset(plain) == lines
                assert store.balance() == (5, 5)
                assert damage(sealed, store) == []
                assert store.sealed_files() == {
                    file: one for file, one in before[0].items() if has_manifest or file != WARC
                }
                Archive.open(sealed, store, NOON)
                archive.commit([make_article("new")], [], NOON)
                archive.close()
                (new,) = sealed.glob("articles/*/*.jsonl")
                new.unlink()
        assert entered.startswith((sealed / "manifest.jsonl").read_bytes())


@pytest.mark.slow
def test_without_its_database_what_sealing_was_at_is_carried_through(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(directory)) as store, monkeypatch.context() as patch:
        patch.setattr(store, "seal", fail)
        with pytest.raises(Died):
            Archive.open(directory, store, NOON).seal(NOON, everything=True)
    with closing(lose_database(directory)) as store:
        archive = Archive.open(directory, store, NOON)
        assert archive.recovery.adopted == 5
        assert files(directory) == ["0001.jsonl.gz", "0001.warc.gz"]
        assert damage(directory, store) == []
    assert len(manifest.read(directory).lines) == 1


def test_a_database_older_than_the_files_learns_what_was_sealed_meanwhile(directory: Path, tmp_path: Path) -> None:
    shutil.copy(directory / "veille.db", tmp_path / "backup.db")
    with closing(open_store(directory)) as store:
        archive = Archive.open(directory, store, NOON)
        archive.commit([make_article("late")], [], NOON)
        archive.seal(NOON, everything=True)
    lose_database(directory).close()
    shutil.copy(tmp_path / "backup.db", directory / "veille.db")
    with closing(open_store(directory)) as store:
        assert Archive.open(directory, store, NOON).recovery.adopted == 1
        assert store.sealed_files()[store.revisions(digest("late"))[0].place.file].records == 6
        assert damage(directory, store) == []
    assert len(manifest.read(directory).lines) == 2


@pytest.mark.parametrize("database", ["of today", "of yesterday", "lost"])
@pytest.mark.parametrize("length", [0, 1, 2000, 10_000])
def test_a_plain_file_that_a_backup_still_has_beside_the_sealed_one_goes(
    sealed: Path, filled: Path, database: str, length: int
) -> None:
    plain = packed_of(sealed).with_suffix("")
    plain.write_bytes(gzip.decompress(packed_of(sealed).read_bytes())[:length])
    if database != "of today":
        lose_database(sealed).close()
    if database == "of yesterday":
        shutil.copy(filled / "veille.db", sealed / "veille.db")
    with closing(open_store(sealed)) as store:
        recovery = Archive.open(sealed, store, NOON).recovery
        assert (recovery.adopted, recovery.torn) == (5 if database == "lost" else 0, ())
        assert files(sealed) == ["0001.jsonl.gz", "0001.warc.gz"]
        assert damage(sealed, store) == []
    assert len(manifest.read(sealed).lines) == 2


def test_a_plain_file_that_goes_on_after_the_sealed_one_is_refused(sealed: Path) -> None:
    plain = packed_of(sealed).with_suffix("")
    plain.write_bytes(gzip.decompress(packed_of(sealed).read_bytes()) + encode(make_article("precious")))
    with closing(open_store(sealed)) as store, pytest.raises(CorruptArchiveError, match="are not the same"):
        Archive.open(sealed, store, NOON)
    assert plain.exists()


def test_a_sealed_file_with_less_than_is_committed_is_refused(sealed: Path) -> None:
    with closing(open_store(sealed)) as store:
        file = next(iter(store.sealed_files()))
        length = store.committed_offset(file)
        with store._writing() as connection:
            connection.execute(sa.delete(sealed_files))
        store.adopt(file, length + 1, [], NOON)
        with pytest.raises(CorruptArchiveError, match=rf"holds {length} bytes of lines, of which {length + 1} are"):
            Archive.open(sealed, store, NOON)


def test_readers_of_lines_pass_over_what_sealing_has_not_finished(directory: Path, archive: Archive) -> None:
    next(pieces := archive.sealing(NOON, everything=True))
    assert files(directory) == ["0001.gz.tmp", "0001.jsonl", "0001.warc.gz"]
    assert [path.name[7:] for path in directory.glob("articles/**/*.jsonl*")] == ["0001.jsonl"]
    assert len(titles(directory)) == 5
    pieces.close()


def test_a_sealed_file_with_a_torn_last_line_is_not_taken_in(directory: Path, store: Database) -> None:
    folder = directory / "articles/date=2026-11-22"
    folder.mkdir()
    (folder / "w-0001.jsonl.gz").write_bytes(gzip.compress(encode(make_article("whole")) + b'{"schema":'))
    with pytest.raises(CorruptArchiveError, match=r"w-0001\.jsonl: its last line is torn"):
        Archive.open(directory, store, NOON)
    assert store.revisions(digest("whole")) == []
