"""A store with six sealed decisions, and what an audit finds after somebody was at it."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.scoring.results import ScoredImage
from inspect_app.store import StoreReader, open_store
from inspect_app.store.address import store_address
from inspect_app.store.anchor import Anchor
from inspect_app.store.audit import AuditResult, audit_chain
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import open_database
from tests.station.drawn_inspections import bundle

COUNT = 6
NOON = datetime(2025, 3, 4, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, handful: list[ScoredImage]) -> Path:
    """A store with six decisions; only copy it."""
    file = tmp_path_factory.mktemp("sealed") / "line.db"
    with open_store(str(file)) as writer:
        writer.register_bundle(bundle())
        writer.add(handful)
    with StoreReader(str(file)) as reader:
        for number in range(COUNT):
            reader.record_decision(1 + number % 4, "Anna", "fail", f"reason {number}")
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture(scope="module")
def anchor(sealed: Path) -> Anchor:
    """Noted after the sixth decision."""
    return anchor_of(sealed)


def anchor_of(file: Path) -> Anchor:
    """The chain's end, noted at noon."""
    with StoreReader(str(file), clock=lambda: NOON) as reader:
        return reader.anchor()


def audited(file: Path, *anchors: Anchor) -> AuditResult:
    """What the audit finds."""
    with open_database(store_address(str(file)), ChainKeyFile()) as database:
        return audit_chain(database, ChainKeyFile(), anchors)


Tamper = Callable[[sqlite3.Connection], object]


def tampered(file: Path, tamper: Tamper, *anchors: Anchor) -> AuditResult:
    """What the audit finds after somebody with every right on the file was there."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(file, folder))
        with sqlite3.connect(copy) as connection:
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (name,) in connection.execute(triggers).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            tamper(connection)
        connection.close()
        return audited(copy, *anchors)
