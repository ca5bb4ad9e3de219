"""The History page: counts, what operators decided, and the list of decisions."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from inspect_app.store import StoreReader
from tests.station.test_inspect_page import shown

StartApp = Callable[..., AppTest]


def open_history(start_app: StartApp, url: str) -> AppTest:
    """Open the page by itself: AppTest cannot follow a link between pages."""
    start_app(url)  # names the store

    def page() -> None:
        from inspect_app.station.app_pages.history import show_history

        show_history()

    return AppTest.from_function(page, default_timeout=60).run()


def test_without_a_decision_it_says_so(start_app: StartApp, store_url: str) -> None:
    page = shown(open_history(start_app, store_url))
    assert "None yet." in page
    assert "<b>2</b><span>FAIL</span></div><em>0 decided</em>" in page


def test_it_lists_decisions_newest_first(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    store.record_decision(1, "Anna", "pass")
    store.record_decision(3, "Ben", "pass", "only dust")
    at = open_history(start_app, store_url)
    table = at.dataframe[0].value
    assert table["Part"].tolist() == ["relay_0003.png", "relay_0001.png"]
    assert table["Decision"].tolist() == ["PASS", "PASS"]
    assert table["Verdict"].tolist() == ["FAIL", "PASS"]
    assert table["Reason"].tolist() == ["only dust", ""]
    assert "<b>2</b><span>FAIL</span></div><em>1 decided</em>" in shown(at)
    assert '<tr><th>FAIL</th><td class="">1</td><td class="none">0</td>' in shown(at)


def test_the_table_counts_the_latest_decision_of_each_part(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    store.record_decision(1, "Anna", "pass")
    store.record_decision(1, "Anna", "fail")
    page = shown(open_history(start_app, store_url))
    assert '<tr><th>PASS</th><td class="none">0</td><td class="none">0</td><td class="">1' in page


def test_a_missing_store_is_said(start_app: StartApp, store_url: str) -> None:
    at = open_history(start_app, store_url + ".gone")
    assert "no store is there" in shown(at)
