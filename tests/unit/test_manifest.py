"""The manifest: a line for every sealed file, durable, and never another one for the same file."""

import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import manifest
from storage.errors import CorruptArchiveError, StorageError
from storage.manifest import Line, Manifest

LINE = Line("articles/date=2026-11-22/w-0001.jsonl.gz", 12, 3456, "0" * 64, "a" * 32, "b" * 32)
OTHER = replace(LINE, path="raw/date=2026-11-22/w-0001.warc.gz", first_id="<urn:uuid:1>", last_id=None)


def test_a_line_has_the_promised_keys_in_the_promised_order() -> None:
    data = manifest.encode(LINE)
    assert list(orjson.loads(data)) == ["path", "records", "bytes", "sha256", "first_id", "last_id"]
    assert data.count(b"\n") == 1
    assert data.endswith(b"}\n")


@given(st.text(st.characters(codec="utf-8")), st.integers(0, 2**62), st.none() | st.text(st.characters(codec="utf-8")))
def test_every_line_comes_back_as_it_was_written(path: str, number: int, id_: str | None) -> None:
    line = Line(path, number, number, hashlib.sha256(path.encode()).hexdigest(), id_, id_)
    assert manifest.decode(manifest.encode(line)) == line


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"sha256": "0" * 63}, "sha256: expected"),
        ({"bytes": -1}, "bytes: expected 0 or more"),
        ({"records": None}, "records: expected a whole number"),
        ({"more": 1}, "'more' is unknown"),
    ],
)
def test_what_is_no_line_is_told_with_what_is_wrong_and_where(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    wrong = orjson.dumps(orjson.loads(manifest.encode(LINE)) | change)
    with pytest.raises(CorruptArchiveError, match=f"not a line of a manifest: {complaint}"):
        manifest.decode(wrong)
    first = manifest.encode(OTHER)
    for bad in (wrong, b"\0\0", b"a\rb", b""):
        (tmp_path / "manifest.jsonl").write_bytes(first + bad + b"\n" + manifest.encode(LINE))
        with pytest.raises(CorruptArchiveError, match=rf"^manifest\.jsonl, byte {len(first)}: not "):
            manifest.read(tmp_path)


def test_a_directory_without_a_manifest_has_an_empty_one(tmp_path: Path) -> None:
    assert manifest.read(tmp_path) == Manifest()


def test_a_torn_last_line_is_told_apart_and_cut_off_by_the_next(tmp_path: Path) -> None:
    whole, torn = manifest.encode(LINE), manifest.encode(OTHER)[:-1]
    (tmp_path / "manifest.jsonl").write_bytes(whole + torn)
    assert manifest.read(tmp_path) == Manifest((LINE,), len(whole), torn)
    manifest.append(tmp_path, OTHER)
    assert (tmp_path / "manifest.jsonl").read_bytes() == whole + manifest.encode(OTHER)


def test_a_line_that_stands_there_is_not_written_again(tmp_path: Path) -> None:
    for line in (LINE, OTHER, LINE, OTHER):
        manifest.append(tmp_path, line)
    assert manifest.read(tmp_path).lines == (LINE, OTHER)


def test_another_line_for_the_same_file_is_refused(tmp_path: Path) -> None:
    manifest.append(tmp_path, LINE)
    complaint = rf"^{LINE.path} is not as manifest\.jsonl has it: bytes 7 instead of {LINE.bytes}$"
    with pytest.raises(CorruptArchiveError, match=complaint):
        manifest.append(tmp_path, replace(LINE, bytes=7))
    assert manifest.read(tmp_path).lines == (LINE,)


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_a_line_that_cannot_be_made_durable_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    manifest.append(tmp_path, LINE)
    real, calls = os.write, []

    def write(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if failing == "write" and len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data[:50])

    def fsync(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        if failing == "fsync":
            patch.setattr(os, "fsync", fsync)
        with pytest.raises(StorageError, match=r"^manifest\.jsonl cannot be written: "):
            manifest.append(tmp_path, OTHER)
    assert calls, "nothing was written"
    assert (tmp_path / "manifest.jsonl").read_bytes() == manifest.encode(LINE)


@pytest.mark.parametrize("stands_there", [False, True])
def test_a_line_and_the_manifest_s_name_are_on_the_disk_when_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stands_there: bool
) -> None:
    if stands_there:  # whoever wrote it may have been killed before it was synced
        (tmp_path / "manifest.jsonl").write_bytes(manifest.encode(LINE))
    synced, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(Path(f"/proc/self/fd/{fd}").readlink()), real(fd))[1])
    manifest.append(tmp_path, LINE)
    assert synced == [tmp_path / "manifest.jsonl", tmp_path]


def test_a_manifest_that_cannot_be_read_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").mkdir()
    with pytest.raises(StorageError, match="cannot be read") as caught:
        manifest.read(tmp_path)
    assert not isinstance(caught.value, CorruptArchiveError)


def test_the_digest_of_a_file_is_its_sha_256(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "file").write_bytes(data)
    assert manifest.digest(tmp_path / "file") == hashlib.sha256(data).hexdigest()
