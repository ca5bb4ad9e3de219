"""The Inspect page: what it shows, how it steps, and when a decision is kept."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from deploy.scoring.results import ScoredImage
from inspect_app.station.pieces import part_on_show
from inspect_app.store import StoreReader, open_store
from tests.station.drawn_inspections import PINS, scored_image, store_with

StartApp = Callable[..., AppTest]


@pytest.fixture
def station(start_app: StartApp, store_url: str) -> AppTest:
    """The station on the handful, with an operator."""
    at = start_app(store_url)
    return sign_in(at)


def shown(at: AppTest) -> str:
    """All HTML of the page."""
    assert not at.exception, at.exception
    return "\n".join(str(block.proto.body) for block in at.get("html"))


def sign_in(
    at: AppTest, name: str = "Anna", pin: str | None = None, button: str = "Sign in"
) -> AppTest:
    """Give name and PIN."""
    at.text_input(key="sign_in_name").set_value(name)
    at.text_input(key="sign_in_pin").set_value(PINS.get(name, "") if pin is None else pin)
    return press(at, button)


def press(at: AppTest, label: str) -> AppTest:
    """Press a button by what is written on it."""
    return next(button for button in at.button if button.label == label).click().run()


def test_it_follows_the_newest_part_until_somebody_steps_back(
    start_app: StartApp, store_url: str
) -> None:
    at = start_app(store_url, part=None)
    assert "6 of 6" in shown(at)
    with open_store(store_url) as line:
        line.add([scored_image(6, "/l/new.png", 7, "pass", None, {"body": 0.1})])
    assert "7 of 7" in shown(at.run())
    press(at, "Previous")
    with open_store(store_url) as line:
        line.add([scored_image(7, "/l/newer.png", 8, "pass", None, {"body": 0.1})])
    assert "6 of 8" in shown(at.run())
    assert "8 of 8" in shown(press(at, "Newest"))


def test_deciding_while_following_stays_with_the_newest(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    at = press(sign_in(start_app(store_url, part=None)), "PASS")
    assert "6 of 6" in shown(at)
    assert [one.decision for one in store.decisions_of(6)] == ["pass"]
    assert "1 of 6" in shown(press(at, "Next open"))


def test_what_waits_for_a_decision_is_listed_oldest_first(
    station: AppTest, store: StoreReader
) -> None:
    def queue() -> str:
        (line,) = re.findall(r'<p class="queue.*?</p>', shown(station.run()))
        return re.sub(r"<.*?>", " ", line)

    assert re.findall(r"relay_\d+", queue()) == ["relay_0002", "relay_0003", "relay_0004"]
    store.record_decision(2, "Ben", "fail")
    assert re.findall(r"relay_\d+", queue()) == ["relay_0003", "relay_0004"]
    store.record_decision(3, "Ben", "fail")
    store.record_decision(4, "Ben", "fail")
    assert "Nothing waits for a decision" in queue()


def test_heads_are_chosen_by_name_one_after_another(station: AppTest) -> None:
    for title in ("Head", "body", "label", "left lead"):
        press(station, title)
    assert "right lead" in {button.label for button in station.button}
    assert not station.exception


def test_zoom_turns_from_whole_to_close_and_back(station: AppTest) -> None:
    for title in ("Zoom 1×", "Zoom 3×", "Zoom 8×"):
        press(station, title)
    assert "Zoom 1×" in {button.label for button in station.button}


def test_a_good_part_is_shown_beside(station: AppTest) -> None:
    assert len(station.get("image")) == 1
    press(station, "Compare")
    assert len(station.get("image")) == 2


def test_without_a_good_part_that_is_said(start_app: StartApp, tmp_path: Path) -> None:
    bad = scored_image(0, "/l/a.png", 1, "fail", None, {"body": 9.0})
    assert "No good part yet" in shown(press(start_app(store_with([bad], tmp_path)), "Compare"))


def test_it_shows_verdict_reason_score_parts_and_heads(station: AppTest) -> None:
    press(press(station, "Next"), "Next")
    page = shown(station)
    assert "Verdict FAIL" in page
    assert "z 2.810 reaches the fail threshold 1.100" in page
    assert "<b>scratch</b>: most evidence lies in: <b>body</b>" in page
    assert "pass below −0.80" in page
    assert "fail from 1.10" in page
    assert "+3.42" in page
    assert "left lead" in page
    assert 'alt="attention of right lead"' in page
    assert 'alt="attention of free 2"' in page
    assert "Outlier 12.0 (limit 30.0)" in page
    assert "relay-v4 (bbbbbbbb)" in page


def test_stepping_stops_at_both_ends(station: AppTest) -> None:
    assert next(button for button in station.button if button.label == "Previous").disabled
    for _ in range(5):
        press(station, "Next")
    assert "6 of 6" in shown(station)
    assert next(button for button in station.button if button.label == "Next").disabled


def test_the_filter_leaves_only_its_verdict(station: AppTest) -> None:
    station.segmented_control(key="filter").set_value("fail").run()
    assert "1 of 2" in shown(station)
    assert "relay_0003.png" in shown(station)
    assert "relay_0004.png" in shown(press(station, "Next"))
    station.segmented_control(key="filter").set_value("unreadable").run()
    assert "Verdict UNREADABLE" in shown(station)


def test_a_filter_without_parts_says_so(start_app: StartApp, tmp_path: Path) -> None:
    good = scored_image(0, "/l/a.png", 1, "pass", None, {"body": 0.1})
    at = start_app(store_with([good], tmp_path))
    at.segmented_control(key="filter").set_value("fail").run()
    assert "No part with this verdict" in shown(at)


def test_a_decision_is_stored_and_the_next_undecided_part_comes_up(
    station: AppTest, store: StoreReader
) -> None:
    station.text_input(key="reason_1").set_value("looks fine").run()
    press(station, "PASS")
    (decision,) = store.decisions_of(1)
    assert (decision.operator, decision.decision) == ("Anna", "pass")
    assert (decision.reason, decision.t_fail) == ("looks fine", 1.1)
    page = shown(station)
    assert "2 of 6" in page
    assert "<b>relay_0001.png</b> stored as PASS" in page
    assert "1 of 6 decided" in page


def test_a_decision_can_be_changed_later(station: AppTest, store: StoreReader) -> None:
    press(press(press(station, "PASS"), "Previous"), "FAIL")
    assert [one.decision for one in store.decisions_of(1)] == ["pass", "fail"]
    press(station, "Previous")
    assert "by Anna," in shown(station)


def test_the_last_decision_stays_on_its_part_and_says_so(
    station: AppTest, store: StoreReader
) -> None:
    for _ in range(6):
        press(station, "RECHECK")
    assert store.counts().of(None) == (6, 6)
    assert "every part here is decided" in shown(station)
    assert "6 of 6 decided" in shown(station)


def test_deciding_within_a_filter_stays_within_it(station: AppTest, store: StoreReader) -> None:
    station.segmented_control(key="filter").set_value("fail").run()
    press(press(station, "FAIL"), "FAIL")
    assert store.counts().decided == {"pass": 0, "recheck": 0, "fail": 2, "unreadable": 0}
    assert "every part here is decided" in shown(station)


def test_a_part_that_only_just_came_up_is_not_decided(
    station: AppTest, store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_on_show, "SETTLE_S", 60.0)
    press(station, "PASS")
    assert "Too quick" in shown(station)
    assert store.counts().of(None) == (6, 0)


def test_a_press_that_arrives_after_its_part_has_gone_does_not_count(
    store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {"part_id": 2, "shown_at": 0.0}
    monkeypatch.setattr(streamlit, "session_state", state)
    part_on_show.decide(store, 1, "pass", None)
    assert store.counts().of(None) == (6, 0)
    assert state == {"part_id": 2, "shown_at": 0.0}


def test_an_unreadable_part_can_be_decided(station: AppTest, store: StoreReader) -> None:
    station.segmented_control(key="filter").set_value("unreadable").run()
    page = shown(station)
    assert "Verdict UNREADABLE" in page
    assert "No picture" in page
    assert "image file is truncated" in page
    press(station, "RECHECK")
    assert store.latest_decision(5) is not None


def test_a_repeated_content_is_marked(station: AppTest) -> None:
    for _ in range(5):
        press(station, "Next")
    assert "Same content as inspection 1" in shown(station)


def test_switches_keep_their_state_from_part_to_part(station: AppTest) -> None:
    press(station, "Outlines")
    press(station, "Evidence")
    press(station, "Next")
    assert station.slider(key="opacity").disabled
    assert station.session_state["outlines"] is True
    press(press(station, "Zoom 1×"), "Evidence")
    station.slider(key="opacity").set_value(20).run()
    assert station.session_state["opacity"] == 20


def test_texts_from_outside_are_never_markup(start_app: StartApp, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    part = scored_image(0, f"/l/{name}", 1, "pass", None, {"<b>body</b>": 0.2})
    url = store_with([part], tmp_path)
    at = start_app(url)
    with StoreReader(url) as store:
        store.operators.add("<u>Anna</u>", "operator", PINS["Anna"], by="a test")
    sign_in(at, "<u>Anna</u>", PINS["Anna"])
    at.text_input(key="reason_1").set_value("<script>alert(1)</script>").run()
    press(at, "FAIL")
    page = shown(at)
    for raw in ("<img src=x", "<u>", "<script>alert", "<b>body"):
        assert raw not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.png" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_an_empty_store_waits_for_the_first_part(
    start_app: StartApp, tmp_path: Path, handful: list[ScoredImage]
) -> None:
    url = store_with([], tmp_path)
    at = start_app(url)
    assert "Waiting for the first part" in shown(at)
    with open_store(url) as line:
        line.add(handful[:1])
    assert "Verdict PASS" in shown(at.run())


def test_a_missing_store_is_said_and_not_made(start_app: StartApp, tmp_path: Path) -> None:
    at = start_app(f"sqlite:///{tmp_path / 'none.db'}")
    assert "no store is there" in shown(at)
    assert list(tmp_path.iterdir()) == []


def test_a_lost_picture_is_said(start_app: StartApp, store_url: str, tmp_path: Path) -> None:
    for picture in (tmp_path / "line.db.assets").rglob("*.png"):
        picture.unlink()
    assert "must move with it" in shown(start_app(store_url))


@pytest.mark.parametrize(
    ("address", "position"),
    [("99", "1 of 6"), ("x", "6 of 6"), ("-1", "6 of 6"), ("9" * 30, "6 of 6")],
)
def test_an_address_of_no_part_opens_another_one(
    start_app: StartApp, store_url: str, address: str, position: str
) -> None:
    at = start_app(store_url)
    del at.session_state["part_id"]
    at.query_params["part"] = address
    assert position in shown(at.run())


def test_the_address_brings_back_the_part(start_app: StartApp, store_url: str) -> None:
    at = start_app(store_url)
    del at.session_state["part_id"]
    at.query_params["part"] = "4"
    assert "4 of 6" in shown(at.run())
