"""Let an engineer switch the bundle of a running watch, and show who switched when and why."""

from dataclasses import dataclass

import streamlit as st

from inspect_app.station.pieces.language import local_time, tr
from inspect_app.station.pieces.sign_in import sign_in_form, sign_in_notice, signed_in
from inspect_app.station.pieces.wording import text
from inspect_app.store.bundle_switches import BundleSwitch
from inspect_app.store.line_health import feeds_of
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import LONGEST_REASON
from span_train.contract.errors import StoreError

_NOTICE = "switch_notice"


@dataclass(frozen=True)
class _Offer:
    """A bundle that a watch may go on with: its name and that of the one in use, and the folder."""

    names: tuple[str, str]
    folder: str

    def words(self) -> str:
        return tr("{bundle} at {folder}", bundle=self.names[0], folder=self.folder)


def switch_form(store: StoreReader) -> None:
    """Choose a bundle and say why; who is no engineer is told that it takes one."""
    with st.container(key="bundle_switch"):
        title, hint = tr("Switch the bundle"), tr("verified first; the line goes on meanwhile")
        st.html(f"<h3>{title}<small>{hint}</small></h3>{sign_in_notice()}{_notice()}")
        operator = signed_in(store)
        if operator is None:
            with st.container(key="sign_in_field"):
                sign_in_form(store)
        elif not operator.may("engineer"):
            st.html(f'<p class="quiet">{tr("It takes the role of engineer.")}</p>')
        else:
            _choice(store)


def switch_log(store: StoreReader) -> str:
    """HTML of the newest switches: who asked when and why, and what became of it."""
    switches = store.bundle_switches.recent()
    if not switches:
        return '<i class="no-switches"></i>'
    rows = "".join(
        f"<tr><td>{text(one.previous)} → {text(one.bundle)}</td>"
        f"<td>{local_time(one.asked_at)}<br>{text(one.operator)}</td>"
        f"<td>{text(one.reason)}</td><td>{_became(one)}</td></tr>"
        for one in switches
    )
    title = f"{tr('Switches')}<small>{tr('who, when and why')}</small>"
    return f'<section class="card report switches"><h3>{title}</h3><table>{rows}</table></section>'


def _choice(store: StoreReader) -> None:
    offers = _offers(store)
    if not offers:
        nothing = tr("No other bundle lies where a running watch may take one (--bundles).")
        st.html(f'<p class="quiet">{nothing}</p>')
        return
    with (
        st.form("switch_bundle", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.selectbox(
            tr("From now on"),
            list(offers),
            format_func=lambda key: offers[key].words() if key in offers else "",
            key="switch_to",
            width=460,
        )
        st.text_input(
            tr("Reason"),
            key="switch_reason",
            max_chars=LONGEST_REASON,
            placeholder=tr("Reason (needed)"),
        )
        st.form_submit_button(tr("Switch"), key="do_switch", on_click=_ask, args=(store,))


def _offers(store: StoreReader) -> dict[tuple[str, str], _Offer]:
    """By watch and bundle id: what each running watch may be asked to go on with."""
    found = {}
    for feed in feeds_of(store.address.assets):
        told = feed.told
        if feed.is_silent or told.get("state") == "stopped":
            continue
        for bundle in told.get("offered") or ():
            if bundle["bundle_id"] != told.get("bundle_id"):
                names = (bundle["bundle"], str(told.get("bundle", "")))
                offer = _Offer(names, str(told.get("folder", "")))
                found[str(told["feed"]), str(bundle["bundle_id"])] = offer
    return found


def _ask(store: StoreReader) -> None:
    state, operator = st.session_state, signed_in(store)
    offer = _offers(store).get(state.get("switch_to", ("", "")))
    if operator is None:
        return
    if offer is None:
        state[_NOTICE] = ("refused", tr("The watch stopped, or no longer has this bundle."))
        return
    feed, bundle_id = state["switch_to"]
    try:
        store.bundle_switches.ask(feed, bundle_id, offer.names, operator, state["switch_reason"])
    except StoreError as problem:
        state[_NOTICE] = ("refused", str(problem))
        return
    state[_NOTICE] = ("done", tr("{bundle} was asked for.", bundle=offer.names[0]))
    state["switch_reason"] = ""


def _notice() -> str:
    said = st.session_state.pop(_NOTICE, None)
    if said is None:
        return ""
    role = "alert" if said[0] == "refused" else "status"
    return f'<p class="notice {said[0]}" role="{role}">{text(said[1])}</p>'


def _became(switch: BundleSwitch) -> str:
    if switch.outcome is None or switch.answered_at is None:
        return tr("asked for; the watch has not answered yet")
    if switch.outcome == "taken":
        return tr("taken {when}", when=local_time(switch.answered_at))
    return f"<b>{tr('refused')}</b><br>{text(switch.why or '')}"
