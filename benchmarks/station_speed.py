"""How quickly the station answers with 10,000 inspections in its store, and how soon it is there.

    python benchmarks/station_speed.py --store STORE.db [--rows 10000] [--repeats 30] [--out FILE]

Copies the store that `inspect demo` left, repeats its inspections (pictures, maps and all) up to
the number asked for, and presses what an operator presses. Each time is that of the whole page on
the server: from the press to the last element, pictures drawn and written. The first page is timed
in a browser (Debian's Chromium), from the address to a verdict that is seen, the first time after
the station has started and then again.
"""

import argparse
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from sqlalchemy import insert, select
from streamlit.testing.v1 import AppTest
from where_it_ran import in_words, where_it_ran

import inspect_app.station
from inspect_app.station.pieces import part_on_show
from inspect_app.station.serve import STORE_VARIABLE, running_station
from inspect_app.store import StoreReader, open_store
from inspect_app.store.schema import bundles, inspections

_APP = Path(inspect_app.station.__file__).with_name("app.py")
_NAME, _PIN = "Bea", "408213"
_VERDICT = "section.verdict"

Taken = dict[str, list[float]]


def main() -> None:
    """Fill the copy, press, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True, help="an SQLite store with pictures")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    with filled_copy(given.store, given.rows) as url:
        os.environ[STORE_VARIABLE] = url
        taken = pressed(given.repeats) | opened(given.repeats)
        first = first_page(url, 5)
    result = {
        "rows": given.rows,
        "p50_p95_ms": {name: _percentiles(each) for name, each in taken.items()},
        "first_page_ms": [round(one) for one in first],
    }
    print(*in_words(where_it_ran()), sep="\n")
    print(json.dumps(result, indent=1))
    if given.out is not None:
        given.out.write_text(json.dumps(result | where_it_ran(), indent=1))


@contextmanager
def filled_copy(store: Path, rows: int) -> Iterator[str]:
    """A copy of a store with its inspections repeated up to so many, and one operator."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "line.db"
        os.environ["INSPECT_CHAIN_KEY"] = str(Path(folder) / "chain.key")
        shutil.copytree(f"{store}.assets", f"{copy}.assets")
        url = f"sqlite:///{copy}"
        _without_decisions(store, copy)
        with StoreReader(url) as reader:
            _repeat(reader, rows)
            reader.operators.add(_NAME, "engineer", _PIN, by="a benchmark")
        yield url


def _without_decisions(store: Path, copy: Path) -> None:
    """The same inspections in a new store: another key seals what is decided in it."""
    scratch = copy.with_name("original.db")
    shutil.copyfile(store, scratch)
    open_store(f"sqlite:///{copy}").close()
    key = Path(os.environ["INSPECT_CHAIN_KEY"])
    with (
        StoreReader(f"sqlite:///{scratch}", chain_key=key) as old,
        old._database.reading() as connection,
    ):
        tables = (bundles, inspections)
        kept = {one: connection.execute(select(one)).mappings().all() for one in tables}
    with StoreReader(f"sqlite:///{copy}") as new, new._database.writing(*kept) as connection:
        for table, found in kept.items():
            connection.execute(insert(table), [dict(row) for row in found])


def _repeat(reader: StoreReader, rows: int) -> None:
    with reader._database.reading() as connection:
        query = select(inspections).order_by(inspections.c.id)
        parts = [dict(row) for row in connection.execute(query).mappings()]
    now = datetime.now(UTC)
    made: list[dict[str, Any]] = []
    for number in range(len(parts), rows):
        at = now - timedelta(seconds=(rows - number) / 5)
        own = {"id": number + 1, "arrival_key": f"{number:064x}", "file_name": f"{number:06d}.png"}
        made.append(parts[number % len(parts)] | own | {"arrived_at": at, "inspected_at": at})
    with reader._database.writing(inspections) as connection:
        connection.execute(insert(inspections), made)


def pressed(repeats: int) -> Taken:
    """Milliseconds of what an operator presses on *Inspect*."""
    part_on_show.SETTLE_S = 0.0  # nobody looks here
    at = AppTest.from_file(_APP, default_timeout=60)
    at.query_params["part"] = "5000"
    at.run()
    at.text_input(key="sign_in_name").set_value(_NAME)
    at.text_input(key="sign_in_pin").set_value(_PIN)
    at.button(key="do_sign_in").click().run()
    taken: Taken = {}
    for _ in range(repeats):
        for name in ("next", "previous", "pass", "recheck", "fail"):
            _press(taken, at, name, _button_of_part(at, name))
        for name in ("turn_head", "turn_zoom", "switch_beside", "switch_outlines"):
            _press(taken, at, name, at.button(key=name).click().run)
        at.slider(key="opacity").set_value(40 if at.slider(key="opacity").value == 80 else 80)
        _press(taken, at, "opacity", at.run)
        for outcome in ("fail", "all"):
            at.segmented_control(key="filter").select(outcome)
            _press(taken, at, "filter", at.run)
        _press(taken, at, "nothing new", at.run)
    return taken


def _button_of_part(at: AppTest, name: str) -> Callable[[], object]:
    button = next(one for one in at.button if str(one.key).startswith(f"{name}_"))
    return button.click().run


def _press(taken: Taken, at: AppTest, name: str, act: Callable[[], object]) -> None:
    started = time.perf_counter()
    act()
    taken.setdefault(name, []).append((time.perf_counter() - started) * 1e3)
    assert not at.exception, at.exception


def opened(repeats: int) -> Taken:
    """Milliseconds of the other pages, drawn anew each time."""

    def page(name: str) -> None:
        from inspect_app.station.app_pages.history import show_history
        from inspect_app.station.app_pages.line_health import show_health
        from inspect_app.station.app_pages.review import show_review
        from inspect_app.station.app_pages.shift_report import show_shift

        pages = {"review": show_review, "shift": show_shift}
        (pages | {"line": show_health, "history": show_history})[name]()

    taken: Taken = {}
    for name in ("review", "shift", "line", "history"):
        at = AppTest.from_function(page, default_timeout=60, args=(name,)).run()
        for _ in range(repeats):
            _press(taken, at, f"page {name}", at.run)
    return taken


def first_page(url: str, times: int) -> list[float]:
    """Milliseconds until a verdict is seen; the first one right after the station has started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    taken = []
    with sync_playwright() as playwright, running_station(url, port) as (_, address):
        arguments = ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        for _ in range(times):
            page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
            started = time.perf_counter()
            page.goto(address, wait_until="commit")
            page.locator(_VERDICT).wait_for()
            page.locator(".st-key-picture img").first.wait_for()
            taken.append((time.perf_counter() - started) * 1e3)
            page.context.close()
        browser.close()
    return taken


def _percentiles(taken_ms: list[float]) -> list[float]:
    return [round(float(one), 1) for one in np.percentile(taken_ms, (50, 95))]


if __name__ == "__main__":
    main()
