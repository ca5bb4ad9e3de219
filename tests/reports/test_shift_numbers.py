"""A shift is counted by what became of its parts."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_app.reports.drift import drifts
from inspect_app.reports.shift_numbers import NOT_NAMED, Rate, count_shift, p_chart
from inspect_app.reports.shifts import Shift, read_starts, shift_at, shifts_back
from inspect_app.store.period import FailedPart, PartGroup, Readings
from span_train.contract.errors import InputError

START = datetime(2026, 11, 2, 6, tzinfo=UTC)
SHIFT = Shift(START, START + timedelta(hours=8))


def part(count: int = 1, **changes: Any) -> PartGroup:
    """So many good parts that passed in the first hour."""
    values: dict[str, Any] = {
        "piece": 0,
        "bundle_id": "b",
        "verdict": "pass",
        "decision": None,
        "blind_review": False,
    }
    return PartGroup(**{**values, **changes}, count=count)


def reading(number: int, z: float) -> Readings:
    """What was measured on one image."""
    return Readings(z, float(number), {"brightness": 0.5, "sharpness": 100.0})


def test_a_decision_counts_more_than_the_verdict() -> None:
    parts = [part(4), part(2, verdict="fail", decision="pass"), part(3, verdict="recheck")]
    numbers = count_shift(SHIFT, [*parts, part(5, verdict="fail")], [])
    assert (numbers.passed.count, numbers.passed.of) == (6, 14)
    assert numbers.verdicts == {"pass": 4, "fail": 7, "recheck": 3}
    assert (numbers.open_rechecks, numbers.decided) == (3, 2)
    assert (numbers.overkill.count, numbers.overkill.of) == (2, 2)


def test_escapes_are_a_rate_in_blind_review_alone() -> None:
    parts = [
        part(7, blind_review=True, decision="pass"),
        part(2, blind_review=True, decision="fail"),
        part(3, blind_review=True),
        part(4, decision="fail"),
    ]
    numbers = count_shift(SHIFT, parts, [])
    assert (numbers.escapes.count, numbers.escapes.of) == (2, 9)
    assert numbers.escapes_seen == 4


def test_unreadable_files_are_counted_apart() -> None:
    numbers = count_shift(SHIFT, [part(1), part(2, verdict=None)], [])
    assert (numbers.inspected, numbers.unreadable, numbers.passed.of) == (3, 2, 1)


def test_defects_are_sorted_by_class_and_by_the_part_that_speaks_most() -> None:
    failed = [
        FailedPart("scratch", {"body": 2.0, "lead": 1.0, "free": 9.0}),
        FailedPart("scratch", {"body": 0.0, "lead": 1.0}),
        FailedPart(None, {"body": 3.0}),
        FailedPart(None, {"body": -3.0}),
    ]
    numbers = count_shift(SHIFT, [part(4, verdict="fail")], failed)
    assert dict(numbers.by_class) == {"scratch": 2, NOT_NAMED: 2}
    assert dict(numbers.by_part) == {"body": 2, "lead": 1, NOT_NAMED: 1}


def test_nothing_inspected_has_no_rates() -> None:
    numbers = count_shift(SHIFT, [], [])
    assert numbers.passed.value is None
    assert numbers.passed.interval is None
    assert numbers.chart == []


def test_an_interval_is_clopper_and_pearsons() -> None:
    assert Rate(0, 10).interval == pytest.approx((0.0, 0.3085), abs=1e-4)
    assert Rate(10, 10).interval == pytest.approx((0.6915, 1.0), abs=1e-4)
    assert Rate(2, 20).interval == pytest.approx((0.0123, 0.3170), abs=1e-4)


@given(of=st.integers(1, 400), data=st.data())
def test_an_interval_holds_its_share(of: int, data: st.DataObject) -> None:
    rate = Rate(data.draw(st.integers(0, of)), of)
    assert rate.interval is not None
    assert rate.value is not None
    assert rate.interval[0] <= rate.value <= rate.interval[1]


def test_limits_of_the_p_chart_are_three_standard_deviations() -> None:
    def hour(number: int, fails: int) -> list[PartGroup]:
        return [part(fails, piece=number, verdict="fail"), part(100 - fails, piece=number)]

    points, middle = p_chart([*hour(0, 5), *hour(1, 5), *hour(3, 32)])
    assert middle == pytest.approx(0.14)
    away = 3 * (0.14 * 0.86 / 100) ** 0.5
    assert points[0].high == pytest.approx(0.14 + away)
    assert points[0].low == pytest.approx(0.14 - away)
    assert [(point.hour, point.is_out) for point in points] == [(0, False), (1, False), (3, True)]


def test_drift_is_the_distance_between_start_and_shift() -> None:
    start = [reading(number, float(number)) for number in range(100)]
    moved = drifts(start, [reading(number, float(number + 500)) for number in range(100)])
    assert {one.reading: one.distance for one in drifts(start, start)} == dict.fromkeys(
        ("z", "outlier", "brightness", "sharpness"), 0.0
    )
    assert moved[0].distance == 1.0
    assert moved[0].is_large
    assert drifts(start[:5], start) == []


def test_a_moment_belongs_to_one_shift() -> None:
    starts = read_starts("22:00, 06:00,14:00")
    night = shift_at(datetime(2026, 11, 3, 2).astimezone(), starts)
    assert night.start == datetime(2026, 11, 2, 22).astimezone()
    assert night.end == datetime(2026, 11, 3, 6).astimezone()
    assert night.name() == "2026-11-02 22:00–2026-11-03 06:00"
    assert shift_at(night.end, starts).start == night.end


def test_attention_that_leaves_its_part_is_a_drift_of_its_own() -> None:
    def looking(body: float) -> list[Readings]:
        return [Readings(0.0, 1.0, None, {"body": body + number / 1000}) for number in range(40)]

    moved = {one.reading: one for one in drifts(looking(0.8), looking(0.3))}
    assert moved["attention: body"].distance == 1.0
    assert moved["attention: body"].before == pytest.approx(0.8195)
    assert moved["z"].distance == 0.0
    older = [Readings(0.0, 1.0, None)] * 40
    assert [one.reading for one in drifts(older, looking(0.3))] == ["z", "outlier"]


def test_shifts_follow_one_another_without_a_gap() -> None:
    found = shifts_back(START, (time(5, 30), time(17, 0)), 6)
    assert [one.start for one in found[:-1]] == [one.end for one in found[1:]]


def test_a_shift_is_cut_into_hours_the_last_one_shorter() -> None:
    short = Shift(START, START + timedelta(hours=2, minutes=30))
    assert [(edge - START).total_seconds() / 3600 for edge in short.hourly()] == [0, 1, 2, 2.5]
    assert len(SHIFT.hourly()) == 9


@pytest.mark.parametrize("text", ["noon", "06:00,06:00", ""])
def test_shift_times_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="shift times"):
        read_starts(text)
