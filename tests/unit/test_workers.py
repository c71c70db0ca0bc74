"""The worker processes: killable, bounded, silent, gone with their parent."""

import asyncio
import hashlib
import json
import operator
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing import spawn
from pathlib import Path

import pytest
from inside import die_the_first_time, grow, note, note_slowly, speak_at_length

from service.articles import pool
from service.articles.workers import Workers, _Task
from service.errors import ExtractError, ParseError, ServiceError, WorkersError

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PAGE = (
    "<!doctype html><html lang=fr><head><title>Le titre</title></head><body><article>"
    + "<p>Un paragraphe assez long pour être un texte, avec une virgule et un point final.</p>" * 4
    + "</article></body></html>"
).encode()


async def run(workers: Workers, function: object, *arguments: object, seconds: float = 10.0) -> object:
    """Any function in a worker: the parsers' way there, without the parsers."""
    return await workers._run(_Task(function, arguments), seconds, ExtractError)  # type: ignore[arg-type]


# -- the three calls ---------------------------------------------------------------------------------------------------


def test_a_feed_a_page_and_a_fragment_come_back_as_values() -> None:
    rss = b"<rss version='2.0'><channel><title>T</title><item><guid>1</guid><title>A</title></item></channel></rss>"

    async def main() -> None:
        workers = Workers(1)
        try:
            document = await workers.parse(rss, feed="f", url="https://a.example/rss", content_type=None, now=NOW)
            page = await workers.extract(PAGE, url="https://a.example/x", headers={"X-Robots-Tag": "noai"}, now=NOW)
            fragment = await workers.fragment("<p>un</p><p>deux</p>", url="https://a.example/x")
        finally:
            await workers.stop()
        assert [entry.title for entry in document.entries] == ["A"]
        assert page.metadata.title == "Le titre"
        assert page.metadata.noai
        assert fragment == ("un", "deux")

    asyncio.run(main())


def test_the_parsers_errors_come_back_as_themselves_in_one_line() -> None:
    async def main() -> None:
        workers = Workers(1)
        try:
            with pytest.raises(ParseError) as parse_error:
                await workers.parse(b"", feed="f", url="https://a.example/rss", content_type=None, now=NOW)
            with pytest.raises(ExtractError, match=r"^the page is application/pdf, not HTML$"):
                await workers.extract(b"%PDF-1.7", url="https://a.example/x", now=NOW)
        finally:
            await workers.stop()
        assert "\n" not in str(parse_error.value)

    asyncio.run(main())


def refuse(message: str) -> None:
    try:
        int("x")
    except ValueError as error:
        raise ServiceError(message) from error


def test_an_error_keeps_its_cause_in_words() -> None:
    from service.articles.workers import _answer

    answer = _answer(_Task(refuse, ("no luck",)))
    assert str(answer) == "no luck: invalid literal for int() with base 10: 'x'"


def test_what_no_parser_foresaw_is_that_documents_failure() -> None:
    async def main() -> None:
        workers = Workers(1)
        try:
            with pytest.raises(ExtractError, match=r"^its reader has a bug: IndexError: list index out of range$"):
                await run(workers, operator.getitem, [], 5)
            assert await run(workers, len, "next") == 4
        finally:
            await workers.stop()

    asyncio.run(main())


# -- what a worker may die of ------------------------------------------------------------------------------------------


def test_a_worker_that_hangs_crashes_or_eats_memory_costs_one_call() -> None:
    async def main() -> None:
        workers = Workers(1, memory_limit=400_000_000)
        try:
            with pytest.raises(ExtractError, match=r"^gave no answer within 0.2 s$"):
                await run(workers, time.sleep, 30, seconds=0.2)
            with pytest.raises(ExtractError, match=r"^its worker died$"):
                await run(workers, os._exit, 9)
            with pytest.raises(ExtractError, match=r"^its worker died$"):
                await run(workers, os.abort)
            with pytest.raises(ExtractError, match=r"^ran out of memory$"):
                await run(workers, bytearray, 1_000_000_000)
            assert await run(workers, abs, -1) == 1
        finally:
            await workers.stop()

    asyncio.run(main())


