"""The database file: URLs, missing or foreign files, rights, and rows that cannot be changed."""

import os
import sqlite3
from pathlib import Path

import pytest

from deploy.scoring.results import ScoredImage
from inspect_app.store import StoreReader, StoreWriter, open_store
from inspect_app.store.address import store_address
from span_train.contract.errors import StoreError


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///line.db", "line.db"),
        ("sqlite:////data/line.sqlite", "/data/line.sqlite"),
        ("line.db", "line.db"),
        ("/data/line 3.db", "/data/line 3.db"),
    ],
)
def test_urls_and_plain_paths_name_a_file(url: str, file: str) -> None:
    address = store_address(url)
    assert (address.file, address.assets) == (Path(file), Path(file + ".assets"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "an empty store URL"),
        ("line.sqlite", "expected sqlite:///FILE"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///line.db?mode=memory", "names no file"),
        ("sqlite://line.db", "names no file"),
        ("nonsense://x", "no store of a known kind"),
        ("postgresql://", "names no database"),
        ("postgresql://anna@db/line", "pictures need a folder that every station reaches"),
        ("://", "cannot be parsed"),
    ],
)
def test_other_urls_are_refused(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        open_store(url)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(StoreError) as refused:
        open_store("postgresql://anna:secret@127.0.0.1:1/line?assets=a")
    assert "secret" not in str(refused.value)


def test_the_station_never_makes_a_store(tmp_path: Path) -> None:
    missing = tmp_path / "line.db"
    with pytest.raises(StoreError, match="no store is there"):
        StoreReader(str(missing))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the folder .*nowhere does not exist"):
        open_store(str(tmp_path / "nowhere" / "line.db"))


def test_odd_characters_in_a_path_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "line 3 #1 100% ü?"
    folder.mkdir()
    open_store(str(folder / "line.db")).close()
    StoreReader(str(folder / "line.db")).close()
    assert (folder / "line.db").is_file()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "notes.db"
    other.write_text("these are notes, and rather long ones " * 50)
    for opened in (open_store, StoreReader):
        with pytest.raises(StoreError, match="not a database"):
            opened(str(other))


def test_a_foreign_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE things (id INTEGER)")
    connection.close()
    before = other.read_bytes()
    for opened in (open_store, StoreReader):
        with pytest.raises(StoreError, match="not a store of inspections"):
            opened(str(other))
    assert other.read_bytes() == before


def test_a_store_of_a_newer_version_is_refused(writer: StoreWriter) -> None:
    connection = sqlite3.connect(writer.address.file)
    connection.execute("UPDATE inspect_version SET version_num = '0099'")
    connection.commit()
    connection.close()
    for opened in (open_store, StoreReader):
        with pytest.raises(StoreError, match=r"version 0099, .* version \d{4}; update the program"):
            opened(str(writer.address.file))


def test_a_store_without_the_right_to_write_is_refused(
    writer: StoreWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By the mode bits: who runs as root may write anything.
    monkeypatch.setattr(os, "access", lambda path, _: bool(os.stat(path).st_mode & 0o200))
    writer.address.file.chmod(0o444)
    with pytest.raises(StoreError, match=r"no permission to write .*line\.db"):
        StoreReader(str(writer.address.file))


def test_a_folder_that_refuses_files_is_named() -> None:
    # Nobody, not even root, can make a file there.
    with pytest.raises(
        StoreError, match=r"/proc/line\.db: (the database refused .*right|no permission)"
    ):
        open_store("sqlite:////proc/line.db")


def test_readers_work_while_the_line_writes(
    writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]
) -> None:
    connection = sqlite3.connect(writer.address.file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.execute("BEGIN IMMEDIATE")
    assert reader.counts().newest_id == 0
    connection.rollback()
    connection.close()


@pytest.fixture
def raw(writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]) -> sqlite3.Connection:
    """Someone else's connection to a store with one decided inspection."""
    writer.add(handful[:1])
    reader.record_decision(1, "Anna", "pass")
    return sqlite3.connect(writer.address.file, isolation_level=None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inspections SET verdict = 'fail'",
        "UPDATE decisions SET operator = 'Ben'",
        "UPDATE bundles SET name = 'x'",
        "DELETE FROM inspections",
        "DELETE FROM decisions",
        "DELETE FROM bundles",
        "INSERT OR REPLACE INTO inspections SELECT * FROM inspections",
        "INSERT OR REPLACE INTO decisions SELECT * FROM decisions",
        "INSERT OR REPLACE INTO bundles SELECT * FROM bundles",
        "REPLACE INTO inspections (arrival_key, source, file_name, arrived_at, inspected_at, "
        "bundle_id, status, verdict, reason, contributions) SELECT arrival_key, source, 'x', "
        "arrived_at, inspected_at, bundle_id, status, verdict, reason, contributions "
        "FROM inspections",
    ],
)
def test_nothing_once_written_can_be_changed(raw: sqlite3.Connection, statement: str) -> None:
    before = list(raw.iterdump())
    with pytest.raises(sqlite3.IntegrityError, match="are immutable"):
        raw.execute(statement)
    assert list(raw.iterdump()) == before
    raw.close()


def test_the_queries_of_the_station_use_an_index(raw: sqlite3.Connection) -> None:
    queries = {
        "SELECT id FROM inspections WHERE verdict = 'fail' AND id > 1 ORDER BY id LIMIT 1": (
            "inspections_by_verdict"
        ),
        "SELECT count(*) FROM inspections WHERE status = 'unreadable' AND id <= 9": (
            "inspections_by_status"
        ),
        "SELECT id FROM inspections WHERE sha256 = 'a' AND bundle_id = 'b' ORDER BY id": (
            "inspections_by_content"
        ),
        "SELECT * FROM decisions WHERE inspection_id = 1 ORDER BY id DESC LIMIT 1": (
            "decisions_by_inspection"
        ),
    }
    for query, index in queries.items():
        plan = " ".join(str(row) for row in raw.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert index in plan
        assert "TEMP B-TREE" not in plan
    raw.close()
