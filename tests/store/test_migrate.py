"""Older stores are brought up to date when they are opened; what they held is still there."""

import os
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from inspect_app.store import StoreReader, open_store
from inspect_app.store.address import store_address
from inspect_app.store.audit import audit_chain
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import open_database
from inspect_app.store.migrate import STEPS, VERSION_TABLE
from inspect_app.store.outbox import entries_after
from inspect_app.store.schema import SCHEMA_VERSION, tables
from span_train.contract.errors import StoreError

# A store as the first version made it, by that version's own statements.
FIRST = (Path(__file__).parent / "store_0001.sql").read_text(encoding="utf-8")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of the first version with one inspection and two decisions."""
    file = tmp_path / "line.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(FIRST)
    connection.close()
    return file


def test_the_version_known_is_the_last_step() -> None:
    config = Config()
    config.set_main_option("script_location", str(STEPS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_VERSION


def test_the_steps_make_the_tables_that_the_program_reads(any_url: str) -> None:
    open_store(any_url).close()
    with (
        open_database(store_address(any_url), ChainKeyFile()) as database,
        database.reading() as connection,
    ):
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": False}
        )
        assert compare_metadata(context, tables) == []


@pytest.mark.parametrize("opens", [open_store, StoreReader])
def test_an_old_store_keeps_its_rows_and_its_decisions_are_sealed(
    old: Path, opens: type[StoreReader]
) -> None:
    opens(str(old)).close()
    with StoreReader(str(old)) as reader:
        part = reader.inspection(1)
        assert (part.file_name, part.z, part.part_id) == ("a.png", -1.5, None)
        assert not part.blind_review
        said = [(one.operator, one.role, one.decision) for one in reader.decisions_of(1)]
        assert said == [("Anna", "operator", "pass"), ("Ben", "operator", "fail")]
        reader.record_decision(1, "Cleo", "fail", role="reviewer")
    with open_database(store_address(str(old)), ChainKeyFile()) as database:
        result = audit_chain(database, ChainKeyFile())
        with database.reading() as connection:
            told = [entry.kind for entry in entries_after(connection, 0, 10)]
    assert told == ["inspection", "decision", "decision", "decision", "anchor"]
    assert (result.decisions, result.broken) == (3, None)


def test_an_old_store_whose_key_cannot_be_made_stays_as_it_was(old: Path, tmp_path: Path) -> None:
    before = old.read_bytes()
    key = tmp_path / "key"
    key.write_text("damaged")
    os.chmod(key, 0o600)
    with pytest.raises(StoreError, match="is no key"):
        StoreReader(str(old), chain_key=key)
    assert old.read_bytes() == before
