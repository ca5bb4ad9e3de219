"""`inspect init`: describe a new line in one commented file."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def init(
    line: Annotated[Path, typer.Argument(metavar="LINE.yaml", help="The file to write.")],
    images: Annotated[
        list[Path], typer.Option(help="Folder of unlabelled images; may be given several times.")
    ],
    exemplar: Annotated[
        Path | None, typer.Option(help="One good image on which the parts are drawn.")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(help="Folder of masks: <part>.png, or <part>/<exemplar's name>.png."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV with image_path,label[,group][,split], or one folder a class."),
    ] = None,
    good_class: Annotated[str, typer.Option(help="The class of good parts.")] = "good",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Describe a new line: look at its images, masks and labels, and write LINE.yaml.

    Writes that one file, with comments, and never overwrites one. Paths in it start at its folder.
    Without an exemplar, parts will be found from image statistics.

    Exit codes: 0 done, 2 usage, 3 no images, or images, masks or labels that do not fit.

    Example: inspect init line.yaml --images photos --exemplar good.png --masks masks
    """
    from inspect_app.cli.new_line import describe_line, write_line

    if (exemplar is None) != (masks is None):
        raise typer.BadParameter("give --exemplar and --masks together.")
    found = describe_line(line, images, exemplar, masks, labels, good_class)
    write_line(line, found.text)
    for remark in found.remarks:
        sys.stderr.write(f"note: {remark}\n")
    typer.echo(found.as_json(line) if as_json else found.as_text(line))
