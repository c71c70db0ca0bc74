"""What a start does with the raw copies the last one left behind, so that files and database say the same again."""

from collections.abc import Iterator
from pathlib import Path

from storage.connection import batches
from storage.errors import CorruptArchiveError, StorageError
from storage.model import Payload
from storage.recovery import Recovery, Refuse, drop_empty, is_forgotten, make_durable, refusing, set_aside, stop
from storage.segments import size
from storage.store import Store
from storage.warc import RAW, TornRecordError, WarcRecord, records, warc_files


def recover_raw(directory: Path, store: Store, *, is_lost: bool | None = None, refuse: Refuse = stop) -> Recovery:
    """Take in whole WARC records past the committed offsets, and set aside what is no whole record.

    Nothing committed is ever set aside. Recovering twice changes nothing.

    Args:
        directory: The data directory.
        store: Its store.
        is_lost: Whether the store has forgotten what was committed, so that any record may be one that was: then only
            a torn last record is set aside. By default the store is asked (``recovery.is_forgotten``).
        refuse: Called with what is not as it should be.

    Raises:
        CorruptArchiveError: a file is missing or shorter than what is committed of it, or holds what is no record.
        StorageError: something cannot be read or written.
    """
    committed = store.committed_files()
    drop_empty(directory, [file for file in warc_files(directory) if not committed.get(file)])
    found, sealed = warc_files(directory), store.sealed_files()
    for file, offset in committed.items():
        if offset and file.startswith(f"{RAW}/") and file not in found:
            refuse(CorruptArchiveError(f"{file} is missing, of which {offset} bytes are committed"))
    adopted, torn = 0, []
    for file in found:
        if file in sealed:
            continue  # what is sealed never changes: ``storage.recovery`` refuses it where it has
        lost = is_forgotten(store, file) if is_lost is None else is_lost
        with refusing(refuse):
            new, aside = _recover_file(directory, store, file, committed.get(file, 0), is_lost=lost)
            adopted += new
            torn += aside
    return Recovery(adopted, tuple(torn))


def _recover_file(directory: Path, store: Store, file: str, offset: int, *, is_lost: bool) -> tuple[int, list[str]]:
    """Returns how many records were new, and the file that what is no record was set aside in."""
    length, adopted = size(directory, file), 0
    if length < offset:
        raise CorruptArchiveError(f"{file} is {length} bytes long, of which {offset} are committed")
    if length == offset:
        return 0, []
    try:
        make_durable(directory, directory / file)
        for some in batches(_whole(directory, file, offset, is_lost=is_lost)):
            offset = some[-1].offset + some[-1].length
            store.commit_raw(file, offset, [payload_of(file, record) for record in some if record.type == "response"])
            adopted += len(some)
        if offset < length:
            return adopted, [set_aside(directory / file, offset).relative_to(directory).as_posix()]
    except OSError as error:
        raise StorageError(f"{file} cannot be recovered") from error
    return adopted, []


def _whole(directory: Path, file: str, start: int, *, is_lost: bool) -> Iterator[WarcRecord]:
    try:
        for record in records(directory, file, start):
            if False in {record.block_holds, record.payload_holds}:
                raise CorruptArchiveError(f"{file}, byte {record.offset}: the record is not what its digests say")
            yield record
    except TornRecordError:
        return
    except CorruptArchiveError:
        if is_lost:
            raise
        return  # a power cut may leave holes in what was not yet synced, and whole records after them


def payload_of(file: str, record: WarcRecord) -> Payload:
    """Where the body of a response record stands."""
    return Payload(record.payload_digest or "", record.url or "", record.at, file, record.offset)
