"""The page on which a layout is drawn; `inspect layout LINE.yaml --edit` starts it."""

import json
import os
from pathlib import Path
from typing import Any

import streamlit as st

from inspect_app.layout_drawing.answers import answer
from inspect_app.layout_drawing.desk import Desk, open_desk
from inspect_app.layout_drawing.shown import page_data, shown_picture
from inspect_app.layout_editor.canvas import show_canvas, show_picture
from inspect_app.layout_editor.serve import EDIT_VARIABLE

_KEY = "canvas"
_STYLE = """<style>
[data-testid=stHeader], [data-testid=stToolbar], [data-testid=stDecoration] { display: none; }
[data-testid=stMainBlockContainer] { padding: 0 !important; max-width: none !important; }
[data-testid=stMain] { overflow: hidden; }
[data-testid=stVerticalBlock] { gap: 0 !important; }
.stElementContainer:has(> .stHtml) { display: none; }
</style>"""


def run() -> None:
    """Show the editor with the last answer; a change of the drawing is answered first."""
    st.set_page_config("Layout editor", layout="wide", initial_sidebar_state="collapsed")
    st.html(_STYLE)
    desk = _desk()
    if "page" not in st.session_state:
        st.session_state["page"] = page_data(desk)
        st.session_state["picture"] = shown_picture(desk)
    page: dict[str, Any] = st.session_state["page"]
    show_canvas(page | {"answer": st.session_state.get("answer")}, _KEY, _answer)
    show_picture(st.session_state["picture"])


def _desk() -> Desk:
    """The line as it is when the page is opened; a reload reads it again."""
    if "desk" not in st.session_state:
        edit = json.loads(os.environ[EDIT_VARIABLE])
        exemplar = Path(edit["exemplar"]) if edit["exemplar"] else None
        st.session_state["desk"] = open_desk(Path(edit["line"]), edit["overrides"], exemplar)
    desk: Desk = st.session_state["desk"]
    return desk


def _answer() -> None:
    work = st.session_state[_KEY]["work"]
    number = int(work["number"])
    told = answer(_desk(), work["drawing"], work["ask"])
    st.session_state["answer"] = told | {"number": number}


if __name__ == "__main__":
    run()
