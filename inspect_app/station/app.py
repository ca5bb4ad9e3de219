"""The operator's web page; `inspect station --store URL` starts it."""

import streamlit as st

from inspect_app.station.app_pages.history import show_history
from inspect_app.station.app_pages.inspect_part import show_part
from inspect_app.station.app_pages.line_health import show_health
from inspect_app.station.app_pages.review import show_review
from inspect_app.station.app_pages.shift_report import show_shift
from inspect_app.station.pieces.keyboard import SCRIPT
from inspect_app.station.pieces.language import tr
from inspect_app.station.pieces.sign_in import note_activity
from inspect_app.station.pieces.style import STYLE


def run() -> None:
    """Lay out the page that the address asks for."""
    st.set_page_config(tr("Inspection station"), layout="wide", initial_sidebar_state="collapsed")
    if not st.session_state.pop("by_itself", False):  # somebody did something
        note_activity()
    st.html(STYLE)
    st.html(SCRIPT, unsafe_allow_javascript=True)
    pages = [
        st.Page(show_part, title=tr("Inspect"), url_path="inspect", default=True),
        st.Page(show_review, title=tr("Review"), url_path="review"),
        st.Page(show_shift, title=tr("Shift"), url_path="shift"),
        st.Page(show_health, title=tr("Line"), url_path="line"),
        st.Page(show_history, title=tr("History"), url_path="history"),
    ]
    st.session_state["pages"] = pages
    st.navigation(pages, position="hidden").run()


if __name__ == "__main__":
    run()
