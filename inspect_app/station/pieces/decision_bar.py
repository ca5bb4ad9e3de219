"""The bar at the bottom: step through the parts, and decide with one key or one press."""

import streamlit as st

from inspect_app.station.pieces.keyboard import (
    KEY_NEXT,
    KEY_NEXT_OPEN,
    KEY_OF_DECISION,
    KEY_PREVIOUS,
)
from inspect_app.station.pieces.part_on_show import Notice, decide, step
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.wording import text
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import DECISIONS, LONGEST_REASON, Outcome

_ICONS = {
    "pass": ":material/check_circle:",
    "recheck": ":material/warning:",
    "fail": ":material/dangerous:",
}


def decision_bar(store: StoreReader, part_id: int, outcome: Outcome | None, facts: str) -> None:
    """Draw the bar for the part on show, below a line with `facts` (HTML) about it.

    The buttons carry the part's id: a press that arrives late can never count for another part.
    """
    with st.bottom, st.container(key="decision_bar"):
        st.html(f'<div class="status">{_notice(st.session_state.get("notice"))}{facts}</div>')
        columns = st.columns([1, 1, 1.6, 1.6, 1.6, 2, 1.4], vertical_alignment="center")
        with columns[0]:
            _step_button("Previous", KEY_PREVIOUS, store.previous_id(part_id, outcome), part_id)
        with columns[1]:
            _step_button("Next", KEY_NEXT, store.next_id(part_id, outcome), part_id)
        for column, decision in zip(columns[2:5], DECISIONS, strict=True):
            with column, st.container(key=f"decide_{decision}"):
                st.button(
                    SIGNS[decision].word,
                    key=f"{decision}_{part_id}",
                    icon=_ICONS[decision],
                    shortcut=KEY_OF_DECISION[decision],
                    width="stretch",
                    on_click=decide,
                    args=(store, part_id, decision, outcome),
                )
        with columns[5], st.container(key="reason_field"):
            st.text_input(
                "Reason",
                key=f"reason_{part_id}",
                max_chars=LONGEST_REASON,
                placeholder="Reason (optional)",
                label_visibility="collapsed",
            )
        with columns[6]:
            following = store.next_undecided_id(part_id, outcome)
            open_id = following if following != part_id else None
            _step_button("Next undecided", KEY_NEXT_OPEN, open_id, part_id)


def _step_button(label: str, key: str, to: int | None, part_id: int) -> None:
    st.button(
        label,
        key=f"{label}_{part_id}",
        shortcut=key,
        width="stretch",
        disabled=to is None,
        on_click=step,
        args=(to,),
    )


def _notice(notice: Notice | None) -> str:
    if notice is None:
        return '<p class="notice"></p>'
    about = f"<b>{text(notice.about)}</b> " if notice.about else ""
    role = "alert" if notice.kind == "refused" else "status"
    return f'<p class="notice {notice.kind}" role="{role}">{about}{text(notice.message)}</p>'
