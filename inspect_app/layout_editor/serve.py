"""Start the layout editor's web server on this machine only, and stop it cleanly."""

import json
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from inspect_app.page_server import WebPage, running_page, serve_page
from inspect_app.station.pieces.style import THEME

EDIT_VARIABLE = "INSPECT_LAYOUT_EDIT"


def serve_editor(
    line: Path,
    overrides: Sequence[str],
    exemplar: Path | None,
    port: int,
    ready: Callable[[str], object],
) -> None:
    """Serve the editor until Ctrl-C or SIGTERM.

    Args:
        line: The line's YAML.
        overrides: Settings laid over it.
        exemplar: The image to draw on; None is the line's own, or a typical one.
        ready: Called with the address once the page is served.

    Raises:
        InputError: The port is taken.
    """
    serve_page(_editor(line, overrides, exemplar), port, ready)


def running_editor(
    line: Path, port: int, exemplar: Path | None = None
) -> AbstractContextManager[tuple[subprocess.Popen[bytes], str]]:
    """A server that answers at the address given, stopped at the end.

    Raises:
        InputError: The port is taken.
    """
    return running_page(_editor(line, (), exemplar), port)


def _editor(line: Path, overrides: Sequence[str], exemplar: Path | None) -> WebPage:
    told = {
        "line": str(line.resolve()),
        "overrides": list(overrides),
        "exemplar": str(exemplar.resolve()) if exemplar else None,
    }
    script = Path(__file__).with_name("app.py")
    return WebPage("the layout editor", script, THEME, {EDIT_VARIABLE: json.dumps(told)})
