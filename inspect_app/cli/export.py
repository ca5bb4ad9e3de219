"""`inspect export`: turn a trained run into the bundle that goes to the line."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Option(help="The run that `inspect train` wrote.")],
    out: Annotated[Path, typer.Option(help="The bundle's folder; must not exist, or be empty.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Export a trained run as a bundle: graph, layout, policy, examples, and a card in plain words.

    Writes the folder OUT, whole or not at all, after checking on the example images that the graph
    answers like the network.

    Exit codes: 0 done, 2 usage, 3 an unfinished run or a place that is taken, 4 the graph does not
    answer like the network.

    Example: inspect export --run runs/train --out bundle
    """
    from deploy.export.run import export_run

    bundle = export_run(run, out)
    if as_json:
        import json

        identity = {"bundle": str(out), "bundle_id": bundle.bundle_id}
        typer.echo(json.dumps({**identity, "model_id": bundle.manifest.model_id}, indent=1))
    else:
        typer.echo(f"{out}: {bundle.label}; next: inspect verify {out} on the machine of the line")
