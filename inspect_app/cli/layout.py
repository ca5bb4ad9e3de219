"""`inspect layout`: make a line's layout and show it, before any training."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class LayoutFrom(StrEnum):
    """Where the parts come from."""

    exemplar = "exemplar"
    statistics = "statistics"
    intensity = "intensity"


def layout(
    line: Annotated[Path, typer.Argument(metavar="LINE.yaml", help="The line's settings.")],
    out: Annotated[Path, typer.Option(help="Folder for the layout; made if missing.")],
    source: Annotated[
        LayoutFrom | None,
        typer.Option(
            "--from", help="Drawn on exemplars, image statistics, or brightness; default: LINE's."
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, like layout.parts=5."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make the line's layout and draw it, to see whether every part lies where it should.

    Writes layout.json, layout.png (the masks) and layout_picture.png: the parts over the exemplar,
    or over the mean of the images, and over a few images, with names and areas in patches.

    Exit codes: 0 done, 2 usage, 3 masks, images or settings that do not fit.

    Example: inspect layout line.yaml --from statistics --set layout.parts=3 --out layout
    """
    from inspect_app.cli.show_layout import show_layout
    from span_train.contract.settings import read_settings

    chosen = [] if source is None else [f"layout.source={source}"]
    settings = read_settings(line, (*(overrides or ()), *chosen))
    shown = show_layout(settings, out)
    for remark in shown.remarks:
        sys.stderr.write(f"note: {remark}\n")
    typer.echo(shown.as_json() if as_json else shown.as_text())
