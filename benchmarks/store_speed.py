"""How long the station's questions take in a store of 100,000 inspections.

Fills an empty store with drawn rows (no pictures), asks each question of the reader many times and
prints the 95th percentile of each: by the clock, and of this process's own processor time, which
other work on the machine does not lengthen.

Run: python benchmarks/store_speed.py --store sqlite:///FILE [--rows 100000] [--out FILE.json]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, select
from where_it_ran import where_it_ran

from inspect_app.store import StoreReader
from inspect_app.store.address import store_address
from inspect_app.store.audit import audit_chain
from inspect_app.store.chain import NO_SEAL, seal
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import make_database
from inspect_app.store.destinations import add_destination
from inspect_app.store.new_labels import new_labels
from inspect_app.store.outbox import entries_after
from inspect_app.store.period import Period
from inspect_app.store.review import ReviewFilter
from inspect_app.store.running_counts import RunningCounts
from inspect_app.store.schema import (
    bundles,
    chain_keys,
    decisions,
    inspections,
    outbox,
    store_facts,
)

_START = datetime(2025, 3, 4, 6, 0, tzinfo=UTC)
_ROWS_AT_A_TIME = 5000
_DECIDED_EVERY = 10
_BUNDLE_ID = "b" * 64
_TYPES = ("crack", "scratch")
_LINES = ("line 1", "line 2")


def main() -> None:
    """Fill the store, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", required=True, help="URL of a store that does not exist yet")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    address = store_address(given.store)
    with (
        make_database(address, ChainKeyFile()) as database,
        database.writing(bundles) as connection,
    ):
        values = {"bundle_id": _BUNDLE_ID, "name": "drawn", "manifest": {}}
        connection.execute(insert(bundles).values(**values, registered_at=_START))
    with StoreReader(given.store) as reader:
        fill(reader, given.rows)
        _let_settle(reader)
        p95_ms = {
            name: _p95_ms(ask, given.repeats) for name, ask in questions(reader, given.rows).items()
        }
        started = time.perf_counter()
        audited = audit_chain(reader._database, ChainKeyFile())
        audit_s = time.perf_counter() - started
    assert audited.broken is None
    kind = "SQLite" if address.file else "PostgreSQL"
    result = {"store": kind, "rows": given.rows, "decisions": audited.decisions, "p95_ms": p95_ms}
    text = json.dumps(result | {"audit_s": round(audit_s, 2)} | where_it_ran(), indent=2)
    print(text)
    if given.out is not None:
        given.out.write_text(text)


def fill(reader: StoreReader, rows: int) -> None:
    """Add drawn inspections, and a sealed decision about every tenth."""
    random = np.random.default_rng(1)
    for start in range(0, rows, _ROWS_AT_A_TIME):
        numbers = range(start, min(start + _ROWS_AT_A_TIME, rows))
        with reader._database.writing(inspections) as connection:
            made = [_row(number, random) for number in numbers]
            connection.execute(insert(inspections), made)
            told = [{"kind": "inspection", "about": number + 1} for number in numbers]
            connection.execute(insert(outbox), told)
    _decide(reader)
    add_destination(reader._database, "plant", "mqtt://broker:1883/line", _START, from_start=True)


def _let_settle(reader: StoreReader) -> None:
    """Let PostgreSQL do now what it does beside a line that runs: note what is where."""
    engine = reader._database._engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")


def questions(reader: StoreReader, rows: int) -> dict[str, Callable[[], object]]:
    """What the station's pages ask, by name."""
    middle = rows // 2
    return {
        "counts, at first": lambda: RunningCounts(reader._database).counts(),
        "counts": reader.counts,
        "decision_counts": reader.decision_counts,
        "newest page": lambda: reader.page(),
        "fails": lambda: reader.page("fail"),
        "unreadable": lambda: reader.page("unreadable"),
        "inspection": lambda: reader.inspection(middle),
        "next": lambda: reader.next_id(middle, "fail"),
        "previous": lambda: reader.previous_id(middle, "recheck"),
        "next undecided": lambda: reader.next_undecided_id(middle, "fail"),
        "position": lambda: reader.position(rows - 1, "pass"),
        "position among all": lambda: reader.position(rows - 1),
        "decisions": lambda: reader.decisions_of(_DECIDED_EVERY),
        "recent decisions": lambda: reader.recent_decisions(),
        "part's verdict": lambda: reader.part_verdict(reader.inspection(middle)),
        "destinations": reader.destinations,
        "what to tell next": lambda: _to_tell(reader, middle),
        "new labels": lambda: new_labels(reader._database),
        **_of_the_page_inspect(reader),
        **_of_the_other_pages(reader),
    }


def _of_the_page_inspect(reader: StoreReader) -> dict[str, Callable[[], object]]:
    return {
        "newest id": reader.live.newest_id,
        "waiting": lambda: reader.live.waiting(5),
        "typical good part": lambda: reader.live.typical_good_id(_BUNDLE_ID),
    }


