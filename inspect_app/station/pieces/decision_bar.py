"""The bar at the bottom: step through the parts, and decide with one key or one press."""

import streamlit as st

from inspect_app.station.pieces.keyboard import (
    KEY_NEWEST,
    KEY_NEXT,
    KEY_NEXT_OPEN,
    KEY_OF_DECISION,
    KEY_PREVIOUS,
)
from inspect_app.station.pieces.language import tr
from inspect_app.station.pieces.live_strip import queue_line
from inspect_app.station.pieces.part_on_show import Notice, decide, follow, is_following, step
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.sign_in import sign_in_form, sign_in_notice, signed_in
from inspect_app.station.pieces.wording import text
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import DECISIONS, LONGEST_REASON, DecisionName, Outcome

_ICONS = {
    "pass": ":material/check_circle:",
    "recheck": ":material/warning:",
    "fail": ":material/dangerous:",
}


def decision_bar(store: StoreReader, part_id: int, outcome: Outcome | None, facts: str) -> None:
    """Draw the bar for the part on show, below a line with `facts` (HTML) about it.

    While nobody is signed in, the fields for name and PIN stand where one decides.

    The buttons carry the part's id: a press that arrives late can never count for another part.
    """
    may_decide = signed_in(store) is not None
    with st.bottom, st.container(key="decision_bar"):
        said = sign_in_notice() or _notice(st.session_state.get("notice")) or queue_line(store)
        st.html(f'<div class="status">{said}{facts}</div>')
        middle = (1.6, 1.6, 1.6) if may_decide else (4.8,)
        columns = st.columns([1, 1, *middle, 1.7, 1.1, 1], vertical_alignment="center")
        with columns[0]:
            _step_button(
                "previous",
                tr("Previous"),
                KEY_PREVIOUS,
                store.previous_id(part_id, outcome),
                part_id,
            )
        with columns[1]:
            _step_button("next", tr("Next"), KEY_NEXT, store.next_id(part_id, outcome), part_id)
        if may_decide:
            for column, decision in zip(columns[2:5], DECISIONS, strict=True):
                with column:
                    _decision_button(decision, store, part_id, outcome)
        else:
            with columns[2], st.container(key="sign_in_field"):
                sign_in_form(store)
        with columns[-3], st.container(key="reason_field"):
            st.text_input(
                tr("Reason"),
                key=f"reason_{part_id}",
                max_chars=LONGEST_REASON,
                placeholder=tr("Reason (optional)"),
                label_visibility="collapsed",
            )
        with columns[-2]:
            following = store.next_undecided_id(part_id, outcome)
            open_id = following if following != part_id else None
            _step_button("next_open", tr("Next open"), KEY_NEXT_OPEN, open_id, part_id)
        with columns[-1], st.container(key="newest"):
            st.button(
                tr("Newest"),
                key="follow_newest",
                shortcut=KEY_NEWEST,
                width="stretch",
                type="primary" if is_following() else "secondary",
                on_click=follow,
                args=(not is_following(),),
            )


def _decision_button(
    decision: DecisionName, store: StoreReader, part_id: int, outcome: Outcome | None
) -> None:
    with st.container(key=f"decide_{decision}"):
        st.button(
            SIGNS[decision].word,
            key=f"{decision}_{part_id}",
            icon=_ICONS[decision],
            shortcut=KEY_OF_DECISION[decision],
            width="stretch",
            on_click=decide,
            args=(store, part_id, decision, outcome),
        )


def _step_button(name: str, label: str, key: str, to: int | None, part_id: int) -> None:
    st.button(
        label,
        key=f"{name}_{part_id}",
        shortcut=key,
        width="stretch",
        disabled=to is None,
        on_click=step,
        args=(to,),
    )


def _notice(notice: Notice | None) -> str:
    if notice is None:
        return ""
    about = f"<b>{text(notice.about)}</b> " if notice.about else ""
    role = "alert" if notice.kind == "refused" else "status"
    return f'<p class="notice {notice.kind}" role="{role}">{about}{text(notice.message)}</p>'
