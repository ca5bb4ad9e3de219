"""Start the station's web server on this machine only, and stop it cleanly."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from inspect_app.page_server import WebPage, running_page, serve_page
from inspect_app.station.pieces.style import THEME
from inspect_app.station.sign_on import CLAIM_VARIABLE, SignOn

STORE_VARIABLE = "INSPECT_STORE_URL"
LANGUAGE_VARIABLE = "INSPECT_LANGUAGE"
SIGN_OUT_VARIABLE = "INSPECT_SIGN_OUT_S"


def serve_station(
    store_url: str, port: int, ready: Callable[[str], object], sign_on: SignOn | None = None
) -> None:
    """Serve the station until Ctrl-C or SIGTERM.

    Args:
        store_url: Handed over in the environment: a command line is seen by all.
        ready: Called with the address once pages are served.
        sign_on: Who vouches for operators, beside their PINs.

    Raises:
        InputError: The port is taken.
    """
    with _station(store_url, port, sign_on) as page:
        serve_page(page, port, ready)


@contextmanager
def running_station(
    store_url: str, port: int, sign_on: SignOn | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server that answers at the address given, stopped at the end.

    Raises:
        InputError: The port is taken.
    """
    with _station(store_url, port, sign_on) as page, running_page(page, port) as running:
        yield running


@contextmanager
def _station(store_url: str, port: int, sign_on: SignOn | None) -> Iterator[WebPage]:
    script = Path(__file__).with_name("app.py")
    told = {STORE_VARIABLE: store_url}
    with nullcontext() if sign_on is None else sign_on.as_secrets(port) as file:
        if sign_on is not None:
            told[CLAIM_VARIABLE] = sign_on.claim
        options = {} if file is None else {"secrets.files": str(file)}
        yield WebPage("the station", script, THEME, told, options)
