"""Which part is on show: stepping through the store, deciding, and moving on to the next one."""

import time
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from inspect_app.station.pieces.language import tr
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.sign_in import signed_in
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import DecisionName, Outcome
from span_train.contract.errors import StoreError

SETTLE_S = 0.3  # a part must have been seen this long before a decision about it counts
_ADDRESS_KEY = "part"
_BEYOND_ALL = 2**31 - 1


@dataclass(frozen=True)
class Notice:
    """A line about what just happened; `about` is a file name, shown as it is."""

    kind: Literal["done", "refused"]
    message: str
    about: str = ""


def part_on_show(store: StoreReader, outcome: Outcome | None) -> int | None:
    """The part to show now, or None while the store has none of this outcome.

    A visit starts at the part in the page's address; without one it follows the newest part, until
    somebody steps to another one.
    """
    part_id = st.session_state.get("part_id") or _from_address()
    if part_id is None:
        st.session_state.setdefault("following", True)
    if is_following():
        part_id = store.previous_id(_BEYOND_ALL, outcome)
    elif part_id is None or not _belongs(store, part_id, outcome):
        part_id = (
            store.next_undecided_id(part_id or 0, outcome)
            or store.next_id(part_id or 0, outcome)
            or store.previous_id(part_id or 0, outcome)
        )
    if part_id != st.session_state.get("part_id"):
        show(part_id)
    if part_id is not None:
        st.query_params[_ADDRESS_KEY] = str(part_id)
    return part_id


def is_following() -> bool:
    """Whether each new part comes up by itself."""
    return bool(st.session_state.get("following"))


def follow(wanted: bool) -> None:
    """Let each new part come up by itself, or keep the one on show."""
    st.session_state["following"] = wanted


def show(part_id: int | None) -> None:
    """Bring a part up."""
    st.session_state["part_id"] = part_id
    st.session_state["shown_at"] = time.monotonic()


def step(part_id: int | None) -> None:
    """Go to a neighbour, if there is one; what was said about the last part is over."""
    if part_id is not None:
        st.session_state.pop("notice", None)
        follow(False)
        show(part_id)


def decide(
    store: StoreReader, part_id: int, decision: DecisionName, outcome: Outcome | None
) -> None:
    """Keep the operator's decision in the store, and move on to the next undecided part."""
    state = st.session_state
    if part_id != state.get("part_id"):
        return  # a key pressed twice: its part is already decided and gone
    if time.monotonic() - state.get("shown_at", 0.0) < SETTLE_S:
        state["notice"] = Notice(
            "refused", tr("Too quick: this part had only just come up. Look first.")
        )
        return
    operator = signed_in(store)
    if operator is None:
        state["notice"] = Notice("refused", tr("Not stored: sign in first, then decide."))
        return
    try:
        reason = state.get(f"reason_{part_id}", "")
        store.record_decision(part_id, operator.name, decision, reason, operator.role)
        following = store.next_undecided_id(part_id, outcome)
    except StoreError as problem:
        state["notice"] = Notice("refused", tr("Not stored: {problem}", problem=problem))
        return
    said = tr("stored as {word}", word=SIGNS[decision].word)
    if following is None:
        said = tr("{stored}, and every part here is decided", stored=said)
    state["notice"] = Notice("done", said, store.inspection(part_id).file_name)
    if not is_following():
        show(following or part_id)


def _belongs(store: StoreReader, part_id: int, outcome: Outcome | None) -> bool:
    try:
        found = store.inspection(part_id)
    except StoreError:
        return False
    return outcome is None or found.outcome == outcome


def _from_address() -> int | None:
    wanted = str(st.query_params.get(_ADDRESS_KEY, ""))
    return int(wanted) if wanted.isdecimal() and len(wanted) < 16 else None
