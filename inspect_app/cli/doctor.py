"""`inspect doctor`: what this machine has, what really runs on it, and what to do."""

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    folder: Annotated[
        Path, typer.Option(help="A folder that results are to be written to.")
    ] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check this machine: versions, processors that really run a graph, folder, disk, browser.

    Writes nothing that stays. Packages for training are only reported: a line PC needs none.

    Exit codes: 0 everything a line PC needs is there, 2 usage, 4 something needed is missing.

    Example: inspect doctor --folder results --json
    """
    from inspect_app.cli.machine_checks import as_json_text, as_lines, check_machine
    from span_train.contract.errors import GateMissed

    checks = check_machine(folder)
    typer.echo(as_json_text(checks) if as_json else "\n".join(as_lines(checks)))
    missed = [check.name for check in checks if check.state == "problem"]
    if missed:
        raise GateMissed(
            f"this machine is not ready: {', '.join(missed)}; what to do stands above."
        )
