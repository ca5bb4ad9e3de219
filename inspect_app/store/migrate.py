"""Bring the tables of a store to the version this program knows, by Alembic's steps."""

import threading
from pathlib import Path

from sqlalchemy import Connection, inspect

from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.schema import SCHEMA_VERSION
from span_train.contract.errors import StoreError

APPLICATION_ID = 0x494E5350  # "INSP": tells a store from any other SQLite file
VERSION_TABLE = "inspect_version"
STEPS = Path(__file__).parent / "migrations"
_BEFORE_VERSIONS = "0001"  # stores made before there were steps; they are like the first one
_one_at_a_time = threading.Lock()  # Alembic keeps what it works on in its module


def found_version(connection: Connection, where: str) -> str | None:
    """The version of the store's tables; None where the database is empty.

    Raises:
        StoreError: The database holds something else.
    """
    tables = set(inspect(connection).get_table_names())
    if connection.dialect.name == "sqlite":
        application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        if (tables or application) and application != APPLICATION_ID:
            raise StoreError(f"{where}: an SQLite file, but not a store of inspections.")
    if VERSION_TABLE in tables:
        query = f"SELECT version_num FROM {VERSION_TABLE}"
        return str(connection.exec_driver_sql(query).scalar_one())
    if not tables:
        return None
    if connection.dialect.name == "sqlite":
        return _BEFORE_VERSIONS
    raise StoreError(
        f"{where}: holds other tables but no store; give the store a database of its own."
    )


def check_version(found: str | None, where: str) -> None:
    """Refuse a store that a newer program has written.

    Raises:
        StoreError: It is newer.
    """
    if found is not None and found > SCHEMA_VERSION:
        raise StoreError(
            f"{where}: a store of version {found}, this program knows version {SCHEMA_VERSION}; "
            "update the program here to the one that opened it last."
        )


def upgrade(connection: Connection, where: str, key: ChainKeyFile) -> None:
    """Make or renew all tables within the connection's transaction.

    Args:
        key: Seals decisions that were made before there was a chain; left alone where none were.

    Raises:
        StoreError: The database holds something else, or a newer store by now.
    """
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({APPLICATION_ID})")
    found = found_version(connection, where)  # another process may have been first
    check_version(found, where)
    if found == SCHEMA_VERSION:
        return
    config = Config(attributes={"connection": connection, "chain_key": key})
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with _one_at_a_time:
        if found == _BEFORE_VERSIONS:
            command.stamp(config, _BEFORE_VERSIONS)
        command.upgrade(config, SCHEMA_VERSION)
