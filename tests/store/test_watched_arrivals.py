"""Arrivals of a watched folder in the store: each once, known by name, file time and content."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from deploy.scoring.results import ArrivalNotes, ScoredImage
from inspect_app.store import StoreReader, StoreWriter

Scored = Callable[..., ScoredImage]


def arrival(
    scored: Scored, path: str = "/hot/a.png", time_us: int = 10, **row: object
) -> ScoredImage:
    return replace(scored(path, **row), notes=ArrivalNotes(time_us, part_id="42", lot="L7"))


def test_an_arrival_is_stored_once_also_when_another_bundle_judges_it(
    writer: StoreWriter, reader: StoreReader, scored: Scored
) -> None:
    one = arrival(scored, sha256="a" * 64)
    assert writer.add([one]) == 1
    assert writer.add([one]) == 0
    assert [row.file_time_us for row in reader.page()] == [10]


def test_another_time_content_or_name_is_another_arrival(
    writer: StoreWriter, reader: StoreReader, scored: Scored
) -> None:
    first = arrival(scored, sha256="a" * 64)
    later = arrival(scored, time_us=11, sha256="a" * 64)
    other = arrival(scored, sha256="b" * 64)
    named = arrival(scored, "/hot/b.png", sha256="a" * 64)
    assert writer.add([first, later, other, named]) == 4
    rows = reader.page(newest_first=False)
    assert [row.duplicate_of for row in rows] == [None, rows[0].id, None, rows[0].id]
    assert {(row.part_id, row.lot, row.camera) for row in rows} == {("42", "L7", None)}


def test_a_folder_knows_its_own_arrivals_only(writer: StoreWriter, scored: Scored) -> None:
    writer.add([arrival(scored, "/hot/a.png"), arrival(scored, "/hot2/a.png", 11)])
    writer.add([scored("/hot/scored.png")])
    assert writer.watched_files("/hot") == {("/hot/a.png", 10)}
    assert writer.watched_files("/h%t") == set()


def test_a_time_that_no_calendar_holds_is_kept_all_the_same(
    writer: StoreWriter, reader: StoreReader, scored: Scored
) -> None:
    writer.add([arrival(scored, time_us=2**62)])
    (row,) = reader.page()
    assert row.file_time_us == 2**62
    assert row.arrived_at == row.inspected_at


def test_an_arrival_needs_no_file_any_more(
    writer: StoreWriter, reader: StoreReader, scored: Scored, tmp_path: Path
) -> None:
    writer.add([arrival(scored, str(tmp_path / "gone.png"), 1_000_000)])
    assert reader.page()[0].arrived_at.timestamp() == 1.0
