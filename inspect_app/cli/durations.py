"""Read spans of time as people write them."""

import re

import typer

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Seconds of a text like 90s, 15m, 1.5h.

    Raises:
        typer.BadParameter: It is written another way.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip())
    if match is None or float(match[1]) == 0:
        raise typer.BadParameter(f"{text!r} is no span of time; write 90s, 15m or 2h.")
    return float(match[1]) * _SECONDS[match[2]]
