"""The simulation of promised bounds: its truth is true, and it can tell a broken promise."""

import numpy as np
import pytest
from promised_bounds import Law, Tally, page, simulate, tally


@pytest.mark.parametrize("step", [0.0, 0.25])
def test_the_true_share_is_that_of_many_drawn_parts(step: float) -> None:
    law = Law(0.0, 1.0, 0.5, 0.2, 2.0, 3, step)
    worst = law.draw(200_000, np.random.default_rng(0)).max(axis=1)
    for threshold in (-0.7, 0.1, 1.4):
        assert law.share_below(threshold) == pytest.approx((worst < threshold).mean(), abs=0.005)


def test_broken_promises_are_counted_by_kind_and_by_line() -> None:
    lines = [
        {"escape": (0.1, 0.2), "overkill": (0.1, 0.05)},
        {"escape": (0.1, 0.05), "overkill": (0.1, 0.05)},
        {"overkill": (0.1, 0.3)},
        {},
    ]
    found = tally("some", lines)
    assert found.promised == {"escape": 2, "overkill": 3, "either": 2}
    assert found.broken == {"escape": 1, "overkill": 1, "either": 1}


def test_five_percent_of_broken_promises_are_kept_and_eight_are_not() -> None:
    assert Tally("right", {"escape": 2000}, {"escape": 100}).kept()
    assert not Tally("wrong", {"escape": 2000}, {"escape": 160}).kept()


def test_few_lines_keep_their_promises_and_the_control_does_not() -> None:
    goals, costs, control = simulate(lines=120, seed=1)
    assert goals.kept()
    assert costs.kept()
    assert not control.kept()
    assert "| goals | escape |" in page((goals, costs, control), 120, 1)
