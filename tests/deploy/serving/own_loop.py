"""Run a coroutine where another event loop may be running already, as a browser test leaves one."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def in_own_loop(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What the coroutine gives, from a loop in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
