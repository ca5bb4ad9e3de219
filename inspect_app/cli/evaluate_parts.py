"""`inspect evaluate-parts`: how well the heads mark the parts of images with known masks."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate_parts(
    run: Annotated[Path, typer.Option(help="The run that `inspect pretrain` wrote.")],
    images: Annotated[Path, typer.Option(help="Folder of whole images.")],
    masks: Annotated[Path, typer.Option(help="Folder with <part>/<image stem>.png masks.")],
    out: Annotated[Path, typer.Option(help="The JSON file to write.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print parts.json.")] = False,
) -> None:
    """Measure pixel average precision of each part's head, beside template, oracle and chance.

    Writes OUT (parts.json). For a --baseline run the best head of each part is read, chosen on
    the other images.

    Exit codes: 0 done, 2 usage, 3 masks or runs that do not fit.

    Example: inspect evaluate-parts --run runs/pretrain --images test --masks masks --out parts.json
    """
    import json

    from span_train.evaluate.run_parts import evaluate_parts as run_evaluate_parts

    found = run_evaluate_parts(run, images, masks, out)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    typer.echo(f"{'part':<20}{'head':>8}{'template':>10}{'oracle':>8}{'chance':>8}")
    for name, part in found["parts"].items():
        cells = (part["ap"], part["template_ap"], part["oracle_ap"], part["chance"])
        head, template, oracle, chance = ("-" if c is None else f"{c:.3f}" for c in cells)
        typer.echo(f"{name:<20}{head:>8}{template:>10}{oracle:>8}{chance:>8}")
    typer.echo(f"{found['images']} images, mean {found['map']:.3f} ({found['heads']} heads); {out}")
