"""The line as it runs: watch, store and stations as processes, operators at keyboards."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from inspect_app.station.serve import running_station
from inspect_app.store import StoreReader, open_store
from tests.station.conftest import settle, sign_in
from tests.station.drawn_inspections import PINS

pytestmark = pytest.mark.browser
INSPECT = [sys.executable, "-c", "from inspect_app.cli.main import main; main()"]


@dataclass
class Line:
    """A line that runs on the quick demo's bundle."""

    url: str
    folder: Path
    photos: list[Path]
    watch: "subprocess.Popen[bytes]"

    def arrive(self) -> str:
        """One more part is photographed; its name."""
        photo = self.photos.pop(0)
        draft = self.folder / f".{photo.name}"
        shutil.copyfile(photo, draft)
        draft.rename(self.folder / photo.name)
        return photo.name


@pytest.fixture
def line(quick_demo: Path, tmp_path: Path) -> Iterator[Line]:
    """Watch a hot folder; two operators may decide."""
    url, folder = f"sqlite:///{tmp_path / 'line.db'}", tmp_path / "images"
    folder.mkdir()
    open_store(url).close()
    with StoreReader(url) as store:
        for name, pin in PINS.items():
            store.operators.add(name, "operator", pin, by="a test")
    bundle = quick_demo / "bundle"
    watch = subprocess.Popen(
        [*INSPECT, "watch", folder, "--bundle", bundle, "--store", url, "--settle", "0.1"],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield Line(url, folder, sorted((quick_demo / "test").iterdir()), watch)
    finally:
        watch.send_signal(signal.SIGTERM)
        watch.wait(30)


@pytest.fixture
def visit(browser: Browser, line: Line, free_port: int) -> Iterator[Callable[[int], Page]]:
    """A page at a station of its own: `visit(0)`, `visit(1)`."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def open_station(number: int) -> Page:
            served = running_station(line.url, free_port + number)
            _, address = stack.enter_context(served)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            stack.callback(page.close)
            page.goto(address)
            return page

        yield open_station


def _expect_file(page: Page, name: str) -> None:
    expect(page.locator("p.file")).to_have_text(name, timeout=30_000)
    settle(page)


def test_a_whole_round_by_keyboard_alone(line: Line, visit: Callable[[int], Page]) -> None:
    page = visit(0)
    expect(page.locator("section.waiting")).to_be_visible(timeout=30_000)
    first = line.arrive()
    _expect_file(page, first)
    sign_in(page)
    second = line.arrive()  # the page follows
    _expect_file(page, second)
    page.keyboard.press("r")
    page.keyboard.type("scratch p")  # letters that would decide elsewhere
    third = line.arrive()
    with StoreReader(line.url) as store:
        _wait(lambda: store.live.newest_id() == 3)
        page.keyboard.press("Enter")
        settle(page)
        _expect_file(page, second)  # while a reason is written, nothing takes its place
        page.keyboard.press("f")
        expect(page.locator(".notice")).to_contain_text(f"{second} stored as FAIL")
        _expect_file(page, third)
        page.reload()
        _expect_file(page, third)
        page.keyboard.press("p")  # signed out: decides nothing
        sign_in(page)
        for key in ("h", "z", "o", "x", "e", "e", "z"):
            page.keyboard.press(key)
            settle(page)
        page.keyboard.press("k")
        expect(page.locator(".notice")).to_contain_text(f"{third} stored as RECHECK")
        _expect_file(page, first)
        page.keyboard.press("p")
        expect(page.locator(".notice")).to_contain_text("every part here is decided")
        page.keyboard.press("l")
        fourth = line.arrive()
        _expect_file(page, fourth)
        page.keyboard.press("ArrowLeft")
        _expect_file(page, third)
        decided = [(one.decision.decision, one.decision.reason) for one in store.recent_decisions()]
        assert decided == [("pass", ""), ("recheck", ""), ("fail", "scratch p")]
        assert {one.decision.operator for one in store.recent_decisions()} == {"Anna"}


def test_two_operators_at_two_stations_decide_at_once(
    line: Line, visit: Callable[[int], Page], tmp_path: Path
) -> None:
    names = [line.arrive() for _ in range(4)]
    pages = {"Anna": visit(0), "Rita": visit(1)}
    with StoreReader(line.url) as store:
        _wait(lambda: store.live.newest_id() == len(names))
        for name, page in pages.items():
            _expect_file(page, names[-1])
            sign_in(page, name)
        for name in reversed(names[:-1]):
            for page in pages.values():
                page.keyboard.press("ArrowLeft")
                _expect_file(page, name)
        for page, key in zip(pages.values(), "fp", strict=True):
            page.keyboard.press(key)
        for page in pages.values():
            expect(page.locator(".notice")).to_contain_text(f"{names[0]} stored as")
        both = {(one.operator, one.decision) for one in store.decisions_of(1)}
        assert both == {("Anna", "fail"), ("Rita", "pass")}
    audit = [*INSPECT, "audit", "--store", line.url]
    assert subprocess.run(audit, check=False, capture_output=True, timeout=60).returncode == 0


def test_a_station_that_restarts_in_the_middle_loses_nothing(
    line: Line, browser: Browser, free_port: int
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    with running_station(line.url, free_port) as (_, address):
        page.goto(address)
        first = line.arrive()
        _expect_file(page, first)
        sign_in(page)
        page.keyboard.press("f")
        expect(page.locator(".notice")).to_contain_text(f"{first} stored as FAIL")
        second = line.arrive()
        _expect_file(page, second)
    with StoreReader(line.url) as store:
        line.arrive()  # the line goes on without a station
        _wait(lambda: store.live.newest_id() == 3)
        with running_station(line.url, free_port):
            expect(page.get_by_label("PIN")).to_be_visible(timeout=60_000)  # by itself, no reload
            _expect_file(page, second)
            page.keyboard.press("p")  # signed out: decides nothing
            sign_in(page)
            page.keyboard.press("p")
            expect(page.locator(".notice")).to_contain_text(f"{second} stored as PASS")
        decided = [(one.file_name, one.decision.decision) for one in store.recent_decisions()]
        assert decided == [(second, "pass"), (first, "fail")]
        assert store.counts().of(None) == (3, 2)
    page.close()


def test_a_line_that_is_stopped_is_said_to_be(line: Line, visit: Callable[[int], Page]) -> None:
    page = visit(0)
    name = line.arrive()
    _expect_file(page, name)
    assert page.locator(".line-state").count() == 0
    line.watch.send_signal(signal.SIGTERM)
    expect(page.locator(".line-state")).to_contain_text("Line stopped", timeout=30_000)
    _expect_file(page, name)
    size = page.locator("[data-testid=stMain]").evaluate("it => it.scrollHeight - it.clientHeight")
    assert size == 0


def _wait(condition: Callable[[], bool], at_most_s: float = 30.0) -> None:
    end = time.monotonic() + at_most_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
