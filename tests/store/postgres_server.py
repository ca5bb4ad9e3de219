"""A real PostgreSQL server for tests: in a folder of its own, on a free port, as a common user."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass(frozen=True)
class PostgresServer:
    """A running server that trusts connections from this machine with the test's password."""

    port: int
    password: str

    def new_database(self, assets: Path) -> str:
        """Make an empty database; give its store URL."""
        name = f"line_{secrets.token_hex(6)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{self.address(name)}?assets={assets}"

    def cut_off(self, url: str) -> None:
        """End every connection to the database of a store."""
        name = url.split("?")[0].rsplit("/", 1)[1]
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )

    def address(self, database: str) -> str:
        """The URL of a database, for whoever may do anything in it."""
        return f"postgresql://tester:{self.password}@127.0.0.1:{self.port}/{database}"


def programs() -> Path | None:
    """Where `initdb` and `pg_ctl` lie; None where no server is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    return found[-1].parent if found else None


@contextmanager
def running() -> Iterator[PostgresServer]:
    """Start a server, in a short-named folder (its socket lies there) that goes with it."""
    bin_folder = programs()
    assert bin_folder is not None, "tests ask first"
    place = Path(tempfile.mkdtemp(prefix="pg"))
    password, port = secrets.token_hex(8), _free_port()
    (place / "password").write_text(password)
    as_user = _as_user(place)
    data = place / "data"
    try:
        _run(
            [*as_user, bin_folder / "initdb", "-D", data, "-U", "tester", "--auth=scram-sha-256",
             f"--pwfile={place / 'password'}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            place,
        )  # fmt: skip
        options = f"-p {port} -k {place} -c listen_addresses=127.0.0.1 -c fsync=off"
        start = [*as_user, bin_folder / "pg_ctl", "-D", data, "-w", "-o", options]
        _run([*start, "-l", place / "log", "start"], place)
        try:
            yield PostgresServer(port, password)
        finally:
            _run([*as_user, bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop"], place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _as_user(place: Path) -> list[str]:
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return []
    shutil.chown(place, "postgres")
    shutil.chown(place / "password", "postgres")
    return ["runuser", "-u", "postgres", "--"]


def _run(command: list[str | Path], place: Path) -> None:
    with (place / "output").open("w") as output:  # a server would keep a pipe open
        done = subprocess.run(command, cwd=place, stdout=output, stderr=output, check=False)
    assert done.returncode == 0, (place / "output").read_text()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _version(program: Path) -> int:
    version = program.parts[-3]
    return int(version) if version.isdigit() else 0
