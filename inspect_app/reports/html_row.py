"""One row of an HTML table, in reports and on the station's pages."""

from collections.abc import Sequence
from html import escape


def html_row(cells: Sequence[str], tag: str = "td") -> str:
    """A row of plain texts, made safe for HTML; `th` for a head."""
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
