"""The pages beside Inspect: a second look, the shift's report, and the line's health."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from deploy.scoring.results import ScoredImage
from inspect_app.store import StoreReader
from inspect_app.store.records import Role
from tests.station.drawn_inspections import store_with
from tests.station.test_inspect_page import shown

StartApp = Callable[[str], AppTest]


def _page(start_app: StartApp, url: str, name: str) -> AppTest:
    """Open a page by itself: AppTest cannot follow a link between pages."""
    start_app(url)  # names the store

    def page(name: str) -> None:
        from inspect_app.station.app_pages.line_health import show_health
        from inspect_app.station.app_pages.review import show_review
        from inspect_app.station.app_pages.shift_report import show_shift

        {"review": show_review, "shift": show_shift, "line": show_health}[name]()

    at = AppTest.from_function(page, default_timeout=60, args=(name,)).run()
    assert not at.exception
    return at


def test_the_shift_page_counts_what_is_in_the_store(start_app: StartApp, store_url: str) -> None:
    page = shown(_page(start_app, store_url, "shift"))
    assert "<b>6</b><span>inspected</span>" in page
    assert "2 pass, 1 recheck, 2 fail; 1 unreadable" in page


def test_the_review_page_lists_and_filters(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    store.record_decision(3, "Ben", "pass", "dust", "reviewer")
    at = _page(start_app, store_url, "review")
    assert len(at.dataframe[0].value) == 6
    at.selectbox(key="review_which").select("disagreement").run()
    assert at.dataframe[0].value["Part"].tolist() == ["relay_0003.png"]
    at.text_input(key="review_name").input("none such").run()
    assert "No part fits these filters." in shown(at)


def test_a_part_stands_beside_those_most_like_it_and_what_was_said_of_them(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    store.record_decision(4, "Rita", "fail", "<b>bent</b>", "reviewer")
    start_app(store_url)

    def row() -> None:
        from inspect_app.station.pieces.similar_parts import similar_parts
        from inspect_app.station.pieces.store_access import station_store

        similar_parts(station_store(), 3)

    at = AppTest.from_function(row, default_timeout=60).run()
    page = shown(at)
    assert page.count('<p class="similar-part">') == 4  # the copy of one is not shown
    assert "No picture" not in page
    assert page.index("relay_0003.png") < page.index("relay_0004.png")
    assert "FAIL by Rita · &lt;b&gt;bent&lt;/b&gt;" in page
    assert "speak as strongly for or against a defect" in page


def test_a_review_needs_a_reviewer(start_app: StartApp, store_url: str) -> None:
    at = _page(start_app, store_url, "review")
    assert [field.label for field in at.text_input] == ["File or part", "Name", "PIN"]


def test_a_pass_in_blind_review_shows_no_verdict_and_no_score(
    start_app: StartApp, handful: list[ScoredImage], tmp_path: Path
) -> None:
    at = _page(start_app, store_with(handful, tmp_path, blind_share=1.0), "review")
    at.segmented_control(key="review_mode").select("blind").run()
    page = shown(at)
    assert "2 wait; the verdict is not shown on purpose" in page
    for told in ("PASS", "2.92", "threshold"):  # the verdict, its z, and its reason
        assert told not in page


def test_a_blind_review_with_nothing_to_see_says_so(start_app: StartApp, store_url: str) -> None:
    at = _page(start_app, store_url, "review")
    at.segmented_control(key="review_mode").select("blind").run()
    assert "No pass waits for blind review" in shown(at)


@pytest.mark.parametrize(
    ("state", "words"),
    [("watching", "all is well"), ("store refuses", "The store refuses writing")],
)
def test_the_line_page_tells_how_a_watch_is(
    start_app: StartApp, store_url: str, store: StoreReader, state: str, words: str
) -> None:
    folder: Path = store.address.assets / "watch"
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "state": state,
        "beat_at": datetime.now(UTC).isoformat(),
        "folder": "<b>/line</b>",
        "free_bytes": 80 << 30,
    }
    (folder / "one.json").write_text(json.dumps(told), encoding="utf-8")
    page = shown(_page(start_app, store_url, "line"))
    assert words in page
    assert "<b>/line</b>" not in page


def _offering(store: StoreReader) -> None:
    """A watch tells that it has a second bundle."""
    folder: Path = store.address.assets / "watch"
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "state": "watching",
        "beat_at": datetime.now(UTC).isoformat(),
        "folder": "/line",
        "feed": "pc-line",
        "bundle_id": "b" * 64,
        "bundle": "relay-v4 (bbbbbbbb)",
        "offered": [
            {"bundle_id": "b" * 64, "bundle": "relay-v4 (bbbbbbbb)"},
            {"bundle_id": "c" * 64, "bundle": "relay-v5 (cccccccc)"},
        ],
    }
    (folder / "pc-line.json").write_text(json.dumps(told), encoding="utf-8")


def _sign_in(at: AppTest, store: StoreReader, role: Role) -> None:
    store.operators.add("Eve", role, "408213", by="a test")
    at.run()
    at.text_input(key="sign_in_name").input("Eve")
    at.text_input(key="sign_in_pin").input("408213")
    at.button(key="do_sign_in").click().run()


def test_an_engineer_asks_for_another_bundle_and_it_is_seen_who_and_why(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    _offering(store)
    at = _page(start_app, store_url, "line")
    _sign_in(at, store, "engineer")
    assert at.selectbox(key="switch_to").options == ["relay-v5 (cccccccc) at /line"]
    at.button(key="do_switch").click().run()
    assert "reason is missing" in shown(at)
    at.text_input(key="switch_reason").input("fewer <escapes>")
    at.button(key="do_switch").click().run()
    asked = store.bundle_switches.open_for("pc-line")
    assert asked is not None
    assert (asked.bundle_id, asked.operator, asked.reason) == ("c" * 64, "Eve", "fewer <escapes>")
    store.bundle_switches.answer(asked.id, "refused", "b" * 64, "policy.json was changed")
    page = shown(at.run())
    assert "relay-v4 (bbbbbbbb) → relay-v5 (cccccccc)" in page
    assert "fewer &lt;escapes&gt;" in page
    assert "policy.json was changed" in page
    assert "Too few images in the last hour to tell." in page  # drift of the bundle in use


def test_a_reviewer_may_not_switch_the_bundle(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    _offering(store)
    at = _page(start_app, store_url, "line")
    _sign_in(at, store, "reviewer")
    assert "It takes the role of engineer." in shown(at)
    assert [box.key for box in at.selectbox] == []


def test_without_a_watch_it_says_how_to_start_one(start_app: StartApp, store_url: str) -> None:
    assert "inspect watch FOLDER" in shown(_page(start_app, store_url, "line"))


@pytest.mark.parametrize("name", ["review", "shift", "line"])
def test_a_missing_store_is_said(start_app: StartApp, store_url: str, name: str) -> None:
    assert "no store is there" in shown(_page(start_app, store_url + ".gone", name))


def test_the_line_page_says_whether_a_training_is_worth_it(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    store.record_decision(3, "Ben", "pass", "dust", "reviewer")
    page = shown(_page(start_app, store_url, "line"))
    assert "1 good, 0 defective; the line had judged 1 of them otherwise." in page
    assert "Too few yet for a new training" in page
