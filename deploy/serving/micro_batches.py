"""Gather what arrives within moments into one batch, so that many cells share one run of the graph.

One thread answers. While a batch runs the next one gathers, so that under load batches are full
without anyone waiting for them; a single image waits only while others are known to come.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Generic, TypeVar

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class MicroBatches(Generic[Given, Answer]):
    """A thread that answers what is submitted, in its order, several at a time."""

    def __init__(
        self, answer: Callable[[list[Given]], Sequence[Answer]], most: int, wait_s: float, name: str
    ) -> None:
        """Start the thread.

        Args:
            answer: Gives one answer for each; called from the thread, never twice at a time.
            most: The most in one batch.
            wait_s: How long a batch that is not full waits for others that are expected.
            name: Of the thread.
        """
        self._answer, self._most, self._wait_s = answer, most, wait_s
        self._waiting: deque[tuple[Given, Future[Answer]]] = deque()
        self._coming = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=name)
        self._thread.start()

    @contextmanager
    def expected(self) -> Iterator[None]:
        """Say that something will be submitted before this block ends."""
        self._count_coming(1)
        try:
            yield
        finally:
            self._count_coming(-1)

    def submit(self, given: Given) -> "Future[Answer]":
        """Wait for a place in a batch; the answer, or what went wrong with its batch, comes later.

        Raises:
            RuntimeError: It is closed.
        """
        future: Future[Answer] = Future()
        with self._changed:
            if self._closing:
                raise RuntimeError(f"{self._thread.name} is closed")
            self._waiting.append((given, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _count_coming(self, change: int) -> None:
        with self._changed:
            self._coming += change
            self._changed.notify()

    def _work(self) -> None:
        while batch := self._next_batch():
            self._answer_batch([one for one in batch if one[1].set_running_or_notify_cancel()])

    def _next_batch(self) -> list[tuple[Given, "Future[Answer]"]]:
        """What is to be answered together; nothing when it is closed and all is answered."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            end = time.monotonic() + self._wait_s
            while self._may_grow() and (left_s := end - time.monotonic()) > 0:
                self._changed.wait(left_s)
            return [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]

    def _may_grow(self) -> bool:
        return self._coming > 0 and len(self._waiting) < self._most and not self._closing

    def _answer_batch(self, batch: list[tuple[Given, "Future[Answer]"]]) -> None:
        if not batch:
            return
        try:
            answers = self._answer([given for given, _ in batch])
        except Exception as problem:  # each of the batch is told; the thread goes on
            for _, future in batch:
                future.set_exception(problem)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            future.set_result(answer)
