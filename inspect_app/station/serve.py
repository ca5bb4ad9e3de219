"""Start the station's web server on this machine only, and stop it cleanly."""

import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from inspect_app.page_server import WebPage, running_page, serve_page
from inspect_app.station.pieces.style import THEME

STORE_VARIABLE = "INSPECT_STORE_URL"
LANGUAGE_VARIABLE = "INSPECT_LANGUAGE"
SIGN_OUT_VARIABLE = "INSPECT_SIGN_OUT_S"


def serve_station(store_url: str, port: int, ready: Callable[[str], object]) -> None:
    """Serve the station until Ctrl-C or SIGTERM.

    Args:
        store_url: Handed over in the environment: a command line is seen by all.
        ready: Called with the address once pages are served.

    Raises:
        InputError: The port is taken.
    """
    serve_page(_station(store_url), port, ready)


def running_station(
    store_url: str, port: int
) -> AbstractContextManager[tuple[subprocess.Popen[bytes], str]]:
    """A server that answers at the address given, stopped at the end.

    Raises:
        InputError: The port is taken.
    """
    return running_page(_station(store_url), port)


def _station(store_url: str) -> WebPage:
    script = Path(__file__).with_name("app.py")
    return WebPage("the station", script, THEME, {STORE_VARIABLE: store_url})
