"""Notice that the clock of this machine was set: times in the store jump, the order does not."""

import time
from collections.abc import Callable

_NOT_WORTH_TELLING_S = 2.0  # clocks are slewed a little all the time


class WallClock:
    """The time of day, compared with a clock that nobody can set."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Compare from now on."""
        self._wall, self._steady = wall, steady
        self._apart_s = wall() - steady()

    def was_set(self) -> str | None:
        """By how much the clock was set since it was asked last, in words; None: it was not."""
        apart_s = self._wall() - self._steady()
        step_s = apart_s - self._apart_s
        if abs(step_s) < _NOT_WORTH_TELLING_S:
            return None
        self._apart_s = apart_s
        way = "back" if step_s < 0 else "forward"
        return (
            f"The clock of this machine was set {way} by {abs(step_s):.0f} s: times in the store "
            "jump here. Nothing is lost, and the order is that of arrival."
        )
