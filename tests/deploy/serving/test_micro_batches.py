import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from deploy.serving.micro_batches import MicroBatches

Make = Callable[..., MicroBatches]


class Batches:
    """Answers a number with its square, notes the batches, and stops where it is told to."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.started = threading.Event()

    def __call__(self, numbers: list[int]) -> list[int]:
        self.seen.append(numbers)
        self.started.set()
        assert self.may_go.wait(20)
        if 13 in numbers:
            raise ValueError("13 is refused")
        return [number * number for number in numbers]


@pytest.fixture
def answer() -> Batches:
    return Batches()


@pytest.fixture
def make() -> Iterator[Make]:
    with ExitStack() as stack:

        def make_batches(answer: Batches, most: int = 4, wait_s: float = 0.0) -> MicroBatches:
            batches = MicroBatches(answer, most, wait_s, "squares")
            stack.callback(batches.close)
            stack.callback(answer.may_go.set)
            return batches

        yield make_batches


def test_each_gets_its_own_answer(make: Make, answer: Batches) -> None:
    batches = make(answer)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: batches.submit(number).result(20), range(20, 220)))
    assert found == [number * number for number in range(20, 220)]
    assert max(map(len, answer.seen)) <= 4


def test_what_comes_while_a_batch_runs_makes_full_batches_in_order(
    make: Make, answer: Batches
) -> None:
    batches = make(answer)
    answer.may_go.clear()
    first = batches.submit(0)
    assert answer.started.wait(20)
    rest = [batches.submit(number) for number in range(1, 10)]
    answer.may_go.set()
    assert [future.result(20) for future in (first, *rest)] == [n * n for n in range(10)]
    assert answer.seen == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9]]


def test_a_single_image_does_not_wait_when_nothing_is_expected(make: Make, answer: Batches) -> None:
    batches = make(answer, wait_s=30.0)
    assert batches.submit(5).result(20) == 25


def test_a_batch_waits_for_what_is_expected(make: Make, answer: Batches) -> None:
    batches = make(answer, wait_s=30.0)
    with batches.expected():
        first = batches.submit(1)
        with batches.expected():
            second = batches.submit(2)
        assert not answer.started.wait(0.05)
    assert (first.result(20), second.result(20)) == (1, 4)
    assert answer.seen == [[1, 2]]


def test_a_batch_waits_no_longer_than_it_may(make: Make, answer: Batches) -> None:
    batches = make(answer, wait_s=0.02)
    with batches.expected():
        began = time.monotonic()
        assert batches.submit(3).result(20) == 9
        assert time.monotonic() - began >= 0.02


def test_a_full_batch_does_not_wait(make: Make, answer: Batches) -> None:
    batches = make(answer, most=2, wait_s=30.0)
    with batches.expected():
        futures = [batches.submit(number) for number in (1, 2)]
        assert [future.result(20) for future in futures] == [1, 4]


def test_a_batch_that_fails_tells_each_of_its_own_and_no_other(make: Make, answer: Batches) -> None:
    batches = make(answer)
    answer.may_go.clear()
    before = batches.submit(1)
    assert answer.started.wait(20)
    failing = [batches.submit(number) for number in (13, 14)]
    answer.may_go.set()
    assert before.result(20) == 1
    for future in failing:
        with pytest.raises(ValueError, match="13 is refused"):
            future.result(20)
    assert batches.submit(3).result(20) == 9


def test_what_is_cancelled_while_it_waits_is_left_out(make: Make, answer: Batches) -> None:
    batches = make(answer)
    answer.may_go.clear()
    batches.submit(1)
    assert answer.started.wait(20)
    cancelled, other = batches.submit(2), batches.submit(3)
    assert cancelled.cancel()
    answer.may_go.set()
    assert other.result(20) == 9
    assert answer.seen == [[1], [3]]


def test_closing_answers_what_waits_and_takes_nothing_more(make: Make, answer: Batches) -> None:
    batches = make(answer)
    answer.may_go.clear()
    futures = [batches.submit(number) for number in range(6)]
    threading.Timer(0.05, answer.may_go.set).start()
    batches.close()
    assert [future.result(0) for future in futures] == [0, 1, 4, 9, 16, 25]
    with pytest.raises(RuntimeError, match="squares is closed"):
        batches.submit(7)
