import asyncio

from deploy.serving.held_bytes import HeldBytes
from tests.deploy.serving.own_loop import in_own_loop


def test_no_more_is_held_than_allowed_and_everyone_gets_their_turn() -> None:
    async def all_of_them() -> int:
        held, shared, most = 0, HeldBytes(10), 0

        async def use(count: int) -> None:
            nonlocal held, most
            await shared.take(count)
            held += count
            most = max(most, held)
            await asyncio.sleep(0.001)
            held -= count
            await shared.give_back(count)

        await asyncio.wait_for(asyncio.gather(*map(use, [4, 6, 3, 9, 1, 10, 5, 5] * 3)), 20)
        return most

    assert in_own_loop(all_of_them()) == 10


def test_more_than_there_is_at_all_is_held_alone() -> None:
    async def too_much() -> bool:
        shared = HeldBytes(10)
        await shared.take(3)
        large = asyncio.create_task(shared.take(99))
        await asyncio.sleep(0.01)
        waited = not large.done()
        await shared.give_back(3)
        await asyncio.wait_for(large, 20)
        return waited

    assert in_own_loop(too_much())
