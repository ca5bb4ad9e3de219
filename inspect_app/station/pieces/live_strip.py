"""What renews itself: what is wrong with the line, and which parts wait for a decision."""

from datetime import UTC, datetime

import streamlit as st

from inspect_app.station.pieces.language import tr
from inspect_app.station.pieces.line_state import line_state
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.sign_in import signed_in
from inspect_app.station.pieces.wording import text
from inspect_app.store.reader import StoreReader
from span_train.contract.errors import StoreError

LOOK_EVERY_S = 0.5
QUEUE_SHOWN = 4


@st.fragment(run_every=LOOK_EVERY_S)
def line_strip(store: StoreReader, newest_id: int) -> None:
    """Say how the line is; renew the page when there is a new part, and end a forgotten visit."""
    was_signed_in = "signed_in" in st.session_state
    try:
        is_old = store.live.newest_id() != newest_id
        is_over = was_signed_in and signed_in(store) is None
    except StoreError as problem:
        st.html(f'<section class="line-state stopped"><b>{text(str(problem))}</b></section>')
        return
    if is_old or is_over:
        st.session_state["by_itself"] = True
        st.rerun()
    st.html(line_state(store.address.assets, datetime.now(UTC)) or '<i class="line-well"></i>')


def queue_line(store: StoreReader) -> str:
    """HTML of the parts that wait for a decision, the oldest first."""
    waiting = store.live.waiting(QUEUE_SHOWN + 1)
    if not waiting:
        return f'<p class="queue quiet">{tr("Nothing waits for a decision")}</p>'
    names = "".join(
        f'<span><img src="{SIGNS[part.verdict].on_panel()}" alt="{SIGNS[part.verdict].word}">'
        f"{text(part.file_name)}</span>"
        for part in waiting[:QUEUE_SHOWN]
    )
    more = "<span>…</span>" if len(waiting) > QUEUE_SHOWN else ""
    return f'<p class="queue"><b>{tr("Waiting")}</b>{names}{more}</p>'
