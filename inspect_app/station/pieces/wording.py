"""Names the way they are written on the station, safe to put into HTML."""

import re
from html import escape

from inspect_app.station.pieces.language import tr


def text(value: str) -> str:
    """Text from outside (file names, reasons, names), safe to put into HTML."""
    return escape(value, quote=True)


def part_title(name: str) -> str:
    """`left_lead` as people say it; `elsewhere` and free heads, no parts, have their own words."""
    if name == "elsewhere":
        return tr("elsewhere")
    if name == "free":
        return tr("free heads")
    if numbered := re.fullmatch(r"free (\d+)", name):
        return tr("free {n}", n=numbered[1])
    return name.replace("_", " ")


def short_id(full: str) -> str:
    """The first characters of a hash, enough to tell two apart."""
    return full[:8]
