"""SQLite and PostgreSQL alike: rows come back, nothing changes, and two processes take turns."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, text

from deploy.scoring.results import ScoredImage
from inspect_app.store import StoreReader, open_store
from inspect_app.store.address import store_address
from inspect_app.store.audit import audit_chain
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import open_database
from inspect_app.store.schema import decisions
from span_train.contract.errors import StoreError
from tests.station.drawn_inspections import bundle
from tests.store.postgres_server import PostgresServer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def full_url(any_url: str, handful: list[ScoredImage]) -> str:
    """A store with pass, recheck, fail, fail, unreadable, pass; the third one decided."""
    with open_store(any_url) as writer:
        writer.register_bundle(bundle())
        assert writer.add(handful) == 6
        assert writer.add(handful) == 0
    with StoreReader(any_url) as reader:
        reader.record_decision(3, "Anna", "fail", "Kratzer ü")
    return any_url


def test_what_the_station_asks_is_answered(
    full_url: str, handful: list[ScoredImage], tmp_path: Path
) -> None:
    with StoreReader(full_url) as reader:
        found, given = reader.inspection(3), handful[2].row
        assert (found.z, found.reason, found.sha256) == (given.z, given.reason, given.sha256)
        assert found.contributions == given.contributions
        assert found.inspected_at == given.time
        assert found.quality is not None
        assert reader.inspection(6).duplicate_of == 1
        counts = reader.counts()
        assert counts.inspections == {"pass": 2, "recheck": 1, "fail": 2, "unreadable": 1}
        assert (counts.of("fail"), counts.newest_id) == ((2, 1), 6)
        assert [part.id for part in reader.page("fail")] == [4, 3]
        assert reader.position(4, "fail") == 2
        assert reader.next_undecided_id(2, "fail") == 4
        assert reader.decision_counts() == {("fail", "fail"): 1}
        (decided,) = reader.recent_decisions()
        assert (decided.decision.reason, decided.verdict) == ("Kratzer ü", "fail")
        evidence = reader.evidence(found)
        assert evidence is not None
        assert evidence.picture.shape == handful[2].image.shape  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inspections SET verdict = 'fail'",
        "UPDATE decisions SET operator = 'Ben'",
        "DELETE FROM inspections",
        "DELETE FROM decisions",
        "DELETE FROM bundles",
        "UPDATE store_facts SET seed = '0'",
        "UPDATE chain_keys SET key_id = '0'",
        "INSERT INTO bundles SELECT * FROM bundles "
        "ON CONFLICT (bundle_id) DO UPDATE SET name = 'x'",
    ],
)
def test_nothing_once_written_can_be_changed(full_url: str, statement: str) -> None:
    statement = statement.replace("FROM bundles ON", "FROM bundles WHERE true ON")
    with (
        open_database(store_address(full_url), ChainKeyFile()) as database,
        pytest.raises(StoreError, match="are immutable"),
        database.writing(decisions) as connection,
    ):
        connection.execute(text(statement))


def test_postgres_refuses_to_empty_a_table(postgres_url: str) -> None:
    open_store(postgres_url).close()
    with (
        open_database(store_address(postgres_url), ChainKeyFile()) as database,
        pytest.raises(StoreError, match="are immutable"),
        database.reading() as connection,
    ):
        connection.execute(text("TRUNCATE decisions CASCADE"))


_STATION = """
import sys
from inspect_app.store import StoreReader
with StoreReader(sys.argv[1]) as store:
    for number in range(12):
        store.record_decision(1 + number % 4, sys.argv[2], "pass")
"""


def test_two_stations_at_once_make_one_chain(full_url: str) -> None:
    stations = [
        subprocess.Popen([sys.executable, "-c", _STATION, full_url, name], cwd=ROOT)
        for name in ("Ben", "Cleo")
    ]
    assert [station.wait() for station in stations] == [0, 0]
    with open_database(store_address(full_url), ChainKeyFile()) as database:
        result = audit_chain(database, ChainKeyFile())
        with database.reading() as connection:
            names = set(connection.execute(select(decisions.c.operator)).scalars())
    assert (result.decisions, result.broken) == (25, None)
    assert names == {"Anna", "Ben", "Cleo"}


def test_a_server_that_is_away_is_named_without_the_password(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = f"postgresql://anna:geheim@127.0.0.1:{postgres.port}/line?assets={tmp_path}"
    with pytest.raises(StoreError, match="check that the server runs") as refused:
        open_store(url)
    assert "geheim" not in str(refused.value)
    assert "anna:***@" in str(refused.value)


def test_a_database_of_something_else_is_refused(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url.split("?")[0], autocommit=True) as connection:
        connection.execute("CREATE TABLE things (id integer)")
    for opened in (open_store, StoreReader):
        with pytest.raises(StoreError, match="other tables but no store"):
            opened(postgres_url)


def test_the_station_never_makes_a_store_on_a_server(postgres_url: str) -> None:
    with pytest.raises(StoreError, match="no store is there"):
        StoreReader(postgres_url)


def test_a_connection_that_died_is_replaced(postgres: PostgresServer, postgres_url: str) -> None:
    with open_store(postgres_url), StoreReader(postgres_url) as reader:
        assert reader.counts().newest_id == 0
        with psycopg.connect(postgres.address("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname LIKE 'line_%'"
            )
        assert reader.counts().newest_id == 0
