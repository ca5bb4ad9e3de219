import time

import pytest

from deploy.bench.turns import Task, Timing, summarise, time_in_turns


def test_percentiles_are_those_of_all_calls_and_the_rate_that_of_the_middle_round() -> None:
    turns = [[0.010] * 40, [0.020] * 40, [0.040] * 40]
    assert summarise(turns, images=2) == Timing(
        calls=120,
        p50_ms=20.0,
        p95_ms=40.0,
        p99_ms=40.0,
        images_per_s=100.0,
        slowest_round=50.0,
        fastest_round=200.0,
    )


@pytest.mark.parametrize(
    ("calls", "p95", "p99"), [(19, False, False), (20, True, False), (100, True, True)]
)
def test_a_percentile_is_given_only_where_there_are_calls_enough_for_it(
    calls: int, p95: bool, p99: bool
) -> None:
    timing = summarise([[0.001] * calls], images=1)
    assert (timing.p95_ms is not None, timing.p99_ms is not None) == (p95, p99)


def test_tasks_are_warmed_up_then_take_turns_forwards_and_backwards() -> None:
    called: list[str] = []
    seen: list[tuple[int, int]] = []
    tasks = {name: Task(lambda name=name: called.append(name)) for name in "ab"}
    timings = time_in_turns(tasks, 3, 0.0, lambda done, of: seen.append((done, of)))
    assert "".join(called[:6]) == "aaabbb"
    assert "".join(called[6:]) == "aaabbb" + "bbbaaa" + "aaabbb"
    assert timings["a"].calls == 9
    assert seen == [(done, 6) for done in range(1, 7)]


def test_a_turn_lasts_as_long_as_asked() -> None:
    timing = time_in_turns({"nap": Task(lambda: time.sleep(0.002), 4)}, 1, 0.05)["nap"]
    assert 3 < timing.calls <= 25
    assert timing.p50_ms >= 2
    assert timing.images_per_s <= 4 / 0.002
