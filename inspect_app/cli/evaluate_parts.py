"""`inspect evaluate-parts`: how well the heads mark the parts of images with known masks."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate_parts(
    run: Annotated[Path, typer.Option(help="The run that `inspect pretrain` wrote.")],
    images: Annotated[Path, typer.Option(help="Folder of whole images.")],
    masks: Annotated[Path, typer.Option(help="Folder with <part>/<image stem>.png masks.")],
    out: Annotated[Path, typer.Option(help="The JSON file to write.")],
    baseline: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN", help="A run to compare with, like one without SPAN; may be repeated."
        ),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="The picture to write; default: OUT, ending in .png.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals, and of random images.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print parts.json.")] = False,
) -> None:
    """Measure pixel average precision of each part's head, beside template, oracle and chance.

    Writes OUT (parts.json) and a sheet of pictures: image, truth, template, and each part's head.
    For a --baseline run, and for a run without SPAN, the best head of each part is read, chosen on
    the other images. `in part` is the share of attention inside it, `pointing` how often the
    attention is highest there.

    Exit codes: 0 done, 2 usage, 3 masks or runs that do not fit.

    Example: inspect evaluate-parts --run runs/pretrain --images test --masks masks --out parts.json
    """
    import json

    from inspect_app.cli.parts_table import parts_table
    from inspect_app.cli.progress import image_progress, note
    from span_train.evaluate.run_parts import evaluate_parts as run_evaluate_parts

    picture = sheet or out.with_suffix(".png")
    with image_progress() as show:
        found = run_evaluate_parts(
            run,
            images,
            masks,
            out,
            baselines=tuple(baseline or ()),
            sheet=picture,
            seed=seed,
            on_image=show,
        )
    note(*found["remarks"])
    typer.echo(
        json.dumps(found, indent=1) if as_json else f"{parts_table(found)}\n{out}, {picture}"
    )
