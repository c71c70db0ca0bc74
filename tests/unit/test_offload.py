"""What waits for the disk waits in one thread, in groups where that costs less."""

import asyncio
import threading

import pytest

from service.offload import InGroups, OneThread


def test_what_comes_while_a_group_is_handed_over_is_the_next_group_in_its_order() -> None:
    groups: list[list[int]] = []
    first_is_here, go_on = threading.Event(), threading.Event()

    def take(group: list[int]) -> None:
        groups.append(group)
        first_is_here.set()
        assert go_on.wait(10)

    async def story() -> None:
        thread = OneThread("test")
        hand_over = InGroups(thread, take, most=3)
        first = asyncio.create_task(hand_over(0))
        await asyncio.to_thread(first_is_here.wait, 10)
        rest = [asyncio.create_task(hand_over(number)) for number in range(1, 6)]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, *rest)
        thread.close()

    asyncio.run(story())
    assert groups == [[0], [1, 2, 3], [4, 5]]


def test_a_failure_is_that_of_its_group_and_the_next_one_goes_on() -> None:
    taken: list[int] = []

    def take(group: list[int]) -> None:
        if 0 in group:
            raise OSError("no room")
        taken.extend(group)

    async def story() -> list[BaseException | None]:
        thread = OneThread("test")
        hand_over = InGroups(thread, take)
        failed = await asyncio.gather(hand_over(0), hand_over(1), return_exceptions=True)
        await hand_over(2)
        thread.close()
        return failed

    failed = asyncio.run(story())
    assert [str(error) for error in failed] == ["no room", "no room"]
    assert taken == [2]


def test_whoever_waits_no_longer_keeps_nobody_from_being_handed_over() -> None:
    taken: list[int] = []

    async def story() -> None:
        thread = OneThread("test")
        hand_over = InGroups(thread, taken.extend)
        waiting = [asyncio.create_task(hand_over(number)) for number in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.gather(waiting[0], waiting[2])
        with pytest.raises(asyncio.CancelledError):
            await waiting[1]
        thread.close()

    asyncio.run(story())
    assert taken == [0, 1, 2]
