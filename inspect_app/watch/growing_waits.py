"""How long to wait before something that failed is tried again: ever longer, up to a limit."""

from collections.abc import Iterator

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0


def growing_waits() -> Iterator[float]:
    """Seconds to wait before the next try: half a second at first, half a minute in the end."""
    wait_s = _FIRST_WAIT_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
