"""Backup and retention: copies that are stores, and files that go only when nobody needs them."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inspect_app.store import StoreReader, StoreWriter
from inspect_app.store.address import store_address
from inspect_app.store.audit import audit_chain
from inspect_app.store.backup import back_up
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.clean import CleanSummary, clean
from inspect_app.store.facts import read_facts
from inspect_app.store.labels import export_labels
from inspect_app.store.originals import chosen_for_blind_review
from inspect_app.store.schema import inspections
from span_train.contract.errors import StoreError
from tests.store.conftest import Scored

LATER = timedelta(days=100)


@pytest.fixture
def full(writer: StoreWriter, reader: StoreReader, scored: Scored) -> StoreReader:
    """An old undecided pass, a decided pass, a fail, a recheck, a blind pass, a decided fail."""
    facts = read_facts(reader._database)
    hashes = [f"{number:064x}" for number in range(2000)]
    blind, *_ = (one for one in hashes if chosen_for_blind_review(one, facts.seed, 0.02))
    usual = [one for one in hashes if not chosen_for_blind_review(one, facts.seed, 0.02)]
    verdicts = ("pass", "pass", "fail", "recheck", "pass", "fail")
    for number, verdict in enumerate(verdicts):
        content = blind if number == 4 else usual[number]
        one = scored(f"{number}.png", verdict=verdict, sha256=content)
        writer.add([replace(one, content=b"\x89PNG")])
    reader.record_decision(2, "Anna", "pass")
    reader.record_decision(6, "Anna", "fail")
    return reader


@pytest.fixture
def cleaned(full: StoreReader) -> Callable[..., CleanSummary]:
    """Clean the store as if it were a hundred days later."""

    def run(only_count: bool = False, keep_days: float = 30) -> CleanSummary:
        now = datetime.now(UTC) + LATER
        keep = timedelta(days=keep_days)
        return clean(full._database, full._assets, now, keep, only_count=only_count)

    return run


def files(store: StoreReader) -> set[str]:
    """All files of the store."""
    folder = store.address.assets
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_only_old_passes_that_nobody_decided_on_lose_their_picture(
    full: StoreReader, cleaned: Callable[..., CleanSummary]
) -> None:
    before, part = files(full), full.inspection(1)
    counted = cleaned(only_count=True)
    assert files(full) == before
    done = cleaned()
    assert done == counted
    assert before - files(full) == {part.picture_asset, part.maps_asset}
    assert full.evidence(part) is None
    assert all(full.evidence(full.inspection(number)) for number in (2, 3, 4, 5, 6))
    assert cleaned() == CleanSummary(0, 0, 0)


def test_young_passes_keep_their_picture(
    full: StoreReader, cleaned: Callable[..., CleanSummary]
) -> None:
    old = datetime.now(UTC) + LATER - full.inspection(1).inspected_at
    assert cleaned(keep_days=old.days + 1).files == 0


def test_an_original_goes_once_it_was_exported_and_not_decided_on_again(
    full: StoreReader, cleaned: Callable[..., CleanSummary], tmp_path: Path
) -> None:
    original = full.inspection(6).original_asset
    cleaned()
    assert original in files(full)
    export_labels(full._database, full._assets, tmp_path / "labels")
    full.record_decision(6, "Ben", "pass")
    cleaned()
    assert original in files(full)
    export_labels(full._database, full._assets, tmp_path / "more labels")
    cleaned()
    assert original in files(full), "Anna and Ben disagree, so it was not exported again"
    full.record_decision(6, "Cleo", "pass", role="reviewer")
    export_labels(full._database, full._assets, tmp_path / "settled labels")
    cleaned()
    assert original not in files(full)
    assert full.evidence(full.inspection(6)) is not None


def test_files_that_no_row_names_go_when_they_are_old(
    full: StoreReader, cleaned: Callable[..., CleanSummary]
) -> None:
    cleaned()
    folder = full.address.assets
    for name, days in (
        ("ab/left.png", 102),
        ("originals/ab/.draft", 102),
        ("layouts/young.npz", -100),
        ("heartbeats/watch.json", 102),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")
        written = datetime.now(UTC).timestamp() - days * 86400
        os.utime(folder / name, (written, written))
    assert cleaned() == CleanSummary(0, 2, 10)
    assert {"layouts/young.npz", "heartbeats/watch.json"} < files(full)


def test_a_backup_is_a_store_with_all_its_files(full: StoreReader, tmp_path: Path) -> None:
    out = tmp_path / "copies" / "monday.db"
    out.parent.mkdir()
    done = back_up(full.address, out)
    assert (done.inspections, done.decisions, done.missing) == (6, 2, 0)
    with StoreReader(str(out)) as copy:
        assert files(copy) == files(full)
        assert copy.evidence(copy.inspection(1)) is not None
        assert audit_chain(copy._database, ChainKeyFile()).broken is None
    assert sorted(path.name for path in out.parent.iterdir() if "-" not in path.name) == [
        "monday.db",
        "monday.db.assets",
    ]


def test_a_backup_is_made_while_the_line_writes(
    full: StoreReader, writer: StoreWriter, tmp_path: Path
) -> None:
    with writer._database.writing(inspections) as connection:
        done = back_up(full.address, tmp_path / "copy.db", with_files=False)
        assert connection.in_transaction()
    assert (done.inspections, done.files) == (6, 0)
    assert not (tmp_path / "copy.db.assets").exists()


def test_a_backup_never_writes_over_anything(full: StoreReader, tmp_path: Path) -> None:
    assert full.address.file is not None
    with pytest.raises(StoreError, match="exists already; give a new name"):
        back_up(full.address, full.address.file)
    (tmp_path / "new.db.assets").mkdir()
    with pytest.raises(StoreError, match=r"new\.db\.assets: exists already"):
        back_up(full.address, tmp_path / "new.db")


def test_a_store_on_a_server_is_left_to_its_own_tools() -> None:
    with pytest.raises(StoreError, match="back it up with pg_dump"):
        back_up(store_address("postgresql://a:b@h/d?assets=x"), Path("copy.db"))
