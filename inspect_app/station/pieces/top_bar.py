"""The bar at the top: pages, which parts to step through, and who is deciding."""

import streamlit as st

from inspect_app.station.pieces.language import count, language_button, tr
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.sign_in import who_corner
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import Counts, Outcome

_ALL = "all"
_ORDER: tuple[Outcome, ...] = ("recheck", "fail", "pass", "unreadable")


def top_bar(store: StoreReader, counts: Counts | None = None) -> Outcome | None:
    """Draw the bar; give the outcome to step through, None for all.

    Args:
        counts: Draws the filter as well; None on pages that have none.
    """
    with st.container(key="top_bar", horizontal=True, vertical_alignment="center", wrap=False):
        st.html(
            f'<p class="brand"><i></i><span>{tr("Inspection station")}</span></p>', width="content"
        )
        for page in st.session_state.get("pages", ()):
            st.page_link(page)
        chosen = _filter(counts) if counts else None
        st.html('<span class="spacer"></span>', width="stretch")
        if counts:
            st.html(_progress(counts, chosen), width="content")
        who_corner(store)
        language_button()
    return chosen


def _filter(counts: Counts) -> Outcome | None:
    options: list[str] = [_ALL, *_ORDER[:3]]
    if counts.inspections["unreadable"]:
        options.append("unreadable")

    def label(option: str) -> str:
        outcome = _outcome(option)
        name = SIGNS[outcome].word.capitalize() if outcome else tr("All")
        return f"{name} {count(counts.of(outcome)[0])}"

    chosen = st.segmented_control(
        tr("Parts to step through"),
        options,
        default=_ALL,
        required=True,
        format_func=label,
        key="filter",
        label_visibility="collapsed",
    )
    return _outcome(chosen or _ALL)


def _outcome(option: str) -> Outcome | None:
    return next((name for name in _ORDER if name == option), None)


def _progress(counts: Counts, outcome: Outcome | None) -> str:
    total, decided = counts.of(outcome)
    said = tr("{n} of {total} decided", n=count(decided), total=count(total))
    share = 100 * decided / total if total else 0
    return (
        f'<div class="progress"><span>{said}</span><i><b style="width:{share:.1f}%"></b></i></div>'
    )
