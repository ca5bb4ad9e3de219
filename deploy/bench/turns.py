"""Time several things in turns, so that a machine that slows down slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Progress = Callable[[int, int], object]
_WARM_UP_CALLS = 3
_LEAST_CALLS = 3
# Below so many calls the percentile would be the slowest call or nearly so.
_CALLS_FOR = {"p95_ms": 20, "p99_ms": 100}


@dataclass(frozen=True)
class Task:
    """Something to time.

    Attributes:
        call: Does it once.
        images: How many images one call takes.
    """

    call: Callable[[], object]
    images: int = 1


@dataclass(frozen=True)
class Timing:
    """How long one call took, over all rounds.

    Attributes:
        calls: How many were timed.
        p50_ms, p95_ms, p99_ms: Percentiles of their times; None where there were too few calls.
        images_per_s: The median of the rounds' rates.
        slowest_round, fastest_round: The least and the highest of these rates.
    """

    calls: int
    p50_ms: float
    p95_ms: float | None
    p99_ms: float | None
    images_per_s: float
    slowest_round: float
    fastest_round: float


def time_in_turns(
    tasks: Mapping[str, Task], rounds: int, seconds: float, progress: Progress | None = None
) -> dict[str, Timing]:
    """Time tasks for `rounds` rounds; in each, every task gets its turn of some seconds.

    Every task is warmed up first. Every other round goes backwards, so that none profits from
    its place.

    Args:
        seconds: Length of a turn; a turn has three calls at least.
        progress: Called with (turns done, turns in all).
    """
    for task in tasks.values():
        for _ in range(_WARM_UP_CALLS):
            task.call()
    turns: dict[str, list[list[float]]] = {name: [] for name in tasks}
    for number in range(rounds):
        names = list(tasks) if number % 2 == 0 else list(tasks)[::-1]
        for place, name in enumerate(names):
            turns[name].append(_turn(tasks[name], seconds))
            if progress is not None:
                progress(number * len(tasks) + place + 1, rounds * len(tasks))
    return {name: summarise(turns[name], task.images) for name, task in tasks.items()}


def summarise(turns: Sequence[Sequence[float]], images: int) -> Timing:
    """Bring the times of calls, in seconds by turn, to percentiles and rates."""
    calls_ms = np.concatenate([np.asarray(turn, np.float64) for turn in turns]) * 1e3
    rates = [len(turn) * images / sum(turn) for turn in turns]
    high = {
        name: round(float(np.percentile(calls_ms, float(name[1:3]))), 3)
        if len(calls_ms) >= needed
        else None
        for name, needed in _CALLS_FOR.items()
    }
    return Timing(
        calls=len(calls_ms),
        p50_ms=round(float(np.median(calls_ms)), 3),
        p95_ms=high["p95_ms"],
        p99_ms=high["p99_ms"],
        images_per_s=round(statistics.median(rates), 2),
        slowest_round=round(min(rates), 2),
        fastest_round=round(max(rates), 2),
    )


def _turn(task: Task, seconds: float) -> list[float]:
    times: list[float] = []
    started = time.perf_counter()
    while len(times) < _LEAST_CALLS or time.perf_counter() - started < seconds:
        began = time.perf_counter()
        task.call()
        times.append(time.perf_counter() - began)
    return times
