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
    """A server that trusts connections from this machine with the test's password."""

    port: int
    password: str
    place: Path

    def start(self) -> None:
        """Start it, and come back when it answers."""
        options = f"-p {self.port} -k {self.place} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._control("-w", "-o", options, "-l", self.place / "log", "start")

    def stop(self) -> None:
        """Stop it as a power cut would."""
        self._control("-m", "immediate", "stop")

    def _control(self, *what: str | Path) -> None:
        program = [*_as_user(self.place), _bin_folder() / "pg_ctl", "-D", self.place / "data"]
        _run([*program, *what], self.place)

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
    place = Path(tempfile.mkdtemp(prefix="pg"))
    server = PostgresServer(_free_port(), secrets.token_hex(8), place)
    (place / "password").write_text(server.password)
    try:
        _run(
            [*_as_user(place), _bin_folder() / "initdb", "-D", place / "data", "-U", "tester",
             "--auth=scram-sha-256", f"--pwfile={place / 'password'}", "--encoding=UTF8",
             "--locale=C.UTF-8", "--no-sync"],
            place,
        )  # fmt: skip
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _bin_folder() -> Path:
    found = programs()
    assert found is not None, "tests ask first"
    return found


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
