"""The drawing canvas as a Streamlit component: its files, and what goes in and comes out."""

from collections.abc import Callable
from importlib import resources
from typing import Any

import streamlit as st

# In the order in which they are put together to one module.
SCRIPTS = (
    "view.js",
    "shapes.js",
    "paint.js",
    "guides.js",
    "tools.js",
    "panel.js",
    "keys.js",
    "document.js",
    "editor.js",
    "edits.js",
    "screen.js",
)
_PICTURE_SCRIPT = """
export default function ({ data }) {
  window.layoutPicture = data;
  window.dispatchEvent(new Event('layout-picture'));
}
"""


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


_CANVAS = st.components.v2.component(
    "layout_canvas",
    html=_read("editor.html"),
    css=_read("editor.css"),
    js="\n".join(map(_read, SCRIPTS)),
)
# The picture goes over once, and not with every answer.
_PICTURE = st.components.v2.component("layout_picture", js=_PICTURE_SCRIPT)


def show_canvas(data: dict[str, Any], key: str, changed: Callable[[], None]) -> None:
    """Show the editor.

    Args:
        data: What the page is to show; `start` in `editor.js` tells what it needs.
        key: Its key in the session state; `work` in there is what was drawn and asked.
        changed: Called when that changes.
    """
    _CANVAS(data=data, key=key, on_work_change=changed)


def show_picture(jpeg: str) -> None:
    """Hand the picture to draw on over to the browser, as base64."""
    _PICTURE(data={"jpeg": jpeg}, key="picture", height=1)
