"""Open the database behind a store URL, bring it up to date, and say clearly where that fails."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from inspect_app.store.address import StoreAddress
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.closing import Closing
from inspect_app.store.engines import IMMEDIATE, postgres_engine, sqlite_engine, use_wal
from inspect_app.store.migrate import check_version, found_version, upgrade
from inspect_app.store.schema import SCHEMA_VERSION
from span_train.contract.errors import StoreError


class Database(Closing):
    """An open store's database; threads may share it."""

    def __init__(self, address: StoreAddress, engine: Engine) -> None:
        """Take an open engine; `make_database` and `open_database` make one."""
        self.address = address
        self._engine = engine

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads; problems come out as StoreError."""
        with _said_clearly(self.address), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, *tables: Table) -> Iterator[Connection]:
        """One transaction that appends to tables, one at a time over all processes.

        So what was read in it is still true when it writes, and rows become visible in the order
        of their ids: who has seen id 7 never finds a new id 6 later.
        """
        engine = self._engine.execution_options(**{IMMEDIATE: True})
        with _said_clearly(self.address), engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                names = ", ".join(table.name for table in tables)
                connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
            yield connection

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """One connection of its own for many transactions; whatever it holds ends with the block.

        Use `with connection.begin():` for each; problems come out as StoreError, at the end.
        """
        with _said_clearly(self.address), self._engine.connect() as connection:
            connection.detach()  # closed at the end, not given to somebody else with all it holds
            yield connection


def make_database(address: StoreAddress, key: ChainKeyFile) -> Database:
    """Open a store for the line's writer; make it where there is none.

    Raises:
        StoreError: The folder is missing or refuses writing, or the database is no store.
    """
    if address.file is not None:
        _check_place(address.file)
    return _opened(address, key, may_make=True)


def open_database(address: StoreAddress, key: ChainKeyFile) -> Database:
    """Open a store that exists already, for reading and for decisions.

    Raises:
        StoreError: It is missing, is no store, or its decisions could not be written.
    """
    file = address.file
    if file is not None:
        if not file.is_file():
            raise _no_store(address)
        for place in (file, file.parent):
            if not os.access(place, os.W_OK):
                raise StoreError(
                    f"{file}: no permission to write {place}; decisions must be written."
                )
    return _opened(address, key, may_make=False)


def _opened(address: StoreAddress, key: ChainKeyFile, may_make: bool) -> Database:
    if address.file is not None:
        engine = sqlite_engine(address.file, "rwc" if may_make else "rw")
    else:
        assert address.server is not None, "an address is a file or a server"
        engine = postgres_engine(address.server)
    try:
        _bring_up_to_date(address, engine, key, may_make)
        if address.file is not None and may_make:
            with _said_clearly(address):
                use_wal(engine)
    except BaseException:
        engine.dispose()
        raise
    return Database(address, engine)


def _bring_up_to_date(
    address: StoreAddress, engine: Engine, key: ChainKeyFile, may_make: bool
) -> None:
    with _said_clearly(address), engine.begin() as connection:
        found = found_version(connection, str(address))
    if found == SCHEMA_VERSION:
        return
    if found is None and not may_make:
        raise _no_store(address)
    check_version(found, str(address))
    immediate = engine.execution_options(**{IMMEDIATE: True})
    with _said_clearly(address), immediate.begin() as connection:
        upgrade(connection, str(address), key)


def _check_place(file: Path) -> None:
    if not file.parent.is_dir():
        raise StoreError(f"{file}: the folder {file.parent} does not exist; make it first.")
    if not file.exists() and not os.access(file.parent, os.W_OK):
        raise StoreError(f"{file}: no permission to write into {file.parent}.")


def _no_store(address: StoreAddress) -> StoreError:
    url = f"sqlite:///{address.file}" if address.file is not None else str(address)
    return StoreError(f"{address}: no store is there; `inspect score ... --store {url}` makes one.")


@contextmanager
def _said_clearly(address: StoreAddress) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as problem:
        said = " ".join(str(getattr(problem, "orig", None) or problem).split())
        raise StoreError(f"{address}: the database refused ({said}); {_hint(said)}.") from problem


def _hint(said: str) -> str:
    if "locked" in said:
        return "another program holds it; close that program and try again"
    if "readonly" in said or "unable to open" in said or "permission denied" in said:
        return "give this user the right to write it and its folder"
    if "connection" in said:
        return "check that the server runs, its address, and the password"
    return "check that it is a store and the disk has room"
