"""What the station's tests share: a store of drawn parts, the app, and a real browser on it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

import inspect_app.station
from deploy.scoring.results import ScoredImage
from inspect_app.station.pieces import part_on_show
from inspect_app.station.pieces.store_access import open_shared_store
from inspect_app.station.serve import STORE_VARIABLE, running_station
from inspect_app.store import StoreReader
from tests.station.drawn_inspections import PINS, a_handful, store_with

APP = Path(inspect_app.station.__file__).with_name("app.py")
StationPage = Callable[..., Page]


@pytest.fixture(scope="session")
def handful() -> list[ScoredImage]:
    """Pass, recheck, fail, fail, unreadable, and a copy of the first under another name."""
    return a_handful()


@pytest.fixture
def store_url(handful: list[ScoredImage], tmp_path: Path) -> str:
    """A store that holds the handful."""
    return store_with(handful, tmp_path)


@pytest.fixture
def store(store_url: str) -> Iterator[StoreReader]:
    """The same store, to look at what the station wrote."""
    with StoreReader(store_url) as reader:
        yield reader


@pytest.fixture
def start_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Start the station on a store URL without a browser; parts may be decided at once.

    It starts at the part in the address, the first one; `part=None` follows the newest.
    """
    monkeypatch.setattr(part_on_show, "SETTLE_S", 0.0)
    urls = []

    def start(url: str, part: int | None = 1) -> AppTest:
        monkeypatch.setenv(STORE_VARIABLE, url)
        urls.append(url)
        at = AppTest.from_file(APP, default_timeout=60)
        if part is not None:
            at.query_params["part"] = str(part)
        return at.run()

    yield start
    for url in urls:
        if Path(url.removeprefix("sqlite:///")).is_file():
            open_shared_store(url).close()
    open_shared_store.clear()


@pytest.fixture
def station_page(browser: Browser, free_port: int) -> Iterator[StationPage]:
    """Serve a store, and open the station in a browser: `station_page(url, width_px, height_px)`.

    The page is ready when this returns; a script error on it fails the test at its end.
    """
    problems: list[str] = []
    with ExitStack() as stack:

        def open_page(
            url: str, width_px: int = 1920, height_px: int = 1080, part: int | None = 1
        ) -> Page:
            _, address = stack.enter_context(running_station(url, free_port))
            page = browser.new_page(viewport={"width": width_px, "height": height_px})
            stack.callback(page.close)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto(f"{address}/?part={part}" if part else address)
            page.wait_for_selector("section.verdict, section.waiting, section.trouble")
            settle(page)
            return page

        yield open_page
    assert problems == []


def sign_in(page: Page, name: str = "Anna", pin: str | None = None, refused: bool = False) -> None:
    """Sign in as an operator does, by keyboard alone, and wait for the answer."""
    type_pin(page, name, PINS[name] if pin is None else pin)
    if refused:
        expect(page.get_by_role("alert")).to_have_text("Name or PIN is wrong.")
    else:
        expect(page.locator(".who b")).to_have_text(name)
    settle(page)


def type_pin(page: Page, name: str, pin: str) -> None:
    """Type name and PIN, and Enter."""
    fields = [page.get_by_label(label, exact=True) for label in ("Name", "PIN")]
    fields[0].wait_for()
    page.keyboard.press("s")
    if not fields[0].input_value():
        expect(fields[0]).to_be_focused()
        page.keyboard.type(name)
        page.keyboard.press("Tab")
    expect(fields[1]).to_be_focused()
    page.keyboard.type(pin)
    page.keyboard.press("Enter")


def settle(page: Page) -> None:
    """Wait until the page has been drawn to its end; keys do something from then on."""
    page.wait_for_timeout(100)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_timeout(400)  # a part must have been in view for a moment
