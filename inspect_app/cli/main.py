"""The `inspect` command line: it knows every command and turns mistakes into a line and a code.

Exit codes: 0 done, 1 internal, 2 usage, 3 input, 4 a stated goal or gate was missed, 5 done with
unreadable rows. Command modules import nothing heavy at their top, so that help comes at once.
"""

import importlib
import importlib.util
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from span_train.contract.errors import InspectionError

# In the order of the work, which is the order of `inspect --help`.
COMMANDS = (
    "demo",
    "init",
    "check",
    "layout",
    "pretrain",
    "train",
    "evaluate",
    "evaluate-parts",
    "export",
    "calibrate",
    "verify",
    "score",
    "watch",
    "serve",
    "send",
    "station",
    "operators",
    "report",
    "audit",
    "labels",
    "store-backup",
    "store-clean",
    "bench",
    "doctor",
)

app = typer.Typer(
    name="inspect",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main() -> None:
    """Run the command line; mistakes that a user can mend become one message on stderr."""
    try:
        app()
    except InspectionError as problem:
        sys.stderr.write(f"inspect: {problem}\n")
        sys.exit(problem.exit_code)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("inspect-span"))
        raise typer.Exit


@app.callback()
def about(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Inspect manufactured parts: from unlabelled images to a verdict an operator can trust.

    Start with `inspect demo --quick --out demo`, or describe your own line:
    `inspect init line.yaml --images DIR`.
    """


def _register() -> None:
    for name in COMMANDS:
        module_name = f"inspect_app.cli.{name.replace('-', '_')}"
        if importlib.util.find_spec(module_name) is not None:
            module = importlib.import_module(module_name)
            app.command(name)(getattr(module, name.replace("-", "_")))


_register()

if __name__ == "__main__":  # for launchers: torchrun … -m inspect_app.cli.main pretrain …
    main()
