"""Who stands at the station: signing in with name and PIN or with a company account, and out again
after a while."""

import os
import time
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from inspect_app.station.pieces.company_account import account_button, just_named
from inspect_app.station.pieces.language import clock_time, tr
from inspect_app.station.pieces.wording import text
from inspect_app.station.serve import SIGN_OUT_VARIABLE
from inspect_app.store.operators import Refusal
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import LONGEST_OPERATOR, OperatorRecord, Role
from span_train.contract.errors import StoreError

SIGN_OUT_AFTER_S = 15 * 60.0
_LONGEST_TYPED_PIN = 64
_NAME_IN_ADDRESS = "operator"


@dataclass
class _SignedIn:
    """Somebody who gave the right PIN in this browser tab, and when they last did something."""

    operator: OperatorRecord
    active_at: float


def signed_in(store: StoreReader) -> OperatorRecord | None:
    """Who is signed in here now.

    Nobody after a time without a press or a key, and nobody who was given another role or PIN, or
    was disabled, since.
    """
    found: _SignedIn | None = st.session_state.get("signed_in") or _vouched_for(store)
    if found is None:
        return None
    if time.monotonic() - found.active_at > _sign_out_after_s():
        _leave(tr("Signed out: nothing was pressed for a while."))
        return None
    now = store.operators.find(found.operator.name)
    if now is None or now.id != found.operator.id:
        _leave(tr("Signed out: name, role or PIN was changed."))
        return None
    return now


def who_may(store: StoreReader, role: Role) -> OperatorRecord | None:
    """Who is signed in, if they may do what takes this role."""
    operator = signed_in(store)
    return operator if operator is not None and operator.may(role) else None


def note_activity() -> None:
    """Somebody did something: their time at the station starts anew."""
    found: _SignedIn | None = st.session_state.get("signed_in")
    if found is not None and time.monotonic() - found.active_at <= _sign_out_after_s():
        found.active_at = time.monotonic()


def sign_in_form(store: StoreReader) -> None:
    """Fields for name and PIN, side by side; what was typed elsewhere on the page stays."""
    if not any(one.is_active for one in store.operators.all()):
        st.html(_nobody_yet())
        return
    with st.container(horizontal=True, wrap=False):
        _name_and_pin(store)
        account_button()


def _vouched_for(store: StoreReader) -> _SignedIn | None:
    """Whom the company's sign-on has just named, if they may sign in here."""
    account = just_named()
    if account is None:
        return None
    found = store.operators.find(account.name)
    if found is None or not found.is_active or not account.is_verified:
        _leave(tr("The account {account} may not sign in here.", account=account.name))
        return None
    return _enter(found)


def _name_and_pin(store: StoreReader) -> None:
    st.session_state.setdefault("sign_in_name", _name_from_address())
    with st.form("sign_in", border=False), st.container(horizontal=True, wrap=False):
        st.text_input(
            tr("Name"),
            key="sign_in_name",
            max_chars=LONGEST_OPERATOR,
            placeholder=tr("Name"),
            label_visibility="collapsed",
            autocomplete="off",
        )
        st.text_input(
            tr("PIN"),
            key="sign_in_pin",
            type="password",
            max_chars=_LONGEST_TYPED_PIN,
            placeholder=tr("PIN"),
            label_visibility="collapsed",
            autocomplete="one-time-code",
        )
        st.form_submit_button(
            tr("Sign in"), key="do_sign_in", on_click=_try_to_sign_in, args=(store,), type="primary"
        )


def sign_in_notice() -> str:
    """HTML of why nobody is signed in; nothing where there is nothing to say."""
    said = st.session_state.get("sign_in_notice")
    return f'<p class="notice refused" role="alert">{text(said)}</p>' if said else ""


def who_corner(store: StoreReader) -> None:
    """Name, role and a way out, for the bar at the top."""
    operator = signed_in(store)
    if operator is None:
        st.html(f'<p class="who nobody">{tr("Nobody signed in")}</p>', width="content")
        return
    st.query_params[_NAME_IN_ADDRESS] = operator.name
    st.html(
        f'<p class="who"><b>{text(operator.name)}</b><span>{role_title(operator.role)}</span></p>',
        width="content",
    )
    st.button(tr("Sign out"), key="sign_out", on_click=_leave)


def role_title(role: Role) -> str:
    """A role as people say it."""
    titles = {
        "operator": tr("operator"),
        "reviewer": tr("reviewer"),
        "engineer": tr("engineer"),
    }
    return titles[role]


def _try_to_sign_in(store: StoreReader) -> None:
    state = st.session_state
    name, pin = str(state.get("sign_in_name", "")), str(state.get("sign_in_pin", ""))
    state["sign_in_pin"] = ""
    try:
        answer = store.operators.sign_in(name, pin)
    except StoreError as problem:
        state["sign_in_notice"] = str(problem)
        return
    if isinstance(answer, Refusal):
        state["sign_in_notice"] = _refused(answer.wait_until)
        return
    _enter(answer)


def _enter(operator: OperatorRecord) -> _SignedIn:
    state = st.session_state
    entered = state["signed_in"] = _SignedIn(operator, time.monotonic())
    state.pop("sign_in_notice", None)
    state.pop("notice", None)
    return entered


def _refused(wait_until: datetime | None) -> str:
    wrong = tr("Name or PIN is wrong.")
    if wait_until is None:
        return wrong
    until = clock_time(wait_until, seconds=True)
    return f"{wrong} {tr('Too often: this name has to wait until {until}.', until=until)}"


def _leave(why: str = "") -> None:
    st.session_state.pop("signed_in", None)
    st.session_state["sign_in_notice"] = why


def _name_from_address() -> str:
    return str(st.query_params.get(_NAME_IN_ADDRESS, ""))[:LONGEST_OPERATOR]


def _sign_out_after_s() -> float:
    return float(os.environ.get(SIGN_OUT_VARIABLE, SIGN_OUT_AFTER_S))


def _nobody_yet() -> str:
    command = "<code>inspect operators add NAME --role engineer --store …</code>"
    how = tr("An engineer is added on this machine with {command}", command=command)
    return f'<p class="nobody-yet"><b>{tr("No operator yet.")}</b> {how}</p>'
