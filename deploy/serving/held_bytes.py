"""Bound the memory of images that wait for the store: few small requests can hold many pixels."""

import asyncio


class HeldBytes:
    """An amount of bytes that tasks of one event loop share."""

    def __init__(self, most: int) -> None:
        """Share `most` bytes."""
        self._most, self._held = most, 0
        self._freed = asyncio.Condition()

    async def take(self, count: int) -> None:
        """Wait until so many bytes are free; more than there are at all wait for all of them."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._held == 0 or self._held + count <= self._most)
            self._held += count

    async def give_back(self, count: int) -> None:
        """Let others have bytes that were taken."""
        async with self._freed:
            self._held -= count
            self._freed.notify_all()
