"""Reports and reviews find the inspections they ask for, with the decision that counts."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from deploy.scoring.results import ScoredImage
from inspect_app.store.period import Period
from inspect_app.store.reader import StoreReader
from inspect_app.store.review import ReviewFilter
from inspect_app.store.writer import StoreWriter


@pytest.fixture
def filled(writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]) -> StoreReader:
    """The handful, with three decisions on two parts."""
    writer.add(handful)
    reader.record_decision(1, "Anna", "pass")
    reader.record_decision(3, "Anna", "fail")
    reader.record_decision(3, "Ben", "pass", "dust", "reviewer")
    return reader


def newest(reader: StoreReader) -> datetime:
    """When the newest inspection was made."""
    moment = reader.questions.newest_at()
    assert moment is not None
    return moment


def found(reader: StoreReader, **wanted: object) -> list[int]:
    """Ids of the inspections that fit a filter."""
    return [row["id"] for row in reader.questions.review(ReviewFilter(**wanted), 100)]  # type: ignore[arg-type]


def around(moment: datetime, hours: float = 24.0) -> Period:
    """The time before and after a moment, in two pieces."""
    away = timedelta(hours=hours)
    return Period([moment - away, moment, moment + away])


def test_a_period_is_counted_by_verdict_and_latest_decision(filled: StoreReader) -> None:
    groups = filled.questions.groups(around(newest(filled)))
    assert sum(group.count for group in groups) == 6
    decided = {(group.verdict, group.decision): group.count for group in groups if group.decision}
    assert decided == {("pass", "pass"): 1, ("fail", "pass"): 1}
    assert sum(group.count for group in groups if group.verdict is None) == 1


def test_a_period_is_cut_where_it_is_said(filled: StoreReader) -> None:
    end = newest(filled)
    pieces = {group.piece for group in filled.questions.groups(around(end))}
    assert pieces == {0, 1}
    before = filled.questions.groups(Period([end - timedelta(days=1), end]))
    assert 0 < sum(group.count for group in before) < 6
    assert (
        filled.questions.groups(Period([end + timedelta(hours=1), end + timedelta(hours=2)])) == []
    )
    assert filled.questions.groups(replace(around(end), line="none such")) == []


def test_failed_parts_are_those_that_failed_in_the_end(filled: StoreReader) -> None:
    (left,) = filled.questions.failed(around(newest(filled)))
    assert set(left.contributions)
    filled.record_decision(3, "Ben", "fail", "no dust", "reviewer")
    filled.record_decision(1, "Ben", "fail", "scratch", "reviewer")
    assert len(filled.questions.failed(around(newest(filled)))) == 3


def test_readings_come_from_images_that_could_be_read(filled: StoreReader) -> None:
    bundle_id = filled.questions.bundles()[0].bundle_id
    period = around(newest(filled))
    every = filled.questions.sample_of(period, bundle_id, 1.0)
    assert len(every) == 5
    assert all(one.z is not None and one.quality is not None for one in every)
    assert filled.questions.sample_of(period, bundle_id, 0.0) == []
    until = period.edges[-1]
    assert filled.questions.first_of(bundle_id, until, 2) == every[:2]
    assert filled.questions.first_of("none such", until, 2) == []


def test_recent_work_tells_how_much_and_how_fast(filled: StoreReader) -> None:
    lately = filled.questions.recent_work(newest(filled) - timedelta(hours=1))
    assert lately.inspected == 6
    assert len(lately.took_ms) == 5
    later = filled.questions.recent_work(newest(filled) + timedelta(hours=1))
    assert (later.inspected, later.took_ms) == (0, [])


def test_filters_narrow_the_review(filled: StoreReader) -> None:
    assert len(found(filled)) == 6
    assert found(filled, outcome="unreadable") == [5]
    assert found(filled, operator="Ben") == [3]
    assert found(filled, operator="Anna") == [1]
    assert found(filled, disagreement=True) == [3]
    assert set(found(filled, open_only=True)) == {2, 4, 5, 6}
    assert found(filled, name="_0003") == [3]
    assert found(filled, name="%") == []
    assert found(filled, outcome="fail", open_only=True) == [4]


def test_the_review_finds_what_one_part_of_the_layout_says_most_against(
    filled: StoreReader,
) -> None:
    every = {
        part: found(filled, strongest=part)
        for part in [*filled.questions.bundles()[0].parts, "elsewhere"]
    }
    for part, ids in every.items():
        for number in ids:
            said = filled.inspection(number).contributions
            assert said[part] == max(said[name] for name in said if name != "free") > 0
    named = [number for ids in every.values() for number in ids]
    assert len(set(named)) == len(named) >= 2
    assert found(filled, strongest="none such") == []
    several = next(ids for ids in every.values() if len(ids) > 1)
    part = next(name for name, ids in every.items() if ids == several)
    assert [row["id"] for row in filled.questions.review(ReviewFilter(strongest=part), 1)] == [
        max(several)
    ]


def test_the_review_row_tells_who_decided_last_and_why(filled: StoreReader) -> None:
    (row,) = filled.questions.review(ReviewFilter(operator="Ben"), 1)
    assert (row["decision"], row["why"], row["verdict"]) == ("pass", "dust", "fail")


def test_what_can_be_filtered_by_is_told(filled: StoreReader) -> None:
    assert filled.questions.deciders() == ["Anna", "Ben"]
    assert filled.questions.defect_types() == sorted(filled.questions.defect_types())
    assert filled.questions.lines() == []
    assert len(filled.questions.bundles()) == 1
