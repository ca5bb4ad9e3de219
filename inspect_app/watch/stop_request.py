"""Ask a process to stop when it has finished what it is doing: by Ctrl-C, or by SIGTERM."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether the process was asked to stop."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.asked = False

    def ask(self) -> None:
        """Ask it; safe in a signal handler, for it takes no lock."""
        self.asked = True


@contextmanager
def stopped_by_signals() -> Iterator[StopRequest]:
    """A request that Ctrl-C and SIGTERM make until the block ends; main thread only."""
    request = StopRequest()

    def ask(_number: int, _frame: FrameType | None) -> None:
        request.ask()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