def test_rule_29_a_worker_deep_in_a_parser_written_in_c_is_killed_at_once() -> None:
    async def main() -> None:
        workers = Workers(1)
        try:
            for _ in range(2):
                with pytest.raises(ExtractError, match=r"^gave no answer within 0.2 s$"):
                    await run(workers, hashlib.pbkdf2_hmac, "sha256", b"", b"", 2**31 - 1, seconds=0.2)
            assert await asyncio.wait_for(run(workers, abs, -1), 20) == 1
        finally:
            await workers.stop()

    asyncio.run(asyncio.wait_for(main(), 40))


def test_a_page_is_tried_once_more_before_it_is_given_up() -> None:
    hostile = b"<!doctype html><html><body>" + b"<p><a href=x>lien</a></p>" * 100_000

    async def main() -> None:
        workers = Workers(1, extract_seconds=0.3)
        try:
            before = time.monotonic()
            with pytest.raises(ExtractError, match=r"^gave no answer within 0.3 s$"):
                await workers.extract(hostile, url="https://a.example/x", now=NOW)
            assert time.monotonic() - before >= 0.6
        finally:
            await workers.stop()

    asyncio.run(main())


def test_what_died_of_something_else_comes_through_the_second_time(tmp_path: Path) -> None:
    async def main() -> None:
        workers = Workers(1)
        try:
            task = _Task(die_the_first_time, (tmp_path / "once",))
            assert await workers._run(task, 10.0, ExtractError, again=True) == "read"
            with pytest.raises(ExtractError, match=r"^its worker died$"):
                await run(workers, die_the_first_time, tmp_path / "not again")
        finally:
            await workers.stop()

    asyncio.run(main())


@pytest.mark.parametrize("count", [1, 2])
def test_a_poisonous_call_takes_none_with_it_and_none_is_worked_at_twice(tmp_path: Path, count: int) -> None:
    async def main() -> list[object]:
        workers = Workers(count)
        tasks = [_Task(note, (tmp_path / str(number), number == 5 or number == 6)) for number in range(20)]
        try:
            calls = (workers._run(task, 10.0, ExtractError, again=True) for task in tasks)
            return await asyncio.gather(*calls, return_exceptions=True)
        finally:
            await workers.stop()

    ends = asyncio.run(main())
    assert [number for number, end in enumerate(ends) if end is not None] == [5, 6]
    assert [len((tmp_path / str(number)).read_bytes()) for number in range(20)] == [1] * 5 + [2] * 2 + [1] * 13


def test_what_cost_a_worker_has_the_next_one_for_itself() -> None:
    async def main() -> None:
        workers = Workers(1)
        seen = set()
        try:
            lost = asyncio.create_task(workers._run(_Task(time.sleep, (30,)), 0.5, ExtractError, again=True))
            await asyncio.sleep(0)
            others = [asyncio.create_task(run(workers, abs, -1)) for _ in range(8)]
            while not lost.done():
                await asyncio.sleep(0.01)
                seen.add((len(others) - sum(call.done() for call in others), workers.calls))
            await asyncio.gather(*others)
        finally:
            await workers.stop()
        # three handed over, the hanging one among them; then, all others waiting, that one alone
        assert {(8, 3), (8, 1)} <= seen

    asyncio.run(main())


def test_many_times_more_than_a_socket_holds_goes_there_and_comes_back() -> None:
    body = os.urandom(5_000_000)

    async def main() -> None:
        workers = Workers(2)
        try:
            assert await asyncio.gather(*(run(workers, bytes, body) for _ in range(9))) == [body] * 9
        finally:
            await workers.stop()

    asyncio.run(main())


