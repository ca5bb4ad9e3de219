import threading
import time
from collections.abc import Iterator

import pytest

from deploy.scoring.ordered import in_order


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.02 / (number + 1))
        return number * 10

    assert list(in_order(slow_at_first, range(20), 4, 8, "t")) == [n * 10 for n in range(20)]


def test_it_never_runs_far_ahead() -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            asked.append(number)
            yield number

    results = in_order(str, numbers(), 2, 5, "t")
    for given in range(1, 10):
        next(results)
        assert len(asked) <= given + 5
    results.close()
    assert len(asked) < 20


def test_several_are_worked_on_at_a_time() -> None:
    together = threading.Barrier(3, timeout=20)
    assert len(list(in_order(lambda _: together.wait(), range(9), 3, 3, "t"))) == 9


def test_a_mistake_ends_it_and_its_threads() -> None:
    def broken(number: int) -> int:
        if number == 3:
            raise RuntimeError("third")
        return number

    results = in_order(broken, range(10), 2, 4, "odd-name")
    with pytest.raises(RuntimeError, match="third"):
        list(results)
    assert not [one for one in threading.enumerate() if one.name.startswith("odd-name")]
