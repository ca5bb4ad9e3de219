"""Do work on several threads, a bounded number of items ahead, and give it back in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def in_order(
    work: Callable[[Item], Done], items: Iterable[Item], threads: int, ahead: int, name: str
) -> Generator[Done]:
    """Do `work` on items, and give the results back in the order of the items.

    Chained, each stage works while the next one does, and at most `ahead` items lie between two.
    Close it to stop: what has begun is finished, nothing else is begun.

    Args:
        threads: How many items are worked on at a time.
        ahead: The most items taken beyond the one given back.
        name: Of the threads, for whoever looks at them.
    """
    waiting = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    running: deque[Future[Done]] = deque()
    try:
        while True:
            for item in islice(waiting, ahead - len(running)):
                running.append(pool.submit(work, item))
            if not running:
                return
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
