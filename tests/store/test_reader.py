"""What the station asks: counts, stepping with a filter, positions, and decisions."""

from datetime import UTC, datetime

import pytest

from deploy.scoring.results import ScoredImage
from inspect_app.store import StoreReader, StoreWriter
from span_train.contract.errors import StoreError
from tests.store.conftest import Scored


@pytest.fixture
def full(writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]) -> StoreReader:
    """A store with pass, recheck, fail, fail, unreadable, pass."""
    writer.add(handful)
    return reader


def test_counts_are_by_outcome(full: StoreReader) -> None:
    full.record_decision(3, "Anna", "fail")
    full.record_decision(3, "Anna", "pass")
    counts = full.counts()
    assert counts.inspections == {"pass": 2, "recheck": 1, "fail": 2, "unreadable": 1}
    assert counts.of("fail") == (2, 1)
    assert counts.of(None) == (6, 1)
    assert counts.newest_id == 6


def test_an_empty_store_has_counts_and_no_part(reader: StoreReader) -> None:
    assert reader.counts().of(None) == (0, 0)
    assert reader.next_id(0) is None
    assert reader.next_undecided_id(0) is None
    assert reader.page() == []


def test_pages_come_newest_or_oldest_first(full: StoreReader) -> None:
    assert [part.id for part in full.page(limit=2)] == [6, 5]
    assert [part.id for part in full.page(limit=2, offset=2, newest_first=False)] == [3, 4]
    assert [part.id for part in full.page("fail")] == [4, 3]
    assert [part.id for part in full.page("unreadable")] == [5]


def test_stepping_stays_within_the_filter(full: StoreReader) -> None:
    assert (full.next_id(1), full.next_id(6)) == (2, None)
    assert (full.next_id(1, "fail"), full.next_id(4, "fail")) == (3, None)
    assert (full.previous_id(6, "pass"), full.previous_id(1)) == (1, None)
    assert full.next_id(0, "unreadable") == 5


def test_positions_count_from_one_within_the_filter(full: StoreReader) -> None:
    assert full.position(4) == 4
    assert full.position(4, "fail") == 2
    assert full.position(5, "unreadable") == 1


def test_the_next_undecided_part_starts_over_behind_the_last(full: StoreReader) -> None:
    for part_id in (2, 5, 6):
        full.record_decision(part_id, "Anna", "recheck")
    assert full.next_undecided_id(1) == 3
    assert full.next_undecided_id(4) == 1
    assert full.next_undecided_id(1, "recheck") is None


def test_a_missing_inspection_is_named(full: StoreReader) -> None:
    with pytest.raises(StoreError, match="holds no inspection 99"):
        full.inspection(99)
    with pytest.raises(StoreError, match="bundle nothing is not registered"):
        full.bundle("nothing")


def test_a_decision_keeps_bundle_and_thresholds(full: StoreReader, url: str) -> None:
    when = datetime(2025, 3, 4, 7, 30, tzinfo=UTC)
    with StoreReader(url, clock=lambda: when) as store:
        written = store.record_decision(3, " Anna ", "fail", " scratch ")
    assert full.latest_decision(3) == written
    assert (written.operator, written.decision, written.reason) == ("Anna", "fail", "scratch")
    assert written.decided_at == when
    assert (written.bundle_id, written.t_pass, written.t_fail) == ("b" * 64, -0.8, 1.1)


def test_a_later_decision_counts_and_the_earlier_one_stays(full: StoreReader) -> None:
    full.record_decision(1, "Anna", "pass")
    full.record_decision(1, "Ben", "fail", "bent after all")
    assert [one.decision for one in full.decisions_of(1)] == ["pass", "fail"]
    latest = full.latest_decision(1)
    assert latest is not None
    assert latest.operator == "Ben"
    assert full.decision_counts() == {("pass", "fail"): 1}


def test_recent_decisions_name_part_and_verdict(full: StoreReader) -> None:
    full.record_decision(5, "Anna", "recheck")
    full.record_decision(3, "Anna", "pass")
    newest, oldest = full.recent_decisions()
    assert (newest.file_name, newest.verdict) == ("relay_0003.png", "fail")
    assert (oldest.file_name, oldest.verdict, oldest.z) == ("relay_0005.png", None, None)
    assert full.decision_counts() == {("unreadable", "recheck"): 1, ("fail", "pass"): 1}
    assert full.recent_decisions(limit=1, offset=1) == [oldest]


@pytest.mark.parametrize("operator", ["", "   "])
def test_a_decision_without_an_operator_is_refused(full: StoreReader, operator: str) -> None:
    with pytest.raises(StoreError, match="operator's name is missing; enter it"):
        full.record_decision(1, operator, "pass")
    assert full.decisions_of(1) == []


def test_texts_that_are_too_long_are_refused(full: StoreReader) -> None:
    with pytest.raises(StoreError, match="reason has 501 characters, at most 500"):
        full.record_decision(1, "Anna", "pass", "x" * 501)
    with pytest.raises(StoreError, match="operator's name has 81 characters"):
        full.record_decision(1, "x" * 81, "pass")


def test_only_the_three_decisions_exist(full: StoreReader) -> None:
    with pytest.raises(ValueError, match="pass, recheck, fail, found 'maybe'"):
        full.record_decision(1, "Anna", "maybe")  # type: ignore[arg-type]


def test_a_decision_about_no_inspection_is_refused(full: StoreReader) -> None:
    with pytest.raises(StoreError, match="holds no inspection 99"):
        full.record_decision(99, "Anna", "pass")


def test_texts_are_kept_as_they_are(
    writer: StoreWriter, reader: StoreReader, scored: Scored
) -> None:
    name = "/l/a'; DROP TABLE decisions; -- <b>ü</b> 部品.png"
    writer.add([scored(name)])
    reader.record_decision(1, "Jürgen <i>", "pass", "'\"; --")
    assert reader.inspection(1).source == name
    assert reader.decisions_of(1)[0].reason == "'\"; --"
