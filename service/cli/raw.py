"""``veille show --raw``: the page an article was read from, as it came."""

import os
import sys
import zlib
from typing import TYPE_CHECKING

from service.cli.context import Context

if TYPE_CHECKING:
    from storage.model import Article

NO_COPY = 10


def show_raw(context: Context, record: "Article") -> int:
    """Write the page to standard output, byte for byte as the reader saw it; with ``--json``, where and what it is.

    Raises:
        CorruptArchiveError: the raw copy is not where, or what, the record says.
    """
    from service.net.capture import pieces
    from storage.errors import CorruptArchiveError
    from storage.raw import read_payload

    if record.raw.file is None:
        why = "the article is the feed's own text" if record.http.status is None else "KEEP_RAW was none"
        context.say(f"no raw copy of {record.id} revision {record.revision} was kept: {why}")
        return NO_COPY
    copy = read_payload(context.settings.data_dir, record.raw)
    if context.json:
        context.emit({"raw": record.raw, "warc": dict(copy.fields), "http": copy.head.decode("latin-1")})
        return 0
    try:
        for piece in pieces(copy.head, copy.body):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has seen enough
    except zlib.error as error:
        raise CorruptArchiveError(f"{record.raw.file}, byte {record.raw.offset}: no gzip") from error
    return 0
