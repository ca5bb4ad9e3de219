"""A clock that somebody sets is noticed; one that drifts is not."""

import pytest

from inspect_app.watch.wall_clock import WallClock


class Clocks:
    """A time of day that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.wall_s, self.steady_s = 1_000_000.0, 5.0

    def pass_by(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds


@pytest.mark.parametrize(("step_s", "way"), [(-3600, "back by 3600 s"), (90, "forward by 90 s")])
def test_a_clock_that_was_set_is_told_of_once(step_s: float, way: str) -> None:
    clocks = Clocks()
    clock = WallClock(lambda: clocks.wall_s, lambda: clocks.steady_s)
    clocks.pass_by(10)
    assert clock.was_set() is None
    clocks.wall_s += step_s
    clocks.pass_by(10)
    assert way in (clock.was_set() or "")
    clocks.pass_by(10)
    assert clock.was_set() is None


def test_a_clock_that_drifts_is_left_alone() -> None:
    clocks = Clocks()
    clock = WallClock(lambda: clocks.wall_s, lambda: clocks.steady_s)
    clocks.wall_s -= 1.5
    assert clock.was_set() is None
