"""What a store URL names: an SQLite file or a PostgreSQL database, and a folder of pictures."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from span_train.contract.errors import StoreError

ASSETS_VARIABLE = "INSPECT_STORE_ASSETS"
_EXPECTED = "expected sqlite:///FILE, a FILE.db path, or postgresql://USER@HOST/DATABASE"
_POSTGRES = {"postgresql", "postgresql+psycopg"}
_SQLITE = {"sqlite", "sqlite+pysqlite"}


@dataclass(frozen=True)
class StoreAddress:
    """Where a store lies.

    Attributes:
        file: The SQLite file; None for a server.
        server: The PostgreSQL database, password and all; None for a file.
        assets: The folder of pictures, maps and originals.
    """

    file: Path | None
    server: URL | None
    assets: Path

    def __str__(self) -> str:
        """How messages name it: never with the password."""
        return str(self.file) if self.server is None else self.server.render_as_string()

    @property
    def sink_name(self) -> str:
        """The same from every folder; what an unfinished run is bound to."""
        return str(self) if self.file is None else str(self.file.resolve())


def store_address(url: str) -> StoreAddress:
    """Read a store URL: `sqlite:///FILE`, a plain path that ends in `.db`, or `postgresql://…`.

    Pictures of an SQLite store lie in `FILE.assets`. Those of a PostgreSQL store lie in a folder
    that every station reaches: `?assets=FOLDER` in the URL, or the variable INSPECT_STORE_ASSETS.

    Raises:
        StoreError: It is none of them, or a server without a folder.
    """
    if "://" not in url:
        if url.endswith(".db"):
            return _of_file(Path(url))
        raise StoreError(f"{url or 'an empty store URL'}: {_EXPECTED}.")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(f"the store URL cannot be parsed; {_EXPECTED}.") from None
    if parsed.drivername in _POSTGRES:
        return _of_server(parsed)
    if parsed.drivername not in _SQLITE:
        raise StoreError(f"{parsed.render_as_string()}: no store of a known kind; {_EXPECTED}.")
    if parsed.query or parsed.host or not parsed.database or parsed.database == ":memory:":
        raise StoreError(f"{url}: names no file; expected sqlite:///FILE (four slashes from root).")
    return _of_file(Path(parsed.database))


def _of_file(file: Path) -> StoreAddress:
    return StoreAddress(file, None, file.with_name(file.name + ".assets"))


def _of_server(parsed: URL) -> StoreAddress:
    folder = parsed.query.get("assets") or os.environ.get(ASSETS_VARIABLE, "")
    server = parsed.difference_update_query(["assets"]).set(drivername="postgresql+psycopg")
    if not server.database:
        raise StoreError(f"{server.render_as_string()}: names no database; {_EXPECTED}.")
    if not isinstance(folder, str) or not folder:
        raise StoreError(
            f"{server.render_as_string()}: pictures need a folder that every station reaches; add "
            f"?assets=FOLDER to the URL, or set {ASSETS_VARIABLE}."
        )
    return StoreAddress(None, server, Path(folder))
