"""Find, make and open the database file behind a store URL, with clear words where that fails."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from inspect_app.store.schema import APPLICATION_ID, SCHEMA_VERSION, create_tables
from span_train.contract.errors import StoreError

BUSY_TIMEOUT_S = 30.0


def database_file(url: str) -> Path:
    """The file a store URL names: `sqlite:///FILE`, or a plain path that ends in `.db`.

    Raises:
        StoreError: It is neither.
    """
    if "://" not in url:
        if url.endswith(".db"):
            return Path(url)
        raise StoreError(
            f"{url or 'an empty store URL'}: expected sqlite:///FILE or a FILE.db path."
        )
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError("the store URL cannot be parsed; expected sqlite:///FILE.") from None
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        shown = parsed.render_as_string(hide_password=True)
        raise StoreError(f"{shown}: a store is an SQLite file here; expected sqlite:///FILE.")
    if parsed.query or parsed.host or not parsed.database or parsed.database == ":memory:":
        raise StoreError(f"{url}: names no file; expected sqlite:///FILE (four slashes from root).")
    return Path(parsed.database)


def make_database(file: Path) -> Engine:
    """Open a store for the line's writer; make it where there is none.

    Raises:
        StoreError: The folder is missing or refuses writing, or the file is no store.
    """
    if not file.parent.is_dir():
        raise StoreError(f"{file}: the folder {file.parent} does not exist; make it first.")
    if not file.exists() and not os.access(file.parent, os.W_OK):
        raise StoreError(f"{file}: no permission to write into {file.parent}.")
    engine = _engine(file, "rwc", "BEGIN IMMEDIATE")
    with _said_clearly(file), engine.begin() as connection:
        if _is_empty(connection):
            create_tables(connection)
    _check(file, engine)
    _use_wal(file, engine)
    return engine


def open_database(file: Path) -> Engine:
    """Open a store that exists already, for reading and for decisions.

    Raises:
        StoreError: The file is missing, is no store, or its decisions could not be written.
    """
    if not file.is_file():
        raise StoreError(
            f"{file}: no store is there; `inspect score ... --store sqlite:///{file}` makes one."
        )
    for place in (file, file.parent):
        if not os.access(place, os.W_OK):
            raise StoreError(f"{file}: no permission to write {place}; decisions must be written.")
    engine = _engine(file, "rw", "BEGIN")
    _check(file, engine)
    return engine


@contextmanager
def transaction(file: Path, engine: Engine) -> Iterator[Connection]:
    """One transaction whose database problems come out as StoreError."""
    with _said_clearly(file), engine.begin() as connection:
        yield connection


@contextmanager
def _said_clearly(file: Path) -> Iterator[None]:
    try:
        yield
    except DBAPIError as problem:
        said = str(problem.orig)
        if "locked" in said:
            hint = "another program holds it; close that program and try again"
        elif "readonly" in said or "unable to open" in said:
            hint = "give this user the right to write it and its folder"
        else:
            hint = "check that the file is a store and the disk has room"
        raise StoreError(f"{file}: the database refused ({said}); {hint}.") from problem


def _engine(file: Path, mode: str, begin: str) -> Engine:
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
        connection.exec_driver_sql(begin)

    return engine


def _use_wal(file: Path, engine: Engine) -> None:
    """Let the station read while the line writes; cannot be set inside a transaction."""
    with _said_clearly(file), engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None, "a connection taken from the pool is open"
        driver.cursor().execute("PRAGMA journal_mode = WAL")


def _check(file: Path, engine: Engine) -> None:
    try:
        with _said_clearly(file), engine.begin() as connection:
            application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if application != APPLICATION_ID:
            raise StoreError(f"{file}: an SQLite file, but not a store of inspections.")
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"{file}: a store of version {version}, this program knows version "
                f"{SCHEMA_VERSION}; update the program."
            )
    except StoreError:
        engine.dispose()
        raise


def _is_empty(connection: Connection) -> bool:
    found = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    return int(found) == 0