def test_workers_outlive_the_loop_they_were_called_from() -> None:
    workers = Workers(1)
    first = asyncio.run(run(workers, os.getpid))  # type: ignore[arg-type]
    assert asyncio.run(run(workers, os.getpid)) == first  # type: ignore[arg-type]
    asyncio.run(workers.stop())
    assert not alive(first)


def test_what_a_loop_left_behind_at_its_end_is_no_burden_to_the_next() -> None:
    workers = Workers(1)

    async def give_up() -> int:
        pid = await run(workers, os.getpid)
        assert isinstance(pid, int)
        calls = [asyncio.create_task(run(workers, time.sleep, 30)) for _ in range(5)]
        await asyncio.sleep(0.1)
        assert not any(call.done() for call in calls)
        return pid

    async def go_on() -> object:
        try:
            return await asyncio.wait_for(run(workers, abs, -1), 10)
        finally:
            await workers.stop()

    pid = asyncio.run(give_up())
    assert asyncio.run(go_on()) == 1
    assert eventually(lambda: not alive(pid), seconds=5)


def test_a_worker_leaves_no_core_behind() -> None:
    async def main() -> object:
        workers = Workers(1)
        try:
            return await run(workers, resource.getrlimit, resource.RLIMIT_CORE)
        finally:
            await workers.stop()

    assert asyncio.run(main()) == (0, 0)


def test_a_call_works_after_idle_workers_were_killed() -> None:
    async def main() -> None:
        workers = Workers(2)
        try:
            pid = await run(workers, os.getpid)
            assert isinstance(pid, int)
            os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.5)
            assert await run(workers, abs, -1) == 1
        finally:
            await workers.stop()

    asyncio.run(main())


@pytest.mark.slow
def test_one_hanging_call_does_not_hold_up_another_worker() -> None:
    async def main() -> None:
        workers = Workers(2)
        try:
            await run(workers, abs, -1)
            hanging = asyncio.create_task(run(workers, time.sleep, 30, seconds=5.0))
            assert await asyncio.gather(*(run(workers, abs, -number) for number in range(20))) == list(range(20))
            assert not hanging.done()
            with pytest.raises(ExtractError):
                await hanging
        finally:
            await workers.stop()

    asyncio.run(main())


def test_a_worker_makes_way_for_a_fresh_one_after_its_share_of_calls() -> None:
    async def main() -> None:
        workers = Workers(1, recycle_after=2)
        try:
            pids = [await run(workers, os.getpid) for _ in range(4)]
        finally:
            await workers.stop()
        assert pids[0] == pids[1] != pids[2] == pids[3]

    asyncio.run(main())


def test_no_more_calls_are_handed_over_than_three_per_worker() -> None:
    async def main() -> None:
        workers = Workers(1)
        try:
            calls = [asyncio.create_task(run(workers, time.sleep, 0.05)) for _ in range(8)]
            seen = set()
            while not all(call.done() for call in calls):
                seen.add(workers.calls)
                await asyncio.sleep(0.001)
            assert max(seen) == 3
            assert workers.calls == 0
        finally:
            await workers.stop()

    asyncio.run(main())


def test_after_a_stop_the_next_call_starts_afresh() -> None:
    async def main() -> None:
        workers = Workers(1)
        await workers.stop()
        first = await run(workers, os.getpid)
        await workers.stop()
        assert not alive(first)
        assert await run(workers, os.getpid) != first
        await workers.stop()

    asyncio.run(main())


def test_a_stop_ends_the_calls_under_way_and_those_waiting() -> None:
    async def main() -> None:
        workers = Workers(1)
        calls = [asyncio.create_task(run(workers, time.sleep, 30)) for _ in range(3)]
        await asyncio.sleep(0.5)
        await workers.stop()
        ends = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
        assert {str(end) for end in ends} == {"its worker died"}

    asyncio.run(main())


