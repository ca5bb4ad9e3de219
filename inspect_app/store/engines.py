"""Connections to the two kinds of database: an SQLite file, or a PostgreSQL server."""

import importlib.util
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event

from span_train.contract.errors import StoreError

BUSY_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10
IMMEDIATE = "store_begins_immediately"  # the option of connections that will write


def sqlite_engine(file: Path, mode: str) -> Engine:
    """Connections to a file; `mode` is `rw`, or `rwc` to make it where there is none."""
    path = str(file.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            f"file:{path}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            check_same_thread=False,
            isolation_level=None,
        ),
        poolclass=QueuePool,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # FULL: a row that was reported as written survives a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        will_write = connection.get_execution_options().get(IMMEDIATE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if will_write else "BEGIN")

    return engine


def postgres_engine(server: URL) -> Engine:
    """Connections to a server; one that has died is replaced before it is used.

    Raises:
        StoreError: psycopg is not installed.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise StoreError(
            f"{server.render_as_string()}: psycopg is missing; install inspect-span[postgres]."
        )
    arguments: dict[str, Any] = {}
    if "connect_timeout" not in server.query:
        arguments["connect_timeout"] = CONNECT_TIMEOUT_S
    engine = create_engine(server, pool_pre_ping=True, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # Compiling a query takes longer than any question of ours: 300 of 400 ms, measured.
        connection.execute("SET jit = off")
        connection.commit()

    return engine


def use_wal(engine: Engine) -> None:
    """Let the station read while the line writes; cannot be set inside a transaction."""
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None, "a connection taken from the pool is open"
        driver.cursor().execute("PRAGMA journal_mode = WAL")
