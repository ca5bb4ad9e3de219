"""What is counted as it comes is what would be counted anew."""

import pytest

from deploy.scoring.results import ScoredImage
from inspect_app.store.reader import StoreReader
from inspect_app.store.running_counts import RunningCounts
from inspect_app.store.writer import StoreWriter, open_store
from tests.station.drawn_inspections import bundle


def test_counts_go_on_from_where_they_were(
    writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]
) -> None:
    writer.add(handful[:2])
    assert reader.counts().of(None) == (2, 0)
    reader.record_decision(1, "Anna", "fail")
    writer.add(handful[2:])
    assert reader.counts().of(None) == (6, 1)
    reader.record_decision(1, "Rita", "pass", role="reviewer")
    reader.record_decision(3, "Rita", "fail", role="reviewer")
    reader.record_decision(3, "Rita", "recheck", role="reviewer")
    assert reader.counts().of(None) == (6, 2)
    assert reader.decision_counts() == {("pass", "pass"): 1, ("fail", "recheck"): 1}
    anew = RunningCounts(reader._database)
    assert anew.counts() == reader.counts()
    assert anew.by_decision() == reader.decision_counts()


def test_both_databases_count_alike(any_url: str, handful: list[ScoredImage]) -> None:
    with open_store(any_url) as writer:
        writer.register_bundle(bundle())
        writer.add(handful)
        with StoreReader(any_url) as reader:
            before = reader.counts()
            reader.record_decision(2, "Anna", "fail")
            assert reader.counts().inspections == before.inspections
            assert reader.counts().decided == {"pass": 0, "recheck": 1, "fail": 0, "unreadable": 0}
            assert reader.counts().newest_id == 6


def test_nothing_new_is_not_counted_again(
    writer: StoreWriter,
    reader: StoreReader,
    handful: list[ScoredImage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer.add(handful)
    first = reader.counts()
    monkeypatch.setattr(reader._running, "_add", None)  # would fail
    assert reader.counts() == first
