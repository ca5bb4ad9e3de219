"""Reports and reviews find the inspections they ask for, with the decision that counts."""

from datetime import timedelta

import pytest

from deploy.scoring.results import ScoredImage
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


def found(reader: StoreReader, **wanted: object) -> list[int]:
    """Ids of the inspections that fit a filter."""
    return [row["id"] for row in reader.questions.review(ReviewFilter(**wanted), 100)]  # type: ignore[arg-type]


def test_a_period_brings_the_latest_decision(filled: StoreReader) -> None:
    newest = filled.questions.newest_at()
    assert newest is not None
    day = timedelta(days=1)
    parts = filled.questions.period(newest - day, newest + day)
    assert {part.id: part.decision for part in parts if part.decision} == {1: "pass", 3: "pass"}
    assert len(parts) == 6
    assert filled.questions.period(newest - day, newest - day / 2) == []


def test_a_period_ends_before_its_end(filled: StoreReader) -> None:
    newest = filled.questions.newest_at()
    assert newest is not None
    assert all(
        part.inspected_at < newest
        for part in filled.questions.period(newest - timedelta(days=1), newest)
    )


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


def test_the_review_row_tells_who_decided_last_and_why(filled: StoreReader) -> None:
    (row,) = filled.questions.review(ReviewFilter(operator="Ben"), 1)
    assert (row["decision"], row["why"], row["verdict"]) == ("pass", "dust", "fail")


def test_what_can_be_filtered_by_is_told(filled: StoreReader) -> None:
    assert filled.questions.deciders() == ["Anna", "Ben"]
    assert filled.questions.defect_types() == sorted(filled.questions.defect_types())
    assert filled.questions.lines() == []
    assert len(filled.questions.bundles()) == 1
