"""What the store's tests share: small scored images, and a writer on a fresh store."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deploy.scoring.results import ScoredImage
from inspect_app.store import StoreReader, StoreWriter, open_store
from span_train.contract.image import fit_geometry
from tests.station.drawn_inspections import a_handful, bundle
from tests.store.postgres_server import PostgresServer, programs, running

Scored = Callable[..., ScoredImage]


@pytest.fixture(scope="session")
def handful() -> list[ScoredImage]:
    """Pass, recheck, fail, fail, unreadable, and a copy of the first under another name."""
    return a_handful()


@pytest.fixture
def scored(handful: list[ScoredImage]) -> Scored:
    """Make a scored image of a few pixels: `scored("a.png", verdict="pass", sha256="…", z=…)`."""
    template = handful[2]
    assert template.inspection is not None
    assert template.image is not None
    small = np.asarray(cv2.resize(template.image, (24, 18)), np.uint8)
    found = replace(template.inspection, geometry=fit_geometry(18, 24, 112, "stretch"))

    def make(path: str, **row: Any) -> ScoredImage:
        row = {"sha256": path.rjust(64, "0")[-64:], **row}
        return ScoredImage(0, replace(template.row, path=path, **row), found, small)

    return make


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a store that does not exist yet."""
    return f"sqlite:///{tmp_path / 'line.db'}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, once for all tests of a process; skips where none is installed."""
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed; `make postgres` installs Debian's")
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer, tmp_path: Path) -> str:
    """The URL of an empty database on the server."""
    return postgres.new_database(tmp_path / "assets")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest) -> str:
    """A store that does not exist yet, on each kind of database."""
    name = "url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def writer(url: str) -> Iterator[StoreWriter]:
    """A writer on a fresh store that knows the bundle."""
    with open_store(url) as store:
        store.register_bundle(bundle())
        yield store


@pytest.fixture
def reader(writer: StoreWriter, url: str) -> Iterator[StoreReader]:
    """A reader of the same store."""
    with StoreReader(url) as store:
        yield store
