"""Signing in at the station: who gets in, who is sent out, and what stays as it was."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from inspect_app.station.pieces import part_on_show
from inspect_app.station.serve import SIGN_OUT_VARIABLE
from inspect_app.store import StoreReader
from tests.station.drawn_inspections import PINS
from tests.station.test_inspect_page import press, shown, sign_in

StartApp = Callable[..., AppTest]
WRONG = "Name or PIN is wrong."


def labels(at: AppTest) -> set[str]:
    """What is written on the buttons."""
    return {button.label for button in at.button}


def test_nobody_is_asked_to_decide_before_signing_in(start_app: StartApp, store_url: str) -> None:
    at = start_app(store_url)
    assert "Nobody signed in" in shown(at)
    assert {"Sign in", "Next"} <= labels(at)
    assert not {"PASS", "RECHECK", "FAIL"} & labels(at)
    sign_in(at)
    assert "<b>Anna</b><span>operator</span>" in shown(at)
    assert {"PASS", "RECHECK", "FAIL", "Sign out"} <= labels(at)


def test_a_decision_carries_name_and_role(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    store.operators.add("Rita", "reviewer", PINS["Rita"], by="a test")
    press(sign_in(start_app(store_url), " rita ", PINS["Rita"]), "FAIL")
    (decision,) = store.decisions_of(1)
    assert (decision.operator, decision.role) == ("Rita", "reviewer")


def test_wrong_name_and_wrong_pin_are_told_alike(start_app: StartApp, store_url: str) -> None:
    at = start_app(store_url)
    wrong_pin = shown(sign_in(at, "Anna", "000000"))
    wrong_name = shown(sign_in(at, "Nobody", PINS["Anna"]))
    assert WRONG in wrong_pin
    assert WRONG in wrong_name
    assert at.text_input(key="sign_in_pin").value == ""
    assert at.text_input(key="sign_in_name").value == "Nobody"


def test_after_five_wrong_pins_a_reload_does_not_help(start_app: StartApp, store_url: str) -> None:
    at = start_app(store_url)
    for _ in range(5):
        sign_in(at, "Anna", "000000")
    assert "this name has to wait until" in shown(at)
    assert "this name has to wait until" in shown(sign_in(start_app(store_url), "Anna"))


def test_signing_out_leaves_part_and_reason(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    at = press(sign_in(start_app(store_url)), "Next")
    at.text_input(key="reason_2").set_value("dust").run()
    press(at, "Sign out")
    assert "Nobody signed in" in shown(at)
    assert "2 of 6" in shown(at)
    sign_in(at)
    press(at, "PASS")
    (decision,) = store.decisions_of(2)
    assert decision.reason == "dust"


def test_who_does_nothing_for_a_while_is_signed_out(
    start_app: StartApp, store_url: str, store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIGN_OUT_VARIABLE, "60")
    at = press(sign_in(start_app(store_url)), "Next")
    at.session_state["signed_in"].active_at -= 59
    press(at, "Previous")  # starts the time anew
    at.session_state["signed_in"].active_at -= 59
    press(at, "PASS")
    assert store.counts().of(None) == (6, 1)
    at.session_state["signed_in"].active_at -= 61
    press(at, "FAIL")
    assert store.counts().of(None) == (6, 1)
    assert "Signed out: nothing was pressed for a while." in shown(at)
    assert "2 of 6" in shown(at)


def test_a_page_that_only_renews_itself_keeps_nobody_signed_in(
    start_app: StartApp, store_url: str
) -> None:
    at = sign_in(start_app(store_url))
    before = time.monotonic() - 30
    at.session_state["signed_in"].active_at = before
    at.session_state["by_itself"] = True
    at.run()
    assert at.session_state["signed_in"].active_at == before
    at.run()
    assert at.session_state["signed_in"].active_at > before


@pytest.mark.parametrize("change", ["disable", "set_pin"])
def test_a_change_by_the_engineer_ends_the_visit(
    start_app: StartApp, store_url: str, store: StoreReader, change: str
) -> None:
    at = sign_in(start_app(store_url))
    if change == "disable":
        store.operators.add("Rita", "reviewer", PINS["Rita"], by="a test")
        store.operators.disable("Anna", by="a test")
    else:
        store.operators.set_pin("Anna", "770124", by="a test")
    press(at, "FAIL")
    assert store.counts().of(None) == (6, 0)
    assert "Signed out: name, role or PIN was changed." in shown(at)


def test_a_store_without_operators_says_how_the_first_is_added(
    start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    store.operators.disable("Anna", by="a test")
    page = shown(start_app(store_url))
    assert "inspect operators add NAME --role engineer" in page
    assert "1 of 6" in page


def test_a_lost_key_is_said_and_lets_nobody_in(
    start_app: StartApp, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_CHAIN_KEY", str(tmp_path / "gone.key"))
    at = sign_in(start_app(store_url))
    assert "the key that seals decisions is missing" in shown(at)
    assert "Nobody signed in" in shown(at)


@pytest.mark.parametrize(
    "typed",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "{{7*7}}", "$PIN"],
)
def test_what_is_typed_as_a_name_is_never_markup(
    start_app: StartApp, store_url: str, typed: str
) -> None:
    at = sign_in(start_app(store_url), typed, "1")
    assert WRONG in shown(at)
    assert typed not in shown(at)


def test_a_forged_address_signs_nobody_in(start_app: StartApp, store_url: str) -> None:
    at = start_app(store_url)
    at.query_params["operator"] = "Anna<b>"
    at.query_params["signed_in"] = "Anna"
    at.query_params["role"] = "engineer"
    assert "Nobody signed in" in shown(at.run())


def test_pressing_when_signed_out_meanwhile_stores_nothing(
    store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {"part_id": 1, "shown_at": 0.0}
    monkeypatch.setattr("streamlit.session_state", state)
    part_on_show.decide(store, 1, "pass", None)
    assert store.counts().of(None) == (6, 0)
    assert state["notice"].kind == "refused"  # type: ignore[attr-defined]
