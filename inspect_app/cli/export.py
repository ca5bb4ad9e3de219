"""`inspect export`: turn a trained run into the bundle that goes to the line."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def export(
    run: Annotated[Path, typer.Option(help="The run that `inspect train` wrote.")],
    out: Annotated[
        Path,
        typer.Option(help="The bundle's folder, or a file ending in .zip; must not exist yet."),
    ],
    precision: Annotated[
        Literal["float32", "float16", "int8"],
        typer.Option(help="Numbers inside the graph: float16 for GPUs, int8 for CPUs."),
    ] = "float32",
    max_flips: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of calibration images whose verdict float16 or int8 may change.",
        ),
    ] = 0.005,
    check_images: Annotated[
        int,
        typer.Option(min=0, help="The most calibration images compared; 0: none (float32 only)."),
    ] = 1000,
    sign_key: Annotated[
        Path | None, typer.Option(help="Sign with this Ed25519 private key, a PEM file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Export a trained run as a bundle: graph, layout, policy, examples, and a card in plain words.

    Writes OUT, whole or not at all, after checking on the example images and on the calibration
    images that the graph answers like the network. In int8, layers are put back to float32 until
    few enough verdicts change. Keys for --sign-key: openssl genpkey -algorithm ed25519 -out key.pem
    makes the secret one, openssl pkey -in key.pem -pubout -out public.pem the one for the line.

    Exit codes: 0 done, 2 usage, 3 an unfinished run, a place that is taken, or a wrong key, 4 the
    graph does not answer like the network, or changes more verdicts than --max-flips.

    Example: inspect export --run runs/train --out bundle
    """
    from deploy.export.run import ExportOptions, export_run

    options = ExportOptions(precision, max_flips, check_images, sign_key)
    bundle = export_run(run, out, options)
    if as_json:
        import json

        identity = {"bundle": str(out), "bundle_id": bundle.bundle_id, "precision": precision}
        typer.echo(json.dumps({**identity, "model_id": bundle.manifest.model_id}, indent=1))
    else:
        typer.echo(f"{out}: {bundle.label}; next: inspect verify {out} on the machine of the line")
