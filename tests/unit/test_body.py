"""A body is never held in memory but as far as its limit goes, and only once."""

import asyncio
import gzip
import hashlib
import os
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from service.errors import TooLargeError
from service.net.body import Body, Content

LIMIT = 10_000_000


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


def peak_of_reading(data: bytes, cut: int | None = None) -> tuple[Content | None, int]:
    """What came of it, and the most memory it took."""
    content: Content | None = None

    async def read() -> None:
        nonlocal content
        content = await Body("gzip", max_wire=LIMIT, max_bytes=LIMIT, cut=cut).read(chunks(data))

    tracemalloc.start()
    try:
        asyncio.run(read())
    except TooLargeError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return content, peak


def test_rule_19_a_gzip_bomb_takes_no_memory_but_what_came() -> None:
    content, peak = peak_of_reading(gzip.compress(b" " * 8 * LIMIT, 1))
    assert content is None
    assert peak < 2_000_000


def test_rule_19_a_body_is_kept_as_it_came() -> None:
    data = os.urandom(1_000) * 9_000
    content, peak = peak_of_reading(gzip.compress(data, 9))
    assert content is not None
    assert content.packed
    assert len(content.data) < len(data) / 10
    assert peak < 2_000_000
    assert (content.size, content.decoded()) == (len(data), data)
    assert content.sha256() == hashlib.sha256(data).digest()


def test_rule_19_a_body_that_does_not_shrink_is_held_once() -> None:
    data = os.urandom(8_000_000)
    content, peak = peak_of_reading(gzip.compress(data, 1))
    assert content is not None
    assert content.decoded() == data
    assert peak < 1.5 * len(data)


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 524_288, 1_000_000])
def test_rule_19_what_inflates_in_several_steps_comes_out_whole(size: int) -> None:
    data = b"0123456789abcdef" * (size // 16) + b"x" * (size % 16)
    for members in (gzip.compress(data, 9), gzip.compress(data, 1) * 2):
        whole, cut = (peak_of_reading(members, cut)[0] for cut in (None, size // 2))
        assert whole is not None
        assert cut is not None
        assert whole.decoded() == gzip.decompress(members)
        assert (whole.packed, cut.packed) == (True, False)
        assert cut.decoded() == data[: size // 2]
