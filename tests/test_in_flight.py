"""Many things worked on side by side: how many at once, in which order, and what an error does."""

from __future__ import annotations

import asyncio

import pytest

from r1router.drive.in_flight import map_in_flight


def test_no_more_are_worked_on_at_once_than_allowed_and_items_are_read_as_room_becomes_free():
    at_work: set[int] = set()
    most = 0
    read: list[int] = []

    def items():
        for number in range(20):
            read.append(number)
            yield number

    async def work(number: int) -> int:
        nonlocal most
        at_work.add(number)
        most = max(most, len(at_work))
        assert len(read) <= number + 4
        await asyncio.sleep(0)
        at_work.remove(number)
        return number * number

    async def gather() -> dict[int, int]:
        return {place: result async for place, result in map_in_flight(work, items(), in_flight=4)}

    assert asyncio.run(gather()) == {number: number * number for number in range(20)}
    assert most == 4


def test_results_come_as_they_are_done_each_with_its_place():
    gates = [asyncio.Event() for _ in range(3)]

    async def work(number: int) -> str:
        await gates[number].wait()
        return f"item {number}"

    async def run() -> list[tuple[int, str]]:
        order = []
        gates[2].set()
        async for place, result in map_in_flight(work, [0, 1, 2], in_flight=3):
            order.append((place, result))
            gates[(place + 1) % 3].set()
        return order

    assert asyncio.run(run()) == [(2, "item 2"), (0, "item 0"), (1, "item 1")]


def test_progress_is_told_once_for_each_and_in_order():
    told: list[tuple[int, int]] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)

    async def run() -> None:
        async for _ in map_in_flight(work, range(5), in_flight=2, tell=lambda *of: told.append(of)):
            pass

    asyncio.run(run())
    assert told == [(n, 5) for n in range(1, 6)]


@pytest.mark.parametrize("leave", ["error", "break"])
def test_an_error_or_leaving_early_ends_the_work_on_the_others(leave):
    ended: list[int] = []

    async def work(number: int) -> int:
        if number == 0:
            if leave == "error":
                raise ValueError("no")
            return 0
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # what it has to put away, which is waited for
            ended.append(number)
        return number

    async def run() -> None:
        results = map_in_flight(work, [0, 1, 2], in_flight=3)
        async for _ in results:
            break
        await results.aclose()
        assert sorted(ended) == [1, 2]

    if leave == "error":
        with pytest.raises(ValueError, match="no"):
            asyncio.run(run())
    else:
        asyncio.run(run())
    assert sorted(ended) == [1, 2]
