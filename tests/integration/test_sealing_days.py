"""Sealing beside the work: a day's files are sealed when it is over, and nobody waits for it."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawling import Bench
from newsstand import Clock

from service import app, catalogues
from service.newsroom import Newsroom
from service.offload import OneThread


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, keep_raw="none")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(app, "now", clock)
    return clock


def endings(bench: Bench) -> list[str]:
    """Every file of records: its day's place among the days, and its ending."""
    folders = sorted(bench.data.glob("articles/*"))
    return [f"{number} {path.name[12:]}" for number, folder in enumerate(folders) for path in sorted(folder.iterdir())]


def test_a_crawl_seals_the_days_that_are_over_and_leaves_its_own(bench: Bench, clock: Clock) -> None:
    with Newsroom(sites=1, stories=2) as room:
        bench.crawl(room)
        assert endings(bench) == ["0 jsonl"]
        before = bench.records()
        clock.forward(days=1)
        room.publish(1)
        bench.crawl(room)
        assert endings(bench) == ["0 jsonl.gz", "1 jsonl"]
        bench.crawl(room)
        assert endings(bench) == ["0 jsonl.gz", "1 jsonl"]
    assert bench.records()[: len(before)] == before
    assert len(bench.records()) == len(before) + 1
    assert len((bench.data / "manifest.jsonl").read_bytes().splitlines()) == 1


def test_a_runner_told_to_stop_leaves_off_sealing_and_the_next_one_does_it(bench: Bench, clock: Clock) -> None:
    async def stopped_after(pieces: int) -> list[str]:
        feeds = catalogues.load(bench.feeds_file)
        async with app.open_runner(bench.settings, feeds, bench.events.append) as runner, runner.serving():
            archivist, seen = runner._pipeline.archivist, iter(range(100))
            sealed = [one.path for one in await archivist.seal(lambda: next(seen) >= pieces)]
            runner.stop()
            assert await runner.seal() == []
            return sealed

    with Newsroom(sites=1, stories=2) as room:
        bench.crawl(room)
    clock.forward(days=1)
    assert asyncio.run(stopped_after(0)) == []
    assert endings(bench) == ["0 jsonl"], "no draft is left behind"
    assert len(asyncio.run(stopped_after(99))) == 1
    assert endings(bench) == ["0 jsonl.gz"]


def test_what_the_thread_makes_piece_by_piece_lets_others_have_their_turn() -> None:
    turns: list[str] = []

    def work() -> Iterator[str]:
        for number in range(3):
            turns.append(threading.current_thread().name)
            yield f"piece {number}"

    async def main() -> None:
        thread = OneThread("disk")
        try:
            async for piece in thread.each(work()):
                turns.append(piece)
                await thread(turns.append, "another's turn")
        finally:
            thread.close()

    asyncio.run(main())
    assert turns == [turn for number in range(3) for turn in ("disk_0", f"piece {number}", "another's turn")]
