"""Let Streamlit serve a page whose libraries are loaded before the first browser comes.

    python -m inspect_app.served_page SCRIPT [OPTIONS]

Otherwise the first to come waits for them, several seconds.
"""

import runpy
import sys

from streamlit.web.cli import main

from inspect_app.every_press import finish_every_press


def serve(script: str, options: list[str]) -> None:
    """Import what the script imports, then have it served."""
    runpy.run_path(script, run_name="imports")
    finish_every_press()
    main(["run", script, *options])


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