def _of_the_other_pages(reader: StoreReader) -> dict[str, Callable[[], object]]:
    ask = reader.questions
    end, end_id = ask.newest_at() or _START, reader.live.newest_id()
    shift = Period([end - timedelta(hours=8 - hour) for hour in range(9)])
    reviews = {
        "all": ReviewFilter(),
        "of a verdict": ReviewFilter(outcome="fail"),
        "of a class": ReviewFilter(defect_type=_TYPES[0]),
        "of an operator": ReviewFilter(operator="Anna"),
        "disagreements": ReviewFilter(disagreement=True),
        "not decided": ReviewFilter(open_only=True),
        "last hour": ReviewFilter(since=end - timedelta(hours=1)),
        "a name": ReviewFilter(name="none such"),
        "strongest part": ReviewFilter(strongest="none such"),
    }
    return {
        **{f"review: {name}": partial(ask.review, one, 300) for name, one in reviews.items()},
        "similar parts": lambda: ask.similar(reader.inspection(end_id), 4),
        "blind review": ask.blind_ids,
        "classes": ask.defect_types,
        "lines": ask.lines,
        "who decided": ask.deciders,
        "a shift, counted": lambda: ask.groups(shift),
        "a shift's failed parts": lambda: ask.failed(shift),
        "a shift's readings": lambda: ask.sample_of(shift, _BUNDLE_ID, 0.02),
        "a bundle's first readings": lambda: ask.first_of(_BUNDLE_ID, end, 500),
        "last hour's work": lambda: ask.recent_work(end - timedelta(hours=1)),
    }


def _to_tell(reader: StoreReader, position: int) -> object:
    with reader._database.reading() as connection:
        return entries_after(connection, position, 100)


def _p95_ms(ask: Callable[[], object], repeats: int) -> dict[str, float]:
    clocks = {"clock": time.perf_counter, "processor": time.process_time}
    taken_ms: dict[str, list[float]] = {name: [] for name in clocks}
    for _ in range(repeats):
        started = {name: clock() for name, clock in clocks.items()}
        ask()
        for name, clock in clocks.items():
            taken_ms[name].append((clock() - started[name]) * 1000)
    return {name: round(statistics.quantiles(one, n=20)[-1], 2) for name, one in taken_ms.items()}


def _row(number: int, random: np.random.Generator) -> dict[str, Any]:
    z = float(random.normal(-2, 1.2))
    verdict = (
        None if number % 500 == 499 else "pass" if z < -0.8 else "fail" if z > 1 else "recheck"
    )
    when = _START + timedelta(seconds=number / 5)
    return {
        "arrival_key": f"{number:064x}",
        "source": f"/line/{number:07d}.png",
        "file_name": f"{number:07d}.png",
        "sha256": f"{number // 2:064x}",
        "arrived_at": when,
        "inspected_at": when,
        "bundle_id": _BUNDLE_ID,
        "status": "unreadable" if verdict is None else "ok",
        "verdict": verdict,
        "reason": "drawn",
        "z": z,
        "t_pass": -0.8,
        "t_fail": 1.0,
        "contributions": {"body": z / 2, "label": z / 2},
        "part_id": f"P{number // 2:06d}",
        "lot": "L1",
        "line": _LINES[number % len(_LINES)],
        "defect_type": _TYPES[number % len(_TYPES)] if verdict == "fail" else None,
        "outlier": abs(z),
        "latency_ms": 40.0 + number % 30,
        "quality": {"brightness": 0.5, "contrast": 0.2, "sharpness": 30.0, "clipped": 0.0},
        "blind_review": verdict == "pass" and number % 50 == 0,
    }


def _decide(reader: StoreReader) -> None:
    key = ChainKeyFile().load_or_make()
    with reader._database.writing(decisions) as connection:
        store_id = connection.execute(select(store_facts.c.store_id)).scalar_one()
        connection.execute(insert(chain_keys).values(id=1, key_id=key.key_id, since=_START))
        every_tenth = select(inspections).where(inspections.c.id % _DECIDED_EVERY == 0)
        parts = connection.execute(every_tenth.order_by(inspections.c.id)).mappings().all()
        made, previous = [], NO_SEAL
        for number, part in enumerate(parts, start=1):
            row: dict[str, Any] = {
                "id": number,
                "inspection_id": part["id"],
                "operator": "Anna",
                "role": "operator",
                "decision": part["verdict"] or "recheck",
                "reason": "",
                "decided_at": part["inspected_at"],
                "bundle_id": part["bundle_id"],
                "t_pass": part["t_pass"],
                "t_fail": part["t_fail"],
            }
            previous = seal(key, store_id, row, dict(part), previous)
            made.append(row | {"seal": previous})
        connection.execute(insert(decisions), made)


if __name__ == "__main__":
    main()
