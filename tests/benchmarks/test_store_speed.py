"""With many inspections, everything the station asks is found by an index."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event
from store_speed import fill, questions

from inspect_app.store import StoreReader, open_store
from tests.station.drawn_inspections import bundle
from tests.store.conftest import postgres, postgres_url, url

__all__ = ["postgres", "postgres_url", "url"]  # fixtures

ROWS = 3000
# These count or gather all of a shift, all decisions, or search names: they look at each row once.
_WHOLE = {
    "counts, at first",
    "decision_counts",
    "new labels",
    "blind review",
    "review: disagreements",
    "review: of an operator",
    "review: a name",
    "a shift, counted",
    "a shift's failed parts",
    "a shift's readings",
}
# These sort the little that they found.
_SORTED = {
    "typical good part",
    "review: disagreements",
    "review: of an operator",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest) -> Iterator[StoreReader]:
    """A store with a few thousand inspections, every tenth decided."""
    url = str(request.getfixturevalue("url" if request.param == "sqlite" else "postgres_url"))
    with open_store(url) as writer:
        writer.register_bundle(bundle())
    with StoreReader(url) as reader:
        fill(reader, ROWS)
        if request.param == "postgresql":
            with reader._database.reading() as connection:
                connection.exec_driver_sql("ANALYZE")
        yield reader


def test_no_question_of_the_station_searches_the_whole_table(filled: StoreReader) -> None:
    engine = filled._database._engine
    for name, ask in questions(filled, ROWS).items():
        plans = _plans(engine, ask)
        assert plans, name
        for query, plan in plans:
            said = f"{name}: {query}\n{plan}"
            if name not in _SORTED:
                assert "TEMP B-TREE FOR ORDER" not in plan, said
                assert "Sort Key: inspections" not in plan, said
            # Read in the order of ids up to a limit, a table is its own index.
            is_ended_early = "LIMIT" in query and "ORDER BY inspections.id" in query
            if name not in _WHOLE and not is_ended_early:
                assert "SCAN inspections\n" not in plan, said
                assert "Seq Scan on inspections" not in plan, said


def _plans(engine: Engine, ask: Callable[[], object]) -> list[tuple[str, str]]:
    """How the database goes about each query of a question."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    ask()
    event.remove(engine, "before_cursor_execute", note)
    how = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    plans = []
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # or it would read and sort all of a small table
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        for query, values in asked:
            rows = connection.exec_driver_sql(f"{how} {query}", values)
            plans.append((query, "".join(f"{row[-1]}\n" for row in rows)))
    return plans