# -- its own process, seen from outside --------------------------------------------------------------------------------

PROGRAM = """
    import asyncio, json, os, signal, sys, time
    from service.articles.workers import Workers, _Task

    async def main(sleep):
        workers = Workers(2)
        run = lambda function, *arguments: workers._run(_Task(function, arguments), 60.0, RuntimeError)
        pids = await asyncio.gather(*(run(os.getpid) for _ in range(20)))
        heavy = [name for name in ("trafilatura", "feedparser", "lxml") if name in sys.modules]
        print(json.dumps({"pids": sorted(set(pids)), "heavy": heavy}), flush=True)
        slept = await run(time.sleep, sleep)
        print("done", flush=True)
        await workers.stop()

    if __name__ == "__main__":
        signal.signal(signal.SIGINT, lambda *_: None)  # a handler: to ignore it would be inherited
        asyncio.run(main(float(sys.argv[1])))
"""


@pytest.fixture
def program(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, path, str(request.param)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.communicate()


def first_line(process: subprocess.Popen[str]) -> dict[str, list[object]]:
    assert process.stdout
    line: dict[str, list[object]] = json.loads(process.stdout.readline())
    return line


@pytest.mark.parametrize("program", [0.1], indirect=True)
def test_the_main_process_loads_no_parser_and_nothing_is_said_at_the_end(program: subprocess.Popen[str]) -> None:
    line = first_line(program)
    out, err = program.communicate(timeout=30)
    assert line["heavy"] == []
    assert (out, err, program.returncode) == ("done\n", "", 0)
    assert not any(map(alive, line["pids"]))


@pytest.mark.parametrize("program", [60], indirect=True)
def test_busy_and_idle_workers_end_with_a_killed_parent(program: subprocess.Popen[str]) -> None:
    pids = first_line(program)["pids"]
    assert any(map(alive, pids))
    program.kill()
    program.wait(timeout=10)
    assert eventually(lambda: not any(map(alive, pids)), seconds=5)


@pytest.mark.parametrize("program", [1], indirect=True)
def test_ctrl_c_at_the_terminal_does_not_reach_the_workers(program: subprocess.Popen[str]) -> None:
    first_line(program)
    for process in processes_of(program.pid):
        masks = dict(
            line.split(":\t") for line in Path(f"/proc/{process}/status").read_text().splitlines() if "Sig" in line
        )
        assert any(int(masks[name], 16) & 1 << signal.SIGINT - 1 for name in ("SigBlk", "SigIgn")), process
    os.killpg(program.pid, signal.SIGINT)
    out, err = program.communicate(timeout=30)
    assert (out, err, program.returncode) == ("done\n", "", 0)


def processes_of(group: int) -> list[int]:
    """Those that were started by the first process of a group."""
    running = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    found = []
    for pid in running:
        with suppress(ProcessLookupError):
            if pid != group and os.getpgid(pid) == group:
                found.append(pid)
    assert len(found) >= 3, "the fork server, its tracker, a worker"
    return found


def alive(pid: object) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def eventually(condition: object, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_what_a_worker_writes_to_the_terminal_goes_nowhere(tmp_path: Path) -> None:
    script = """
        import asyncio, os
        from service.articles.workers import Workers, _Task

        async def main():
            workers = Workers(1)
            print(await workers._run(_Task(os.write, (2, b"a traceback")), 10.0, RuntimeError))
            await workers.stop()

        if __name__ == "__main__":
            asyncio.run(main())
    """
    path = tmp_path / "noisy.py"
    path.write_text(textwrap.dedent(script))
    ran = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60, check=True)
    assert (ran.stdout, ran.stderr) == ("11\n", "")


def test_where_no_process_can_be_started_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text("", encoding="utf-8")  # and not executable
    monkeypatch.setattr(spawn, "_python_exe", os.fsencode(program))

    async def main() -> None:
        workers = Workers(1)
        with pytest.raises(
            WorkersError, match=rf"^no process can be started .*: {program} is gone, or this user may not"
        ):
            await run(workers, abs, -1)
        await workers.stop()

    asyncio.run(main())


def test_slow_calls_are_not_worked_at_again_and_again_while_all_workers_are_busy(tmp_path: Path) -> None:
    async def main() -> list[object]:
        workers = Workers(2)
        try:
            return await asyncio.gather(*(run(workers, note_slowly, tmp_path / "seen", n) for n in range(8)))
        finally:
            await workers.stop()

    assert asyncio.run(main()) == list(range(8))
    seen = (tmp_path / "seen").read_text().split()
    assert len(seen) <= 9, "the last one may be handed to whoever has nothing more to do"


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), RuntimeError("can't start new thread")])
def test_a_call_is_answered_though_nothing_can_be_opened_to_start_a_process(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise error

    async def main() -> None:
        workers = Workers(1)
        with monkeypatch.context() as patched:
            patched.setattr(pool, "socketpair", fail)
            async with asyncio.timeout(10):
                with pytest.raises(WorkersError, match="no process can be started"):
                    await run(workers, os.getpid)
        assert await run(workers, os.getpid) != os.getpid()
        await workers.stop()

    asyncio.run(main())


def test_two_callers_have_two_workers() -> None:
    async def main() -> list[object]:
        workers = Workers(2)
        try:
            return await asyncio.gather(*(caller(workers) for _ in range(2)))
        finally:
            await workers.stop()

    async def caller(workers: Workers) -> set[object]:
        seen = set()
        for _ in range(5):
            await run(workers, time.sleep, 0.1)
            seen.add(await run(workers, os.getpid))
        return seen

    one, other = asyncio.run(main())
    assert len(one | other) == 2  # type: ignore[operator]


def test_calls_behind_a_hanging_one_are_answered_by_a_worker_that_is_not_started_yet() -> None:
    async def main() -> float:
        workers = Workers(2)
        await run(workers, os.getpid)
        started = time.monotonic()
        hanging = asyncio.create_task(run(workers, time.sleep, 60, seconds=60))
        await asyncio.gather(*(run(workers, os.getpid) for _ in range(2)))
        took = time.monotonic() - started
        await workers.stop()
        await asyncio.wait([hanging])
        hanging.exception()
        return took

    assert asyncio.run(main()) < 10


def test_a_worker_that_has_grown_makes_way_for_a_fresh_one() -> None:
    async def main() -> list[object]:
        workers = Workers(1, recycle_grown=150_000_000)
        try:
            return [await run(workers, grow, size) for size in (1, 1, 200_000_000, 1)]
        finally:
            await workers.stop()

    first, small, huge, after = asyncio.run(main())
    assert first == small == huge != after


def test_an_answer_that_came_while_nobody_could_read_it_is_not_too_late() -> None:
    async def main() -> object:
        workers = Workers(1)
        try:
            await run(workers, os.getpid)
            answer = asyncio.create_task(run(workers, speak_at_length, 3_000_000, seconds=0.5))
            await asyncio.sleep(0)
            for _ in range(8):  # the loop is at something else, and comes back for moments
                time.sleep(0.15)
                await asyncio.sleep(0)
            return await answer
        finally:
            await workers.stop()

    assert asyncio.run(main()) == b"x" * 3_000_000


def test_a_server_that_was_killed_as_it_started_is_started_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    fork, lost = pool.Pool._fork, [EOFError()]

    def fork_the_second_time(self: pool.Pool) -> object:
        if lost:
            raise lost.pop()
        return fork(self)

    async def main() -> object:
        workers = Workers(1)
        try:
            return await run(workers, os.getpid)
        finally:
            await workers.stop()

    monkeypatch.setattr(pool.Pool, "_fork", fork_the_second_time)
    assert asyncio.run(main()) != os.getpid()
    assert lost == []
